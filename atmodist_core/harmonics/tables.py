"""Building, and finding again, the Legendre tables of a transform."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.harmonics.blocks import CombinedBlock, OrderBlock, Pair, StoredBlock
from atmodist_core.harmonics.legendre import legendre_functions, wind_factors
from atmodist_core.harmonics.table_cache import load_tables, save_tables

STORED_BYTES_LIMIT = 128 << 20
"""Tables of the wind are stored up to this size; above it they are combined from the Legendre functions."""

_NUMPY_TYPE = {torch.float32: np.float32, torch.float64: np.float64}
_TINY = {torch.float32: 1e-18, torch.float64: 1e-40}
"""Smaller entries do not reach any result; as denormals they would slow every product down."""


def build_blocks(
    colatitudes: NDArray[np.float64],
    truncation: int,
    *,
    name: str,
    dtype: torch.dtype,
    device: torch.device,
    stored: bool | None = None,
) -> list[OrderBlock]:
    """Tables of the northern rows for all orders, from the cache if they are there.

    Parameters
    ----------
    colatitudes : ndarray, shape (k,)
        Colatitudes in radians of the northern rows, the equator included.
    truncation : int
        Highest degree L.
    name : str
        Names the rows in the cache: equal names must mean equal colatitudes.
    dtype : torch.dtype
        torch.float32 or torch.float64.
    device : torch.device
        Where the tables live.
    stored : bool, optional
        Whether to store tables of the wind as well; by default if they are small.

    Returns
    -------
    list of OrderBlock
        In increasing order.
    """
    if stored is None:
        numbers = (truncation + 1) * (truncation + 2) // 2 * len(colatitudes)
        stored = 3 * numbers * dtype.itemsize <= STORED_BYTES_LIMIT
    # More orders at once mean fewer and larger products, but more padding above the truncation.
    width = 64 if device.type != "cpu" else 32
    ranges = [(first, min(first + width, truncation + 1)) for first in range(0, truncation + 1, width)]
    kind = "wind" if stored else "scalar"
    key = f"legendre-{name}-t{truncation}-{str(dtype).removeprefix('torch.')}-{kind}-{width}"
    tables = load_tables(key)
    if tables is None or not _fit(tables, ranges, truncation, len(colatitudes), dtype, stored):
        tables = {}
        for first, last in ranges:
            for number, pair in enumerate(_block(colatitudes, truncation, first, last, dtype, stored)):
                tables[f"{first}-{number}-even"], tables[f"{first}-{number}-odd"] = pair
        save_tables(key, tables)
    blocks: list[OrderBlock] = []
    for first, last in ranges:
        pairs = [
            (tables.pop(f"{first}-{number}-even").to(device), tables.pop(f"{first}-{number}-odd").to(device))
            for number in range(3 if stored else 1)
        ]
        first_row = len(colatitudes) - pairs[0][0].shape[-1]
        if stored:
            blocks.append(StoredBlock(first, last, first_row, *pairs))
        else:
            factors = wind_factors(truncation, first, last)
            blocks.append(CombinedBlock(first, last, first_row, pairs[0], factors))
    return blocks


def _fit(
    tables: dict[str, Tensor],
    ranges: list[tuple[int, int]],
    truncation: int,
    rows: int,
    dtype: torch.dtype,
    stored: bool,
) -> bool:
    """Whether tables from the cache have the names, sizes and types of what was asked for."""
    expected = {}
    for first, last in ranges:
        # Without tables of the wind, each block has one more order on either side, and so one more degree.
        orders, degrees = last - first + 2 * (not stored), truncation + 1 - first + (not stored)
        for number in range(3 if stored else 1):
            expected[f"{first}-{number}-even"] = (orders, (degrees + 1) // 2)
            expected[f"{first}-{number}-odd"] = (orders, degrees // 2)
    if {name: tuple(table.shape[:2]) for name, table in tables.items()} != expected:
        return False
    return all(table.dtype == dtype and 0 < table.shape[2] <= rows for table in tables.values())


def _block(
    colatitudes: NDArray[np.float64], truncation: int, first: int, last: int, dtype: torch.dtype, stored: bool
) -> list[Pair]:
    """Tables of one block in ``dtype`` on the CPU."""
    working = torch.float64 if stored else dtype
    even, odd = legendre_functions(
        colatitudes, truncation, first - 1, last + 1, dtype=_NUMPY_TYPE[working], tiny=_TINY[dtype]
    )
    pairs: list[Pair] = [(torch.from_numpy(even), torch.from_numpy(odd))]
    if stored:
        neighbours = CombinedBlock(first, last, 0, pairs[0], wind_factors(truncation, first, last))
        pairs = [neighbours.scalar, *neighbours.wind_tables()]
    used = torch.stack([(table.abs() >= _TINY[dtype]).any(0).any(0) for pair in pairs for table in pair]).any(
        0
    )
    first_row = int(used.int().argmax())
    # Skipping rows costs a small table's synthesis a copy: worth it only when many are skipped.
    first_row = first_row // 8 * 8 if not stored or first_row > len(colatitudes) // 4 else 0

    def cut(table: Tensor) -> Tensor:
        table = table[:, :, first_row:]
        if stored:
            table = torch.where(table.abs() < _TINY[dtype], 0.0, table)
        return table.to(dtype).contiguous()

    return [(cut(pair[0]), cut(pair[1])) for pair in pairs]
