"""Distances between times as HoloViews objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, colour_map
from atmodist_core.plots.look.units import display_unit

LABELS = 4
"""Times that are named along an axis of a matrix."""

CHOSEN = "chosen pair"
"""Layer of a matrix: the cell of a pair of times."""

CHOSEN_COLOUR = "#d55e00"

_TIME_CODE = "const text = times.data.text[Math.floor(value)]; return text === undefined ? '' : text;"


def distance_matrix(
    matrices: xr.Dataset | xr.DataArray,
    *,
    pair: Sequence[Any] | None = None,
    colour_bar: bool = True,
    width: int = 320,
    theme: str = "light",
) -> Any:
    """Return distances between all times as pictures, time running right and up.

    Parameters
    ----------
    matrices : xarray.DataArray or xarray.Dataset
        Distances over two axes of times, as ``AtmoDist.matrix`` returns them; or several of them in one dataset.
    pair : two times, optional
        Mark the cell of this pair of times.
    colour_bar : bool
        Whether to add a colour bar.
    width : int
        Width of a picture [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Image, holoviews.Overlay or holoviews.Layout
        One picture for each matrix, with a colour scale of its own: units differ. With ``pair``, overlays with its mark.

    Raises
    ------
    UserError
        If nothing here is a square matrix of times, or the pair is not among the times.

    Examples
    --------
    >>> times = np.datetime64("2001-01-01") + np.arange(3) * np.timedelta64(6, "h")
    >>> matrix = xr.DataArray(np.abs(np.subtract.outer(range(3), range(3))), dims=("time", "other_time"), coords={"time": times})
    >>> distance_matrix(matrix, pair=("2001-01-01T06", "2001-01-01T12")).get(1).data["left"].tolist()
    [1.0]
    """
    hv = holoviews()
    if isinstance(matrices, xr.DataArray):
        matrices = matrices.to_dataset(name=matrices.name or "distance")
    pictures = []
    for name, matrix in matrices.data_vars.items():
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise UserError(
                f"Expected a matrix of distances between times, found {name!r} over {', '.join(map(str, matrix.dims)) or 'nothing'}; "
                "give what AtmoDist.matrix returns."
            )
        picture = _matrix_picture(hv, str(name), matrix, width, theme, colour_bar)
        pictures.append(picture if pair is None else _with_mark(hv, picture, matrix, pair))
    return pictures[0] if len(pictures) == 1 else hv.Layout(pictures)


def matrix_columns(values: np.ndarray) -> dict[str, Any]:
    """Return the columns of the picture of a matrix, shape ``(time, time)``: a time is one wide, the first begins at zero."""
    count = len(values)
    return {"image": [values], "x": [0.0], "y": [0.0], "dw": [float(count)], "dh": [float(count)]}


def mark_columns(first: int, second: int, count: int) -> dict[str, np.ndarray]:
    """Return the columns of the mark at the cell of two of ``count`` times, at least a sixtieth of the picture wide."""
    half = 0.5 * max(1.0, count / 60)
    ends = {"left": first - half, "bottom": second - half, "right": first + half, "top": second + half}
    return {name: np.array([end + 0.5]) for name, end in ends.items()}


def time_ticks(texts: Sequence[str]) -> list[tuple[float, str]]:
    r"""Return places and labels of a few of the times along an axis; ``texts`` are times in ISO format.

    Examples
    --------
    >>> time_ticks(["2001-01-01T00:00", "2001-01-01T06:00"])
    [(0.5, '01-01\n00:00'), (1.5, '01-01\n06:00')]
    """
    shown = evenly_spaced(len(texts), LABELS)
    return [(place + 0.5, texts[place][5:16].replace("T", "\n")) for place in shown.tolist()]


def set_ticks(figure: Any, ticks: Sequence[tuple[float, str]]) -> None:
    """Name these places along both axes of a rendered matrix."""
    for axis in figure.axis:
        # Two labels of the same time would overlap in the corner.
        shown = ticks[1:] if axis in figure.left and len(ticks) > 1 else ticks
        axis.ticker.ticks = [place for place, _ in shown]
        axis.major_label_overrides = dict(ticks)


def _matrix_picture(
    hv: Any, name: str, matrix: xr.DataArray, width: int, theme: str, colour_bar: bool
) -> Any:
    count = matrix.shape[0]
    texts = _time_texts(matrix)
    largest = float(np.nanmax(matrix.values)) or 1.0
    units = str(matrix.attrs.get("units", ""))
    unit = display_unit("" if units == "1" else units, largest)
    title = str(matrix.attrs.get("long_name", name)).replace("_", " ")
    label = f"{title} [{unit.text}]" if unit.text else title
    ticks = time_ticks(texts)
    image = hv.Image(
        matrix.values[::-1] * unit.factor,
        ["first", "second"],
        hv.Dimension("distance", label=label),
        bounds=(0, 0, count, count),
    )
    tips = [("first time", "$x{custom}"), ("second time", "$y{custom}"), (label, "@image{%.3g}")]
    return image.relabel(title).opts(
        frame_width=width,
        frame_height=width,
        cmap=colour_map(False, theme),
        clim=(0, largest * unit.factor),
        colorbar=colour_bar,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "title": label},
        tools=["hover"],
        hover_tooltips=tips,
        xticks=ticks,
        # Two labels of the same time would overlap in the corner.
        yticks=ticks[1:] or ticks,
        xlabel="",
        ylabel="",
        title=title,
        hooks=[_times_in_tooltips(texts), axes_hook(theme)],
    )


def _time_texts(matrix: xr.DataArray) -> list[str]:
    if matrix.dims[0] == "time":
        return list(map(shown_dates(matrix).date, time_texts(matrix)))
    times = matrix[matrix.dims[0]].values.astype("datetime64[m]")
    return [str(text) for text in np.datetime_as_string(times)]


def _times_in_tooltips(texts: Sequence[str]) -> Callable[[Any, Any], None]:
    """Write times instead of their places; the texts are the column of a source named ``times``."""

    def write(plot: Any, _element: Any) -> None:
        from bokeh.models import ColumnDataSource, CustomJSHover

        times = ColumnDataSource({"text": [text.replace("T", " ") for text in texts]}, name="times")
        script = CustomJSHover(args={"times": times}, code=_TIME_CODE)
        plot.handles["hover"].formatters = {"$x": script, "$y": script, "@image": "printf"}

    return write


def _with_mark(hv: Any, picture: Any, matrix: xr.DataArray, pair: Sequence[Any]) -> Any:
    times = matrix[matrix.dims[0]].values.astype("datetime64[m]").tolist()
    wanted = np.array(pair, dtype="datetime64[m]").tolist()
    if len(wanted) != 2 or not set(wanted) <= set(times):
        raise UserError(
            f"Expected two of the times {times[0]} to {times[-1]}, found {', '.join(map(str, pair))}; choose two of them."
        )
    ends = mark_columns(times.index(wanted[0]), times.index(wanted[1]), len(times))
    mark = hv.Rectangles(ends, ["left", "bottom", "right", "top"], label=CHOSEN)
    looks = {"fill_alpha": 0, "line_color": CHOSEN_COLOUR, "line_width": 2.5, "show_legend": False}
    return (picture * mark.opts(**looks)).relabel(picture.label)
