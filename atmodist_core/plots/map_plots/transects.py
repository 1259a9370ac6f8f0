"""Cross-sections of models and truth along a line on a map, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.fields.grid.transects import (
    Place,
    distance_label,
    great_circle,
    region_around,
    transect_of,
)
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, line_options
from atmodist_core.plots.look.units import DisplayUnit, display_unit, field_label
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_fields

MARGIN_CELLS = 4.0
"""Coarse cells around a line in which models are computed; they see beyond it by themselves."""


def transect(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    start: Place,
    end: Place,
    field: str = "vorticity",
    time: Any = 0,
    factor: int | None = None,
    width: int = 700,
    height: int = 240,
    theme: str = "light",
) -> Any:
    """Return one field along the great circle between two places: coarse input, models and truth.

    Fine fields are interpolated bilinearly between their grid points, the coarse input has the mean of the cell that holds a point.

    Parameters
    ----------
    data, models, field, time, factor
        As for :func:`atmodist_core.plots.maps`.
    start, end : tuple of float
        Latitude and longitude [degrees].
    width, height : int
        Size of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        A curve per model over the distance from the start [km].

    Raises
    ------
    UserError
        What is wrong with data, models, ends or options.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> overlay = transect(demo, ["bicubic"], start=(51.5, -0.1), end=(41.9, 12.5))
    >>> [curve.label for curve in overlay]
    ['truth', 'coarse input', 'bicubic']
    """
    great_circle(start, end, 2)
    region = None
    if isinstance(data, xr.Dataset):
        cell = (factor or 4) * float(np.abs(np.diff(data["latitude"].values)).max())
        region = region_around(start, end, MARGIN_CELLS * cell)
    fields = compared_fields(data, models, field=field, time=time, region=region, factor=factor)
    return transect_plot(transect_of(fields, start, end), width=width, height=height, theme=theme)


def transect_plot(
    table: xr.Dataset, *, theme: str, unit: DisplayUnit | None = None, width: int = 700, height: int = 240
) -> Any:
    """Return the curves of a table of :func:`atmodist_core.fields.grid.transects.transect_of`, the truth below the others."""
    hv = holoviews()
    value = table["value"]
    unit = unit or display_unit(str(value.attrs.get("units", "")), float(np.nanmax(np.abs(value.values))))
    name = str(value.attrs.get("long_name", table.attrs.get("field", "value")))
    curves = []
    for model, columns in transect_columns(table, unit).items():
        curve = hv.Curve(
            tuple(columns.values()),
            "distance",
            ["value", "latitude", "longitude"],
            label=method_style(model).label,
        )
        tips = [
            ("", "$name"),
            (name.replace("_", " "), f"@value{{0.00}} {unit.text}"),
            ("distance", "@distance{0} km"),
            ("latitude, longitude", "@latitude{0.0}°, @longitude{0.0}°"),
        ]
        curves.append(curve.opts(**line_options(model, theme), tools=["hover"], hover_tooltips=tips))
    return (
        hv.Overlay(curves)
        .relabel("transect")
        .opts(
            frame_width=width,
            frame_height=height,
            xlabel=distance_label(table),
            ylabel=field_label(name, unit),
            show_grid=True,
            legend_position="right",
            title="",
            hooks=[axes_hook(theme)],
        )
    )


def transect_columns(table: xr.Dataset, unit: DisplayUnit) -> dict[str, dict[str, np.ndarray]]:
    """Return the columns of each curve, by model in the order in which they are drawn."""
    places = {name: table[name].values for name in ("latitude", "longitude")}
    rank = {TRUTH: 0, COARSE: 1}
    models = sorted(map(str, table["model"].values), key=lambda model: rank.get(model, 2))
    return {
        model: {
            "distance": table["distance"].values,
            "value": table["value"].sel(model=model).values * unit.factor,
            **places,
        }
        for model in models
    }
