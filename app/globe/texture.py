"""From a field on any grid to the 8-bit picture that is laid over the globe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 512, 1024
"""Points of the picture: 0.35 degrees, finer than what a globe of 700 pixels can show."""

MOST_SAMPLES = 4
"""Along each side of a point of the picture, for grids finer than it: their mean is taken, not one of them."""


def texture(
    values: NDArray[np.floating],
    latitude: NDArray[np.floating],
    longitude: NDArray[np.floating],
    low: float,
    high: float,
    *,
    rows: int = ROWS,
    columns: int = COLUMNS,
) -> bytes:
    """Return a field as one byte per point of a regular grid from 180 W, 90 N: 0 without a value, else 1 (``low``) to 255 (``high``).

    Every point takes the nearest grid point, so that the grid of coarse fields is seen as it is; where the field is finer than the picture, the
    mean of the grid points in it. Latitudes [degrees] decrease and may be unevenly spaced, longitudes increase in any convention.
    """
    row_samples = int(np.clip(np.ceil(latitude.size / rows), 1, MOST_SAMPLES))
    column_samples = int(np.clip(np.ceil(longitude.size / columns), 1, MOST_SAMPLES))
    row, row_inside = _nearest_rows(latitude, rows * row_samples)
    column, column_inside = _nearest_columns(longitude, columns * column_samples)
    sampled = np.asarray(values, dtype=np.float32)[row][:, column]
    sampled[~row_inside] = np.nan
    sampled[:, ~column_inside] = np.nan
    if row_samples > 1 or column_samples > 1:
        sampled = sampled.reshape(rows, row_samples, columns, column_samples).mean(axis=(1, 3))
    known = np.isfinite(sampled)
    share = (np.where(known, sampled, low) - low) / (high - low)
    index = 1 + np.rint(254 * np.clip(share, 0.0, 1.0))
    return np.where(known, index, 0).astype(np.uint8).tobytes()


def _nearest_rows(latitude: NDArray[np.floating], count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Index of the row nearest to each of ``count`` even rows, and whether that row lies within the area."""
    wanted = 90.0 - 180.0 * (np.arange(count) + 0.5) / count
    ascending = np.asarray(latitude, dtype=float)[::-1]
    edges = 0.5 * (ascending[1:] + ascending[:-1])
    index = latitude.size - 1 - np.searchsorted(edges, wanted)
    half_south, half_north = 0.5 * (ascending[1] - ascending[0]), 0.5 * (ascending[-1] - ascending[-2])
    # A grid that reaches within a step of a pole covers it: no row of a Gaussian grid lies on one.
    south = -90.0 if ascending[0] - 2 * half_south <= -90.0 else ascending[0] - half_south
    north = 90.0 if ascending[-1] + 2 * half_north >= 90.0 else ascending[-1] + half_north
    return index, (wanted >= south) & (wanted <= north)


def _nearest_columns(
    longitude: NDArray[np.floating], count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Index of the column nearest to each of ``count`` even columns from 180 W, and whether it lies within the area."""
    wanted = -180.0 + 360.0 * (np.arange(count) + 0.5) / count
    first = float(longitude[0])
    step = float(longitude[-1] - first) / (longitude.size - 1)
    place = ((wanted - first + 0.5 * step) % 360.0) / step
    index = np.floor(place).astype(np.int64)
    inside = index < longitude.size
    return np.minimum(index, longitude.size - 1), inside
