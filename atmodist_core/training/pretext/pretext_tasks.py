"""Pretext tasks: what the encoder is given, the small network after it, and the loss."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.networks import Decoder, DecoderConfig, Encoder
from atmodist_core.networks.layers import SameConv2d
from atmodist_core.networks.losses.contrast import contrast_loss
from atmodist_core.networks.losses.triplets import triplet_loss
from atmodist_core.training.pretext.deleted_blocks import deleted_blocks

_EMBEDDED_FILTERS = 64


class PretextTask(nn.Module, ABC):
    """An encoder with what a task adds to it; called with a batch, it returns the loss."""

    times = 1
    """Patches at each place."""
    longest_lag: int | None = None
    """Between two of them [lag steps]; None for all lags of the settings."""
    trains = True

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def hidden(self, random: np.random.Generator, fields: Tensor) -> Tensor:
        """Return what is hidden from the encoder, 1 where it is, of a shape that fits the fields; by default nothing."""
        return torch.zeros(1, 1, 1, 1)

    @abstractmethod
    def forward(self, fields: Tensor, offsets: Tensor, hidden: Tensor) -> Tensor:
        """Return the loss, a float32 scalar.

        Normalised ``fields`` are ``(times * places, channels, size, size)``, all places of the first time first; ``offsets`` their
        times ``(places, times)`` [lag steps].
        """


class ReconstructionTask(PretextTask):
    """Give back the fields: the autoencoder of the paper's ablation."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        config = encoder.config
        doublings = config.stride().bit_length() - 1
        self.decoder = Decoder(DecoderConfig(config.channels, config.output_channels, doublings=doublings))

    def forward(self, fields: Tensor, offsets: Tensor, hidden: Tensor) -> Tensor:
        """Return the mean squared error where something was hidden, or everywhere."""
        size = fields.shape[-1]
        found = self.decoder(self.encoder(fields * (1.0 - hidden)))[..., :size, :size]
        squares = (found.float() - fields).square()
        counted = hidden.expand_as(squares) if bool(hidden.any()) else torch.ones_like(squares)
        return (squares * counted).sum() / counted.sum()


class InpaintingTask(ReconstructionTask):
    """Fill in deleted blocks."""

    def hidden(self, random: np.random.Generator, fields: Tensor) -> Tensor:
        """Return blocks at random places of every patch."""
        return torch.from_numpy(deleted_blocks(random, len(fields), fields.shape[-1]))


class SplitBrainTask(ReconstructionTask):
    """Give one field from the other (Zhang, Isola & Efros 2017, doi:10.1109/CVPR.2017.76), here by one encoder in turn.

    The published network has one half for each; the losses of generators need an encoder that sees both fields.
    """

    def hidden(self, random: np.random.Generator, fields: Tensor) -> Tensor:
        """Return all fields but one, another one in each next patch."""
        channels = fields.shape[1]
        kept = functional.one_hot(torch.arange(len(fields)) % channels, channels)
        return 1.0 - kept.float()[:, :, None, None]


class _EmbeddingTask(PretextTask):
    """Tasks that compare embedded patches: a linear map of the encoder's output, of norm 1."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.head = SameConv2d(encoder.config.output_channels, _EMBEDDED_FILTERS, 1)

    def _embedded(self, fields: Tensor) -> Tensor:
        flat = self.head(self.encoder(fields)).flatten(1).float()
        return functional.normalize(flat, dim=1).unflatten(0, (self.times, -1))


class TripletTask(_EmbeddingTask):
    """A nearer time is nearer."""

    times = 3

    def forward(self, fields: Tensor, offsets: Tensor, hidden: Tensor) -> Tensor:
        """Return the loss of all triplets."""
        return triplet_loss(self._embedded(fields), offsets)


class ContrastTask(_EmbeddingTask):
    """The same place a few hours later against all other patches."""

    times = 2
    longest_lag = 4

    def forward(self, fields: Tensor, offsets: Tensor, hidden: Tensor) -> Tensor:
        """Return the loss of finding the partners."""
        return contrast_loss(self._embedded(fields))


class RandomTask(PretextTask):
    """Nothing is learned: random weights, whose batch normalisation sees the data."""

    trains = False

    def forward(self, fields: Tensor, offsets: Tensor, hidden: Tensor) -> Tensor:
        """Return zero."""
        self.encoder(fields)
        return torch.zeros((), device=fields.device)


PRETEXT_TASKS: dict[str, type[PretextTask]] = {
    "triplet": TripletTask,
    "contrast": ContrastTask,
    "inpainting": InpaintingTask,
    "split-brain": SplitBrainTask,
    "reconstruction": ReconstructionTask,
    "random": RandomTask,
}
"""Tasks by the name that configurations use; the two with lag classes train a distance network."""
