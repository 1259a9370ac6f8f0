"""Sums over rows and coarse cells of a field's powers and of its error, from one pass over the field.

Area weights depend on latitude alone, so that every area mean is a mean of row sums. Rows are taken a few coarse
cells at a time: everything computed from them stays in the cache of a processor core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

POWERS = (1, 2, 3, 4)

_CHUNK_BYTES = 256 << 10
"""Size of some rows in float64; six such arrays are in use at a time."""


@dataclass(frozen=True)
class PowerSums:
    """Sums of the first four powers of some fields.

    ``rows`` has shape ``(4, field, latitude)``, ``cells`` ``(4, field, latitude // factor, longitude // factor)``;
    ``weighted`` has the values themselves in each cell, multiplied by the weight of their row.
    """

    rows: np.ndarray
    cells: np.ndarray
    weighted: np.ndarray


@dataclass(frozen=True)
class PairSums:
    """Sums over rows and cells of two fields together, shapes as in :class:`PowerSums` without the power."""

    squared_error: np.ndarray
    absolute_error: np.ndarray
    product: np.ndarray
    squared_error_cells: np.ndarray


def power_sums(values: np.ndarray, weights: np.ndarray, factor: int) -> PowerSums:
    """Return the sums of the first four powers of fields ``(field, latitude, longitude)`` in float64.

    ``weights`` of the rows are for ``weighted``. Rows and columns that fill no cell are in the row sums alone.
    """
    rows = np.empty((len(POWERS), *values.shape[:2]))
    cells = np.empty((len(POWERS), *_cells_shape(values, factor)))
    weighted = np.empty(_cells_shape(values, factor))
    for some, of_cells in _chunks(values, factor):
        powers = np.empty((len(POWERS), *values[:, some].shape))
        first, second, third, fourth = powers
        first[...] = values[:, some]
        np.multiply(first, first, out=second)
        np.multiply(first, second, out=third)
        np.multiply(second, second, out=fourth)
        # One running sum over some hundred points: twice as fast as the pairwise one, and exact enough in float64.
        np.einsum("pfrx->pfr", powers, out=rows[:, :, some])
        cells[:, :, of_cells] = cell_sums(powers, factor)
        first *= weights[some, None]
        weighted[:, of_cells] = cell_sums(first, factor)
    return PowerSums(rows, cells, weighted)


def pair_sums(values: np.ndarray, truth: np.ndarray, factor: int) -> PairSums:
    """Return the sums of the errors and products of two fields of shape ``(field, latitude, longitude)``."""
    squared, absolute, product = np.empty((3, *values.shape[:2]))
    cells = np.empty(_cells_shape(values, factor))
    for some, of_cells in _chunks(values, factor):
        first, second = (each[:, some].astype(np.float64) for each in (values, truth))
        error = first - second
        np.einsum("frx,frx->fr", first, second, out=product[:, some])
        np.einsum("frx->fr", np.abs(error, out=first), out=absolute[:, some])
        error *= error
        np.einsum("frx->fr", error, out=squared[:, some])
        cells[:, of_cells] = cell_sums(error, factor)
    return PairSums(squared, absolute, product, cells)


def chunks_of_rows(shape: tuple[int, ...], factor: int) -> Iterator[slice]:
    """Yield rows of arrays ``(field, latitude, longitude)`` that fit into the cache, whole cells as far as possible."""
    fields, rows, columns = shape
    step = factor * max(1, _CHUNK_BYTES // (8 * fields * factor * columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _chunks(values: np.ndarray, factor: int) -> Iterator[tuple[slice, slice]]:
    """Rows, and the rows of the cells that lie wholly in them."""
    for some in chunks_of_rows(values.shape, factor):
        yield some, slice(some.start // factor, some.stop // factor)


def _cells_shape(values: np.ndarray, factor: int) -> tuple[int, int, int]:
    fields, rows, columns = values.shape
    return fields, rows // factor, columns // factor


def cell_sums(chunk: np.ndarray, factor: int) -> np.ndarray:
    """Return the sums over whole cells, shape ``(..., rows // factor, columns // factor)``."""
    rows, columns = chunk.shape[-2:]
    high, wide = rows // factor, columns // factor * factor
    # Whole rows first: adding those up is much faster than gathering the points of a cell.
    bands = chunk[..., : high * factor, :wide].reshape(*chunk.shape[:-2], high, factor, wide).sum(axis=-2)
    total = bands[..., 0::factor].copy()
    for place in range(1, factor):
        total += bands[..., place::factor]
    return total
