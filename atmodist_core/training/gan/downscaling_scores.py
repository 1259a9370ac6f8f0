"""Scores of a generator on held-out patches: error, power at small scales, tails."""

import torch
from torch import Tensor

from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.normalization import SignedLogNormalization

SCORE_NAMES = ("power_ratio", "spurious_power", "kurtosis_ratio", "low_quantile_ratio", "high_quantile_ratio")
"""Scores of each channel; see :meth:`DownscalingScores.result`."""

_QUANTILES = (0.001, 0.999)
_BINS, _LARGEST = 8192, 12.0
"""Of the histogram of normalised values from which quantiles are read: its bins are 0.003 wide."""

_HALF_NYQUIST = 0.5
_WINDOW_LEAK = 4.0
"""Coefficients over which a Hann window smears a wave."""


def radial_wavenumber(size: int) -> Tensor:
    """Wavenumber of every coefficient of a real 2-D transform ``(size, size // 2 + 1)``, per grid Nyquist."""
    along = torch.fft.fftfreq(size) * 2.0
    across = torch.fft.rfftfreq(size) * 2.0
    return torch.sqrt(along[:, None] ** 2 + across[None, :] ** 2)


def windowed_power(patches: Tensor) -> Tensor:
    """Power of every coefficient, averaged over a batch of patches ``(batch, channel, size, size)``.

    float64, ``(channel, size, size // 2 + 1)``; a Hann window takes away the edges.
    """
    window = torch.hann_window(patches.shape[-1], periodic=False, dtype=torch.float64)
    windowed = patches.detach().cpu().double() * window[:, None] * window[None, :]
    return torch.fft.rfft2(windowed).abs().square().mean(dim=0)


def fine_scale_power(patches: Tensor, factor: int) -> Tensor:
    """Mean power between the coarse grid's Nyquist and the fine grid's, float64, ``(channel,)``."""
    wavenumber = radial_wavenumber(patches.shape[-1])
    beyond = (wavenumber > 1.0 / factor) & (wavenumber <= 1.0)
    return windowed_power(patches)[..., beyond].mean(dim=-1)


class DownscalingScores:
    """Collects a generator's scores over batches of held-out normalised patches."""

    def __init__(self, channels: tuple[str, ...], factor: int, normalization: SignedLogNormalization) -> None:
        self.channels, self.factor, self.normalization = channels, factor, normalization
        self.squared_error, self.count = 0.0, 0
        self._fine_power: list[Tensor] = [torch.zeros(len(channels), dtype=torch.float64) for _ in range(2)]
        self._physical_power: list[Tensor] = []
        self._moments = torch.zeros(2, 4, len(channels), dtype=torch.float64)
        self._histograms = torch.zeros(2, len(channels), _BINS, dtype=torch.float64)

    def add(self, generated: Tensor, truth: Tensor) -> None:
        """Take in a batch of normalised patches, each ``(batch, channel, size, size)``."""
        batch = len(truth)
        self.squared_error += float((generated.float() - truth.float()).square().mean()) * batch
        for which, patches in enumerate((generated, truth)):
            patches = patches.detach().float().cpu()
            z = standardized(patches, self.normalization)
            self._fine_power[which] = self._fine_power[which] + fine_scale_power(patches, self.factor) * batch
            power = windowed_power(z) * batch
            if which == len(self._physical_power):
                self._physical_power.append(torch.zeros_like(power))
            self._physical_power[which] += power
            values = z.transpose(0, 1).flatten(1).double()
            for order in range(4):
                self._moments[which, order] += values.pow(order + 1).sum(dim=1)
            for channel, normal in enumerate(patches.transpose(0, 1).flatten(1)):
                inside = normal.clamp(-_LARGEST, _LARGEST)
                self._histograms[which, channel] += torch.histc(inside, _BINS, -_LARGEST, _LARGEST)
        self.count += batch

    def result(self) -> dict[str, float]:
        """The scores.

        ``mse`` is that of the normalised fields. For each channel, generated over true (1 is right):
        ``power_ratio_*``: power of the normalised fields beyond the coarse Nyquist; ``kurtosis_ratio_*``;
        ``low_quantile_ratio_*`` and ``high_quantile_ratio_*``: the 0.1 and 99.9 % quantiles of the physical
        fields. And ``spurious_power_*`` (0 is right): physical power beyond half the grid's Nyquist that the
        truth does not have, as a share of its power between the coarse Nyquist and there. It says something
        where the data are truncated there (T179 on 360 rows).
        """
        fine = self._fine_power[0] / self._fine_power[1]
        spurious = self._spurious_power()
        kurtosis = [_kurtosis(moments / self._histograms[0, 0].sum()) for moments in self._moments]
        low, high = (self._quantile_ratio(share) for share in _QUANTILES)
        table = dict(zip(SCORE_NAMES, (fine, spurious, kurtosis[0] / kurtosis[1], low, high), strict=True))
        return {
            "mse": self.squared_error / self.count,
            **{
                f"{score}_{name}": float(value)
                for score, values in table.items()
                for name, value in zip(self.channels, values, strict=True)
            },
        }

    def _spurious_power(self) -> Tensor:
        generated, truth = self._physical_power
        size = truth.shape[-2]
        wavenumber = radial_wavenumber(size)
        edge = _HALF_NYQUIST + _WINDOW_LEAK / size
        beyond = wavenumber > edge
        held = (wavenumber > 1.0 / self.factor) & ~beyond
        excess = generated[..., beyond].sum(dim=-1) - truth[..., beyond].sum(dim=-1)
        return excess / truth[..., held].sum(dim=-1)

    def _quantile_ratio(self, share: float) -> Tensor:
        """Quantiles of the physical fields, measured from their mean; a monotone transform keeps quantiles."""
        centres = (torch.arange(_BINS, dtype=torch.float64) + 0.5) * (2 * _LARGEST / _BINS) - _LARGEST
        cumulative = self._histograms.cumsum(dim=-1)
        rank = share * cumulative[..., -1:]
        normal = centres[torch.searchsorted(cumulative, rank).clamp_max(_BINS - 1)][..., 0]
        z = standardized(normal[:, :, None, None].float(), self.normalization)[..., 0, 0].double()
        return z[0] / z[1]


def _kurtosis(raw: Tensor) -> Tensor:
    """Kurtosis (3 for a normal distribution) from the first four raw moments, ``(4, channel)``."""
    m1, m2, m3, m4 = raw
    variance = m2 - m1**2
    return (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / variance**2
