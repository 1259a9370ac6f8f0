"""Fields in a projection: which grid point every pixel of a map shows, computed once per grid.

The pixel takes the value of the grid point whose cell holds it, or the mean of the grid points that it holds: no value is
interpolated. The lookup depends on grid and projection alone, so that the next field of the same grid costs one indexing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from atmodist_core.fields.grid.projections import Projection


@dataclass(frozen=True)
class Window:
    """A rectangle of the plane of a projection, in pixels."""

    west: float  # metres
    east: float
    south: float
    north: float
    columns: int
    rows: int


@dataclass(frozen=True, eq=False)
class IndexMap:
    """For every pixel of a map the grid point that it shows.

    Parameters
    ----------
    x, y : numpy.ndarray, shapes ``(columns,)`` and ``(rows,)``
        Centres of the pixels in the plane, both increasing.
    place : numpy.ndarray of int, shape ``(rows, columns)``
        Flat index of the grid point; 0 outside of the map.
    outside : numpy.ndarray of bool, shape ``(rows, columns)``
        Pixels that show nothing.
    projection : Projection
    window : Window
    grid : tuple of numpy.ndarray
        Latitudes and longitudes of the grid.
    """

    x: np.ndarray
    y: np.ndarray
    place: np.ndarray
    outside: np.ndarray
    projection: Projection
    window: Window
    grid: tuple[np.ndarray, np.ndarray]

    @property
    def longitude(self) -> np.ndarray:
        """Longitudes of the pixels [degrees east, -180 to 180], shape ``(rows, columns)``; NaN outside."""
        return np.where(self.outside, np.nan, _places(self.projection, self.window)[2]).astype(np.float32)

    @property
    def latitude(self) -> np.ndarray:
        """Latitudes of the pixels [degrees north], shape ``(rows, columns)``; NaN outside."""
        return np.where(self.outside, np.nan, _places(self.projection, self.window)[3]).astype(np.float32)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the picture of a field, shape ``(rows, columns)``, missing outside; ``values`` is ``(latitude, longitude)``."""
        picture = np.asarray(values, dtype=np.float32).ravel()[self.place]
        picture[self.outside] = np.nan
        return picture

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the picture of a field in which a pixel is the mean of the grid points that it holds, or the nearest if it holds none."""
        pixels, inside = self._pixels
        given = np.asarray(values, dtype=float).ravel()[inside]
        count = np.bincount(pixels, minlength=self.place.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(pixels, given, minlength=self.place.size) / count
        mean = mean.reshape(self.place.shape)
        nearest = self(values)
        return np.where((count.reshape(self.place.shape) > 0) & ~self.outside, mean, nearest).astype(
            np.float32
        )

    @cached_property
    def _pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Flat index of the pixel of each grid point in the window, and which grid points these are."""
        latitude, longitude = np.meshgrid(*self.grid, indexing="ij")
        x, y = self.projection.forward(longitude.ravel(), latitude.ravel())
        window = self.window
        with np.errstate(invalid="ignore"):
            column = (x - window.west) / (window.east - window.west) * window.columns
            row = (y - window.south) / (window.north - window.south) * window.rows
            inside = (column >= 0) & (column < window.columns) & (row >= 0) & (row < window.rows)
        return row[inside].astype(int) * window.columns + column[inside].astype(int), inside


def whole_window(projection: Projection, pixels: int) -> Window:
    """Return the window of all of a map, with this many pixels along its longer side."""
    outline = projection.outline()
    (west, south), (east, north) = outline.min(axis=0), outline.max(axis=0)
    step = max(east - west, north - south) / pixels
    columns, rows = (max(2, round(side / step)) for side in (east - west, north - south))
    return Window(float(west), float(east), float(south), float(north), columns, rows)


def index_map(
    projection: Projection,
    latitude: np.ndarray,
    longitude: np.ndarray,
    pixels: int = 640,
    window: Window | None = None,
) -> IndexMap:
    """Return which grid point every pixel of a map shows.

    Parameters
    ----------
    projection : Projection
        Not plate carree, which needs none.
    latitude, longitude : numpy.ndarray, shapes ``(latitude,)`` and ``(longitude,)``
        Centres of the grid's cells [degrees]; longitude increasing, latitude in either order.
    pixels : int
        Pixels along the longer side of the map.
    window : Window, optional
        Part of the map, and its pixels; all of it by default.
    """
    key = np.asarray(latitude, float).tobytes(), np.asarray(longitude, float).tobytes()
    return _index_map(projection, *key, window or whole_window(projection, pixels))


@lru_cache(maxsize=12)
def _index_map(
    projection: Projection, latitude_bytes: bytes, longitude_bytes: bytes, window: Window
) -> IndexMap:
    latitude, longitude = (np.frombuffer(data, float) for data in (latitude_bytes, longitude_bytes))
    x, y, pixel_longitude, pixel_latitude = _places(projection, window)
    inside = np.isfinite(pixel_longitude)
    row, row_inside = nearest_cell(latitude, np.where(inside, pixel_latitude, 0.0))
    first = longitude[0] - 0.5 * np.diff(longitude).max()
    turned = first + (np.where(inside, pixel_longitude, 0.0) - first) % 360.0
    column, column_inside = nearest_cell(longitude, turned)
    inside &= row_inside & column_inside
    place = np.where(inside, row * longitude.size + column, 0).astype(np.int32)
    return IndexMap(x, y, place, ~inside, projection, window, (latitude, longitude))


@lru_cache(maxsize=3)
def _places(projection: Projection, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centres of the pixels of a window in the plane, and their longitudes in -180..180 and latitudes; NaN beyond what is shown."""
    x = window.west + (np.arange(window.columns) + 0.5) * (window.east - window.west) / window.columns
    y = window.south + (np.arange(window.rows) + 0.5) * (window.north - window.south) / window.rows
    longitude, latitude = projection.inverse(*np.meshgrid(x, y))
    shown = projection.shown
    inside = np.isfinite(longitude) & np.isfinite(latitude)
    longitude, latitude = (np.where(inside, part, 0.0) for part in (longitude, latitude))
    inside &= (latitude >= shown.south) & (latitude <= shown.north)
    if not shown.is_global:
        inside &= (longitude - shown.west) % 360.0 <= shown.east - shown.west
    longitude = (longitude + 180.0) % 360.0 - 180.0
    return x, y, np.where(inside, longitude, np.nan), np.where(inside, latitude, np.nan)


def nearest_cell(centres: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of a monotonic axis that holds each position, and whether any does.

    Cells end half-way to the neighbours; the outermost ones are as wide as the steps beside them.
    """
    if centres[-1] < centres[0]:
        index, inside = nearest_cell(centres[::-1], positions)
        return centres.size - 1 - index, inside
    between = 0.5 * (centres[1:] + centres[:-1])
    index = np.searchsorted(between, positions)
    low = centres[0] - 0.5 * (centres[1] - centres[0])
    high = centres[-1] + 0.5 * (centres[-1] - centres[-2])
    return index, (positions >= low - 1e-9) & (positions <= high + 1e-9)
