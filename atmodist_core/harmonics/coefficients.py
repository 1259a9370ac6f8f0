"""Memory layouts of spherical-harmonic coefficients, and the views of them that the table products need.

*Packed* memory is [order, degree, batch, 2]. Public coefficients (..., degree, order) are views of it, and
coefficients that come back in it are used without a copy.

*Planes* are [2 * batch, order, degree], for a few fields on a CPU: the memory order changes once before all
products and once after, because changing it block by block takes as long as the products themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from atmodist_core.harmonics.blocks import OrderBlock


def new_packed(size: int, batch: int, like: Tensor) -> Tensor:
    """Allocate packed memory, shape (size + 1, size, batch, 2), of the type and device of ``like``.

    It has one order more than needed, because the diagonal view of the last block extends into it.
    """
    return torch.empty((size + 1, size, batch, 2), dtype=like.dtype, device=like.device)


def clear(packed: Tensor, first: int, last: int) -> None:
    """Set to zero what has order > degree among the orders ``first <= m < last``, before they are filled."""
    packed[first:last, :last].zero_()


def diagonal(packed: Tensor, first: int, last: int) -> Tensor:
    """View the orders ``first <= m < last`` by degree minus order: (last - first, size - first, 2 * batch).

    With ``size + 1`` entries from one order to the next, degree minus order is an axis. Beyond the truncation
    the view extends into unused entries of the next order, with order > degree, where the tables are zero.
    It is a copy if the memory ends too early.
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
    """Return packed memory (size, size, batch, 2) of public coefficients (..., degree, order).

    Nothing is copied if they have that layout and no ``factor`` (size,) multiplies each degree.
    """
    size = coefficients.shape[-1]
    shaped = coefficients.reshape(-1, size, size).permute(2, 1, 0)
    if factor is None:
        return torch.view_as_real(shaped.contiguous())
    # Expanded over the batch, the factor has long contiguous runs, which suit vector units.
    spread_out = factor[:, None].expand(-1, shaped.shape[-1]).contiguous()
    out = torch.empty(shaped.shape, dtype=shaped.dtype, device=shaped.device)
    return torch.view_as_real(torch.mul(shaped, spread_out, out=out))


def to_public(packed: Tensor, batch: torch.Size) -> Tensor:
    """View packed memory as public complex coefficients, shape (..., degree, order)."""
    size = packed.shape[1]
    values = torch.view_as_complex(packed)[:size].permute(2, 1, 0)
    if len(batch) == 1:
        return values
    return values.unflatten(0, batch) if batch.numel() > 1 else values.reshape(*batch, size, size)


def to_planes(packed: Tensor) -> Tensor:
    """Copy packed memory to planes, shape (2 * batch, orders, degrees)."""
    return packed[: packed.shape[1]].flatten(2).permute(2, 0, 1).contiguous()


def new_planes(columns: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Allocate planes of zeros: their memory (columns, size, size + 1), and its view by order and degree."""
    memory = like.new_zeros((columns, size, size + 1))
    return memory, memory.flatten(1)[:, : size * size].unflatten(1, (size, size))


def diagonal_planes(memory: Tensor, block: OrderBlock) -> Tensor:
    """View the orders of a block, (orders, columns, degrees), by degree minus order, as :func:`diagonal` does."""
    columns, size, _ = memory.shape
    shape = (block.last - block.first, columns, size - block.first)
    start = memory.storage_offset() + block.first * (size + 1)
    return memory.as_strided(shape, (size + 1, memory.stride(0), 1), start)


def spread_planes(memory: Tensor, blocks: Sequence[OrderBlock], row_count: int) -> Tensor:
    """Sum Legendre functions times planes (their memory) over the degrees, to (2, orders, columns, rows)."""
    columns, size, _ = memory.shape
    rows = memory.new_empty((2, size, columns, row_count))
    for block in blocks:
        coefficients = diagonal_planes(memory, block)
        for parity, table in enumerate(block.scalar):
            target = rows[parity, block.first : block.last]
            values = coefficients[:, :, parity::2].contiguous()
            if block.first_row == 0:
                torch.bmm(values, table, out=target)
            else:
                target[:, :, : block.first_row] = 0.0
                target[:, :, block.first_row :] = torch.bmm(values, table)
    return rows


def spread_scalar(packed: Tensor, blocks: Sequence[OrderBlock], rows: Tensor) -> None:
    """Write the rows (2, orders, rows, batch, 2) of packed coefficients of a few scalar fields."""
    size = packed.shape[1]
    values = packed[:size].flatten(2).permute(2, 0, 1)
    memory, planes = new_planes(values.shape[0], size, packed)
    planes.copy_(values)
    rows.flatten(3).copy_(spread_planes(memory, blocks, rows.shape[2]).transpose(2, 3))
