"""Coefficients of a few fields in planes, and their products with the tables, for CPUs.

The batch and the real and imaginary part come first, order and degree last: the order of memory changes once before all
products and once after, which takes as long as the products themselves where it is done block by block.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from atmodist_core.harmonics.blocks import OrderBlock


def to_planes(packed: Tensor) -> Tensor:
    """Planes of coefficients.

    Parameters
    ----------
    packed : Tensor, shape (orders, degrees, batch, 2)
        Memory of coefficients.

    Returns
    -------
    Tensor, shape (2 * batch, orders, degrees)
        A copy.
    """
    return packed[: packed.shape[1]].flatten(2).permute(2, 0, 1).contiguous()


def new_planes(columns: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Zeros with the room that :func:`slots` needs.

    Parameters
    ----------
    columns : int
        Number of planes.
    size : int
        Number of degrees and of orders.
    like : Tensor
        Of the wanted type and device.

    Returns
    -------
    memory : Tensor, shape (columns, size, size + 1)
        For the products.
    planes : Tensor, shape (columns, size, size)
        Orders and degrees in it.
    """
    memory = like.new_zeros((columns, size, size + 1))
    return memory, memory.flatten(1)[:, : size * size].unflatten(1, (size, size))


def slots(memory: Tensor, block: OrderBlock) -> Tensor:
    """View the orders of a block by degree minus order.

    Beyond the truncation they run on into entries of the next order with order > degree.

    Parameters
    ----------
    memory : Tensor, shape (columns, size, size + 1)
        Of :func:`new_planes`.
    block : OrderBlock
        The orders.

    Returns
    -------
    Tensor, shape (orders, columns, degrees)
    """
    columns, size, _ = memory.shape
    shape = (block.last - block.first, columns, size - block.first)
    start = memory.storage_offset() + block.first * (size + 1)
    return memory.as_strided(shape, (size + 1, memory.stride(0), 1), start)


def spread_planes(memory: Tensor, blocks: Sequence[OrderBlock], row_count: int) -> Tensor:
    """Rows of planes of coefficients.

    Parameters
    ----------
    memory : Tensor, shape (columns, size, size + 1)
        Of :func:`new_planes`.
    blocks : sequence of OrderBlock
        Legendre functions of all orders.
    row_count : int
        Number of rows.

    Returns
    -------
    Tensor, shape (2, orders, columns, rows)
        Even and odd rows.
    """
    columns, size, _ = memory.shape
    rows = memory.new_empty((2, size, columns, row_count))
    for block in blocks:
        coefficients = slots(memory, block)
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
    """Write the rows of the coefficients of a few scalars.

    Parameters
    ----------
    packed : Tensor, shape (orders, degrees, batch, 2)
        Memory of coefficients.
    blocks : sequence of OrderBlock
        Legendre functions of all orders.
    rows : Tensor, shape (2, orders, rows, batch, 2)
        Where to write.
    """
    size = packed.shape[1]
    values = packed[:size].flatten(2).permute(2, 0, 1)
    memory, planes = new_planes(values.shape[0], size, packed)
    planes.copy_(values)
    rows.flatten(3).copy_(spread_planes(memory, blocks, rows.shape[2]).transpose(2, 3))
