"""Which part of a window is still needed as layer after layer is done."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Bounds = list[tuple[int, int]]
"""First index and end along rows and columns, counted on the whole window."""


class WindowPart:
    """The part of a window that the layers still to come see; ``wanted`` (None: all) is wanted at the end."""

    def __init__(self, size: Sequence[int], wanted: tuple[slice, slice] | None) -> None:
        whole = [(0, length) for length in size]
        self._wanted = [(part.start, part.stop) for part in wanted] if wanted else whole
        self._now = self._whole = whole

    def bounds(self, margin: int) -> Bounds:
        """Where the wanted part lies with a margin [points] around it, as far as there is one."""
        return [
            (max(first - margin, low), min(last + margin, high))
            for (first, last), (low, high) in zip(self._wanted, self._whole, strict=True)
        ]

    def cut(self, x: Tensor, margin: int) -> Tensor:
        """Keep the wanted part and a margin [points] around it, as far as there is one."""
        bounds = self.bounds(margin)
        if bounds != self._now:
            # A copy, as convolutions are slow on the strides of a part.
            form = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else None
            x = self._slice(x, bounds)
            x = x.contiguous(memory_format=form) if form else x.contiguous()
        self._now = bounds
        return x

    def wanted_of(self, x: Tensor) -> Tensor:
        """Return the wanted part of what is kept now."""
        return self._slice(x, self._wanted) if self._now != self._wanted else x

    def _slice(self, x: Tensor, bounds: Bounds) -> Tensor:
        rows, columns = (slice(*part) for part in relative(bounds, self._now))
        return x[..., rows, columns]


def relative(bounds: Bounds, kept: Bounds) -> Bounds:
    """Count bounds from where the part that is kept begins."""
    return [(first - low, last - low) for (first, last), (low, _) in zip(bounds, kept, strict=True)]
