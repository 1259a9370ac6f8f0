"""Maps side by side on one colour scale, in any projection, as HoloViews and GeoViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.index_maps import index_map
from atmodist_core.fields.grid.projections import Area, Projection
from atmodist_core.figures.maps.field_maps import QUANTILE, scale_limits
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import LATITUDE_LABEL, LONGITUDE_LABEL, axes_hook, colour_map
from atmodist_core.plots.look.units import DisplayUnit, display_unit, field_label
from atmodist_core.plots.map_plots.geography import geography_of
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_fields


def maps(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    factor: int | None = None,
    difference: bool = False,
    projection: str = "plate-carree",
    limit: float | None = None,
    quantile: float = QUANTILE,
    coastlines: bool = True,
    cities: bool = False,
    columns: int = 3,
    width: int = 330,
    theme: str = "light",
) -> Any:
    """Return maps of one field: coarse input, models and truth on one colour scale.

    Every map shows the values of its own grid points; nothing is interpolated. Maps are linked: moving one moves all.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to xarray.Dataset
        The truth, from which the coarse input is made; or fields that are known already, by name.
    models : sequence or mapping
        Downscalers by name or as objects, or label -> downscaler.
    field : str
        A variable of the data, or ``wind_speed``.
    time : int, str or numpy.datetime64
        Position on the time axis, or a time.
    region : Region, str or None
        Part to show; everything by default.
    factor : int, optional
        Of the coarse input; that of the models by default.
    difference : bool
        Show how far everything is from the truth instead; the truth itself and the coarse input are left out.
    projection : str
        A key of :data:`atmodist_core.fields.grid.projections.PROJECTIONS`.
    limit, quantile : float
        End of the colour scale in the units of the field; by default this quantile of the absolute values.
    coastlines, cities : bool
        Whether to draw them.
    columns, width : int
        Maps in a row, and width of a map [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout or holoviews.Overlay
        An overlay where there is one map alone.

    Raises
    ------
    UserError
        What is wrong with data, models or options.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> layout = maps(demo, ["bicubic"], region="Europe")
    >>> [panel.label for panel in layout]
    ['coarse input', 'bicubic', 'truth']
    """
    fields = compared_fields(data, models, field=field, time=time, region=region, factor=factor)
    if difference:
        fields = differences(fields)
    return field_maps(
        fields,
        projection=projection,
        limit=limit,
        quantile=quantile,
        coastlines=coastlines,
        cities=cities,
        columns=columns,
        width=width,
        theme=theme,
    )


def differences(fields: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Return every model less the truth, at the model's points; missing where the truth has none.

    Raises
    ------
    UserError
        If the truth, or anything to compare with it, is missing.
    """
    if TRUTH not in fields:
        raise UserError(
            f"Expected the truth among the fields, found {', '.join(fields)}; add it under the name 'truth'."
        )
    truth = fields[TRUTH]
    found = {}
    for name, values in fields.items():
        if name in (TRUTH, COARSE):
            continue
        here = truth.reindex_like(values, method="nearest", tolerance=1e-3)
        found[name] = (values - here.values).assign_attrs(values.attrs, long_name=f"{values.name} less truth")
        found[name].name = values.name
    if not found:
        raise UserError("Expected at least one model to compare with the truth, found none; name models.")
    return found


def field_maps(
    fields: Mapping[str, xr.DataArray],
    *,
    projection: str = "plate-carree",
    limit: float | None = None,
    quantile: float = QUANTILE,
    coastlines: bool = True,
    cities: bool = False,
    columns: int = 3,
    width: int = 330,
    theme: str = "light",
) -> Any:
    """Return maps of fields by name on one colour scale; see :func:`maps` for the options."""
    low, high = scale_limits(fields.values(), limit=limit, quantile=quantile)
    first = next(iter(fields.values()))
    unit = display_unit(str(first.attrs.get("units", "")), high)
    label = field_label(str(first.attrs.get("long_name", first.name or "value")), unit)
    # Cells of a coarse grid reach a little further than fine ones: all maps show the same piece of the Earth.
    areas = [area_of(values) for values in fields.values()]
    area = Area(
        min(each.west for each in areas),
        max(each.east for each in areas),
        min(each.south for each in areas),
        max(each.north for each in areas),
    )
    chosen = Projection(projection, area)
    geography = geography_of(chosen, coastlines=coastlines, cities=cities, theme=theme)
    size = map_size(chosen, width)
    # Of the picture as well as of the overlay, which loses its own where a layer is added.
    lasting = {**frame_options(chosen, theme), **size}
    del lasting["show_legend"]
    panels = []
    for name, values in fields.items():
        picture = map_image(values, chosen, unit, label=label)
        picture = picture.opts(
            cmap=colour_map(low < 0, theme),
            clim=(low * unit.factor, high * unit.factor),
            colorbar=True,
            colorbar_position="bottom",
            colorbar_opts={"height": 8, "padding": 2, "title": label},
            tools=["hover"],
            **lasting,
        )
        title = method_style(name).label
        panels.append(map_of(picture, geography, chosen, theme).relabel(title).opts(title=title, **size))
    return panels[0] if len(panels) == 1 else holoviews().Layout(panels).cols(columns)


def map_of(picture: Any, geography: list[Any], projection: Projection, theme: str) -> Any:
    """Return a picture of a field with the geography over it, as notebooks and the page show it."""
    picture = picture.opts(clipping_colors={"NaN": "transparent"})
    return holoviews().Overlay([picture, *geography]).opts(**frame_options(projection, theme))


def area_of(field: xr.DataArray) -> Area:
    """Return what the cells of a field cover."""
    from atmodist_core.figures.maps.projected_maps import cell_edges

    longitude, latitude = (cell_edges(field[name].values.astype(float)) for name in ("longitude", "latitude"))
    south, north = np.clip([latitude.min(), latitude.max()], -90.0, 90.0)
    return Area(float(longitude.min()), float(longitude.max()), float(south), float(north))


def map_image(field: xr.DataArray, projection: Projection, unit: DisplayUnit, *, label: str = "value") -> Any:
    """Return the picture of a field over latitude and longitude: an ``Image``, on uneven latitudes a ``QuadMesh``."""
    hv = holoviews()
    latitude, longitude = (field[name].values.astype(float) for name in ("latitude", "longitude"))
    values = field.values.astype(np.float32) * np.float32(unit.factor)
    value = hv.Dimension("value", label=label)
    if not projection.is_plane:
        lookup = index_map(projection, latitude, longitude)
        columns = (lookup.x, lookup.y, lookup(values), lookup.longitude, lookup.latitude)
        vdims = [value, hv.Dimension("lon", label="longitude"), hv.Dimension("lat", label="latitude")]
        return hv.Image(columns, ["x", "y"], vdims, rtol=1e-3)
    if latitude[0] > latitude[-1]:
        latitude, values = latitude[::-1], values[::-1]
    axes = [hv.Dimension("longitude", unit="°E"), hv.Dimension("latitude", unit="°N")]
    steps = np.diff(latitude)
    if np.ptp(steps) < 1e-3 * steps.max():
        return hv.Image((longitude, latitude, values), axes, value, rtol=1e-2)
    return hv.QuadMesh((longitude, latitude, values), axes, value)


def map_size(projection: Projection, width: int) -> dict[str, Any]:
    """Return the size of the frame of a map, true to shape in the middle."""
    if projection.is_plane:
        area = projection.area
        stretch = 1.0 if area.is_global else min(1 / np.cos(np.deg2rad(area.centre[1])), 3.0)
        ratio = (area.north - area.south) * stretch / (area.east - area.west)
    else:
        extent = np.ptp(projection.outline(), axis=0)
        ratio = extent[1] / extent[0]
    return {"frame_width": width, "frame_height": max(60, round(width * ratio))}


def frame_options(projection: Projection, theme: str) -> dict[str, Any]:
    """Return options of the axes: degrees in plate carree, none elsewhere."""
    from bokeh.models import CustomJSTickFormatter

    options: dict[str, Any] = {
        "hooks": [axes_hook(theme)],
        "active_tools": ["wheel_zoom", "pan"],
        "show_legend": False,
    }
    if not projection.is_plane:
        return {**options, "xaxis": None, "yaxis": None, "show_grid": False}
    area = projection.area
    return {
        **options,
        "xlim": (area.west, area.east),
        "ylim": (area.south, area.north),
        "xformatter": CustomJSTickFormatter(code=LONGITUDE_LABEL),
        "yformatter": CustomJSTickFormatter(code=LATITUDE_LABEL),
        "xlabel": "",
        "ylabel": "",
    }
