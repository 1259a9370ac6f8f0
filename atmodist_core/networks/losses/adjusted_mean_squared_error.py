"""The adjusted mean squared error (AMSE): power and phase of every scale count apart."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from atmodist_core.networks.losses.content import ContentLoss

_TINY = 1e-12


def adjusted_squared_error(found: Tensor, wanted: Tensor, cross: Tensor) -> Tensor:
    """Return the adjusted squared error summed over scales, the last axis.

    A squared error of one scale is ``(sqrt(Sp) - sqrt(St))**2 + 2 sqrt(Sp St) (1 - g)``, with the powers S of prediction and
    truth and their coherence ``g = cross / sqrt(Sp St)``. Where the phase is unknown (g near 0) it is least without any power.
    Here the larger power replaces ``sqrt(Sp St)``: losing power no longer pays (Subich et al. 2025, arXiv 2501.19374).

    Parameters
    ----------
    found, wanted : Tensor
        Power of prediction and truth, ``(..., scale)``: sums of squared amplitudes, of degrees l on the globe or of rings of radial
        wavenumbers on a patch.
    cross : Tensor
        Real part of the sum of ``conj(prediction) * truth``, of the same shape.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> [float(adjusted_squared_error(one * s, one, 0 * one)) for s in (0.25, 1.0, 4.0)]
    [2.25, 2.0, 9.0]
    """
    root = (found + _TINY).sqrt() * (wanted + _TINY).sqrt()
    amplitudes = found + wanted - 2.0 * root
    return (amplitudes + 2.0 * torch.maximum(found, wanted) * (1.0 - cross / root)).sum(dim=-1)


class AdjustedMeanSquaredErrorLoss(ContentLoss):
    """AMSE of normalised patches, in rings of radial wavenumber of their 2-D Fourier modes.

    The published loss uses degrees of spherical harmonics; a patch has none, so rings of width 1 in the wavenumber [waves per
    patch] take their place. A Hann window of mean square 1 removes the edges. Where prediction and truth have the same power in
    each ring, the loss is the mean squared error of the windowed fields.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of two batches ``(batch, channels, size, size)``."""
        with torch.autocast(prediction.device.type, enabled=False):
            window, ring = _window_and_rings(prediction.shape[-1], prediction.device)
            a, b = (
                torch.fft.fft2(fields.float() * window, norm="forward") for fields in (prediction, target)
            )
            powers = [(part.flatten(-2) @ ring) for part in (_squares(a), _squares(b), (a.conj() * b).real)]
            return adjusted_squared_error(*powers).mean()


def _squares(modes: Tensor) -> Tensor:
    return modes.real.square() + modes.imag.square()


@lru_cache(maxsize=8)
def _window_and_rings(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """A 2-D Hann window of mean square 1, and which ring each mode belongs to, ``(size**2, rings)``."""
    with torch.inference_mode(False):
        window = torch.hann_window(size, periodic=False, dtype=torch.float64)
        window = window[:, None] * window
        wave = torch.fft.fftfreq(size, d=1.0 / size, dtype=torch.float64)
        ring = torch.hypot(wave[:, None], wave).round().long().flatten()
        window = window / window.square().mean().sqrt()
        return window.float().to(device), torch.nn.functional.one_hot(ring).float().to(device)
