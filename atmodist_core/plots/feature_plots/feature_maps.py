"""Maps of where a filter is active, and of metamers beside their truth, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.projections import Area
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import theme_of
from atmodist_core.plots.map_plots.panels import area_of, field_maps
from atmodist_core.plots.states import at_time, compared_fields

LEVELS = (0.3, 0.6, 0.9)
"""Lines of equal activation, relative to the strongest on the map."""


def activation_map(
    activations: xr.DataArray,
    fields: xr.Dataset,
    *,
    filter: int,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    levels: Sequence[float] = LEVELS,
    theme: str = "light",
    **options: Any,
) -> Any:
    """Return a map of a field with lines of equal activation of a filter over it, thicker for stronger ones.

    Parameters
    ----------
    activations : xarray.DataArray
        As from :func:`atmodist_core.features.activation_map`, of the same times.
    fields : xarray.Dataset
        Those that were given to it.
    filter : int
        Number of the filter.
    levels : sequence of float
        Relative to the strongest activation on the map.
    field, time, region, theme, **options
        As for :func:`atmodist_core.plots.maps`; in plate carree.

    Returns
    -------
    holoviews.Overlay

    Raises
    ------
    UserError
        If there is no such filter.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> found = ad.features.activation_map(ad.load_distance("atmodist-23"), demo, layer="stage2")
    >>> activation_map(found, demo, filter=3, region="Europe").label
    'vorticity, and where filter 3 is active'
    """
    numbers = activations["filter"].values
    if filter not in numbers:
        raise UserError(
            f"Expected a filter from {numbers[0]} to {numbers[-1]}, found {filter!r}; choose one of these."
        )
    (shown,) = compared_fields(fields, field=field, time=time, region=region).values()
    title = f"{field.replace('_', ' ')}, and where filter {filter} is active"
    picture = field_maps({title: shown}, theme=theme, **options)
    one = at_time(activations.sel(filter=filter).to_dataset(name="activation"), time)["activation"]
    lines = activation_lines(one.isel(time=0) if "time" in one.dims else one, area_of(shown), levels)
    columns = [
        {"longitude": line[:, 0], "latitude": line[:, 1], "activation": value, "width": 0.8 + 2.4 * level}
        for level, value, line in lines
    ]
    contours = holoviews().Path(
        columns, ["longitude", "latitude"], ["activation", "width"], label="activation"
    )
    contours = contours.opts(
        color=theme_of(theme).text,
        line_width="width",
        tools=["hover"],
        hover_tooltips=[("activation", "@activation{0.0}")],
    )
    return (picture * contours).relabel(title).opts(title=title, show_legend=False)


def activation_lines(
    activation: xr.DataArray, area: Area, levels: Sequence[float] = LEVELS
) -> list[tuple[float, float, NDArray[np.float64]]]:
    """Return lines of equal activation in an area: level, value and points (longitude, latitude); none where the filter is silent.

    Lines are those of linear interpolation between the middles of the blocks, drawn on; ``levels`` are relative to the strongest activation in the area.
    """
    from matplotlib.figure import Figure

    latitude, longitude = (activation[name].values.astype(float) for name in ("latitude", "longitude"))
    values = activation.transpose("latitude", "longitude").values.astype(float)
    step = longitude[1] - longitude[0] if longitude.size > 1 else 360.0
    if longitude[-1] - longitude[0] + 1.5 * step > 360.0:
        # All around: begin half a circle west of the area's middle.
        start = 0.5 * (area.west + area.east) - 180.0
        shifted = start + (longitude - start) % 360.0
        order = np.argsort(shifted)
        longitude, values = shifted[order], values[:, order]
        longitude = np.concatenate([longitude[-1:] - 360, longitude, longitude[:1] + 360])
        values = np.concatenate([values[:, -1:], values, values[:, :1]], axis=1)
    margin = max(abs(step), abs(float(np.diff(latitude[:2])[0])) if latitude.size > 1 else 0.0)
    rows = (latitude >= area.south - margin) & (latitude <= area.north + margin)
    columns = (longitude >= area.west - margin) & (longitude <= area.east + margin)
    part = values[np.ix_(rows, columns)]
    if min(part.shape) < 2 or not np.nanmax(part) > 0:
        return []
    strongest = float(np.nanmax(part))
    values_of = [level * strongest for level in levels]
    drawn = (
        Figure()
        .add_subplot()
        .contour(longitude[columns], latitude[rows], np.ma.masked_invalid(part), values_of)
    )
    return [
        (level, value, np.asarray(line))
        for level, value, lines in zip(levels, values_of, drawn.allsegs, strict=True)
        for line in lines
        if len(line) > 1
    ]


def metamer(
    found: xr.Dataset,
    truth: xr.Dataset,
    *,
    field: str = "vorticity",
    theme: str = "light",
    **options: Any,
) -> Any:
    """Return maps of a metamer and of the field that it has the activations of, on one colour scale.

    Parameters
    ----------
    found : xarray.Dataset
        As from :func:`atmodist_core.features.metamer`.
    truth : xarray.Dataset
        The fields that were given to it.
    field, theme, **options
        As for :func:`atmodist_core.plots.maps`.

    Returns
    -------
    holoviews.Layout

    Raises
    ------
    UserError
        If this is no metamer.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> europe = ad.REGIONS["Europe"].select(ad.open_demo().isel(time=slice(0, 1)))
    >>> found = ad.features.metamer(ad.load_distance("atmodist-23"), europe, layer="stage1", steps=2)
    >>> [panel.label for panel in metamer(found, europe)]
    ['truth', 'same activations at stage1']
    """
    if not {"distance", "error"} <= set(found.data_vars) or "layer" not in found.attrs:
        raise UserError(
            "Expected fields with the same activations, found others; give what atmodist_core.features.metamer returns."
        )
    states = {"truth": truth, f"same activations at {found.attrs['layer']}": found[list(truth.data_vars)]}
    return field_maps(compared_fields(states, field=field), theme=theme, **options)
