"""Layers that several networks share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORM_EPSILON = 1.001e-5
BATCH_NORM_MOMENTUM = 0.01
"""torch's momentum is the weight of the new batch: Keras' 0.99 is torch's 0.01."""

LEAK = 0.2
"""Slope of the leaky rectifier below zero."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after an axis under TensorFlow's 'SAME' rule.

    The output has ``ceil(size / stride)`` points. Where the number of zeros is odd, the extra one goes
    *after* the field, which is why a strided convolution is not symmetric.

    Examples
    --------
    >>> same_padding(160, kernel=3, stride=2)
    (0, 1)
    >>> same_padding(5, kernel=3, stride=2)
    (1, 1)
    """
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _padded_same(x: Tensor, kernel: int, stride: int) -> tuple[Tensor, tuple[int, int]]:
    """A field, and the symmetric padding left to the convolution, which does not copy the field for it.

    ``kernel`` is the width that the kernel spans.
    """
    top, bottom = same_padding(x.shape[-2], kernel, stride)
    left, right = same_padding(x.shape[-1], kernel, stride)
    if top == bottom and left == right:
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom)), (0, 0)


class SameConv2d(nn.Conv2d):
    """Square convolution with TensorFlow's 'SAME' zero padding: ``ceil(size / stride)`` points for any size."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        bias: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, bias=bias, dilation=dilation)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``(batch, in_channels, height, width)``."""
        span = self.dilation[0] * (self.kernel_size[0] - 1) + 1
        padded, padding = _padded_same(input, span, self.stride[0])
        return functional.conv2d(padded, self.weight, self.bias, self.stride, padding, self.dilation)


class SameMaxPool2d(nn.Module):
    """Square max-pooling with TensorFlow's 'SAME' padding, for rectified (non-negative) input of any size.

    Zeros may stand in for the minus infinity of the rule because the input is never negative.
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        if stride == 1 and kernel_size % 2 == 0:
            raise ValueError(
                f"Expected an odd kernel for pooling with stride 1, found {kernel_size}: its last window would be lost."
            )
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        """Pool ``(batch, channels, height, width)`` to ``ceil(size / stride)`` points."""
        top, left = (same_padding(size, self.kernel_size, self.stride)[0] for size in x.shape[-2:])
        # A point that is missing after the field only makes the last window smaller: no copy for it.
        return functional.max_pool2d(x, self.kernel_size, self.stride, (top, left), ceil_mode=True)


@contextmanager
def measured_statistics(module: nn.Module) -> Iterator[None]:
    """Within it, batch normalisation takes as its statistics the plain average over all batches that pass."""
    norms = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    module.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    yield
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    module.eval()


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch normalisation with the constants of the Keras original."""
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)


def parameter_count(network: nn.Module) -> int:
    """Return the number of trainable parameters of a network (running statistics are not counted)."""
    return sum(parameter.numel() for parameter in network.parameters())


def check_batch(x: Tensor, channels: int, network: str) -> None:
    """Refuse input that is not ``(batch, channels, height, width)``; free when compiling."""
    if torch.compiler.is_compiling():
        return
    if x.ndim != 4 or x.shape[1] != channels:
        raise ValueError(
            f"Expected for the {network} an array (batch, {channels}, height, width), found "
            f"{tuple(x.shape)}: stack the channels along the second axis."
        )
