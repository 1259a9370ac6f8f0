"""The generator of the super-resolution networks: coarse fields to fine ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.initialization import initialize_xavier_, subpixel_xavier_
from atmodist_core.networks.layers import LEAK, SameConv2d, check_batch

_EDGE_KERNEL = 9
_KERNEL = 3


@dataclass(frozen=True)
class GeneratorConfig(NetworkConfig):
    """Shape of a :class:`Generator`; the defaults are the published one (1,534,850 parameters).

    Attributes
    ----------
    channels : int
        Number of fields, in and out.
    factor : int
        Fine points per coarse point along each axis, a power of two from 2 up.
    filters : int
        Of every inner convolution.
    blocks : int
        Residual blocks at the coarse resolution.
    """

    channels: int = 2
    factor: int = 4
    filters: int = 64
    blocks: int = 16

    def __post_init__(self) -> None:
        self._require_positive("channels", "filters", "blocks")
        if self.factor < 2 or self.factor & (self.factor - 1):
            raise UserError(
                "Expected a factor of GeneratorConfig that is a power of two (2, 4, 8, ...), found "
                f"{self.factor}: choose one of these."
            )

    @property
    def upsampling_steps(self) -> int:
        """Number of times the resolution doubles."""
        return int(math.log2(self.factor))

    @property
    def coarse_radius(self) -> int:
        """How far [coarse points] an input point can be from a coarse feature that it changes."""
        return _EDGE_KERNEL // 2 + (2 * self.blocks + 1) * (_KERNEL // 2)

    @property
    def refining_radius(self) -> float:
        """How far [coarse points] a coarse feature can be from an output point that it changes.

        Half a kernel for every convolution, in units of the coarse point: the steps at finer resolution
        count less.
        """
        steps = sum((_KERNEL // 2) / 2**step for step in range(self.upsampling_steps))
        return steps + (_EDGE_KERNEL // 2) / self.factor

    @property
    def receptive_radius(self) -> float:
        """How far [coarse points] an input point can be from an output point that it changes."""
        return self.coarse_radius + self.refining_radius


class GeneratorBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; no normalisation."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv1 = SameConv2d(filters, filters, _KERNEL)
        self.conv2 = SameConv2d(filters, filters, _KERNEL)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of the input."""
        return x + self.conv2(functional.leaky_relu(self.conv1(x), LEAK))


class UpsamplingStep(nn.Module):
    """Double the resolution: a convolution to four times the channels, shuffled into space."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = SameConv2d(filters, 4 * filters, _KERNEL)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, filters, 2 * height, 2 * width)``."""
        return functional.leaky_relu(functional.pixel_shuffle(self.conv(x), 2), LEAK)


class Generator(nn.Module):
    """SRGAN generator (Ledig et al. 2017; Stengel et al. 2020) for normalised fields of any size.

    Parameters
    ----------
    config : GeneratorConfig, optional
        Default: two fields, factor 4.
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeneratorConfig()
        self.head = SameConv2d(config.channels, config.filters, _EDGE_KERNEL)
        self.blocks = nn.Sequential(*(GeneratorBlock(config.filters) for _ in range(config.blocks)))
        self.trunk = SameConv2d(config.filters, config.filters, _KERNEL)
        steps = [UpsamplingStep(config.filters) for _ in range(config.upsampling_steps)]
        self.upsampling = nn.Sequential(*steps)
        self.tail = SameConv2d(config.filters, config.channels, _EDGE_KERNEL)
        initialize_xavier_(self)
        for step in steps:
            subpixel_xavier_(step.conv.weight, 2)

    def forward(self, coarse: Tensor) -> Tensor:
        """Generate fine fields.

        Parameters
        ----------
        coarse : Tensor
            Normalised, shape ``(batch, channels, height, width)``.

        Returns
        -------
        Tensor
            Normalised, shape ``(batch, channels, factor * height, factor * width)``.
        """
        check_batch(coarse, self.config.channels, "generator")
        return self.refine(self.coarse_features(coarse))

    def coarse_features(self, coarse: Tensor, between_blocks: Callable[[], None] | None = None) -> Tensor:
        """Run the part of the network that works at the coarse resolution.

        Parameters
        ----------
        coarse : Tensor
            Normalised, shape ``(batch, channels, height, width)``.
        between_blocks : callable, optional
            Called before each residual block; may raise to stop.

        Returns
        -------
        Tensor
            Shape ``(batch, filters, height, width)``.
        """
        shallow = x = functional.leaky_relu(self.head(coarse), LEAK)
        for block in self.blocks:
            if between_blocks is not None:
                between_blocks()
            x = block(x)
        return shallow + self.trunk(x)

    def refine(self, features: Tensor) -> Tensor:
        """Run the part of the network that raises the resolution.

        Parameters
        ----------
        features : Tensor
            Of :meth:`coarse_features`, shape ``(batch, filters, height, width)``.

        Returns
        -------
        Tensor
            Normalised, shape ``(batch, channels, factor * height, factor * width)``.
        """
        return self.tail(self.upsampling(features))
