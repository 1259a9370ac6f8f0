"""Sharpness of training fields: what a generator with conditions is told of the patches that it should make."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.sharpness import FIELDS, ring_energies, sharpness_of_spectrum
from atmodist_core.training.data.fields_in_memory import FieldsInMemory
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids
from atmodist_core.training.data.smoothing import Smoothing
from atmodist_core.training.data.training_fields import TrainingFields

_TIMES = 6
"""Of each member, spread over it, whose spectra are averaged."""


@dataclass(frozen=True)
class TrainingSharpness:
    """Energies in rings of wavenumbers of every member, from which the sharpness of its patches follows."""

    factor: int
    starts: NDArray[np.int64]  # first time of each member
    energies: tuple[NDArray[np.float64], ...]  # (channel, ring) of each member

    @classmethod
    def of(cls, fields: TrainingFields, factor: int) -> "TrainingSharpness":
        """Measure the fields of a run; a UserError where that is not possible."""
        far = [name for name in fields.channels if name not in FIELDS]
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
