"""Memory of spherical-harmonic coefficients, [order, degree, batch, 2], and the views that the products need.

Public coefficients (..., degree, order) are views of such memory; coefficients that come back in it are used
without a copy.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def new_packed(size: int, batch: int, like: Tensor) -> Tensor:
    """Empty memory, one order more than needed: the diagonal view of the last block reaches there.

    Parameters
    ----------
    size : int
        Number of degrees and of orders.
    batch : int
        Number of fields.
    like : Tensor
        Real tensor of the wanted type and device.

    Returns
    -------
    Tensor, shape (size + 1, size, batch, 2)
        Uninitialised.
    """
    return torch.empty((size + 1, size, batch, 2), dtype=like.dtype, device=like.device)


def clear(packed: Tensor, first: int, last: int) -> None:
    """Zero the entries with order > degree of the orders ``first <= m < last``, before they are filled."""
    packed[first:last, :last].zero_()


def diagonal(packed: Tensor, first: int, last: int) -> Tensor:
    """View the orders ``first <= m < last`` by degree minus order.

    With ``size + 1`` entries from one order to the next, degree minus order is an axis. Beyond the truncation
    it runs on into unused entries of the next order, with order > degree: the tables are zero there.

    Parameters
    ----------
    packed : Tensor, shape (size or size + 1, size, batch, 2)
        Contiguous memory of coefficients.
    first, last : int
        Range of orders.

    Returns
    -------
    Tensor, shape (last - first, size - first, 2 * batch)
        The view; a copy where the memory ends too early.
    """
    available, size, batch, _ = packed.shape
    columns, orders, degrees = 2 * batch, last - first, size - first
    start = first * (size + 1)
    shape, strides = (orders, degrees, columns), ((size + 1) * columns, columns, 1)
    missing = (orders - 1) * (size + 1) + degrees - (available * size - start)
    if missing <= 0:
        return packed.as_strided(shape, strides, packed.storage_offset() + start * columns)
    tail = packed.reshape(available * size, columns)[start:]
    return pad(tail, (0, 0, 0, missing)).as_strided(shape, strides, 0)


def to_packed(coefficients: Tensor, factor: Tensor | None = None) -> Tensor:
    """Memory of public coefficients, without a copy where they have that layout and there is no factor.

    Parameters
    ----------
    coefficients : Tensor, shape (..., size, size)
        Complex coefficients [degree, order].
    factor : Tensor, shape (size,), optional
        Multiplies each degree.

    Returns
    -------
    Tensor, shape (size, size, batch, 2)
        Contiguous memory.
    """
    size = coefficients.shape[-1]
    shaped = coefficients.reshape(-1, size, size).permute(2, 1, 0)
    if factor is None:
        return torch.view_as_real(shaped.contiguous())
    # Spread over the batch, the factor meets long contiguous runs, which is what vector units want.
    spread_out = factor[:, None].expand(-1, shaped.shape[-1]).contiguous()
    out = torch.empty(shaped.shape, dtype=shaped.dtype, device=shaped.device)
    return torch.view_as_real(torch.mul(shaped, spread_out, out=out))


def to_public(packed: Tensor, batch: torch.Size) -> Tensor:
    """View memory as public coefficients.

    Parameters
    ----------
    packed : Tensor, shape (size or size + 1, size, batch, 2)
        Memory.
    batch : torch.Size
        Leading dimensions of the result.

    Returns
    -------
    Tensor, shape (*batch, size, size)
        Complex view [degree, order].
    """
    size = packed.shape[1]
    values = torch.view_as_complex(packed)[:size].permute(2, 1, 0)
    if len(batch) == 1:
        return values
    return values.unflatten(0, batch) if batch.numel() > 1 else values.reshape(*batch, size, size)
