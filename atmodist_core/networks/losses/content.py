"""The losses that train the generator and its adversary, and the scale that makes distances comparable."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.encoder import Encoder


class ContentLoss(nn.Module, ABC):
    """How far a prediction is from the truth: base of the losses in :data:`CONTENT_LOSSES`."""

    @abstractmethod
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        prediction, target : Tensor
            Normalised fields, each ``(batch, channels, height, width)``.

        Returns
        -------
        Tensor
            A scalar in float32, dimensionless, averaged over everything.
        """


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
    """Return the unscaled AtmoDist distance of two fields' activations.

    Parameters
    ----------
    a, b : Tensor
        Activations of one layer, each ``(batch, filters, height, width)``.

    Returns
    -------
    Tensor
        Mean over filters, height and width of the squared difference, shape ``(batch,)``, float32: bfloat16
        would lose the small differences.
    """
    return (a.float() - b.float()).square().mean(dim=(1, 2, 3))


class AtmoDistLoss(ContentLoss):
    """AtmoDist as a content loss: the scaled squared difference of the activations of a frozen encoder.

    For each layer ``scale * mean over (filters, height, width) of (F(prediction) - F(target))**2``; several
    layers are averaged, so that the loss keeps the magnitude of a mean squared error when every scale was
    made by :func:`distance_scale` with that metric as reference.

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

    Raises
    ------
    UserError
        For an unknown layer, none at all, or a number of scales other than of layers.
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


class WeightedSumLoss(ContentLoss):
    """A sum of content losses with weights, e.g. 0.9 x AtmoDist + 0.1 x mean squared error.

    Parameters
    ----------
    losses : mapping of str to ContentLoss
        The terms, by a name that shows in logs.
    weights : mapping of str to float
        The weight of each term.

    Raises
    ------
    UserError
        When the names of losses and weights differ, or there is none.
    """

    def __init__(self, losses: Mapping[str, ContentLoss], weights: Mapping[str, float]) -> None:
        super().__init__()
        if not losses or set(losses) != set(weights):
            raise UserError(
                f"Expected a weight for every term of the loss ({', '.join(losses) or 'none given'}), found "
                "weights "
                f"for {', '.join(weights) or 'none'}: name the same terms in both."
            )
        self.losses = nn.ModuleDict(losses)
        self.weights = {name: float(weights[name]) for name in losses}

    def terms(self, prediction: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return every term by name, before weighting."""
        return {name: loss(prediction, target) for name, loss in self.losses.items()}

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the weighted sum of the terms."""
        terms = self.terms(prediction, target)
        return torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()


CONTENT_LOSSES: dict[str, type[ContentLoss]] = {
    "mse": MeanSquaredErrorLoss,
    "l1": MeanAbsoluteErrorLoss,
    "atmodist": AtmoDistLoss,
}
"""The content losses by the name that configurations use; add a class here to add a loss."""


class SigmoidCrossEntropy:
    """Adversarial losses of the published GANs, from logits where positive means real."""

    @staticmethod
    def generator(generated: Tensor) -> Tensor:
        """Return the generator's loss: small when its fields pass for real.

        Parameters
        ----------
        generated : Tensor
            Logits of generated fields, ``(batch, 1)``.
        """
        generated = generated.float()
        return functional.binary_cross_entropy_with_logits(generated, torch.ones_like(generated))

    @staticmethod
    def discriminator(real: Tensor, generated: Tensor) -> Tensor:
        """Return the discriminator's loss: the sum of its losses on real and on generated fields.

        It is 2 log 2 = 1.386 for a discriminator that cannot tell. The thresholds 0.46 and 0.6 of the
        published balance between the networks refer to half of this sum, the mean over all fields.

        Parameters
        ----------
        real, generated : Tensor
            Logits, each ``(batch, 1)``.
        """
        real, generated = real.float(), generated.float()
        on_real = functional.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        return on_real + functional.binary_cross_entropy_with_logits(generated, torch.zeros_like(generated))


def distance_scale(distance_by_lag: ArrayLike, reference_by_lag: ArrayLike, lags: ArrayLike) -> float:
    """Return the factor that brings a distance to the magnitude of a reference metric at long lags.

    ``s = sum(d_k m_k) / sum(d_k^2)`` over the upper half of the lags (the least-squares solution of ``s d
    = m``): of 1..23 these are 12..23, the middle one included.

    Parameters
    ----------
    distance_by_lag : array_like
        Mean distance ``d_k`` of pairs at each lag.
    reference_by_lag : array_like
        Mean reference metric ``m_k`` (e.g. the mean squared error of normalised fields) of the same pairs.
    lags : array_like
        The lags, in any unit and order.

    Raises
    ------
    UserError
        When the three differ in length, are empty or not finite, or the distance vanishes.
    """
    d, m, k = (np.asarray(values, dtype=np.float64) for values in (distance_by_lag, reference_by_lag, lags))
    if not (d.ndim == 1 and d.shape == m.shape == k.shape and d.size and np.isfinite([d, m, k]).all()):
        raise UserError(
            "Expected for the distance scale one finite distance and one reference value per lag, found "
            f"{d.shape} distances, {m.shape} references, {k.shape} lags: give equally long lists without "
            "gaps."
        )
    upper = np.argsort(k, kind="stable")[k.size // 2 :]
    power = float(np.square(d[upper]).sum())
    if power == 0.0:
        raise UserError(
            "Expected a distance that differs from zero at long lags, found zeros only: the encoder maps "
            "all fields "
            "to the same activations, so train it first."
        )
    return float((d[upper] * m[upper]).sum()) / power
