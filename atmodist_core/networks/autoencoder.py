"""The autoencoder of the paper's ablation: the distance network's encoder, learned from reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.encoder import Encoder
from atmodist_core.networks.initialization import initialize_convolutions_he_
from atmodist_core.networks.layers import SameConv2d, batch_norm, check_batch

_SMALLEST_FILTERS = 16


@dataclass(frozen=True)
class DecoderConfig(NetworkConfig):
    """Shape of a :class:`Decoder`; five doublings undo the stride of 32 of the published encoder.

    The coarsest stage has ``filters`` filters; every finer one has half of them, but no fewer than 16.
    """

    channels: int = 2
    encoder_channels: int = 128
    filters: int = 128
    doublings: int = 5

    def __post_init__(self) -> None:
        self._require_counts("channels", "encoder_channels", "filters", "doublings")


class Decoder(nn.Module):
    """The encoder mirrored, and light: nearest neighbours and one convolution a stage.

    It is small so that the encoder, the only part the content loss uses, has to learn.
    """

    def __init__(self, config: DecoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DecoderConfig()
        stages, before = [], config.encoder_channels
        for stage in range(config.doublings):
            filters = max(config.filters // 2**stage, _SMALLEST_FILTERS)
            stages.append(nn.Sequential(SameConv2d(before, filters, 3, bias=False), batch_norm(filters)))
            before = filters
        self.stages = nn.ModuleList(stages)
        self.tail = SameConv2d(before, config.channels, 3)
        initialize_convolutions_he_(self)

    def forward(self, encoded: Tensor) -> Tensor:
        """Return ``(batch, channels, stride * height, stride * width)`` with a stride of 2**doublings."""
        x = encoded
        for stage in self.stages:
            x = functional.relu(stage(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        return self.tail(x)


class Autoencoder(nn.Module):
    """Encoder and decoder: fields in, the same fields out, through 1/16 of their numbers (2 of them)."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, fields: Tensor) -> Tensor:
        """Reconstruct normalised fields ``(batch, channels, height, width)``.

        Where the stride does not divide the size, the decoder's surplus is cut off at the end.
        """
        check_batch(fields, self.encoder.config.channels, "autoencoder")
        height, width = fields.shape[-2:]
        return self.decoder(self.encoder(fields))[..., :height, :width]
