"""The coordinates of a downscaled field: as many fine cells in every coarse cell, around the same centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.harmonics import grid_of_latitudes
from atmodist_core.harmonics.grids import colatitudes

_ON_THE_POLE_DEG = 1e-6
_SMALLEST_AREA = 1e-6


@dataclass(frozen=True)
class FineGrid:
    """Where the fine cells of a block of coarse cells lie: canonical axes [degrees] and the grid's name.

    Kept are the `rows` of the enlarged block, without those beyond a pole; `roll` is the number of columns by which it
    has to be rolled so that its longitudes increase within [0, 360).
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    rows: slice
    roll: int
    name: str

    @classmethod
    def of(
        cls,
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        factor: int,
        row_range: tuple[int, int] | None = None,
        column_range: tuple[int, int] | None = None,
    ) -> FineGrid:
        """Refine the whole of a coarse grid, or a block of it; columns may lie beyond a full circle."""
        boundaries = Boundaries.of(latitude, longitude)
        first_row, end_row = row_range or (0, latitude.size)
        first_column, end_column = column_range or (0, longitude.size)
        fine_latitude = _snapped(_refined(latitude, factor))
        kept = np.abs(fine_latitude) <= 90.0 + _ON_THE_POLE_DEG
        inside = np.arange(fine_latitude.size)
        kept &= (inside >= first_row * factor) & (inside < end_row * factor)
        first, end = int(np.argmax(kept)), int(kept.size - np.argmax(kept[::-1]))
        fine_longitude = _fine_longitude(longitude, factor, first_column, end_column, boundaries.wraps)
        roll, name = 0, None
        if boundaries.wraps and end_column - first_column == longitude.size:
            # Values a rounding error below zero belong to zero, not to 360.
            fine_longitude = np.round(fine_longitude, 9) % 360.0
            roll = -int(np.argmin(fine_longitude))
            fine_longitude = np.roll(fine_longitude, roll)
            whole = (first_row, end_row) == (0, latitude.size) and boundaries.is_globe
            name = grid_of_latitudes(fine_latitude[first:end]) or ("irregular" if whole else None)
        elif boundaries.wraps:
            # One piece, as Region.select gives it: continued below zero where it crosses Greenwich.
            fine_longitude = fine_longitude - 360.0 * np.floor(fine_longitude[-1] / 360.0)
        return cls(
            latitude=np.clip(fine_latitude[first:end], -90.0, 90.0),
            longitude=fine_longitude,
            rows=slice(first - first_row * factor, end - first_row * factor),
            roll=roll,
            name=name or "limited-area",
        )


def fine_row_areas(
    latitude: NDArray[np.float64], factor: int, row_range: tuple[int, int]
) -> NDArray[np.float32]:
    """Return relative areas of the fine cells in a window of coarse rows, shape ``(factor * rows,)``.

    Within the grid they are those of :func:`~atmodist_core.fields.grid.cell_areas.cell_areas`, so that means over
    the blocks of the fine grid are conserved. Beyond a pole the rows come back, and so do their areas.
    """
    rows = np.arange(row_range[0] * factor, row_range[1] * factor + 1)
    edges = np.deg2rad(_at(latitude, rows / factor - 0.5))
    # The integral of |cos| up to an edge, which grows on beyond the poles.
    sine, pole = np.sin(edges), 0.5 * np.pi
    integral = np.where(edges > pole, 2.0 - sine, np.where(edges < -pole, -2.0 - sine, sine))
    areas = np.abs(np.diff(integral))
    inside = (rows[:-1] >= 0) & (rows[:-1] < latitude.size * factor)
    areas[inside] = cell_areas(_snapped(_refined(latitude, factor)))[rows[:-1][inside]]
    return np.maximum(areas, _SMALLEST_AREA).astype(np.float32)


def _refined(axis: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return ``factor`` points around every point of an axis, spaced by the local spacing over ``factor``."""
    return _at(axis, (np.arange(axis.size * factor) + 0.5) / factor - 0.5)


def _at(axis: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an axis at fractional indices."""
    index = np.clip(np.floor(position).astype(int), 0, axis.size - 2)
    # Beyond the first and the last point the line through the outermost two continues.
    return axis[index] + (position - index) * (axis[index + 1] - axis[index])


def _snapped(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact Gaussian latitudes that refined ones belong to, if they do.

    Refining block means of Gaussian rows misses the fine rows by a few per cent of the spacing near the poles.
    """
    if grid_of_latitudes(latitude, tolerance_deg=0.05 * 180.0 / latitude.size) != "gaussian":
        return latitude
    return 90.0 - np.rad2deg(colatitudes(latitude.size, "gaussian"))


def _fine_longitude(
    longitude: NDArray[np.float64], factor: int, first: int, end: int, wraps: bool
) -> NDArray[np.float64]:
    """Return the fine longitudes of a block of columns."""
    if wraps:
        # From the circle's own spacing: rounding errors of the stored values must not spoil the seam.
        spacing = 360.0 / longitude.size
        start = longitude[0] + (first - 0.5) * spacing
        return start + (np.arange((end - first) * factor) + 0.5) * spacing / factor
    return _refined(longitude, factor)[first * factor : end * factor]
