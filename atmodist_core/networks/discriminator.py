"""The discriminator of the super-resolution GAN: is a fine field real?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.initialization import initialize_xavier_
from atmodist_core.networks.layers import LEAK, SameConv2d, check_batch


@dataclass(frozen=True)
class DiscriminatorConfig(NetworkConfig):
    """Shape of a :class:`Discriminator`; the defaults are the published one (10,611,201 parameters)."""

    channels: int = 2
    patch_size: int = 96  # of the square fine patches [points]
    filters: tuple[int, ...] = (32, 32, 64, 64, 128, 128, 256, 256)  # every second one has stride 2
    dense_units: int = 1024

    def __post_init__(self) -> None:
        self._require_counts("channels", "patch_size", "filters", "dense_units")

    @property
    def encoded_size(self) -> int:
        """Points along each side after the last convolution."""
        return math.ceil(self.patch_size / 2 ** (len(self.filters) // 2))


class Discriminator(nn.Module):
    """Convolutions, every second with stride 2, then two dense layers to one logit (positive: real)."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DiscriminatorConfig()
        convolutions = []
        channels = config.channels
        for number, filters in enumerate(config.filters):
            convolutions.append(SameConv2d(channels, filters, 3, stride=1 + number % 2))
            channels = filters
        self.convolutions = nn.ModuleList(convolutions)
        self.dense1 = nn.Linear(channels * config.encoded_size**2, config.dense_units)
        self.dense2 = nn.Linear(config.dense_units, 1)
        initialize_xavier_(self)

    def forward(self, fine: Tensor) -> Tensor:
        """Classify normalised fields ``(batch, channels, patch_size, patch_size)``: logits ``(batch, 1)``."""
        size = self.config.patch_size
        check_batch(fine, self.config.channels, "discriminator")
        if fine.shape[-2:] != (size, size):
            raise ValueError(
                f"Expected patches of {size} x {size} points for the discriminator, found {fine.shape[-2]} x "
                f"{fine.shape[-1]}: cut them to its patch size."
            )
        x = fine
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), LEAK)
        return self.dense2(functional.leaky_relu(self.dense1(x.flatten(1)), LEAK))
