"""A loss of the pattern of the coarse grid: positions in a coarse cell that differ where those of the truth do not."""

from __future__ import annotations

import torch
from torch import Tensor

from atmodist_core.networks.losses.content import ContentLoss
from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.normalization import SignedLogNormalization


def grid_scale_part(fields: Tensor) -> Tensor:
    """Return the departure of every inner point from the 1-2-1 smoothed field, shape ``(..., height - 2, width - 2)``."""
    rows = 0.5 * fields[..., 1:-1, :] + 0.25 * (fields[..., 2:, :] + fields[..., :-2, :])
    smooth = 0.5 * rows[..., 1:-1] + 0.25 * (rows[..., 2:] + rows[..., :-2])
    return fields[..., 1:-1, 1:-1] - smooth


def folded_moments(fields: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Return mean and mean square of the grid-scale part by position in a coarse cell, over a batch.

    Fields are ``(batch, channel, height, width)`` and begin with a coarse cell; the outermost cells are left out. Both results are
    ``(channel, factor, factor)``.
    """
    inner = grid_scale_part(fields)[..., factor - 1 : 1 - factor, factor - 1 : 1 - factor]
    cells = inner.unflatten(-1, (-1, factor)).unflatten(-3, (-1, factor))
    return cells.mean(dim=(0, 2, 4)), cells.square().mean(dim=(0, 2, 4))


class GridPatternLoss(ContentLoss):
    """How much the positions in a coarse cell differ from each other, beyond what they do in the truth of the same places.

    The sum of two variances over the positions: of the mean of the grid-scale part, over the truth's mean square (a pattern that is always
    there), and of its mean square over that of all positions (one that varies with the weather); averaged over the channels, and over normalised
    and physical fields, as the pattern of weak winds is lost in the latter. They are the squares of the measures ``pattern_constant`` and
    ``pattern_modulated`` for a truth without a pattern. The amplitude of the small scales does not enter.
    """

    def __init__(self, normalization: SignedLogNormalization, factor: int) -> None:
        super().__init__()
        self.normalization, self.factor = normalization, factor

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two batches ``(batch, channel, size, size)``."""
        with torch.autocast(prediction.device.type, enabled=False):
            terms = [
                self._of(prediction.float(), target.float()),
                self._of(*(standardized(fields, self.normalization) for fields in (prediction, target))),
            ]
            return torch.stack(terms).mean()

    def _of(self, prediction: Tensor, target: Tensor) -> Tensor:
        (mean, square), (true_mean, true_square) = (
            folded_moments(fields, self.factor) for fields in (prediction, target)
        )
        positions = (-2, -1)
        level = true_square.mean(dim=positions)
        constant = (mean - true_mean).var(dim=positions, correction=0) / level
        relative, true_relative = (x / x.mean(dim=positions, keepdim=True) for x in (square, true_square))
        modulated = (relative - true_relative).var(dim=positions, correction=0)
        return (constant + modulated).mean()
