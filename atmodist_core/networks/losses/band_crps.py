"""The CRPS of fields split into bands of scales, as a loss: the small scales count as much as the large ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.losses.crps import absolute_difference
from atmodist_core.networks.losses.ensemble_score import TINY, EnsembleLoss, ensemble_score

BANDS = 2
_SMOOTHING = (0.25, 0.5, 0.25)


def difference_bands(fields: Tensor, bands: int = BANDS) -> list[Tensor]:
    """Split fields ``(..., height, width)`` into bands, the finest first: what each of a row of smoothings takes away.

    Algorithm: the smoothing of band n weights points 2**n apart along each axis by 1/4, 1/2, 1/4 (an undecimated pyramid); its response is
    cos^2 of half the phase over that distance, so that the first band holds the scales near the grid's Nyquist. Points without all their
    neighbours are left out, so that a band is smaller by 2 (2**(n + 1) - 1) along each axis.
    """
    found = []
    shape = fields.shape
    rest = fields.reshape(-1, 1, *shape[-2:])
    taps = torch.tensor(_SMOOTHING, dtype=fields.dtype, device=fields.device)
    kernel = (taps[:, None] * taps[None, :])[None, None]
    for band in range(bands):
        step = 2**band
        smooth = functional.conv2d(rest, kernel, dilation=step)
        found.append((rest[..., step:-step, step:-step] - smooth).reshape(*shape[:-2], *smooth.shape[-2:]))
        rest = smooth
    return found


class BandCrpsLoss(EnsembleLoss):
    """CRPS of each band of the normalised fields, in the root mean square that the band has in the truth of the batch.

    A CRPS of the fields hardly sees scales of little power, whose members may then stay far too alike. Each band is a linear map of the
    field, so that the score is proper; its weights depend on the truth of a whole batch, not on the forecast. A CRPS of the
    fields beside it sees the scales beyond the bands.
    """

    def forward(self, members: Tensor, truth: Tensor) -> Tensor:
        """Return the mean CRPS over bands and channels; shapes as in :class:`EnsembleLoss`."""
        scores = []
        for band, wanted in zip(
            difference_bands(members.float()), difference_bands(truth.float()), strict=True
        ):
            scale = wanted.square().mean(dim=(0, 2, 3), keepdim=True).add(TINY).sqrt()
            scores.append(
                ensemble_score(absolute_difference, (band / scale).unbind(), wanted / scale, self.fair_share)
            )
        return torch.stack(scores).mean()
