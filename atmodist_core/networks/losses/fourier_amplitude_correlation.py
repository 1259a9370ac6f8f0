"""The Fourier amplitude and correlation loss (FACL): one of its two terms at each step, drawn at random."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from atmodist_core.networks.losses.content import ContentLoss

_TINY = 1e-12


def amplitude_term(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of the amplitudes of all 2-D Fourier modes (orthonormal transform)."""
    found, wanted = (torch.fft.rfft2(fields.float(), norm="ortho").abs() for fields in (prediction, target))
    squares = _modes(found, prediction) * (found - wanted).square()
    return squares.sum(dim=(-2, -1)).mean() / prediction.shape[-2:].numel()


def correlation_term(prediction: Tensor, target: Tensor) -> Tensor:
    """Return 1 - the correlation of the Fourier modes of each patch and field, mean over them.

    ``Re sum conj(P) T / sqrt(sum |P|^2 sum |T|^2)``, which is by Parseval the correlation of the fields themselves about zero.
    """
    a, b = prediction.float().flatten(2), target.float().flatten(2)
    norms = (a.square().sum(dim=-1) + _TINY).sqrt() * (b.square().sum(dim=-1) + _TINY).sqrt()
    return (1.0 - (a * b).sum(dim=-1) / norms).mean()


class FourierAmplitudeCorrelationLoss(ContentLoss):
    """FACL (Yan et al. 2024, arXiv 2410.23159) of normalised patches.

    The amplitude term sees power at every mode and no phase, the correlation term where structures are and no amplitude. A step has one
    of them, drawn from seed and step, so that a resumed run and all processes draw alike. Published is a share that falls
    during training; here it is constant.

    Parameters
    ----------
    amplitude_share : float
        Probability of the amplitude term.
    seed : int
        Of the draws.
    """

    def __init__(self, amplitude_share: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        self.amplitude_share, self.seed, self.step = amplitude_share, seed, 0

    def at(self, step: int) -> None:
        """Choose the term of a step."""
        self.step = step

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the term of the current step for two batches ``(batch, channels, size, size)``."""
        draw = np.random.Generator(
            np.random.Philox(key=[self.seed, 0], counter=[0, 0, 2, self.step])
        ).random()
        term = amplitude_term if draw < self.amplitude_share else correlation_term
        with torch.autocast(prediction.device.type, enabled=False):
            return term(prediction, target)


def _modes(half: Tensor, fields: Tensor) -> Tensor:
    """How many modes of the full transform each of the real one stands for, ``(size // 2 + 1,)``."""
    count = torch.full(half.shape[-1:], 2.0, device=half.device)
    count[0] = 1.0
    if fields.shape[-1] % 2 == 0:
        count[-1] = 1.0
    return count
