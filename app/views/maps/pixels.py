"""Pictures of fields: native grid points or their mean per pixel, in any projection, and a sentence that says which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from atmodist_core.fields.grid.index_maps import Window, index_map
from atmodist_core.fields.grid.projections import Projection

MOST_NATIVE_POINTS = 1_500_000
"""Most points of a panel that are drawn natively: a browser has to hold six such panels."""

LONGEST_PROJECTED = 900
"""Most pixels along a side of a picture in a projection: it is sent for every map at every time."""

KM_PER_DEGREE = 111.2

UNEVEN = 0.01
"""Fraction of a grid step by which rows may deviate from an even grid and still be drawn as even."""


@dataclass(frozen=True)
class Picture:
    """An image as Bokeh draws it, from the south-western corner."""

    image: np.ndarray  # float32, shape ``(rows, columns)``, rows from the south
    west: float  # edges of the outermost pixels and extent in the plane of the projection [degrees or metres]
    south: float
    width: float
    height: float
    statement: str  # describes a pixel


@dataclass(frozen=True)
class Viewport:
    """The visible part of a map."""

    west: float  # in the plane of the projection [degrees or metres]
    east: float
    south: float
    north: float
    columns: int | None = None  # pixels of the frame; None before the browser has reported them
    rows: int | None = None
    projection: Projection | None = None  # None is plate carree

    @property
    def degrees_per_pixel(self) -> float | None:
        """Width of a pixel, in a projection where its scale is true; None before the browser has reported their number."""
        if not self.columns:
            return None
        return (self.east - self.west) / self.columns / (1.0 if self.is_plane else 1000.0 * KM_PER_DEGREE)

    @property
    def is_plane(self) -> bool:
        """Whether its axes are longitude and latitude."""
        return self.projection is None or self.projection.is_plane

    def part(self, west: float, east: float, south: float, north: float) -> Window:
        """Return the visible part of a rectangle with the pixels of the screen in it; all of the rectangle if none is visible."""
        x = (max(self.west, west), min(self.east, east))
        y = (max(self.south, south), min(self.north, north))
        if x[1] <= x[0] or y[1] <= y[0]:
            x, y = (west, east), (south, north)
        share = (x[1] - x[0]) / (self.east - self.west), (y[1] - y[0]) / (self.north - self.south)
        columns = max(16, round((self.columns or 480) * min(share[0], 1.0)))
        rows = max(16, round((self.rows or 320) * min(share[1], 1.0)))
        return Window(*x, *y, columns, rows)


def centred_longitude(longitude: np.ndarray) -> np.ndarray:
    """Return the longitudes of a map: a full circle begins at the date line, which cuts no continent but Antarctica."""
    if not _is_full_circle(longitude):
        return longitude
    shifted = np.where(longitude >= 180.0, longitude - 360.0, longitude)
    return np.roll(shifted, -int(shifted.argmin()))


def centred(values: np.ndarray, fields: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values ``(latitude, longitude)``, latitudes and longitudes of some fields in the order of a map."""
    latitude, longitude = fields["latitude"].values, fields["longitude"].values
    if not _is_full_circle(longitude):
        return values, latitude, longitude
    first = int(np.where(longitude >= 180.0, longitude - 360.0, longitude).argmin())
    return np.roll(values, -first, axis=-1), latitude, centred_longitude(longitude)


def _is_full_circle(longitude: np.ndarray) -> bool:
    step = float(longitude[1] - longitude[0])
    return bool(abs(longitude[-1] - longitude[0] + step - 360.0) < 0.01 * step)


def edges(latitude: np.ndarray, longitude: np.ndarray) -> tuple[float, float, float, float]:
    """Return west, south, width and height of the area of a grid's cells [degrees]; latitude decreasing."""
    dy = abs(latitude[0] - latitude[-1]) / (latitude.size - 1)
    dx = (longitude[-1] - longitude[0]) / (longitude.size - 1)
    south, north = max(latitude[-1] - dy / 2, -90.0), min(latitude[0] + dy / 2, 90.0)
    return float(longitude[0] - dx / 2), float(south), float(dx * longitude.size), float(north - south)


