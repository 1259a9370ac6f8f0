"""The encoder of the distance network: a small residual network shared by both fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.initialization import initialize_convolutions_he_
from atmodist_core.networks.layers import SameConv2d, SameMaxPool2d, batch_norm, check_batch


@dataclass(frozen=True)
class EncoderConfig(NetworkConfig):
    """Shape of an :class:`Encoder`; the defaults are the published network (2,271,920 parameters)."""

    channels: int = 2
    stem_filters: int = 16  # of the first, 8 x 8, convolution
    stage_filters: tuple[int, ...] = (16, 32, 64, 128)  # the second and later stages start with stride 2
    blocks_per_stage: int = 6

    def __post_init__(self) -> None:
        self._require_counts("channels", "stem_filters", "stage_filters", "blocks_per_stage")

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers with activations: ``stage1`` to the last stage."""
        return tuple(f"stage{number}" for number in range(1, len(self.stage_filters) + 1))

    @property
    def output_channels(self) -> int:
        """Number of channels of the encoder's output."""
        return self.stage_filters[-1]

    def filters(self, layer: str) -> int:
        """Return the number of channels of a layer."""
        return self.stage_filters[self.layers.index(self.check_layer(layer))]

    def stride(self, layer: str | None = None) -> int:
        """Return how many input points lie between two points of a layer (default: of the output)."""
        return 4 * 2 ** (self.layers.index(self.check_layer(layer or self.layers[-1])))

    def receptive_radius(self, layer: str | None = None) -> int:
        """Return how far [input points] an input point can be from an activation of a layer that it changes.

        Four points for the first convolution and four for the pooling; in every stage, two convolutions a
        block of one point each at the stage's stride. (A strided convolution reaches two points at the
        stride before it.)
        """
        last = self.layers.index(self.check_layer(layer or self.layers[-1]))
        return 8 + sum(2 * self.blocks_per_stage * self.stride(each) for each in self.layers[: last + 1])

    def check_layer(self, layer: str) -> str:
        """Return the layer's name, or refuse an unknown one with a UserError that lists the known ones."""
        if layer not in self.layers:
            raise UserError(
                f"Expected a layer of the encoder, one of {', '.join(self.layers)}, found {layer!r}: "
                "choose one of these."
            )
        return layer


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation around a shortcut.

    The shortcut is a 1 x 1 projection without bias or normalisation where the filter count or the size
    changes.
    """

    def __init__(self, in_channels: int, filters: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = SameConv2d(in_channels, filters, 3, stride=stride, bias=False)
        self.norm1 = batch_norm(filters)
        self.conv2 = SameConv2d(filters, filters, 3, bias=False)
        self.norm2 = batch_norm(filters)
        self.projection: nn.Module | None = None
        if in_channels != filters or stride != 1:
            self.projection = SameConv2d(in_channels, filters, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, filters, ceil(height / stride), ceil(width / stride))``."""
        shortcut = x if self.projection is None else self.projection(x)
        # In place: what a normalisation returns is needed by nobody else, and memory costs time.
        y = functional.relu_(self.norm1(self.conv1(x)))
        return functional.relu_(self.norm2(self.conv2(y)).add_(shortcut))


class Encoder(nn.Module):
    """Map fields to activations whose differences measure the distance of atmospheric states.

    An 8 x 8 convolution with stride 2, 3 x 3 max-pooling with stride 2, then stages of residual blocks; a
    stride of 32 in all, so that 160 x 160 points become 128 x 5 x 5 activations. Works on any size from one
    point up.

    The first convolution keeps a bias although batch normalisation follows: the published parameter count
    includes it.
    """

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        self.stem = SameConv2d(config.channels, config.stem_filters, 8, stride=2)
        self.stem_norm = batch_norm(config.stem_filters)
        self.pool = SameMaxPool2d(3, stride=2)
        self.stages = nn.ModuleDict()
        channels = config.stem_filters
        for layer, filters in zip(config.layers, config.stage_filters, strict=True):
            blocks = []
            for number in range(config.blocks_per_stage):
                stride = 2 if number == 0 and layer != "stage1" else 1
                blocks.append(ResidualBlock(channels, filters, stride))
                channels = filters
            self.stages[layer] = nn.Sequential(*blocks)
        initialize_convolutions_he_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Encode normalised fields ``(batch, channels, height, width)``.

        With four stages the stride is 32: ``(batch, output_channels, ceil(height / 32), ceil(width / 32))``.
        """
        last = self.config.layers[-1]
        return self.features(x, (last,))[last]

    def features(self, x: Tensor, layers: Sequence[str] = ("stage4",)) -> dict[str, Tensor]:
        """Return the activations at the ends of the named stages; no later stage is computed.

        For normalised fields ``(batch, channels, height, width)`` each is ``(batch, filters, height / stride,
        width / stride)``, rounded up, with stride 4 at ``stage1``, doubled at every further stage. An unknown
        layer is a UserError.
        """
        check_batch(x, self.config.channels, "encoder")
        wanted = {self.config.check_layer(layer) for layer in layers}
        activations: dict[str, Tensor] = {}
        x = self.pool(functional.relu_(self.stem_norm(self.stem(x))))
        for layer, stage in self.stages.items():
            if len(activations) == len(wanted):
                break
            x = stage(x)
            if layer in wanted:
                activations[layer] = x
        return activations
