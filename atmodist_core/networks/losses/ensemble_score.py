"""Proper scores of several members against one truth: what all of them have in common.

A score is the mean distance of the members to the truth, less half the mean distance between two members (Gneiting & Raftery 2007,
doi:10.1198/016214506000001437). No forecast beats the true distribution in expectation, where the distance is of negative type: the
absolute difference, or the norm of a vector. A squared norm is none: the best forecast is then the mean.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from atmodist_core.common.errors import UserError

FAIR_SHARE = 0.95
"""Of the fair score in the almost fair one (Lang et al. 2024, arXiv 2412.15832); the rest is the plain score."""

TINY = 1e-8
"""Added to squared norms: the slope of a root is infinite at zero."""


def ensemble_score(
    distance: Callable[[Tensor, Tensor], Tensor],
    members: Sequence[Tensor],
    truth: Tensor,
    fair_share: float = FAIR_SHARE,
) -> Tensor:
    """Return the mean score of members, a scalar.

    Parameters
    ----------
    distance : callable
        Distances of two batches, of any shape; their mean counts.
    members : sequence of Tensor
        Two or more, each of the shape of ``truth``.
    truth : Tensor
        What they forecast.
    fair_share : float
        1: fair, its expectation is that of infinitely many members (Ferro 2014, doi:10.1002/qj.2270). 0: plain, the members count as the whole
        distribution. In between: almost fair. The fair score of two members does not change where one of them equals the
        truth and the other moves away, so that training by it alone can drift.

    Examples
    --------
    >>> members = torch.tensor([[0.0], [2.0]])
    >>> [float(ensemble_score(lambda a, b: (a - b).abs(), members, torch.tensor([1.0]), share)) for share in (0.0, 1.0)]
    [0.5, 0.0]
    """
    count = len(members)
    if count < 2:
        raise UserError(f"Expected at least 2 members for a score of an ensemble, found {count}: draw more.")
    to_truth = torch.stack([distance(member, truth).mean() for member in members]).mean()
    between = torch.stack([distance(a, b).mean() for a, b in itertools.combinations(members, 2)]).mean()
    # The mean over pairs is the fair form; the plain one counts the distance of each member to itself, zero.
    return to_truth - 0.5 * (fair_share + (1.0 - fair_share) * (count - 1) / count) * between


class EnsembleLoss(nn.Module, ABC):
    """A proper score as a loss, differentiable in the members."""

    def __init__(self, fair_share: float = FAIR_SHARE) -> None:
        super().__init__()
        self.fair_share = fair_share

    @abstractmethod
    def forward(self, members: Tensor, truth: Tensor) -> Tensor:
        """Return the mean score, a float32 scalar.

        Normalised ``members`` are ``(member, batch, channels, height, width)``, the ``truth`` has no member axis.
        """
