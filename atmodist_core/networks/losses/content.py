"""Content losses of the generator."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.encoder import Encoder


class ContentLoss(nn.Module, ABC):
    """How far a prediction is from the truth: base of the losses in :data:`CONTENT_LOSSES`."""

    @abstractmethod
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss, a float32 scalar, of normalised fields ``(batch, channels, height, width)``."""

    def at(self, step: int) -> None:
        """Say which step follows, for losses that draw something at random in each."""


class MeanSquaredErrorLoss(ContentLoss):
    """Mean of the squared difference of the normalised fields."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean squared difference of two batches ``(batch, channels, height, width)``."""
        return functional.mse_loss(prediction.float(), target.float())


class MeanAbsoluteErrorLoss(ContentLoss):
    """Mean of the absolute difference of the normalised fields."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute difference of two batches ``(batch, channels, height, width)``."""
        return functional.l1_loss(prediction.float(), target.float())


def mean_squared_activation_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return the unscaled AtmoDist distance of two fields' activations ``(batch, filters, height, width)``.

    Shape ``(batch,)``, float32: bfloat16 would lose the small differences.
    """
    return (a.float() - b.float()).square().mean(dim=(1, 2, 3))


class AtmoDistLoss(ContentLoss):
    """AtmoDist as a content loss: the scaled squared difference of the activations of a frozen encoder.

    For each layer ``scale * mean over (filters, height, width) of (F(prediction) - F(target))**2``; several
    layers are averaged, so that the loss keeps the magnitude of a mean squared error when every scale was
    made by :func:`~atmodist_core.networks.losses.distance_scale.distance_scale` with that metric as
    reference.

    The encoder is copied and frozen: its weights get no gradient, its batch normalisation keeps the running
    statistics even in training mode. The loss is differentiable in the prediction, not in the target.

    Parameters
    ----------
    encoder : Encoder
        Of a trained distance network.
    layers : sequence of str
        Where the activations are compared, e.g. ``("stage2",)``.
    scales : sequence of float, optional
        One factor for each layer; default 1.
    """

    def __init__(
        self, encoder: Encoder, layers: Sequence[str] = ("stage2",), scales: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        if isinstance(layers, str) or not layers:
            raise UserError(
                f"Expected at least one layer for the AtmoDist loss, as a list, found {layers!r}: "
                f"choose among {', '.join(encoder.config.layers)}."
            )
        self.layers = tuple(encoder.config.check_layer(layer) for layer in layers)
        self.scales = (1.0,) * len(self.layers) if scales is None else tuple(float(scale) for scale in scales)
        if len(self.scales) != len(self.layers):
            raise UserError(
                f"Expected a scale for each of the {len(self.layers)} layers of the AtmoDist loss, found "
                f"{len(self.scales)}: give one per layer."
            )
        self.encoder = copy.deepcopy(encoder).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> AtmoDistLoss:
        """Set the mode; the encoder stays in evaluation mode whatever is asked."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the scaled AtmoDist distance, averaged over the batch and the layers."""
        predicted = self.encoder.features(prediction, self.layers)
        with torch.no_grad():
            wanted = self.encoder.features(target, self.layers)
        terms = [
            scale * mean_squared_activation_difference(predicted[layer], wanted[layer]).mean()
            for layer, scale in zip(self.layers, self.scales, strict=True)
        ]
        return torch.stack(terms).mean()


CONTENT_LOSSES: dict[str, type[ContentLoss]] = {
    "mse": MeanSquaredErrorLoss,
    "l1": MeanAbsoluteErrorLoss,
    "atmodist": AtmoDistLoss,
}
"""The content losses by the name that configurations use; add a class here to add a loss."""
