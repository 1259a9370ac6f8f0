"""Fields along a great circle: curves, and the line on the maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.fields.grid.projections import Projection
from atmodist_core.fields.grid.transects import distance_label
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    power_of_ten,
    scaled_units,
    style_axes,
    style_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRANSECT_HEIGHT_IN = 1.7
"""Height of the curves below maps [inch]."""


def draw_transect(axes: Axes, table: xr.Dataset, style: FigureStyle = PUBLICATION) -> None:
    """Draw the curves of a table of :func:`atmodist_core.fields.grid.transects.transect_of` over the distance [km]."""
    value = table["value"]
    exponent = power_of_ten(np.array([float(np.nanmax(np.abs(value.values)))]))
    for model in map(str, table["model"].values):
        look = method_style(model)
        scaled = value.sel(model=model).values / 10.0**exponent
        axes.plot(table["distance"].values, scaled, label=look.label, **look.line(style))
    axes.set_xlim(0.0, float(table["distance"][-1]))
    axes.set_xlabel(distance_label(table))
    name = str(value.attrs.get("long_name", table.attrs.get("field", "value"))).replace("_", " ")
    axes.set_ylabel(name + scaled_units(str(value.attrs.get("units", "")), exponent))
    style_axes(axes, style)
    style_legend(axes, style)


def draw_transect_line(
    axes: Axes,
    table: xr.Dataset,
    projection: Projection | None,
    extent: tuple[float, float, float, float],
    style: FigureStyle = PUBLICATION,
) -> None:
    """Draw where a transect lies on a map; without a projection its axes are degrees, from the west of ``extent`` on."""
    longitude, latitude = table["longitude"].values, table["latitude"].values
    if projection is None:
        x, y = extent[0] + (longitude - extent[0]) % 360.0, latitude
    else:
        x, y = projection.forward(longitude, latitude)
    # A line that leaves the map on one side comes back on the other.
    jump = np.abs(np.diff(x, prepend=x[0])) > 0.5 * float(np.diff(axes.get_xlim())[0])
    x = np.where(jump | ~np.isfinite(x), np.nan, x)
    axes.plot(x, y, color=style.text, linewidth=1.4, scalex=False, scaley=False)
