"""Distances between all times, from embeddings held block by block."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from atmodist_core.fields.grid.cell_areas import cell_areas

EMBEDDING_MEMORY = 2**29
"""Bytes that two blocks of embeddings, stored and widened, may take (512 MiB)."""

_BYTES_PER_ACTIVATION = 2 * (4 + 8)


def time_blocks(count: int, activations: int) -> list[range]:
    """Cut ``count`` times of some activations each into blocks of which two fit into the memory."""
    block = max(1, EMBEDDING_MEMORY // (activations * _BYTES_PER_ACTIVATION))
    return [range(start, min(start + block, count)) for start in range(0, count, block)]


def states_to_encode(rows: list[range], columns: list[range], symmetric: bool) -> int:
    """Return how many states are encoded to compare every block of rows with every block of columns.

    Where both are the same times, a block is not encoded again to be compared with itself or with an
    earlier one.
    """
    total = sum(map(len, rows))
    for i in range(len(rows)):
        total += sum(len(column) for j, column in enumerate(columns) if not symmetric or j > i)
    return total


def activation_weights(
    latitude: NDArray[np.floating],
    columns: int,
    shape: tuple[int, ...],
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the share of the area that each activation stands for, of shape ``shape``; sums to 1.

    ``latitude`` (rows,) [degrees] and ``columns`` are those of the fields; the spacing of the activations in
    points of the fields is a power of two. With ``valid`` (rows, columns) only the area of valid points counts.
    """
    weights = np.repeat(cell_areas(latitude)[:, None], columns, axis=1)
    if valid is not None:
        weights = weights * valid
    for axis, count in enumerate(shape):
        stride = 2 ** math.ceil(math.log2(weights.shape[axis] / count))
        weights = np.add.reduceat(weights, np.arange(0, weights.shape[axis], stride), axis=axis)
    return weights / weights.sum()


def mean_squared_differences(
    a: NDArray[np.float32], b: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean squared difference, weighted by area, of every pair of embeddings.

    For ``a`` and ``b`` of shape ``(times, features, rows, columns)``: shape ``(times of a, times of b)``.
    Through scalar products, which a matrix product does fast; in float64 and about the common mean, so that
    subtracting large squares loses nothing that counts.
    """
    rows, columns = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    centre = rows.mean(axis=0)
    root = np.tile(np.sqrt(weights).ravel(), a.shape[1])
    for each in (rows, columns):
        each -= centre
        each *= root
    squares = np.square(rows).sum(axis=1)[:, None] + np.square(columns).sum(axis=1)[None, :]
    return np.maximum(squares - 2.0 * rows @ columns.T, 0.0) / a.shape[1]
