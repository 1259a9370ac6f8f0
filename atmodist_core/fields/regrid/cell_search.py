"""Where points lie in a curved grid: fractional indices, found by Newton's method from the nearest grid point.

A curved grid is a surface P(j, i) on the unit sphere, bilinear between its points. For each target T the nearest point
of the grid (a k-d tree over positions in three dimensions, which knows neither poles nor a date line) starts a few
steps of Newton's method for P(j, i) = T in the least-squares sense; the rest, which is normal to the surface, is the
height of the arc over its chord and does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 8
LARGEST_REST = 0.05
"""Distance from the target [spacings of the grid] beyond which Newton's method has not found it."""

_OUTSIDE = 1e-4
"""How far outside the outermost points [spacings] a target still counts as on the edge."""


def positions(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points of the unit sphere, shape ``(..., 3)``, of coordinates [degrees]."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def spacings(points: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median distance of neighbours along rows and along columns of a grid ``(rows, columns, 3)`` [rad]."""
    steps = [np.linalg.norm(np.diff(points, axis=axis), axis=-1) for axis in (0, 1)]
    return float(np.nanmedian(steps[0])), float(np.nanmedian(steps[1]))


@dataclass(frozen=True)
class BilinearWeights:
    """For the targets inside a grid, the flat indices and the weights of the four points around, ``(inside, 4)``.

    ``inside`` is bool over the targets, whose shape the result has.
    """

    inside: NDArray[np.bool_]
    index: NDArray[np.int64]
    weight: NDArray[np.float32]

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Interpolate ``(..., rows, columns)`` to ``(..., *targets)``: missing outside, and where a point is missing."""
        leading = values.shape[:-2]
        flat = values.reshape(*leading, -1)
        result = np.full((*leading, *self.inside.shape), np.nan, dtype=np.float32)
        result[..., self.inside] = (flat[..., self.index] * self.weight).sum(axis=-1)
        return result


def bilinear_weights(
    points: NDArray[np.float64], targets: NDArray[np.float64], *, largest_cell: float | None = None
) -> BilinearWeights:
    """Find targets ``(..., 3)`` in a grid of points ``(rows, columns, 3)`` of the unit sphere, NaN where it has none.

    Cells with a side beyond ``largest_cell`` [rad] are holes.
    """
    from scipy.spatial import cKDTree

    rows, columns = points.shape[:2]
    flat = points.reshape(-1, 3)
    there = np.flatnonzero(np.isfinite(flat).all(axis=1))
    spacing = max(spacings(points))
    wanted = targets.reshape(-1, 3)
    # Bounded by the largest cell that a grid of slowly changing spacing has.
    distance, nearest = cKDTree(flat[there]).query(wanted, distance_upper_bound=4 * spacing)
    near = np.flatnonzero(np.isfinite(distance))
    goal = wanted[near]
    start = there[nearest[near]]
    j, i = (part.astype(np.float64) for part in np.divmod(start, columns))
    first_j, first_i = j.copy(), i.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(STEPS):
            place, along_j, along_i = _surface(points, j, i)
            rest = goal - place
            a, b, c = (
                (x * y).sum(axis=-1) for x, y in ((along_j, along_j), (along_j, along_i), (along_i, along_i))
            )
            p, q = (along_j * rest).sum(axis=-1), (along_i * rest).sum(axis=-1)
            determinant = a * c - b * b
            j = np.clip(j + (c * p - b * q) / determinant, first_j - 1.5, first_j + 1.5)
            i = np.clip(i + (a * q - b * p) / determinant, first_i - 1.5, first_i + 1.5)
        place, along_j, along_i = _surface(points, j, i)
        rest = np.linalg.norm(goal - place, axis=-1)
        size = np.sqrt((along_j**2).sum(axis=-1) + (along_i**2).sum(axis=-1))
        found = (rest < LARGEST_REST * size) & _within(j, rows) & _within(i, columns)
        if largest_cell is not None:
            sides = [np.linalg.norm(along, axis=-1) for along in (along_j, along_i)]
            found &= np.maximum(*sides) < largest_cell
    inside = np.zeros(len(wanted), dtype=bool)
    inside[near[found]] = True
    index, weight = _corners(np.clip(j[found], 0, rows - 1), np.clip(i[found], 0, columns - 1), rows, columns)
    return BilinearWeights(inside.reshape(targets.shape[:-1]), index, weight)


def _within(index: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    return (index >= -_OUTSIDE) & (index <= size - 1 + _OUTSIDE)


def _surface(
    points: NDArray[np.float64], j: NDArray[np.float64], i: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Places at fractional indices and their derivatives along both, by the cell around; beyond the edges it goes on."""
    row = np.clip(np.nan_to_num(np.floor(j)), 0, points.shape[0] - 2).astype(np.int64)
    column = np.clip(np.nan_to_num(np.floor(i)), 0, points.shape[1] - 2).astype(np.int64)
    s, t = (j - row)[:, None], (i - column)[:, None]
    a, b = points[row, column], points[row, column + 1]
    c, d = points[row + 1, column], points[row + 1, column + 1]
    place = (1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * c + t * d)
    return place, (1 - t) * (c - a) + t * (d - b), (1 - s) * (b - a) + s * (d - c)


def _corners(
    j: NDArray[np.float64], i: NDArray[np.float64], rows: int, columns: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Flat indices and weights of the four points of each cell; a point without weight is replaced by one with."""
    row = np.minimum(np.floor(j), rows - 2).astype(np.int64)
    column = np.minimum(np.floor(i), columns - 2).astype(np.int64)
    s, t = j - row, i - column
    first = row * columns + column
    index = np.stack([first, first + 1, first + columns, first + columns + 1], axis=-1)
    weight = np.stack([(1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t], axis=-1)
    heaviest = np.take_along_axis(index, weight.argmax(axis=-1)[:, None], axis=-1)
    return np.where(weight > 1e-4, index, heaviest), weight.astype(np.float32)
