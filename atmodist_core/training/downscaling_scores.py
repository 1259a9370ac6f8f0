"""Scores of a generator on held-out patches: error, and power at scales the coarse field does not hold."""

import torch
from torch import Tensor


def radial_wavenumber(size: int) -> Tensor:
    """Wavenumber of every coefficient of a real 2-D transform, as a share of the grid's Nyquist.

    Shape ``(size, size // 2 + 1)``.
    """
    along = torch.fft.fftfreq(size) * 2.0
    across = torch.fft.rfftfreq(size) * 2.0
    return torch.sqrt(along[:, None] ** 2 + across[None, :] ** 2)


def fine_scale_power(patches: Tensor, factor: int) -> Tensor:
    """Mean power between the coarse grid's Nyquist and the fine grid's, per channel.

    Parameters
    ----------
    patches
        Square, shape ``(batch, channel, size, size)``; a Hann window takes away the edges.
    factor
        Ratio of the grid spacings.

    Returns
    -------
    Tensor
        float64, shape ``(channel,)``.
    """
    size = patches.shape[-1]
    window = torch.hann_window(size, periodic=False, dtype=torch.float64)
    spectrum = (
        torch.fft.rfft2(patches.detach().cpu().double() * window[:, None] * window[None, :]).abs().square()
    )
    wavenumber = radial_wavenumber(size)
    beyond = (wavenumber > 1.0 / factor) & (wavenumber <= 1.0)
    return spectrum[..., beyond].mean(dim=(0, 2))


class DownscalingScores:
    """Collects a generator's scores over batches of held-out patches.

    Parameters
    ----------
    channels
        Names of the channels.
    factor
        Ratio of the grid spacings.
    """

    def __init__(self, channels: tuple[str, ...], factor: int) -> None:
        self.channels, self.factor = channels, factor
        self.squared_error, self.count = 0.0, 0
        self.power_generated = torch.zeros(len(channels), dtype=torch.float64)
        self.power_true = torch.zeros(len(channels), dtype=torch.float64)

    def add(self, generated: Tensor, truth: Tensor) -> None:
        """Take in a batch of normalised patches, each ``(batch, channel, size, size)``."""
        batch = len(truth)
        self.squared_error += float((generated.float() - truth.float()).square().mean()) * batch
        self.power_generated += fine_scale_power(generated, self.factor) * batch
        self.power_true += fine_scale_power(truth, self.factor) * batch
        self.count += batch

    def result(self) -> dict[str, float]:
        """``mse``, and ``power_ratio_<channel>``: generated to true beyond the coarse Nyquist."""
        ratios = self.power_generated / self.power_true
        return {
            "mse": self.squared_error / self.count,
            **{f"power_ratio_{name}": float(r) for name, r in zip(self.channels, ratios, strict=True)},
        }
