"""An interactive cell on a dataset: maps and spectra that follow time, region, field and projection."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.fields.grid.projections import PROJECTIONS, Area, Projection
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.map_plots.panels import area_of, field_maps, map_size
from atmodist_core.plots.spectrum_plots.semivariograms import semivariograms
from atmodist_core.plots.spectrum_plots.spectra import spectra
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_states, field_of, load_models

EVERYWHERE = "everywhere"
"""Choice of the region that shows all of the data."""

DEFAULT_MODELS = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
FIELDS = ("vorticity", "divergence")
WIDTH = 330
"""Width of every plot [pixels]."""

_PLACES = ("longitude", "latitude", "x", "y")


def explore(data: xr.Dataset, models: Models | None = None, *, columns: int = 3, theme: str = "light") -> Any:
    """Return maps and spectra of a dataset with widgets for time, region, field and projection.

    Lambert maps show one hemisphere and at most 120 degrees: of larger areas a Robinson map is drawn, and its titles say so.

    Parameters
    ----------
    data : xarray.Dataset
        Canonical fields, as :func:`atmodist_core.open_fields` returns them.
    models : sequence or mapping, optional
        Downscalers by name or as objects, or label -> downscaler; an interpolation and two networks by default, nothing but
        the fields themselves for an empty sequence.
    columns : int
        Maps in a row.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout
        Of ``DynamicMap``; a notebook shows it with its widgets, ``panel.panel`` makes a page of it.

    Raises
    ------
    UserError
        If the fields lack vorticity or divergence, or a model cannot be loaded.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> layout = explore(ad.open_demo().isel(time=slice(0, 2)), ["bicubic"])
    >>> [str(name) for name in layout.DynamicMap.I.kdims]
    ['time', 'region', 'field', 'projection']
    """
    hv = holoviews()
    missing = [name for name in FIELDS if name not in data]
    if missing:
        raise UserError(
            f"Expected vorticity and divergence to explore, found no {missing[0]}; open the data with atmodist_core.open_fields."
        )
    downscalers = load_models(DEFAULT_MODELS if models is None else models)
    names = [*([COARSE] if downscalers else []), *downscalers, TRUTH]
    # By the dates that people choose.
    times = {shown_dates(data).date(time): time for time in time_texts(data)}
    states_at = _cached_states(data, downscalers, times)

    @lru_cache(maxsize=4)
    def maps_of(time: str, region: str, field: str, projection: str) -> list[Any]:
        fields = {label: field_of(state, field) for label, state in states_at(time, region).items()}
        return _panels(fields, projection, theme)

    def one_map(number: int) -> Callable[[str, str, str, str], Any]:
        return lambda time, region, field, projection: maps_of(time, region, field, projection)[number]

    def spectrum(time: str, region: str, field: str) -> Any:
        return own(
            spectra(dict(states_at(time, region)), quantity=field, ratio=False, width=WIDTH, theme=theme)
        )

    def semivariogram(time: str, region: str, field: str) -> Any:
        return own(semivariograms(dict(states_at(time, region)), field=field, width=WIDTH, theme=theme))

    def own(plot: Any) -> Any:
        """Axes that are not shared with the maps, and follow the values."""
        return plot.map(lambda layer: layer.opts(axiswise=True, framewise=True), hv.Element)

    choices = {"time": list(times), "region": _regions_of(data), "field": list(FIELDS)}
    on_maps = {**choices, "projection": list(PROJECTIONS)}
    plots = [
        hv.DynamicMap(one_map(number), kdims=list(on_maps)).redim.values(**on_maps)
        for number in range(len(names))
    ]
    plots += [
        hv.DynamicMap(draw, kdims=list(choices)).redim.values(**choices) for draw in (spectrum, semivariogram)
    ]
    return hv.Layout(plots).cols(columns)


def _panels(fields: dict[str, xr.DataArray], projection: str, theme: str) -> list[Any]:
    """Maps that also look right in the place of maps of another region or projection."""
    note = ""
    try:
        drawn = field_maps(fields, projection=projection, theme=theme)
    except UserError:
        if projection != "lambert":
            raise
        drawn, note, projection = (
            field_maps(fields, projection="robinson", theme=theme),
            " (Robinson)",
            "robinson",
        )
    panels = [drawn] if len(fields) == 1 else list(drawn)
    outlines = [area_of(values) for values in fields.values()]
    corners = np.array([(area.west, area.east, area.south, area.north) for area in outlines])
    area = Area(*(float(reduce(corners[:, n])) for n, reduce in enumerate((np.min, np.max, np.min, np.max))))
    fit = _fitting(Projection(projection, area))
    return [
        panel.opts(title=panel.label + note, hooks=[*panel.opts.get("plot").kwargs.get("hooks", []), fit])
        for panel in panels
    ]


def _fitting(projection: Projection) -> Callable[[Any, Any], None]:
    """A hook that gives the figure frame, axes and hover texts of a map, once for each map: zooming lasts from time to time."""
    outline = projection.outline()
    (west, south), (east, north) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()

    def fit(plot: Any, _element: Any) -> None:
        if plot.handles.get("atmodist_map") == projection:
            return
        plot.handles["atmodist_map"] = projection
        figure = plot.state
        figure.x_range.update(start=west, end=east, reset_start=west, reset_end=east)
        figure.y_range.update(start=south, end=north, reset_start=south, reset_end=north)
        figure.update(**map_size(projection, figure.frame_width))
        for axis in (*figure.xaxis, *figure.yaxis):
            axis.visible = projection.is_plane
        place = ("$x", "$y") if projection.is_plane else ("@lon", "@lat")
        for tool in figure.tools:
            if type(tool).__name__ == "HoverTool" and isinstance(tool.tooltips, list):
                values = [pair for pair in tool.tooltips if pair[0].split(" ")[0] not in _PLACES]
                tool.tooltips = [("longitude", place[0]), ("latitude", place[1]), *values]

    return fit


def _cached_states(
    data: xr.Dataset, downscalers: dict[str, Any], times: dict[str, str]
) -> Callable[[str, str], dict[str, xr.Dataset]]:
    """States of a time and region, computed once for all plots of the cell."""

    @lru_cache(maxsize=4)
    def states(time: str, region: str) -> dict[str, xr.Dataset]:
        return compared_states(
            data, downscalers, time=times[time], region=None if region == EVERYWHERE else region
        )

    return states


def _regions_of(data: xr.Dataset) -> list[str]:
    """Everything, and the presets that the data cover."""
    from atmodist_core.evaluation.geometry import is_global_grid
    from atmodist_core.fields.grid.regions import REGIONS

    if not is_global_grid(data):
        return [EVERYWHERE]
    return [*(name for name, box in REGIONS.items() if not box.is_full_circle), EVERYWHERE]
