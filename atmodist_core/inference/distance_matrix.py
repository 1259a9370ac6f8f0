"""Distances between all times, from embeddings held block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EMBEDDING_MEMORY = 2**29
"""Bytes that two blocks of embeddings, stored and widened, may take (512 MiB)."""

_BYTES_PER_ACTIVATION = 2 * (4 + 8)


def time_blocks(count: int, activations: int) -> list[range]:
    """Cut times into blocks of which two fit into the memory.

    Parameters
    ----------
    count : int
        Number of times.
    activations : int
        Of one time.
    """
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


def mean_squared_differences(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean squared difference of every pair of embeddings.

    Through scalar products, which a matrix product does fast; in float64 and about the common mean, so that
    subtracting large squares loses nothing that counts.

    Parameters
    ----------
    a, b : ndarray, shape (times, ...)
        Embeddings, of the same shape but for the number of times.

    Returns
    -------
    ndarray, shape (times of a, times of b)
    """
    rows, columns = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    centre = rows.mean(axis=0)
    rows -= centre
    columns -= centre
    squares = np.square(rows).sum(axis=1)[:, None] + np.square(columns).sum(axis=1)[None, :]
    return np.maximum(squares - 2.0 * rows @ columns.T, 0.0) / rows.shape[1]
