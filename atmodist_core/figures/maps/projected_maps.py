"""Maps in a projection: every pixel shows the grid point whose cell holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.fields.grid.index_maps import index_map
from atmodist_core.fields.grid.projections import Area, Projection, graticule, graticule_labels
from atmodist_core.figures.style import PUBLICATION, FigureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
"""Colour maps of signed and of non-negative fields, both safe for colour-blind readers."""

Extent = tuple[float, float, float, float]
"""West, east, south and north [degrees]."""

PIXELS = 900
"""Pixels along the longer side of a map."""


def cell_edges(centres: np.ndarray) -> np.ndarray:
    """Return cell edges, half-way between points; shape ``(points + 1,)``."""
    between = 0.5 * (centres[1:] + centres[:-1])
    first, last = 1.5 * centres[0] - 0.5 * centres[1], 1.5 * centres[-1] - 0.5 * centres[-2]
    return np.concatenate([[first], between, [last]])


def extent_of(latitude: np.ndarray, longitude: np.ndarray) -> Extent:
    """Return west, east, south and north of the area that the cells of a grid cover [degrees]."""
    rows, columns = (cell_edges(np.asarray(centres, float)) for centres in (latitude, longitude))
    south, north = np.clip([rows.min(), rows.max()], -90, 90)
    return float(columns.min()), float(columns.max()), float(south), float(north)


def map_projection(name: str, extent: Extent) -> Projection:
    """Return the projection of a map of an area: west, east, south and north [degrees]; raises ``UserError`` where it cannot show the area."""
    west, east, south, north = extent
    if east - west > 350.0:
        west, east = -180.0, 180.0  # the date line cuts no continent but Antarctica
    return Projection(name, Area(west, east, south, north))


def draw_projected_map(
    axes: Axes,
    field: xr.DataArray,
    low: float,
    high: float,
    projection: Projection,
    *,
    style: FigureStyle = PUBLICATION,
) -> Any:
    """Draw one field over ``latitude`` and ``longitude`` [degrees] with coastlines and labelled meridians and parallels; return the mappable."""
    from matplotlib.collections import LineCollection
    from matplotlib.patheffects import withStroke

    from atmodist_core.fields.grid.geography import coastlines

    lookup = index_map(projection, field["latitude"].values, field["longitude"].values, pixels=PIXELS)
    window = lookup.window
    picture = axes.imshow(
        np.ma.masked_invalid(lookup(field.values)),
        extent=(window.west, window.east, window.south, window.north),
        origin="lower",
        cmap=DIVERGING if low < 0 else SEQUENTIAL,
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    wide = projection.area.east - projection.area.west > 120
    coast = coastlines("110m" if wide else "50m", west=projection.central_longitude - 180.0)
    axes.add_collection(
        LineCollection(projection.lines(coast), colors=style.coastline, linewidths=0.5), autolim=False
    )
    axes.add_collection(
        LineCollection(graticule(projection), colors=style.muted, linewidths=0.3), autolim=False
    )
    axes.plot(*projection.outline().T, color=style.text, linewidth=0.6, scalex=False, scaley=False)
    halo = [withStroke(linewidth=1.4, foreground=style.background)]
    for x, y, text in zip(*graticule_labels(projection), strict=True):
        axes.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=style.font_size - 3,
            color=style.text,
            path_effects=halo,
        )
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return picture
