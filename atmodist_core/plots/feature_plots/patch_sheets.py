"""Sheets of the patches that excite a filter most, and of what in them excites it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.features.strongest import patch_text
from atmodist_core.figures.maps.field_maps import QUANTILE, scale_limits
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import FONT, axes_hook, colour_map, theme_of
from atmodist_core.plots.look.units import DisplayUnit, display_unit, field_label

GAP, FOOT = 0.05, 0.17
"""Space right of a patch and, for its text, below it; relative to its side."""

PATCHES, TEXTS = "patches", "texts"
"""Labels of the layers of a sheet."""


def strongest_patches(
    patches: xr.Dataset,
    changes: xr.Dataset | None = None,
    *,
    field: str = "vorticity",
    columns: int = 3,
    width: int = 360,
    quantile: float = QUANTILE,
    theme: str = "light",
) -> Any:
    """Return sheets of the strongest patches of every filter, and beside each what in them excites it.

    All patches have one colour scale, and all changes another: both are in the unit that the colour bar says. A patch shows its own grid points.
    Below it stand its time (month, day and hour, UTC) and place.

    Parameters
    ----------
    patches : xarray.Dataset
        As from :func:`atmodist_core.features.strongest_patches`; some filters, or one.
    changes : xarray.Dataset, optional
        As from :func:`atmodist_core.features.exciting_change` at the same places.
    field : str
        A channel of the network.
    columns : int
        Patches in a row of a sheet.
    width : int
        Width of a sheet [pixels].
    quantile : float
        Of the absolute values, which is the end of the colour scale.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout
        A row for each filter.

    Raises
    ------
    UserError
        If there is no such field, or no filter has a patch.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo, distance = ad.open_demo().isel(time=slice(0, 2)), ad.load_distance("atmodist-23")
    >>> patches = ad.features.strongest_patches(distance, demo, filters=[3], layer="stage2", count=4)
    >>> [sheet.label for sheet in strongest_patches(patches, columns=2)]
    ['filter 3 of stage2: strongest patches']
    """
    given = {"strongest patches": patches, **({} if changes is None else {"what excites it": changes})}
    given = {name: _with_filter(one, field) for name, one in given.items()}
    scales = {name: _scale(one[field], quantile) for name, one in given.items()}
    sheets = []
    layer, filters = str(patches.attrs.get("layer", "")), given["strongest patches"]["filter"].values
    for number in filters:
        for name, one in given.items():
            here, (limit, unit) = one.sel(filter=number), scales[name]
            if not np.isfinite(here["activation"].values).any():
                continue
            title = f"filter {number} of {layer}: {name}"
            label = _scale_label(one, field, unit)
            sheets.append(
                sheet_of(here, field, limit, unit, label, columns, theme).relabel(title).opts(title=title)
            )
    if not sheets:
        raise UserError("Expected a filter with at least one patch, found none; these filters are silent.")
    shape = sheet_shape(patches.sizes["rank"], columns)
    size = {"frame_width": width, "frame_height": round(width * shape[1] / shape[0])}
    return holoviews().Layout([sheet.opts(**size) for sheet in sheets]).cols(len(given))


def sheet_of(
    patches: xr.Dataset, field: str, limit: float, unit: DisplayUnit, label: str, columns: int, theme: str
) -> Any:
    """Return the sheet of one filter: a picture and texts; ``limit`` is in the units of the field."""
    hv, colours = holoviews(), theme_of(theme)
    picture = sheet_picture(patches, field, unit.factor, columns)
    value = hv.Dimension("value", label=label)
    vdims = [value, hv.Dimension("lat", label="latitude"), hv.Dimension("lon", label="longitude")]
    width, height = sheet_shape(patches.sizes["rank"], columns)
    values, latitude, longitude = (np.flipud(picture[name]) for name in ("image", "lat", "lon"))
    image = hv.Image(
        np.dstack([values, latitude, longitude]),
        ["x", "y"],
        vdims,
        bounds=(0, 0, width, height),
        label=PATCHES,
    )
    image = image.opts(
        cmap=colour_map(True, theme),
        clim=(-limit * unit.factor, limit * unit.factor),
        colorbar=True,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "padding": 2, "title": label},
        clipping_colors={"NaN": "transparent"},
        tools=["hover"],
        hover_tooltips=[(label, "@image{0.00}"), ("latitude", "@lat{0.0}"), ("longitude", "@lon{0.0}")],
    )
    texts = hv.Labels(sheet_texts(patches, columns), ["x", "y"], "text", label=TEXTS)
    texts = texts.opts(
        text_font_size="9px",
        text_color=colours.muted,
        text_align="left",
        text_baseline="top",
        hooks=[_text_font],
    )
    return hv.Overlay([image, texts]).opts(
        hooks=[axes_hook(theme)],
        xaxis=None,
        yaxis=None,
        show_legend=False,
        xlim=(0, width),
        ylim=(0, height),
        active_tools=[],
    )


def sheet_shape(count: int, columns: int) -> tuple[float, float]:
    """Return width and height of a sheet of so many patches, in sides of a patch."""
    across, down = min(count, columns), -(-count // columns)
    return across * (1 + GAP) - GAP, down * (1 + FOOT)


def sheet_picture(
    patches: xr.Dataset, field: str, factor: float, columns: int
) -> dict[str, NDArray[np.float32]]:
    """Return the patches of one filter as one picture, rows from south to north: ``image``, and ``lat`` and ``lon`` of its points."""
    count, size = patches.sizes["rank"], patches.sizes["y"]
    gap, foot = max(1, round(GAP * size)), max(1, round(FOOT * size))
    across, down = min(count, columns), -(-count // columns)
    shape = down * (size + foot), across * (size + gap) - gap
    north = patches["y"].values.argsort()[::-1]  # rows from the north
    points = {
        "image": patches[field].values[:, north] * factor,
        "lat": np.broadcast_to(
            patches["latitude"].values[:, None, None] + patches["y"].values[north][None, :, None],
            (count, size, size),
        ),
        "lon": np.broadcast_to(
            (patches["longitude"].values[:, None, None] + patches["x"].values[None, None, :]) % 360.0,
            (count, size, size),
        ),
    }
    found = {}
    for name, values in points.items():
        sheet = np.full(shape, np.nan, dtype=np.float32)
        for number in range(count):
            top, left = number // columns * (size + foot), number % columns * (size + gap)
            sheet[top : top + size, left : left + size] = values[number]
        found[name] = sheet[::-1]
    return found


def sheet_texts(patches: xr.Dataset, columns: int) -> dict[str, Any]:
    """Return time and place of every patch, and where they stand on the sheet: below its left corner."""
    count = patches.sizes["rank"]
    number = np.arange(count)
    known = np.isfinite(patches["activation"].values)
    texts = [patch_text(patches.isel(rank=n)) if known[n] else "" for n in range(count)]
    down = -(-count // columns)
    return {
        "x": number % columns * (1 + GAP),
        "y": (down - number // columns) * (1 + FOOT) - 1 - 0.02,
        "text": texts,
    }


def patch_at(x: float, y: float, count: int, columns: int) -> int | None:
    """Return the number of the patch at a point of the sheet, or None beside all.

    Examples
    --------
    >>> patch_at(0.5, 2.0, 4, 2), patch_at(1.5, 0.6, 4, 2), patch_at(-1.0, 0.5, 4, 2)
    (0, 3, None)
    """
    down = -(-count // columns)
    column, row = int(np.floor(x / (1 + GAP))), int(np.floor(down - y / (1 + FOOT)))
    number = row * columns + column
    return number if 0 <= column < min(count, columns) and 0 <= row < down and number < count else None


def _with_filter(patches: xr.Dataset, field: str) -> xr.Dataset:
    if field not in patches or "rank" not in patches.dims:
        raise UserError(
            f"Expected patches of {field} over filter and rank, found {', '.join(map(str, patches.data_vars))}; "
            "give what atmodist_core.features.strongest_patches returns, and a field of it."
        )
    return patches if "filter" in patches.dims else patches.expand_dims("filter")


def _scale(values: xr.DataArray, quantile: float) -> tuple[float, DisplayUnit]:
    if not np.isfinite(values.values).any():
        raise UserError("Expected a filter with at least one patch, found none; these filters are silent.")
    limit = scale_limits([values], quantile=quantile)[1]
    return limit, display_unit(str(values.attrs.get("units", "")), limit)


def _scale_label(patches: xr.Dataset, field: str, unit: DisplayUnit) -> str:
    rise = patches.attrs.get("rise")
    label = field_label(field, unit)
    return label if rise is None else f"change of {label} that raises the activation by {100 * rise:.0f} %"


def _text_font(plot: Any, _element: Any) -> None:
    # HoloViews takes the font's name for that of a column.
    from bokeh.core.properties import value

    plot.handles["glyph"].text_font = value(FONT)
