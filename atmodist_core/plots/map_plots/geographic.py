"""One map as GeoViews elements, to be combined with layers of one's own and projected with cartopy."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.fields.grid.projections import Area
from atmodist_core.figures.maps.field_maps import QUANTILE, scale_limits
from atmodist_core.figures.maps.projected_maps import cell_edges
from atmodist_core.plots.backend import geoviews
from atmodist_core.plots.look.style import axes_hook, colour_map, theme_of
from atmodist_core.plots.look.units import display_unit, field_label
from atmodist_core.plots.map_plots.geography import WIDE_DEG
from atmodist_core.plots.map_plots.panels import area_of
from atmodist_core.plots.states import at_time, field_of

AXES = ["longitude", "latitude"]


def geo_map(
    data: xr.Dataset | xr.DataArray,
    *,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    projection: Any = None,
    limit: float | None = None,
    quantile: float = QUANTILE,
    coastlines: bool = True,
    width: int = 640,
    theme: str = "light",
) -> Any:
    """Return a map of one field as GeoViews elements, which know their coordinate system.

    Use it to lay tracks, boxes or stations of your own over a field, and for projections of cartopy. Nothing is downloaded:
    coastlines are those that ship, while ``geoviews.feature`` would fetch them.

    Parameters
    ----------
    data : xarray.Dataset or xarray.DataArray
        Fields, of which one is shown: the truth, or what a downscaler made; or the field itself.
    field : str
        A variable of the data, or ``wind_speed``.
    time : int, str or numpy.datetime64
        Position on the time axis, or a time.
    region : Region, str or None
        Part to show; everything by default.
    projection : cartopy.crs.Projection, optional
        Projection of the map; plate carree by default. Layers of your own get the same one with ``.opts(projection=...)``, and
        ``geoviews.operation.project`` gives their coordinates in it.
    limit, quantile : float
        End of the colour scale in the unit of the field; by default this quantile of the absolute values.
    coastlines : bool
        Whether to draw them.
    width : int
        Width of the map [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        A ``geoviews.Image``, on uneven latitudes a ``geoviews.QuadMesh``, and a ``geoviews.Path``. A projected image shows at
        each point the value of the nearest grid point.

    Raises
    ------
    UserError
        If GeoViews is missing, or there is no such field, time or region.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> picture = geo_map(ad.open_demo(), region="Europe")
    >>> [type(layer).__module__.split(".")[0] + "." + type(layer).__name__ for layer in picture]
    ['geoviews.Image', 'geoviews.Path']
    """
    from atmodist_core.fields.grid.regions import as_region

    gv, crs = geoviews()
    values = _values_of(data, field, time, as_region(region))
    low, high = scale_limits([values], limit=limit, quantile=quantile)
    unit = display_unit(str(values.attrs.get("units", "")), high)
    label = field_label(str(values.attrs.get("long_name", values.name or "value")), unit)
    shown = values.copy(data=values.values.astype(np.float32) * np.float32(unit.factor))
    if projection is not None:
        shown = _repeated(shown, width)
    layers = [
        _picture(gv, crs, shown, label).opts(
            cmap=colour_map(low < 0, theme),
            clim=(low * unit.factor, high * unit.factor),
            colorbar=True,
            colorbar_position="bottom",
            colorbar_opts={"height": 8, "padding": 2, "title": label},
            tools=["hover"],
            clipping_colors={"NaN": "transparent"},
            # Of the picture and not of the overlay: they stay when a layer is added.
            frame_width=width,
            data_aspect=1.0 if projection is not None else _stretch(area_of(values)),
            hooks=[axes_hook(theme)],
        )
    ]
    if coastlines:
        lines = gv.Path(_coastlines(area_of(values)), AXES, crs=crs.PlateCarree(), label="coastlines")
        layers.append(lines.opts(color=theme_of(theme).text, line_width=0.9, alpha=0.8))
    chosen = projection or crs.PlateCarree()
    if projection is not None:
        layers = [gv.operation.project(layer, projection=chosen) for layer in layers]
    layers = [layer.opts(projection=chosen) for layer in layers]
    return gv.Overlay(layers)


def _values_of(data: xr.Dataset | xr.DataArray, field: str, time: Any, box: Any) -> xr.DataArray:
    """One field of one time in a region, with longitude within -180..180 where all of it is shown."""
    if isinstance(data, xr.DataArray):
        field = str(data.name or field)
        data = data.to_dataset(name=field)
    values = field_of(at_time(data, time), field)
    if box is not None:
        return box.select(values.to_dataset(name=field))[field]
    longitude = (values["longitude"] + 180.0) % 360.0 - 180.0
    return values.assign_coords(longitude=longitude).sortby("longitude")


def _picture(gv: Any, crs: Any, values: xr.DataArray, label: str) -> Any:
    """An image on an even grid, else a mesh."""
    upwards = values.sortby("latitude")
    columns = (upwards["longitude"].values, upwards["latitude"].values, upwards.values)
    value = gv.Dimension("value", label=label)
    steps = np.diff(columns[1])
    if np.ptp(steps) > 1e-3 * steps.max():
        return gv.QuadMesh(columns, AXES, value, crs=crs.PlateCarree())
    return gv.Image(columns, AXES, value, crs=crs.PlateCarree(), rtol=1e-2)


def _repeated(values: xr.DataArray, pixels: int) -> xr.DataArray:
    """The same cells in several parts each: GeoViews projects onto as many pixels as an image has points."""
    counts = {axis: max(1, -(-pixels // values.sizes[axis])) for axis in ("latitude", "longitude")}
    for axis, count in counts.items():
        edges = cell_edges(values[axis].values.astype(float))
        within = (np.arange(count) + 0.5) / count
        places = (edges[:-1, None] + np.diff(edges)[:, None] * within).ravel()
        values = values.isel({axis: np.repeat(np.arange(values.sizes[axis]), count)}).assign_coords(
            {axis: places}
        )
    return values


def _stretch(area: Area) -> float:
    """Length of a degree of latitude relative to one of longitude in the middle of a map."""
    return 1.0 if area.is_global else float(min(1 / np.cos(np.deg2rad(area.centre[1])), 3.0))


def _coastlines(area: Area) -> list[dict[str, Any]]:
    """The shipped coastlines as shapely lines, the only form that GeoViews projects."""
    from shapely.geometry import LineString

    from atmodist_core.fields.grid.geography import coastlines
    from atmodist_core.fields.grid.regions import Region

    resolution = "110m" if area.east - area.west >= WIDE_DEG else "50m"
    if area.is_global:
        lines = coastlines(resolution, west=-180.0)
    else:
        lines = coastlines(resolution, Region(area.south, area.north, area.west, area.east))
    return [{"geometry": LineString(line)} for line in lines if len(line) > 1]
