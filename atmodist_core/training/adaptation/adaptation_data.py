"""The dataset of an adaptation: opened, measured, and split in time into training, validation and scored part."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.effective_truncation import with_effective_truncation
from atmodist_core.models.card import ModelCard
from atmodist_core.models.fit import DataTraits
from atmodist_core.training.data.amplitude import AmplitudeScaling, scaled_by_amplitude
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.training_data import TrainingData, measure_normalization
from atmodist_core.training.data.training_fields import TrainingFields
from atmodist_core.training.settings.adaptation_configuration import AdaptationConfig

CHANNELS = ("vorticity", "divergence")
LEAST_TIMES, LEAST_SIDE = 12, 32
"""Fewer times, or points along a side, are refused."""

_VALIDATION_SHARE = 0.15
"""Of the times before the scored part: chooses the best weights."""
_LONGEST_GAP_HOURS, _GAP_SHARE = 24.0, 0.05
_MOST_VALUES = 3e8
"""Of fields in memory; longer series are thinned out evenly."""


@dataclass(frozen=True)
class Split:
    """Indices along the time axis for each purpose, in order, with gaps between them."""

    training: NDArray[np.intp]
    validation: NDArray[np.intp]
    scored: NDArray[np.intp]
    gap_hours: float


def open_for_adaptation(config: AdaptationConfig) -> tuple[xr.Dataset, DataTraits]:
    """Open the data, with their effective truncation as an attribute; too little is refused in a sentence."""
    from atmodist_core.fields import open_fields

    source = config.data[0] if len(config.data) == 1 else list(config.data)
    dataset = open_fields(source, level=config.level)
    FieldArrays.of(dataset, CHANNELS, "adaptation")
    times, rows, columns = (dataset.sizes.get(name, 1) for name in ("time", "latitude", "longitude"))
    if times < LEAST_TIMES or min(rows, columns) < max(LEAST_SIDE, 8 * config.factor):
        side = max(LEAST_SIDE, 8 * config.factor)
        raise UserError(
            f"Expected at least {LEAST_TIMES} times on {side} x {side} points to adapt a model with, found {times} on"
            f" {rows} x {columns}; give a longer period or a larger area."
        )
    if not np.issubdtype(dataset["time"].dtype, np.datetime64):
        raise UserError(
            "Expected dates of the standard calendar to split the data in time, found others; convert the time axis."
        )
    dataset = with_effective_truncation(dataset[list(CHANNELS)])
    return dataset, DataTraits.of(dataset, config.factor)


def split_times(times: NDArray[np.datetime64], scored_fraction: float) -> Split:
    """Split times in order: training, validation, and the part that is scored in the end.

    Between the parts lies a gap of 5 % of the period, at most a day: neighbouring times show the same weather.
    """
    hours = (times - times[0]) / np.timedelta64(1, "s") / 3600.0
    count = len(times)
    gap = min(_LONGEST_GAP_HOURS, _GAP_SHARE * float(hours[-1]))
    scored = max(4, round(scored_fraction * count))
    first = hours[count - scored]
    before = np.flatnonzero(hours < first - gap)
    held = max(2, round(_VALIDATION_SHARE * len(before)))
    validation = before[-held:]
    training = before[hours[before] < hours[validation[0]] - gap] if len(validation) else before
    if len(training) < 4 or len(validation) < 2:
        raise UserError(
            f"Expected times for training, validation and scoring, found {count} that leave {len(training)} to train on;"
            " give a longer period."
        )
    return Split(training, validation, np.arange(count - scored, count), gap)


def training_data(dataset: xr.Dataset, split: Split, card: ModelCard) -> TrainingData:
    """Read training and validation times into memory, for a model to start from.

    Where the scale of the model follows the data, its amplitude and normalisation are kept; otherwise the normalisation is
    measured.
    """
    per_time = len(CHANNELS) * dataset.sizes["latitude"] * dataset.sizes["longitude"]
    most = max(8, int(_MOST_VALUES / per_time))
    fields: TrainingFields
    held: TrainingFields
    fields, held = (
        load_fields([dataset.isel(time=_thinned(part, count))], channels=CHANNELS)
        for part, count in ((split.training, most), (split.validation, max(4, most // 6)))
    )
    segments, held_segments = [(0, fields.times)], [(0, held.times)]
    if not card.amplitude:
        normalization = measure_normalization(fields, segments, mirrored=True)  # type: ignore[arg-type]
        return TrainingData(fields, held, segments, held_segments, normalization)
    scaling = AmplitudeScaling(card.factor, card.amplitude)
    fields, amplitude = scaled_by_amplitude(fields, segments, scaling)
    held, _ = scaled_by_amplitude(held, held_segments, scaling)
    assert card.normalization is not None  # a downscaler has one
    return TrainingData(fields, held, segments, held_segments, card.normalization, amplitude=amplitude)


def _thinned(indices: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many of some indices, evenly spread."""
    return indices[evenly_spaced(len(indices), most)]
