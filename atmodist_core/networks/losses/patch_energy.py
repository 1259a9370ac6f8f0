"""The energy score of small patches of pixels, as a loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.losses.ensemble_score import FAIR_SHARE, TINY, EnsembleLoss, ensemble_score


class PatchEnergyLoss(EnsembleLoss):
    """Energy score of square patches side by side: the CRPS with the norm of all points and channels of a patch.

    It sees what the members say of neighbouring points together. The norm is a root mean square, so that the score has
    the size of a CRPS whatever the size of the patch.

    Parameters
    ----------
    size : int
        Side of a patch [points]; points beyond the last whole patch do not count.
    fair_share : float
        See :func:`~atmodist_core.networks.losses.ensemble_score.ensemble_score`.
    """

    def __init__(self, size: int = 8, fair_share: float = FAIR_SHARE) -> None:
        super().__init__(fair_share)
        self.size = size

    def forward(self, members: Tensor, truth: Tensor) -> Tensor:
        """Return the mean energy score; shapes as in :class:`EnsembleLoss`."""
        return ensemble_score(self._distance, members.unbind(), truth, self.fair_share)

    def _distance(self, a: Tensor, b: Tensor) -> Tensor:
        squares = (a.float() - b.float()).square().mean(dim=1, keepdim=True)
        return functional.avg_pool2d(squares, self.size).add(TINY).sqrt()
