"""Sums over the points of a gap that the scores of what fills it are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atmodist_core.evaluation.ensembles.kernels import fair_crps
from atmodist_core.fields.grid.validity import Mask

FAR = 4
"""Offset [grid points] of the second semivariance."""

STATISTICS = (
    *("weight", "squared_error", "crps", "variance"),
    *("near", "near_truth", "far", "far_truth", "edge", "edge_truth"),
)
"""Names of the sums of :func:`gap_statistics`, in their order."""


def gap_statistics(
    filled: NDArray[np.float32], truth: NDArray[np.float32], missing: Mask, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sums over the points of a gap, one for each of :data:`STATISTICS`.

    Every point counts with the area of its row. ``squared_error`` is that of the mean of the members, ``crps`` the fair one,
    ``variance`` that of the members times (M + 1) / M. ``near`` and ``far`` are squared differences of two points of the gap that
    are 1 and :data:`FAR` points apart along rows or columns, the mean over members, and ``edge`` those of a point of the gap
    and its neighbour outside.

    Parameters
    ----------
    filled : ndarray, shape (member, rows, columns)
        One or several fillings.
    truth : ndarray, shape (rows, columns)
        In the same unit.
    missing : ndarray of bool, shape (rows, columns)
        The gap.
    weights : ndarray, shape (rows,)
        Area of a cell in each row, in any unit.
    """
    area = np.broadcast_to(weights[:, None], missing.shape)[missing].astype(np.float64)
    members = filled[:, missing].astype(np.float64)
    true = truth[missing].astype(np.float64)
    count = len(members)
    error = np.square(members.mean(axis=0) - true)
    variance = members.var(axis=0, ddof=1) * (count + 1) / count if count > 1 else np.zeros_like(error)
    sums = [
        area.sum(),
        *((area * values).sum() for values in (error, fair_crps(members, true), variance)),
    ]
    both = np.concatenate([filled, truth[None]]).astype(np.float64)
    for offset, inside in ((1, True), (FAR, True), (1, False)):
        parts = [_squared_differences(both, missing, weights, axis, offset, inside) for axis in (1, 2)]
        squares = parts[0] + parts[1]
        sums += [squares[:-1].mean(), squares[-1]]
    return np.array(sums)


def _squared_differences(
    fields: NDArray[np.float64],
    missing: Mask,
    weights: NDArray[np.float64],
    axis: int,
    offset: int,
    inside: bool,
) -> NDArray[np.float64]:
    """Weighted sums of squared differences of pairs of points, of which both or just one lie in the gap."""
    size = fields.shape[axis]
    first, second = np.arange(size - offset), np.arange(offset, size)
    a, b = missing.take(first, axis - 1), missing.take(second, axis - 1)
    pairs = a & b if inside else a ^ b
    area = np.broadcast_to(weights[:, None], missing.shape).take(first, axis - 1)
    squares = np.square(fields.take(second, axis) - fields.take(first, axis))
    return np.asarray((squares * (area * pairs)).sum(axis=(1, 2)))
