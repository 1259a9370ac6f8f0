"""The energy score of local activations of an encoder, as a loss."""

from __future__ import annotations

import torch
from torch import Tensor

from atmodist_core.networks.losses.content import AtmoDistLoss
from atmodist_core.networks.losses.ensemble_score import FAIR_SHARE, TINY, EnsembleLoss, ensemble_score


def local_distance(a: Tensor, b: Tensor) -> Tensor:
    """Root-mean-square difference over filters at every place: ``(batch, filters, h, w)`` twice to ``(batch, h, w)``.

    float32, as bfloat16 would lose small differences.
    """
    return (a.float() - b.float()).square().mean(dim=1).add(TINY).sqrt()


class ActivationEnergyLoss(EnsembleLoss):
    """Energy score in the space of an encoder's activations: the norm over filters at each place of each layer.

    A norm of features is of negative type, so that the score is proper, and strict as far as the encoder can tell fields
    apart; a CRPS beside it closes the rest. Layers are scaled by the root of their scale, which belongs to squares, and averaged.

    Parameters
    ----------
    content : AtmoDistLoss
        The frozen encoder with its layers and scales.
    fair_share : float
        See :func:`~atmodist_core.networks.losses.ensemble_score.ensemble_score`.
    """

    def __init__(self, content: AtmoDistLoss, fair_share: float = FAIR_SHARE) -> None:
        super().__init__(fair_share)
        self.content = content

    def forward(self, members: Tensor, truth: Tensor) -> Tensor:
        """Return the mean energy score; shapes as in :class:`EnsembleLoss`."""
        encoder, layers = self.content.encoder, self.content.layers
        found = encoder.features(members.flatten(0, 1), layers)
        with torch.no_grad():
            wanted = encoder.features(truth, layers)
        scores = [
            scale**0.5
            * ensemble_score(local_distance, found[layer].chunk(len(members)), wanted[layer], self.fair_share)
            for layer, scale in zip(layers, self.content.scales, strict=True)
        ]
        return torch.stack(scores).mean()
