"""Legendre tables of a block of neighbouring orders and the products of scalars and winds with them.

Two kinds do the same: one stores the tables of the wind as well, the other has only the Legendre functions
and combines neighbouring orders, which needs a third of the memory and, for few fields, some more time.

Rows are given as pairs (even, odd about the equator) of shape (orders, rows, columns), coefficients as views
of shape (orders, degrees, columns) whose second axis is degree minus order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from atmodist_core.harmonics.legendre import WindFactors
from atmodist_core.harmonics.products import few, project, spread

Pair = tuple[Tensor, Tensor]


class OrderBlock(Protocol):
    """Tables of the orders ``first <= m < last``.

    They hold the rows from ``first_row`` on: nearer the pole all is negligible.
    """

    @property
    def first(self) -> int:
        """First order."""

    @property
    def last(self) -> int:
        """The order after the last one."""

    @property
    def first_row(self) -> int:
        """First row of the tables."""

    @property
    def tensors(self) -> Sequence[Tensor]:
        """All tables."""

    @property
    def scalar(self) -> Pair:
        """Legendre functions for l - m even and odd, each (orders, degrees, rows)."""

    def project_wind(self, across: Pair, along: Pair, *, curl: bool) -> list[Pair]:
        """D across + M along and, if ``curl``, D along + M across: coefficients for l - m even and odd."""

    def spread_wind(self, along: Tensor, across: Tensor | None, out: Sequence[Pair]) -> None:
        """Write M along + D across and M across + D along to two pairs of rows."""


@dataclass(frozen=True)
class StoredBlock:
    r"""Block with tables of :math:`M = m P/\sin\theta` and :math:`D = dP/d\theta` beside P."""

    first: int
    last: int
    first_row: int
    scalar: Pair
    along: Pair
    across: Pair

    @property
    def tensors(self) -> Sequence[Tensor]:
        """See :class:`OrderBlock`."""
        return (*self.scalar, *self.along, *self.across)

    def project_wind(self, across: Pair, along: Pair, *, curl: bool) -> list[Pair]:
        """See :class:`OrderBlock`."""
        columns = across[0].shape[-1]
        if curl and few(2 * columns, across[0].device):
            # Reading the tables takes longest then: let both results share it.
            swapped = [torch.cat(pair, dim=-1) for pair in zip(along, across, strict=True)]
            straight = [torch.cat(pair, dim=-1) for pair in zip(across, along, strict=True)]
            even, odd = self._project(straight, swapped)
            halves = (slice(0, columns), slice(columns, None))
            return [(even[:, :, half], odd[:, :, half]) for half in halves]
        return [self._project(*pairs) for pairs in ((across, along), (along, across))[: 1 + curl]]

    def _project(self, across: Sequence[Tensor], along: Sequence[Tensor]) -> Pair:
        # dP/dtheta is odd about the equator where P and m P / sin are even.
        even = project(self.across[0], across[1]).add_(project(self.along[0], along[0]))
        odd = project(self.across[1], across[0]).add_(project(self.along[1], along[1]))
        return even, odd

    def spread_wind(self, along: Tensor, across: Tensor | None, out: Sequence[Pair]) -> None:
        """See :class:`OrderBlock`."""
        columns = along.shape[-1]
        if across is not None and few(2 * columns, along.device):
            straight, swapped = torch.cat((along, across), dim=-1), torch.cat((across, along), dim=-1)
            for parity in (0, 1):
                terms = [
                    (self.along[parity], straight[:, parity::2]),
                    (self.across[1 - parity], swapped[:, 1 - parity :: 2]),
                ]
                both = spread(terms)
                for index, targets in enumerate(out):
                    targets[parity].copy_(both[:, :, index * columns : (index + 1) * columns])
            return
        for (first, second), targets in zip(((along, across), (across, along)), out, strict=True):
            for parity, target in enumerate(targets):
                terms = []
                if first is not None:
                    terms.append((self.along[parity], first[:, parity::2]))
                if second is not None:
                    terms.append((self.across[1 - parity], second[:, 1 - parity :: 2]))
                spread(terms, target)


class CombinedBlock:
    """Block with the Legendre functions of its orders and of one more on either side.

    Parameters
    ----------
    first, last, first_row : int
        Orders and first row of the block.
    tables : pair of Tensor, shape (last - first + 2, degrees, rows)
        Legendre functions of the orders ``first - 1`` to ``last``, for degree minus order even and odd.
    factors : WindFactors
        Of the block's own orders.
    """

    def __init__(self, first: int, last: int, first_row: int, tables: Pair, factors: WindFactors) -> None:
        self.first, self.last, self.first_row, self.tables = first, last, first_row, tables

        def split(values: np.ndarray) -> Pair:
            tensor = torch.as_tensor(values).to(tables[0])[:, :, None]
            return tensor[:, 0::2].contiguous(), tensor[:, 1::2].contiguous()

        self._across_lower, self._across_upper = split(factors.across_lower), split(factors.across_upper)
        self._along_lower, self._along_upper = split(factors.along_lower), split(factors.along_upper)

    @property
    def tensors(self) -> Sequence[Tensor]:
        """See :class:`OrderBlock`."""
        return self.tables

    @property
    def scalar(self) -> Pair:
        """See :class:`OrderBlock`."""
        even, odd = (
            table[1:-1, : factor.shape[1]]
            for table, factor in zip(self.tables, self._along_lower, strict=True)
        )
        return even, odd

    def project_wind(self, across: Pair, along: Pair, *, curl: bool) -> list[Pair]:
        """See :class:`OrderBlock`."""
        # Both components and both neighbours meet each table once.
        joined = [torch.cat(pair, dim=-1) for pair in zip(across, along, strict=True)]
        lower = [project(table[:-2], rows) for table, rows in zip(self.tables, joined, strict=True)]
        upper = [project(table[2:], rows) for table, rows in zip(self.tables, joined, strict=True)]
        columns = across[0].shape[-1]
        results = []
        for start in (0, columns)[: 1 + curl]:
            d_lower, d_upper = (
                [part[:, :, start : start + columns] for part in side] for side in (lower, upper)
            )
            m_start = columns - start
            m_lower, m_upper = (
                [part[:, :, m_start : m_start + columns] for part in side] for side in (lower, upper)
            )
            even, odd = (
                self._across(parity, d_lower, d_upper).add_(self._along(parity, m_lower, m_upper))
                for parity in (0, 1)
            )
            results.append((even, odd))
        return results

    def _along(self, parity: int, lower: Sequence[Tensor], upper: Sequence[Tensor]) -> Tensor:
        """M of one parity of l - m, from what the order below and the order above give."""
        count = self._along_lower[parity].shape[1]
        out = self._along_lower[parity] * lower[parity][:, :count]
        out[:, 1:].addcmul_(self._along_upper[parity][:, 1:], upper[parity][:, : max(count - 1, 0)])
        return out

    def _across(self, parity: int, lower: Sequence[Tensor], upper: Sequence[Tensor]) -> Tensor:
        """D of one parity of l - m, likewise."""
        count, other = self._along_lower[parity].shape[1], 1 - parity
        out = self._across_lower[parity] * lower[other][:, parity : count + parity]
        out[:, other:].addcmul_(self._across_upper[parity][:, other:], upper[other][:, : count - other])
        return out

    def wind_tables(self) -> tuple[Pair, Pair]:
        """Tables of M and D."""
        lower, upper = [table[:-2] for table in self.tables], [table[2:] for table in self.tables]
        along, across = (
            (part(0, lower, upper), part(1, lower, upper)) for part in (self._along, self._across)
        )
        return along, across

    def spread_wind(self, along: Tensor, across: Tensor | None, out: Sequence[Pair]) -> None:
        """See :class:`OrderBlock`."""
        columns = along.shape[-1]
        halves = (slice(0, columns), slice(columns, None))
        for parity, table in enumerate(self.tables):
            lower, upper = (self._zeros(table, 2 * columns) for _ in range(2))
            for half, (m_values, d_values) in zip(halves, ((along, across), (across, along)), strict=True):
                self._separate(parity, lower[:, :, half], upper[:, :, half], m_values, d_values)
            rows = spread([(table[:-2], lower), (table[2:], upper)])
            for half, targets in zip(halves, out, strict=True):
                targets[parity].copy_(rows[:, :, half])

    def _separate(
        self, parity: int, lower: Tensor, upper: Tensor, along: Tensor | None, across: Tensor | None
    ) -> None:
        """Add the shares of the order below and above: the transpose of `_along` and `_across`."""
        if along is not None:
            values = along[:, parity::2]
            lower[:, : values.shape[1]].addcmul_(self._along_lower[parity], values)
            upper[:, : max(values.shape[1] - 1, 0)].addcmul_(self._along_upper[parity][:, 1:], values[:, 1:])
        if across is not None:
            other = 1 - parity
            values = across[:, other::2]
            lower[:, other : other + values.shape[1]].addcmul_(self._across_lower[other], values)
            shifted = values[:, parity:]
            upper[:, : shifted.shape[1]].addcmul_(self._across_upper[other][:, parity:], shifted)

    def _zeros(self, table: Tensor, columns: int) -> Tensor:
        orders, degrees = table.shape[0] - 2, table.shape[1]
        if few(columns, table.device):
            return table.new_zeros(orders, columns, degrees).transpose(1, 2)
        return table.new_zeros(orders, degrees, columns)
