"""Coastlines, meridians and parallels, and cities in the plane of a projection."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from atmodist_core.fields.grid.projections import Projection, graticule, graticule_labels
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import FONT, theme_of

WIDE_DEG = 120.0
"""Width of a map from which the coarser coastline is drawn."""


def geography_of(projection: Projection, *, coastlines: bool, cities: bool, theme: str) -> list[Any]:
    """Return what lies over the fields of all maps: coastlines, meridians and parallels, cities."""
    hv = holoviews()
    colours = theme_of(theme)
    axes = ["longitude", "latitude"] if projection.is_plane else ["x", "y"]
    layers = []
    if not projection.is_plane:
        layers.append(
            hv.Path([graticule_of(projection)], axes, label="graticule").opts(
                color=colours.muted, line_width=0.5, alpha=0.6
            )
        )
        layers.append(degrees_layer(projection, theme))
    if coastlines:
        layers.append(
            hv.Path([coastline_of(projection)], axes, label="coastlines").opts(
                color=colours.text, line_width=0.9, alpha=0.8
            )
        )
    if cities:
        points = hv.Points(cities_of(projection), axes, "city", label="cities")
        layers.append(
            points.opts(
                color=colours.surface,
                line_color=colours.text,
                size=4,
                tools=["hover"],
                hover_tooltips=[("", "@city")],
            )
        )
    return layers


def degrees_layer(projection: Projection, theme: str) -> Any:
    """Return the labels of meridians and parallels; none in plate carree, where the axes have them."""
    axes = ["longitude", "latitude"] if projection.is_plane else ["x", "y"]
    colours = theme_of(theme)
    look = {"text_font_size": "9.5px", "text_color": colours.text, "show_legend": False}

    def on_ground(plot: Any, _element: Any) -> None:
        # HoloViews takes the font's name for that of a column, and knows no background.
        from bokeh.core.properties import value

        ground = {"background_fill_color": colours.surface, "background_fill_alpha": 0.7}
        plot.handles["glyph"].update(text_font=value(FONT), padding=1, border_radius=2, **ground)

    return (
        holoviews()
        .Labels(degrees_of(projection), axes, "text", label="degrees")
        .opts(**look, hooks=[on_ground])
    )


@lru_cache(maxsize=32)
def degrees_of(projection: Projection) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return x, y and text of the labels of meridians and parallels."""
    return (np.empty(0), np.empty(0), []) if projection.is_plane else graticule_labels(projection)


@lru_cache(maxsize=32)
def coastline_of(projection: Projection) -> np.ndarray:
    """Return the shipped coastline in the plane of a projection, cut where the map ends, as one line with gaps.

    Raises
    ------
    UserError
        If its file is missing.
    """
    from atmodist_core.fields.grid.geography import coastlines
    from atmodist_core.fields.grid.regions import Region

    area = projection.area
    resolution = "110m" if area.east - area.west >= WIDE_DEG else "50m"
    if not projection.is_plane:
        return joined(projection.lines(coastlines(resolution, west=projection.central_longitude - 180.0)))
    if area.is_global:
        return joined(coastlines(resolution, west=area.west))
    lines = coastlines(resolution, Region(area.south, area.north, _within(area.west), _within(area.east)))
    turns = [round((area.centre[0] - line[:, 0].mean()) / 360.0) for line in lines]
    return joined(line + np.array([360.0 * turn, 0.0]) for line, turn in zip(lines, turns, strict=True))


@lru_cache(maxsize=32)
def graticule_of(projection: Projection) -> np.ndarray:
    """Return meridians, parallels and the edge of a map as one line with gaps; none in plate carree, where the axes have degrees."""
    return joined([] if projection.is_plane else [*graticule(projection), projection.outline()])


@lru_cache(maxsize=32)
def cities_of(projection: Projection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coordinates in the plane and names of the cities that a map shows.

    Raises
    ------
    UserError
        If their file is missing.
    """
    from atmodist_core.fields.grid.geography import cities

    table, area = cities(), projection.shown
    longitude = area.west + (table["longitude"].to_numpy() - area.west) % 360.0
    inside = (longitude <= area.east) & table["latitude"].between(area.south, area.north).to_numpy()
    x, y = projection.forward(longitude[inside], table["latitude"].to_numpy()[inside])
    seen = np.isfinite(x) & np.isfinite(y)
    names = (table["name"] + ", " + table["country"]).to_numpy()[inside]
    return x[seen], y[seen], names[seen]


def joined(lines: Iterable[np.ndarray]) -> np.ndarray:
    """Return lines as one of shape ``(points, 2)`` with gaps (NaN): a browser paints one line faster than a thousand.

    Examples
    --------
    >>> joined([np.zeros((2, 2)), np.ones((3, 2))])[:, 0].tolist()
    [nan, 0.0, 0.0, nan, 1.0, 1.0, 1.0, nan]
    """
    gap = np.full((1, 2), np.nan)
    return np.concatenate([gap, *(part for line in lines for part in (line, gap))])


def _within(longitude: float) -> float:
    """A longitude in -180..360, as regions take them."""
    return longitude if -180.0 <= longitude <= 360.0 else longitude % 360.0
