"""Sharpness of training fields, and the smoothing that varies it: what a generator with conditions learns to follow."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS
from atmodist_core.fields.sharpness import ring_energies, sharpness_of_spectrum
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data.fields_in_memory import FieldsInMemory
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids
from atmodist_core.training.data.patches import SMOOTHING_STREAM, random_generator
from atmodist_core.training.data.training_fields import TrainingFields

_TIMES = 6
"""Of each member, spread over it, whose spectra are averaged."""


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


@dataclass(frozen=True)
class TrainingSharpness:
    """Energies in rings of wavenumbers of every member, from which the sharpness of its patches follows."""

    factor: int
    starts: NDArray[np.int64]  # first time of each member
    energies: tuple[NDArray[np.float64], ...]  # (channel, ring) of each member

    @classmethod
    def of(cls, fields: TrainingFields, factor: int) -> "TrainingSharpness":
        """Measure the fields of a run; a UserError where that is not possible."""
        far = [name for name in fields.channels if name not in DEFAULT_FIELDS]
        if far:
            raise UserError(
                f"Expected vorticity and divergence for --condition sharpness, found {', '.join(far)}; leave it out."
            )
        starts, energies = [], []
        parts = fields.parts if isinstance(fields, FieldsOfGrids) else (fields,)
        first = 0
        for part in parts:
            if not isinstance(part, FieldsInMemory):
                raise UserError(
                    "Expected data that are read into memory for --condition sharpness, found a training store; name the"
                    " sources themselves after --data."
                )
            for member in part.members:
                times = member.start + evenly_spaced(member.stop - member.start, _TIMES)
                values = torch.cat([part.physical(slice(time, time + 1)) for time in times])
                found = ring_energies(values.double().cpu().numpy(), part.latitude, part.longitude)
                if found is None:
                    raise UserError(
                        f"Expected fields with 16 x 16 neighbouring values for --condition sharpness, found fewer in {member.name};"
                        " leave it out."
                    )
                starts.append(first + member.start)
                energies.append(found)
            first += part.times
        return cls(factor, np.array(starts), tuple(energies))

    def at(self, times: NDArray[np.int64], smoothing: Smoothing | None = None) -> NDArray[np.float32]:
        """Return the numbers of patches at some times, after a smoothing, ``(batch, 2 * channels)``."""
        table = np.stack([self._numbers(energy, smoothing) for energy in self.energies])
        member = np.searchsorted(self.starts, times, side="right") - 1
        return table[member].astype(np.float32)

    def mean(self) -> NDArray[np.float64]:
        """Return the mean over members, ``(channel, 2)``."""
        return np.mean([self._numbers(energy, None).reshape(-1, 2) for energy in self.energies], axis=0)

    def _numbers(self, energy: NDArray[np.float64], smoothing: Smoothing | None) -> NDArray[np.float64]:
        if smoothing is not None:
            rings = energy.shape[-1]
            energy = energy * smoothing.response((np.arange(rings) + 0.5) / rings) ** 2
        return sharpness_of_spectrum(energy, self.factor).ravel()
