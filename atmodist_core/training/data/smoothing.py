"""Smoothed training fields, as smoother archives hold them."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data.patches import SMOOTHING_STREAM, random_generator

_STRONGEST = 4.5
_EXPONENTS = (1.0, 2.5)
"""Ranges of the filters: from those of GFS at 1 degree, which has the strongest small scales that were seen, they make fields
as smooth as reanalyses and climate models are on pressure levels."""


class Smoothing(NamedTuple):
    """An isotropic filter with the response ``exp(-strength * k**exponent)``; k: the Nyquist wavenumber of the latitudes is 1."""

    strength: float
    exponent: float

    @classmethod
    def drawn(cls, share: float, seed: int, step: int) -> "Smoothing | None":
        """Draw the filter of a step; None for the steps that have none. All processes draw the same."""
        random = random_generator(seed, SMOOTHING_STREAM, step)
        if random.random() >= share:
            return None
        return cls(float(random.uniform(0.0, _STRONGEST)), float(random.uniform(*_EXPONENTS)))

    def response(self, wavenumber: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return what the filter leaves of the amplitude at a wavenumber."""
        return np.exp(-self.strength * np.asarray(wavenumber, np.float64) ** self.exponent)


def smoothed(
    physical: Tensor, area: Tensor, stretch: NDArray[np.floating], smoothing: Smoothing, factor: int
) -> Tensor:
    """Smooth patches and give their block means the root mean square that they had.

    The same filter makes the coarse field of a whole archive weaker, which models divide by; so the amplitude of each patch follows
    what its own block means lose.

    Parameters
    ----------
    physical : Tensor, shape (batch, channel, size, size)
        Of which the means are near zero, as those of vorticity and divergence are.
    area : Tensor, shape (batch, size)
        Of the cells in each row.
    stretch : ndarray, shape (batch,)
        Spacing of latitudes over that of longitudes, as lengths.
    smoothing : Smoothing
        The filter.
    factor : int
        Fine cells per coarse cell along each axis.
    """
    size = physical.shape[-1]
    # A mirror image on each side takes the place of the unknown surroundings.
    reach = size // 4
    padded = functional.pad(physical.float(), (reach,) * 4, mode="reflect")
    length = padded.shape[-1]
    along, across = np.fft.fftfreq(length) * 2.0, np.fft.rfftfreq(length) * 2.0
    wavenumber = np.hypot(along[None, :, None], across[None, None, :] * stretch[:, None, None])
    response = torch.from_numpy(smoothing.response(wavenumber).astype(np.float32)).to(physical.device)
    spectrum = torch.fft.rfft2(padded) * response[:, None]
    filtered = torch.fft.irfft2(spectrum, s=(length, length))[..., reach:-reach, reach:-reach]
    before, after = (
        block_means(fields, area, factor).square().mean(dim=(-2, -1), keepdim=True)
        for fields in (physical.float(), filtered)
    )
    return (filtered * torch.sqrt(before / after.clamp_min(torch.finfo(after.dtype).tiny))).to(physical.dtype)