def picture(
    values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, viewport: Viewport, pixels: str
) -> Picture:
    """Return the picture of a field: one pixel per grid point, or the mean of the grid points in each pixel of the screen.

    In a projection the picture has the pixels of the screen, and each shows the grid point whose cell holds it.
    """
    if not viewport.is_plane:
        return _projected(values, latitude, longitude, viewport, pixels)
    if pixels == "native" and values.size <= MOST_NATIVE_POINTS:
        return _native(values, latitude, longitude, viewport)
    return _mean(values, latitude, longitude, viewport, forced=pixels == "native")


def _native(values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, viewport: Viewport) -> Picture:
    west, south, width, height = edges(latitude, longitude)
    image = np.ascontiguousarray(values[_even_rows(latitude)][::-1], dtype=np.float32)
    return Picture(image, west, south, width, height, native_statement(width / longitude.size, viewport))


def native_statement(spacing_deg: float, viewport: Viewport) -> str:
    """Return a sentence on the pixels of native grid points."""
    if viewport.degrees_per_pixel is None:
        return "native grid points"
    size = spacing_deg / viewport.degrees_per_pixel
    if size >= 1:
        return f"native grid points, {size:.2g} screen pixels wide"
    return f"native grid points, {1 / size:.2g} per screen pixel: not all can be seen, zoom in"


def _projected(
    values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, viewport: Viewport, pixels: str
) -> Picture:
    assert viewport.projection is not None
    outline = viewport.projection.outline()
    (west, south), (east, north) = outline.min(axis=0), outline.max(axis=0)
    window = viewport.part(float(west), float(east), float(south), float(north))
    coarser = max(1.0, window.columns / LONGEST_PROJECTED, window.rows / LONGEST_PROJECTED)
    sides = {"columns": round(window.columns / coarser), "rows": round(window.rows / coarser)}
    window = replace(window, **sides)
    lookup = index_map(viewport.projection, latitude, longitude, window=window)
    spacing = float(longitude[1] - longitude[0])
    if pixels == "mean":
        image, points = lookup.mean(values), (viewport.degrees_per_pixel or 0.0) * coarser / spacing
        statement = (
            f"mean of about {points:.2g} × {points:.2g} grid points: hides smaller scales"
            if points > 1
            else "mean: here about every grid point has a pixel, little is averaged"
        )
    else:
        image, statement = lookup(values), native_statement(spacing, viewport)
    return Picture(
        image, window.west, window.south, window.east - window.west, window.north - window.south, statement
    )


def _even_rows(latitude: np.ndarray) -> Any:
    """Index of the nearest row for each row of an even grid; all rows in turn where they are even already."""
    count = latitude.size
    even = np.linspace(latitude[0], latitude[-1], count)
    step = abs(latitude[0] - latitude[-1]) / (count - 1)
    if np.abs(even - latitude).max() <= UNEVEN * step:
        return slice(None)
    # An image has rows of one height; four per grid row put each edge within an eighth of a row.
    _, south, _, height = edges(latitude, np.arange(2.0))
    fine = south + height * (1 - (np.arange(4 * count) + 0.5) / (4 * count))
    return np.abs(fine[:, None] - latitude[None, :]).argmin(axis=1)


def _mean(
    values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, viewport: Viewport, *, forced: bool
) -> Picture:
    # Imported here: Datashader imports numba, which takes two seconds.
    import datashader
    import xarray as xr

    west, south, width, height = edges(latitude, longitude)
    window = viewport.part(west, west + width, south, south + height)
    x, y, columns = (window.west, window.east), (window.south, window.north), window.columns
    field = xr.DataArray(
        np.ascontiguousarray(values[::-1], dtype=np.float32),
        {"latitude": np.ascontiguousarray(latitude[::-1]), "longitude": longitude},
        ("latitude", "longitude"),
        name="values",
    )
    canvas = datashader.Canvas(plot_width=columns, plot_height=window.rows, x_range=x, y_range=y)
    shaded = canvas.raster(field, agg="mean", interpolate="nearest")
    per_pixel = (x[1] - x[0]) / columns / (width / longitude.size)
    if per_pixel > 1:
        statement = f"Datashader mean of {per_pixel:.2g} × {per_pixel:.2g} grid points: hides smaller scales"
    else:
        statement = "Datashader mean: here every grid point has a pixel, nothing is averaged"
    if forced:
        statement += " (too many points to draw natively)"
    image = np.asarray(shaded.values, dtype=np.float32)
    return Picture(image, x[0], y[0], x[1] - x[0], y[1] - y[0], statement)
