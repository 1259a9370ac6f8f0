"""Interpolation into gaps: the harmonic one, smooth and without extremes of its own, and the nearest value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atmodist_core.fields.grid.validity import Mask, filled

GAP_INTERPOLATIONS = ("harmonic", "nearest")


def interpolated_gaps(
    method: str, fields: NDArray[np.float32], missing: Mask, *, wraps: bool = False
) -> NDArray[np.float32]:
    """Return fields with interpolated values at missing points.

    ``harmonic`` solves Laplace's equation on the points of the grid (five-point differences, rows and columns alike): every missing
    value is the mean of its neighbours, at the edges of the grid of those that exist. ``nearest`` takes the value of the nearest
    given point, rows and columns alike.

    Parameters
    ----------
    method : str
        Of :data:`GAP_INTERPOLATIONS`.
    fields : ndarray, shape (..., rows, columns)
        What they hold in the gaps does not matter.
    missing : ndarray of bool, shape (rows, columns)
        The gaps; at least one point is given.
    wraps : bool
        Whether the first column follows the last one.

    Examples
    --------
    >>> line = np.array([[[0.0, np.nan, np.nan, 3.0]]], dtype=np.float32)
    >>> interpolated_gaps("harmonic", line, np.isnan(line[0])).round(3).tolist()
    [[[0.0, 1.0, 2.0, 3.0]]]
    """
    if not missing.any():
        return fields
    if method == "nearest":
        if not wraps:
            return filled(fields, ~missing)
        # Twice around: a nearest point is never further than half the circle.
        columns = missing.shape[1]
        around = np.concatenate([missing] * 3, axis=1)
        values = filled(np.concatenate([fields] * 3, axis=-1), ~around)
        return values[..., columns : 2 * columns]
    return _harmonic(fields, missing, wraps)


def _harmonic(fields: NDArray[np.float32], missing: Mask, wraps: bool) -> NDArray[np.float32]:
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import splu

    rows, columns = missing.shape
    number = np.full(missing.shape, -1)
    count = int(missing.sum())
    number[missing] = np.arange(count)
    row, column = np.nonzero(missing)
    given = np.where(missing, 0.0, fields).reshape(-1, rows, columns).astype(np.float64)
    degree, known = np.zeros(count), np.zeros((len(given), count))
    here, there = [], []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        r, c = row + down, column + right
        inside = (r >= 0) & (r < rows)
        if wraps:
            c = c % columns
        else:
            inside &= (c >= 0) & (c < columns)
        r, c = np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)
        degree += inside
        unknown = inside & missing[r, c]
        here.append(np.flatnonzero(unknown))
        there.append(number[r, c][unknown])
        known += np.where(inside & ~unknown, given[:, r, c], 0.0)
    first, second = np.concatenate(here), np.concatenate(there)
    neighbours = coo_array((np.ones(first.size), (first, second)), shape=(count, count))
    solution = splu((diags_array(degree) - neighbours).tocsc()).solve(known.T)
    result = fields.copy()
    result[..., missing] = solution.T.reshape(*fields.shape[:-2], count)
    return result
