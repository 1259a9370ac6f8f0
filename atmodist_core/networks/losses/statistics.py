"""Losses that compare the statistics of a batch instead of its points: spectra, and distributions of values.

Both see standardised physical fields z (mean 0, variance 1), not the normalised ones of the networks: energy and
tails are evaluated on physical fields.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.losses.content import ContentLoss
from atmodist_core.networks.normalization import SignedLogNormalization

_RINGS = 12
SPECTRUM_FLOOR = 1e-3
"""Share of the true power at the coarse grid's Nyquist that counts as nothing, so that the logarithm is finite."""


def standardized(fields: Tensor, normalization: SignedLogNormalization) -> Tensor:
    """Return z = (x - mean) / std of normalised fields ``(batch, channel, height, width)``, in float32."""
    return normalization.standardize(fields.float())


def ring_power(fields: Tensor, factor: int) -> Tensor:
    """Mean power of Hann-windowed patches in rings between the coarse grid's Nyquist and their own.

    Patches are ``(batch, channel, size, size)``, the coarse Nyquist is 1 / factor of theirs, and the rings
    are equally wide; shape ``(channel, rings)``, averaged over the batch.
    """
    size = fields.shape[-1]
    window = torch.hann_window(size, periodic=False, device=fields.device)
    power = torch.fft.rfft2(fields * window[:, None] * window[None, :]).abs().square().mean(dim=0)
    along = torch.fft.fftfreq(size, device=fields.device) * 2.0
    across = torch.fft.rfftfreq(size, device=fields.device) * 2.0
    wavenumber = torch.sqrt(along[:, None] ** 2 + across[None, :] ** 2)
    width = (1.0 - 1.0 / factor) / _RINGS
    ring = torch.ceil((wavenumber - 1.0 / factor) / width).long() - 1
    member = functional.one_hot(ring.clamp(-1, _RINGS) + 1, _RINGS + 2)[..., 1:-1].flatten(0, 1).float()
    return (power.flatten(1) @ member) / member.sum(dim=0).clamp_min(1.0)


class SpectrumLoss(ContentLoss):
    """Squared log ratio of generated to true power, averaged over the rings of :func:`ring_power` and fields.

    Power is averaged over the batch before the logarithm: single patches may differ, their mean may not.
    Beyond the truncation of the data, where the true power is zero, it penalises spurious power.
    """

    def __init__(
        self, normalization: SignedLogNormalization, factor: int, floor: float = SPECTRUM_FLOOR
    ) -> None:
        super().__init__()
        self.normalization, self.factor, self.floor = normalization, factor, floor

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two batches ``(batch, channel, size, size)``."""
        with torch.autocast(prediction.device.type, enabled=False):
            found, wanted = (
                ring_power(standardized(fields, self.normalization), self.factor)
                for fields in (prediction, target)
            )
            floor = self.floor * wanted[:, :1].detach()
            return (torch.log(found + floor) - torch.log(wanted + floor)).square().mean()


class DistributionLoss(ContentLoss):
    """Wasserstein-1 distance between all generated and all true values of a batch, whatever their places.

    For each field the mean difference of the sorted values, of single points and of means over 3 x 3 points,
    in standard deviations: it brings the tails back without asking where an extreme is.
    """

    def __init__(self, normalization: SignedLogNormalization, pools: tuple[int, ...] = (1, 3)) -> None:
        super().__init__()
        self.normalization, self.pools = normalization, pools

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two batches ``(batch, channel, size, size)``."""
        with torch.autocast(prediction.device.type, enabled=False):
            found, wanted = (standardized(fields, self.normalization) for fields in (prediction, target))
            terms = [
                (_sorted_values(found, pool) - _sorted_values(wanted, pool)).abs().mean()
                for pool in self.pools
            ]
            return torch.stack(terms).mean()


def _sorted_values(fields: Tensor, pool: int) -> Tensor:
    """Sorted box means of each channel, shape ``(channel, values)``."""
    if pool > 1:
        fields = functional.avg_pool2d(fields, pool)
    return fields.transpose(0, 1).flatten(1).sort(dim=1).values
