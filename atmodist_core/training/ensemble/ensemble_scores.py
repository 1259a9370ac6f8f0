"""Scores of an ensemble on held-out patches: CRPS, and its spread over its error."""

import torch
from torch import Tensor

from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.normalization import SignedLogNormalization

ENSEMBLE_SCORE_NAMES = ("crps", "spread_error_ratio")
"""Scores of each channel; see :meth:`EnsembleScores.result`."""


class EnsembleScores:
    """Collects the scores of members over batches of held-out patches, on physical fields."""

    def __init__(self, channels: tuple[str, ...], normalization: SignedLogNormalization) -> None:
        self.channels, self.normalization = channels, normalization
        self._sums = torch.zeros(3, len(channels), dtype=torch.float64)
        self._points, self._members = 0, 1

    def add(self, members: Tensor, truth: Tensor) -> None:
        """Take in normalised members ``(member, batch, channel, size, size)`` and the truth without the first axis."""
        x = torch.stack([standardized(member, self.normalization) for member in members]).double()
        y = standardized(truth, self.normalization).double()
        count = len(x)
        crps = (x - y).abs().mean(dim=0)
        spread = torch.zeros_like(y)
        if count > 1:
            # Sorted, the sum over pairs of differences has one term for each member.
            rank = torch.arange(count, dtype=torch.float64, device=x.device).reshape(-1, 1, 1, 1, 1)
            gaps = ((2 * rank - count + 1) * x.sort(dim=0).values).sum(dim=0)
            crps = crps - gaps / (count * (count - 1))
            spread = x.var(dim=0)
        error = (x.mean(dim=0) - y).square()
        totals = [part.sum(dim=(0, 2, 3)).cpu() for part in (crps, spread, error)]
        self._sums += torch.stack(totals)
        self._points, self._members = self._points + truth[:, 0].numel(), count

    def result(self) -> dict[str, float]:
        """The scores of each channel.

        ``crps_*``: fair CRPS of the physical field [standard deviations of the training data]; of one field the mean
        absolute error. ``spread_error_ratio_*``: root of the members' mean variance times (M + 1) / M over the
        root-mean-square error of their mean; 1 for a calibrated ensemble, 0 for one field.
        """
        crps = self._sums[0] / self._points
        spread = (self._sums[1] * (self._members + 1) / self._members).sqrt()
        ratio = spread / self._sums[2].sqrt()
        return {
            f"{score}_{name}": float(value)
            for score, values in zip(ENSEMBLE_SCORE_NAMES, (crps, ratio), strict=True)
            for name, value in zip(self.channels, values, strict=True)
        }
