"""How the weights of the networks start."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a unit normal cut off at two standard deviations."""


@torch.no_grad()
def he_normal_(weight: Tensor) -> Tensor:
    """Fill a kernel ``(out, in, height, width)`` in place with Keras' ``he_normal``.

    The standard deviation after truncation at two standard deviations is sqrt(2 / fan_in).
    """
    fan_in = weight[0].numel()
    std = math.sqrt(2.0 / fan_in) / _TRUNCATED_STD
    return nn.init.trunc_normal_(weight, 0.0, std, -2.0 * std, 2.0 * std)


@torch.no_grad()
def subpixel_xavier_(weight: Tensor, factor: int) -> Tensor:
    """Fill in place a kernel that feeds a pixel shuffle, so that it starts without a checkerboard.

    The ``factor**2`` kernels whose outputs become the neighbours inside one coarse cell start equal (ICNR;
    Aitken et al. 2017, arXiv 1707.02937): a shuffled field is then the nearest-neighbour enlargement of a
    convolved one. The kernel has the shape ``(channels * factor**2, in, height, width)``.
    """
    cells = factor * factor
    kernel = torch.empty(
        weight.shape[0] // cells, *weight.shape[1:], dtype=weight.dtype, device=weight.device
    )
    nn.init.xavier_uniform_(kernel)
    # pixel_shuffle takes the cells of one output channel from consecutive input channels.
    return weight.copy_(kernel.repeat_interleave(cells, dim=0))


def initialize_convolutions_he_(network: nn.Module) -> None:
    """Start every convolution of a network with He's truncated normal and zero bias."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            he_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialize_xavier_(network: nn.Module) -> None:
    """Start every convolution and dense layer of a network with Xavier's uniform and zero bias."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
