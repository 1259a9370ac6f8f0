"""A convolution to a few fields, computed for several neighbouring points at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.layers import SameConv2d

_LANES = 16
"""Filters that the convolutions of a CPU compute together: with fewer, the rest of the vector is wasted."""


class FewFiltersConv2d(SameConv2d):
    """Square convolution with stride 1 and few filters, such as the last layer of a generator.

    A CPU computes sixteen filters at a time, so that two cost as much as sixteen. Here the outputs at
    ``rows`` x ``columns`` neighbouring points are the filters of one convolution with that stride, whose
    kernels are the same one moved from point to point among zeros: some taps more, far fewer wasted lanes.
    Parameters and numbers are those of the plain convolution. On other devices it is the plain one: nothing
    else was measured.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        largest_rows: int = 4,
        largest_columns: int = 4,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size)
        self.neighbours = neighbours(out_channels, largest_rows, largest_columns)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``(batch, in_channels, height, width)``."""
        rows, columns = self.neighbours
        if input.device.type != "cpu" or rows * columns == 1:
            return super().forward(input)
        assert self.bias is not None
        height, width = input.shape[-2:]
        missing = -height % rows, -width % columns
        if any(missing):
            input = functional.pad(input, (0, missing[1], 0, missing[0]))
        layout = (
            torch.channels_last
            if input.is_contiguous(memory_format=torch.channels_last)
            else torch.contiguous_format
        )
        outputs = functional.conv2d(
            input,
            neighbouring_kernels(self.weight, rows, columns).contiguous(memory_format=layout),
            self.bias.repeat_interleave(rows * columns),
            (rows, columns),
            self.kernel_size[0] // 2,
        )
        apart = outputs.unflatten(1, (self.out_channels, rows, columns)).permute(0, 1, 4, 2, 5, 3)
        return apart.flatten(4, 5).flatten(2, 3)[..., :height, :width]


def neighbours(filters: int, largest_rows: int = 4, largest_columns: int = 4) -> tuple[int, int]:
    """Return the rows and columns of neighbouring points whose filters together fill a vector.

    Examples
    --------
    >>> neighbours(2), neighbours(1), neighbours(9)
    ((4, 2), (4, 4), (1, 1))
    """
    count = 2 ** int(math.log2(max(_LANES // filters, 1)))
    rows = min(2 ** math.ceil(math.log2(count) / 2), largest_rows)
    return rows, min(count // rows, largest_columns)


def neighbouring_kernels(kernel: Tensor, rows: int, columns: int) -> Tensor:
    """Return the kernels of a group of neighbouring outputs, for a convolution with the group's size as stride.

    From ``(filter, channel, k, k)`` they become ``(filter * rows * columns, channel, k + rows - 1, k +
    columns - 1)``, in the order filter, row, column.
    """
    moved = [
        functional.pad(kernel, (column, columns - 1 - column, row, rows - 1 - row))
        for row in range(rows)
        for column in range(columns)
    ]
    return torch.stack(moved, dim=1).flatten(0, 1)
