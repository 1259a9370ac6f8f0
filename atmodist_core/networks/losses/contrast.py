"""Contrast: which of many patches is the same place a few hours later?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrast_loss(embedded: Tensor, temperature: float = 0.1) -> Tensor:
    """Return the cross-entropy of finding each patch's partner among all other patches of the batch, a scalar.

    InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) with both patches of a pair as the question in turn (Chen et al. 2020, arXiv
    2002.05709).

    Parameters
    ----------
    embedded : Tensor
        ``(2, places, dimensions)``, of norm 1: each place at two times.
    temperature : float
        Divides the cosines.
    """
    places = embedded.shape[1]
    every = embedded.float().flatten(0, 1)
    cosine = every @ every.T / temperature
    cosine = cosine.masked_fill(torch.eye(2 * places, dtype=torch.bool, device=every.device), -torch.inf)
    partner = torch.arange(2 * places, device=every.device).roll(places)
    return functional.cross_entropy(cosine, partner)
