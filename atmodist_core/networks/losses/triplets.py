"""Triplets: of three times at a place, the nearer one to an anchor has to be nearer in features as well."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def triplet_loss(embedded: Tensor, offsets: Tensor, temperature: float = 0.1) -> Tensor:
    """Return the mean of ``log(1 + exp((d_near - d_far) / temperature))`` over all triplets, a scalar.

    A triplet is an anchor and two other times of the same place, of which one is nearer in time; d are squared distances. A soft
    form of the margin of Schroff et al. 2015 (doi:10.1109/CVPR.2015.7298682); log 2 for features that tell nothing.

    Parameters
    ----------
    embedded : Tensor
        ``(times, places, dimensions)``, of norm 1.
    offsets : Tensor
        Times in any unit, ``(places, times)``.
    """
    cosine = torch.einsum("ipd,jpd->pij", embedded.float(), embedded.float())
    distance = 2.0 - 2.0 * cosine
    apart = (offsets[:, :, None] - offsets[:, None, :]).abs()
    # (place, anchor, near, far); the anchor itself is no neighbour.
    wanted = (apart[:, :, :, None] < apart[:, :, None, :]) & (apart[:, :, :, None] > 0)
    losses = functional.softplus((distance[:, :, :, None] - distance[:, :, None, :]) / temperature)
    return (losses * wanted).sum() / wanted.sum().clamp_min(1)
