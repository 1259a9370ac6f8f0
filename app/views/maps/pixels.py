"""Pictures of fields: native grid points or Datashader's mean, and a sentence that says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_NATIVE_POINTS = 1_500_000
"""Most points of a panel that are drawn natively: a browser has to hold six such panels."""

UNEVEN = 0.01
"""Fraction of a grid step by which rows may deviate from an even grid and still be drawn as even."""


@dataclass(frozen=True)
class Picture:
    """An image as Bokeh draws it, from the south-western corner."""

    image: np.ndarray  # float32, shape ``(rows, columns)``, rows from the south
    west: float  # edges of the outermost pixels and extent [degrees]
    south: float
    width: float
    height: float
    statement: str  # describes a pixel


@dataclass(frozen=True)
class Viewport:
    """The visible part of a map."""

    west: float  # degrees
    east: float
    south: float
    north: float
    columns: int | None = None  # pixels of the frame; None before the browser has reported them
    rows: int | None = None

    @property
    def degrees_per_pixel(self) -> float | None:
        """Width of a pixel; None before the browser has reported their number."""
        return (self.east - self.west) / self.columns if self.columns else None


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
    """Return the picture of a field: one pixel per grid point, or Datashader's mean of the grid points in each pixel of the screen."""
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
    x = (max(viewport.west, west), min(viewport.east, west + width))
    y = (max(viewport.south, south), min(viewport.north, south + height))
    if x[1] <= x[0] or y[1] <= y[0]:
        x, y = (west, west + width), (south, south + height)
    share = (x[1] - x[0]) / (viewport.east - viewport.west), (y[1] - y[0]) / (viewport.north - viewport.south)
    columns = max(16, round((viewport.columns or 480) * min(share[0], 1.0)))
    rows = max(16, round((viewport.rows or 320) * min(share[1], 1.0)))
    field = xr.DataArray(
        np.ascontiguousarray(values[::-1], dtype=np.float32),
        {"latitude": np.ascontiguousarray(latitude[::-1]), "longitude": longitude},
        ("latitude", "longitude"),
        name="values",
    )
    canvas = datashader.Canvas(plot_width=columns, plot_height=rows, x_range=x, y_range=y)
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
