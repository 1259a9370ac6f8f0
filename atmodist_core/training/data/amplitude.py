"""Training fields divided by the amplitude of their own coarse field, as a downscaler of such a model does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.amplitude import coarse_amplitude
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data.fields_in_memory import FieldsInMemory
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids
from atmodist_core.training.data.training_fields import TrainingFields

_TIMES_AT_ONCE = 8


@dataclass(frozen=True)
class AmplitudeScaling:
    """What amplitudes are measured on, and what they are brought to.

    ``factor`` makes the coarse field; ``reference`` is the amplitude of each channel [units of the field] to which all
    times are scaled, by default the mean over the times to train on.
    """

    factor: int
    reference: Mapping[str, float] | None = None


def measured_amplitudes(fields: TrainingFields, factor: int) -> NDArray[np.float64]:
    """Amplitude of the coarse field of every time, ``(time, channel)``, in the units of the fields."""
    if isinstance(fields, FieldsOfGrids):
        return np.concatenate([measured_amplitudes(part, factor) for part in fields.parts])
    if not isinstance(fields, FieldsInMemory):
        raise UserError(
            "Expected data that are read into memory for --amplitude coarse-field, found a training store; name the"
            " sources themselves after --data."
        )
    rows, columns = (len(axis) // factor * factor for axis in (fields.latitude, fields.longitude))
    latitude = fields.latitude[:rows]
    area = torch.from_numpy(cell_areas(fields.latitude)[:rows]).float()[None]
    valid: NDArray[np.bool_] | None = None
    if fields.valid is not None:
        cells = fields.valid[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
        valid = np.asarray(cells.all(axis=(1, 3)))
    centres = latitude.reshape(-1, factor).mean(axis=1)
    found = []
    for first in range(0, fields.times, _TIMES_AT_ONCE):
        physical = fields.physical(slice(first, first + _TIMES_AT_ONCE))[..., :rows, :columns]
        coarse = block_means(physical, area, factor).numpy()
        found.append(coarse_amplitude(coarse, centres, valid))
    return np.concatenate(found)


def scaled_by_amplitude(
    fields: TrainingFields, segments: Sequence[tuple[int, int]], scaling: AmplitudeScaling
) -> tuple[TrainingFields, dict[str, float]]:
    """The fields with the amplitude of every time brought to the reference, and that reference by channel.

    Fields far from zero, such as temperatures, have no such amplitude and are refused.
    """
    if fields.offsets is not None:
        far = [name for name, offset in zip(fields.channels, fields.offsets.tolist(), strict=True) if offset]
        raise UserError(
            f"Expected fields that vary about zero for --amplitude coarse-field, found {', '.join(far)}; leave --amplitude out."
        )
    amplitudes = measured_amplitudes(fields, scaling.factor)
    if scaling.reference:
        wanted = np.array([scaling.reference[channel] for channel in fields.channels])
    else:
        wanted = np.concatenate([amplitudes[start:stop] for start, stop in segments]).mean(axis=0)
    ratio = torch.from_numpy((amplitudes / wanted).astype(np.float32))
    return fields.with_amplitudes(ratio), dict(zip(fields.channels, map(float, wanted), strict=True))
