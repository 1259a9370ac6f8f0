"""Legendre tables as the matrix products of the transforms want them: by blocks of orders, split by parity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.harmonics.legendre import scalar_and_vector_block


@dataclass(frozen=True)
class OrderBlock:
    """Tables of the orders ``first <= m < last``.

    ``legendre``, ``eastward`` and ``southward`` hold P, m P / sin and dP / dtheta as pairs for l - m even and odd,
    each of shape (last - first, degrees, rows - first_row): rows nearer the pole than ``first_row`` are negligible.
    """

    first: int
    last: int
    first_row: int
    legendre: tuple[Tensor, Tensor]
    eastward: tuple[Tensor, Tensor]
    southward: tuple[Tensor, Tensor]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tables of the block."""
        return (*self.legendre, *self.eastward, *self.southward)


def build_tables(
    colatitudes: NDArray[np.float64],
    truncation: int,
    *,
    dtype: torch.dtype,
    device: torch.device,
    orders_per_block: int,
) -> list[OrderBlock]:
    """Build the packed tables of the northern rows.

    Parameters
    ----------
    colatitudes : ndarray, shape (k,)
        Colatitudes in radians of the northern rows, the equator included.
    truncation : int
        Highest degree L.
    dtype : torch.dtype
        torch.float32 or torch.float64.
    device : torch.device
        Where the tables live.
    orders_per_block : int
        Orders per matrix product: more means fewer, larger products with more padding.

    Returns
    -------
    list of OrderBlock
        In increasing order.
    """
    tiny = 1e-18 if dtype == torch.float32 else 1e-60
    blocks = []
    for first in range(0, truncation + 1, orders_per_block):
        last = min(first + orders_per_block, truncation + 1)
        tables = scalar_and_vector_block(colatitudes, truncation, first, last)
        for table in tables:
            # Entries this small do not reach any result, but as denormals they slow every product down.
            table[np.abs(table) < tiny] = 0.0
        used = np.flatnonzero(sum(np.abs(table).max(axis=(0, 1)) for table in tables) > 0.0)
        first_row = int(used[0]) if len(used) else 0
        # Skipping rows costs a copy in the synthesis: worth it only when many are skipped.
        first_row = first_row // 8 * 8 if first_row > len(colatitudes) // 4 else 0

        def split(table: NDArray[np.float64], start: int = first_row) -> tuple[Tensor, Tensor]:
            even, odd = (
                torch.from_numpy(np.ascontiguousarray(table[:, parity::2, start:])).to(device=device, dtype=dtype)
                for parity in (0, 1)
            )
            return even, odd

        blocks.append(OrderBlock(first, last, first_row, *(split(table) for table in tables)))
    return blocks
