"""The continuous ranked probability score at every point, as a loss."""

from __future__ import annotations

from torch import Tensor

from atmodist_core.networks.losses.ensemble_score import EnsembleLoss, ensemble_score


def absolute_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return the absolute difference of two batches at every point, in float32."""
    return (a.float() - b.float()).abs()


class CrpsLoss(EnsembleLoss):
    """CRPS of the normalised fields, averaged over points and channels; almost fair by default."""

    def forward(self, members: Tensor, truth: Tensor) -> Tensor:
        """Return the mean CRPS; shapes as in :class:`EnsembleLoss`."""
        return ensemble_score(absolute_difference, members.unbind(), truth, self.fair_share)
