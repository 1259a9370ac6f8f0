"""Gram matrices of an encoder's activations: texture without place."""

from __future__ import annotations

import torch
from torch import Tensor

from atmodist_core.networks.losses.content import AtmoDistLoss, ContentLoss


def gram_matrix(activations: Tensor) -> Tensor:
    """Mean over places of the products of all pairs of filters: ``(batch, filters, h, w)`` to ``(batch, filters, filters)``.

    Examples
    --------
    >>> gram_matrix(torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]])).tolist()
    [[[5.0, 1.0], [1.0, 2.0]]]
    """
    flat = activations.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


class GramLoss(ContentLoss):
    """Squared difference of Gram matrices (Gatys, Ecker & Bethge 2016, doi:10.1109/CVPR.2016.265), relative to those of the truth.

    For each patch and layer the squared Frobenius norm of the difference over the mean squared norm of the batch's true matrices; mean over
    patches and layers. The scales of the encoder's distance cancel.

    Parameters
    ----------
    content : AtmoDistLoss
        The frozen encoder with its layers.
    """

    def __init__(self, content: AtmoDistLoss) -> None:
        super().__init__()
        self.content = content

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of two batches ``(batch, channels, height, width)``."""
        encoder, layers = self.content.encoder, self.content.layers
        found = encoder.features(prediction, layers)
        with torch.no_grad():
            wanted = encoder.features(target, layers)
        terms = []
        for layer in layers:
            true = gram_matrix(wanted[layer])
            scale = true.square().sum(dim=(1, 2)).mean().clamp_min(1e-12)
            terms.append((gram_matrix(found[layer]) - true).square().sum(dim=(1, 2)).mean() / scale)
        return torch.stack(terms).mean()
