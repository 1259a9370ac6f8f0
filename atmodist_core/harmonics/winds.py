"""Wind transforms of one or two fields on a CPU, in one pass through the Legendre functions.

For so few fields, reading the tables dominates. Each order's functions are therefore multiplied by the rows of
both neighbouring orders at once, so that every table is read once; the contributions of the neighbours are then
combined for all orders together, with the factors of :class:`~atmodist_core.harmonics.legendre.WindFactors`.

Coefficients are planes, see :mod:`atmodist_core.harmonics.coefficients`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.harmonics.blocks import OrderBlock
from atmodist_core.harmonics.coefficients import diagonal_planes, new_planes, spread_planes
from atmodist_core.harmonics.legendre import wind_factors

MOST_SINGLE_WINDS = 2
"""Four winds at once are at least as fast block by block."""


class SingleWinds:
    """Products of one or two winds with the Legendre functions of neighbouring orders, on the CPU."""

    def __init__(self, blocks: Sequence[OrderBlock], size: int, dtype: torch.dtype) -> None:
        self.blocks, self.size = blocks, size
        factors = wind_factors(size - 1, 0, size)

        def placed(values: NDArray[np.float64]) -> Tensor:
            out = np.zeros((size, size))
            for order in range(size):
                out[order, order:] = values[order, : size - order]
            return torch.as_tensor(out).to(dtype)

        # P of order -1 is minus P of order 1: for order 0, the lower factor is merged into the upper one.
        for upper, lower in (
            (factors.across_upper, factors.across_lower),
            (factors.along_upper, factors.along_lower),
        ):
            upper[0] -= lower[0]
            lower[0] = 0.0
        self._across_lower, self._across_upper = placed(factors.across_lower), placed(factors.across_upper)
        self._along_lower, self._along_upper = placed(factors.along_lower), placed(factors.along_upper)

    def project(self, across: Tensor, along: Tensor, *, curl: bool) -> Tensor:
        """Return D across + M along and, if ``curl``, D along + M across, of rows (2, orders, rows, batch, 2).

        The planes (1 + curl, 2 * batch, orders, degrees) have arbitrary entries with order > degree.
        """
        size, columns, row_count = self.size, 2 * across.shape[3], across.shape[2]
        joined = across.new_empty((2, size, 2, 2, columns, row_count))
        for index, rows in enumerate((across, along)):
            lines = rows.flatten(3).transpose(2, 3)
            # Transposing costs most: rows for the upper neighbour are copied from those for the lower one.
            joined[:, :-1, 0, index] = lines[:, 1:]
            joined[:, 1:2, 1, index] = lines[:, : min(size - 1, 1)]
        joined[:, 2:, 1] = joined[:, : max(size - 2, 0), 0]
        joined[:, -1, 0] = 0.0
        joined[:, 0, 1] = 0.0
        lines = joined.flatten(2, 4)
        memory, planes = new_planes(lines.shape[2], size, across)
        for block in self.blocks:
            coefficients = diagonal_planes(memory, block)
            for parity, table in enumerate(block.scalar):
                part = lines[parity, block.first : block.last, :, block.first_row :]
                coefficients[:, :, parity::2] = torch.bmm(part, table.transpose(1, 2))
        lower, upper = planes.unflatten(0, (2, 2, columns))
        out = across.new_zeros((1 + curl, columns, size, size))
        for index, result in enumerate(out):
            torch.mul(self._across_lower[1:], lower[index, :, :-1], out=result[:, 1:])
            result[:, :-1].addcmul_(self._across_upper[:-1], upper[index, :, 1:])
            other = 1 - index
            result[:, 1:, 1:].addcmul_(self._along_lower[1:, 1:], lower[other, :, :-1, :-1])
            result[:, :-1, 1:].addcmul_(self._along_upper[:-1, 1:], upper[other, :, 1:, :-1])
        return out

    def spread(self, along: Tensor, across: Tensor | None, out: Sequence[Tensor]) -> None:
        """Write M along + D across and M across + D along to two rows; planes (2 * batch, orders, degrees) or None."""
        size, columns, row_count = self.size, along.shape[0], out[0].shape[2]
        memory, planes = new_planes(4 * columns, size, along)
        lower, upper = planes.unflatten(0, (2, 2, columns))
        for index, values in enumerate((along, across)):
            if values is None:
                continue
            other = 1 - index
            lower[index, :, :-1, :-1].addcmul_(self._along_lower[1:, 1:], values[:, 1:, 1:])
            lower[other, :, :-1].addcmul_(self._across_lower[1:], values[:, 1:])
            upper[index, :, 1:, :-1].addcmul_(self._along_upper[:-1, 1:], values[:, :-1, 1:])
            upper[other, :, 1:].addcmul_(self._across_upper[:-1], values[:, :-1])
        joined = spread_planes(memory, self.blocks, row_count)
        shares = joined.view(2, size, 2, 2, columns, row_count)
        shares[:, : max(size - 2, 0), 0] += shares[:, 2:, 1]
        for index, rows in enumerate(out):
            lines = rows.flatten(3).transpose(2, 3)
            lines[:, 1:] = shares[:, :-1, 0, index]
            lines[:, 0] = shares[:, 1, 1, index] if size > 1 else 0.0
