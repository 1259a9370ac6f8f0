"""Legendre tables of a block of neighbouring orders, and their products with rows and with coefficients.

:class:`StoredBlock` also stores the tables of the wind; :class:`CombinedBlock` has only the Legendre functions
and combines neighbouring orders, which needs a third of the memory and, for few fields, somewhat more time.
Both have the same methods.

Rows are pairs (even, odd about the equator) of shape (orders, rows, columns). Coefficients are views of shape
(orders, degrees, columns) whose second axis is degree minus order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atmodist_core.common.cpu import is_made_by_amd
from atmodist_core.harmonics.legendre import WindFactors

Pair = tuple[Tensor, Tensor]

_FEW_COLUMNS = 8
"""Up to this many columns, CPU libraries are two to four times faster with the table as the right factor."""

_FEWEST_COLUMNS = 4
"""Up to this many, AMD processors take half that time with the table as the left factor of transposed rows."""


def few(columns: int, device: torch.device) -> bool:
    """Return whether products with this many columns are faster in transposed memory order."""
    return columns <= _FEW_COLUMNS and device.type == "cpu"


def project(table: Tensor, rows: Tensor) -> Tensor:
    """Multiply a table (orders, degrees, rows) by rows (orders, rows, columns), to either memory order."""
    if few(rows.shape[-1], rows.device):
        lines = rows.transpose(1, 2).contiguous()
        # Chosen by vendor, not by timing: a timing can change from run to run, and with it the last bits.
        if rows.shape[-1] <= _FEWEST_COLUMNS and is_made_by_amd():
            return torch.bmm(table, lines.transpose(1, 2))
        return torch.bmm(lines, table.transpose(1, 2)).transpose(1, 2)
    return torch.bmm(table, rows)


def spread(terms: Sequence[tuple[Tensor, Tensor]], out: Tensor | None = None) -> Tensor:
    """Sum products of transposed tables with coefficients: the transpose of :func:`project`.

    Terms are tables (orders, degrees, rows) with coefficients (orders, degrees, columns). The rows (orders, rows,
    columns) are written to ``out`` if given, else to a new tensor in either memory order.
    """
    (table, values), *others = terms
    if few(values.shape[-1], values.device):
        transposed = torch.bmm(values.transpose(1, 2).contiguous(), table)
        for table, values in others:
            transposed.baddbmm_(values.transpose(1, 2).contiguous(), table)
        result = transposed.transpose(1, 2)
    elif out is not None and out.is_contiguous():
        torch.bmm(table.transpose(1, 2), values, out=out)
        for table, values in others:
            out.baddbmm_(table.transpose(1, 2), values)
        return out
    else:
        result = torch.bmm(table.transpose(1, 2), values)
        for table, values in others:
            result.baddbmm_(table.transpose(1, 2), values)
    return result if out is None else out.copy_(result)


@dataclass(frozen=True)
class StoredBlock:
    r"""Block of the orders ``first <= m < last`` with :math:`M = m P/\sin\theta` and :math:`D = dP/d\theta` beside P.

    `scalar`, `along` and `across` are P, M and D (orders, degrees, rows) for degree minus order even and odd, from
    ``first_row`` on: rows nearer the pole are negligible.
    """

    first: int
    last: int
    first_row: int
    scalar: Pair
    along: Pair
    across: Pair

    @property
    def tensors(self) -> Sequence[Tensor]:
        """All tables."""
        return (*self.scalar, *self.along, *self.across)

    def project_wind(self, across: Pair, along: Pair, *, curl: bool) -> list[Pair]:
        """Return D across + M along and, if ``curl``, D along + M across, for l - m even and odd."""
        columns = across[0].shape[-1]
        if curl and few(2 * columns, across[0].device):
            # Reading the tables dominates here: both results share one pass over them.
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
        """Write M along + D across and M across + D along to two pairs of rows."""
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

    `tables` (last - first + 2, degrees, rows) are those of the orders ``first - 1`` to ``last``, for degree minus
    order even and odd; `factors` are those of the block's own orders.
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
        """All tables."""
        return self.tables

    @property
    def scalar(self) -> Pair:
        """Legendre functions of the block's own orders, for degree minus order even and odd."""
        even, odd = (
            table[1:-1, : factor.shape[1]]
            for table, factor in zip(self.tables, self._along_lower, strict=True)
        )
        return even, odd

    def project_wind(self, across: Pair, along: Pair, *, curl: bool) -> list[Pair]:
        """Return what :meth:`StoredBlock.project_wind` returns."""
        # Both components and both neighbouring orders use each table in one product.
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
        """M of one parity of l - m, from products with order m - 1 (lower) and m + 1 (upper)."""
        count = self._along_lower[parity].shape[1]
        out = self._along_lower[parity] * lower[parity][:, :count]
        out[:, 1:].addcmul_(self._along_upper[parity][:, 1:], upper[parity][:, : max(count - 1, 0)])
        return out

    def _across(self, parity: int, lower: Sequence[Tensor], upper: Sequence[Tensor]) -> Tensor:
        """D of one parity of l - m, from the same products."""
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
        """Write what :meth:`StoredBlock.spread_wind` writes."""
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
        """Add the terms for order m - 1 and m + 1: the transpose of `_along` and `_across`."""
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


OrderBlock = StoredBlock | CombinedBlock
"""Either kind of block."""
