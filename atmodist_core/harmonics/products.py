"""Batched products of Legendre tables with rows and with coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from atmodist_core.common.cpu import is_made_by_amd

_FEW_COLUMNS = 8
"""Up to this many columns, CPU libraries are two to four times faster with the table on the right."""

_FEWEST_COLUMNS = 4
"""Up to this many, AMD's processors take half of that time again where the table stands on the left of lines turned about."""


def few(columns: int, device: torch.device) -> bool:
    """Whether products with this many columns are better held transposed."""
    return columns <= _FEW_COLUMNS and device.type == "cpu"


def project(table: Tensor, rows: Tensor) -> Tensor:
    """Coefficients of rows.

    Parameters
    ----------
    table : Tensor, shape (orders, degrees, rows)
        Legendre functions or the like.
    rows : Tensor, shape (orders, rows, columns)
        Fourier coefficients of the rows.

    Returns
    -------
    Tensor, shape (orders, degrees, columns)
        The product, in either memory order.
    """
    if few(rows.shape[-1], rows.device):
        lines = rows.transpose(1, 2).contiguous()
        # By the maker's name: what a measurement finds faster could be another way the next time, and so other last bits.
        if rows.shape[-1] <= _FEWEST_COLUMNS and is_made_by_amd():
            return torch.bmm(table, lines.transpose(1, 2))
        return torch.bmm(lines, table.transpose(1, 2)).transpose(1, 2)
    return torch.bmm(table, rows)


def spread(terms: Sequence[tuple[Tensor, Tensor]], out: Tensor | None = None) -> Tensor:
    """Rows of coefficients, the transpose of :func:`project`, added up over several tables.

    Parameters
    ----------
    terms : sequence of (Tensor, Tensor)
        Tables of shape (orders, degrees, rows) and coefficients of shape (orders, degrees, columns).
    out : Tensor, shape (orders, rows, columns), optional
        Where to write.

    Returns
    -------
    Tensor, shape (orders, rows, columns)
        The sum of products: ``out`` if it was given, else a new tensor in either memory order.
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
