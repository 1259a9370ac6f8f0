"""From the stores of statistics to every measure of every model, with the replicates of one bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, Estimate, bootstrap_counts, remove_excess
from atmodist_core.evaluation.measures import Kurtosis
from atmodist_core.evaluation.results.reader import DaySums, StatisticsReader
from atmodist_core.evaluation.results.result_measures import ResultMeasure, result_measures
from atmodist_core.evaluation.run.data import EvaluationData, require_one_grid
from atmodist_core.evaluation.run.member_run import (
    CITIES,
    DISTANCE,
    GLOBAL,
    TRUTH,
    EvaluatedModel,
    LearnedDistance,
    Selection,
    Stores,
)
from atmodist_core.evaluation.statistics.spectral_band import SpectralBand, spectral_band, stated_truncation

REPLICATES_AT_ONCE = 32


@dataclass
class EvaluationResult:
    """Every measure of every model, with its replicates.

    Parameters
    ----------
    models : list of str
        Labels, in the order of the tables.
    fields, units : list of str
        The fields and their units.
    measures : list of ResultMeasure
        Columns.
    band : SpectralBand
        Degrees that were judged.
    values : dict
        ``(measure, model) -> (replicate, field)``; the first replicate is the data themselves. The truth against
        itself is there under the label "truth" for measures of fields alone.
    truth_kurtosis : numpy.ndarray, shape ``(replicate, field)``
        Of the truth.
    distances : dict
        ``model -> (replicate, layer)``: learned distance to the truth.
    city_distances : dict
        ``model -> (field, replicate, city, box)``: Wasserstein-1 at cities; empty without them.
    cities, boxes, layers : list
        Names, sides and layers of those axes.
    bootstrap : Bootstrap
        How replicates were made.
    times, city_times, days : int
        What it rests on.
    periods : list of str
        First and last time of every data set.
    replicates : int
        How many there are; zero where the record is too short for an interval.
    notes : list of str
        Sentences worth knowing.
    """

    models: list[str]
    fields: list[str]
    units: list[str]
    measures: list[ResultMeasure]
    band: SpectralBand
    bootstrap: Bootstrap
    values: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    truth_kurtosis: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    distances: dict[str, np.ndarray] = field(default_factory=dict)
    city_distances: dict[str, np.ndarray] = field(default_factory=dict)
    cities: list[str] = field(default_factory=list)
    boxes: list[int] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    times: int = 0
    city_times: int = 0
    days: int = 0
    periods: list[str] = field(default_factory=list)
    replicates: int = 0
    notes: list[str] = field(default_factory=list)

    def estimate(self, measure: str, model: str, field_name: str) -> Estimate:
        """Value and interval of a measure for one model and field."""
        return Estimate.of(self.replicates_of(measure, model, field_name))

    def replicates_of(self, measure: str, model: str, field_name: str) -> np.ndarray:
        """All replicates of a measure, shape ``(1 + replicates,)``, the data themselves first."""
        return self.values[measure, model][:, self.fields.index(field_name)]

    def city_distances_of(self, model: str) -> dict[str, np.ndarray]:
        """Distances at cities by field, each ``(replicate, city, box)``."""
        return dict(zip(self.fields, self.city_distances[model], strict=True))


def evaluation_result(
    data: Sequence[EvaluationData],
    models: Sequence[EvaluatedModel],
    out: Path,
    selection: Selection,
    bootstrap: Bootstrap,
    distance: LearnedDistance | None = None,
    progress: Callable[[str], None] | None = None,
) -> EvaluationResult:
    """Make every measure from stored statistics.

    Parameters
    ----------
    data : sequence of EvaluationData
        Members on one grid; no block of days reaches from one into another.
    models : sequence of EvaluatedModel
        Whose statistics are stored for all times of the selection.
    out, selection, distance
        As they were for :class:`MemberRun`.
    bootstrap : Bootstrap
        How intervals are made.
    progress : callable, optional
        Called with a sentence on what is done.

    Returns
    -------
    EvaluationResult

    Raises
    ------
    UserError
        If statistics are missing or the data lie on different grids.
    """
    require_one_grid(data)
    axis = DayAxis.of([member.times for member in data])
    counts = bootstrap_counts(axis, bootstrap)
    stores = [Stores(out, member, distance) for member in data]
    reader = StatisticsReader(data, stores, selection, axis)
    say = progress or (lambda _: None)
    say("reading the truth")
    truth = reader.sums(None, GLOBAL)
    first = data[0]
    spectrum = truth.sums["power"].sum(axis=0) / truth.count.sum()
    band = spectral_band(first.template["latitude"].values, first.factor, spectrum, first.template.attrs)
    lags = np.asarray(reader.coordinates["lag_km"])
    measures = result_measures(
        band,
        lags,
        (reader.meridional_points, first.template.sizes["longitude"]),
        first.factor,
        first.units,
    )
    result = EvaluationResult(
        models=[model.label for model in models],
        fields=first.names,
        units=first.units,
        measures=measures,
        band=band,
        bootstrap=bootstrap,
        times=int(truth.count.sum()),
        city_times=sum(len(selection.times(member, CITIES)) for member in data),
        days=axis.size * axis.group,
        periods=[f"{str(member.times.min())[:16]} to {str(member.times.max())[:16]}" for member in data],
        replicates=len(counts) - 1,
    )
    if stated_truncation(first.template.attrs) is None:
        result.notes.append(f"The data state no truncation; the band is {band.origin}.")
    if not result.replicates and bootstrap.replicates:
        result.notes.append(
            f"No intervals: {axis.size} days hold fewer than three blocks of {bootstrap.block_days} days."
        )
    for model in models:
        say(f"measures of {model.label}")
        found = reader.sums(model, GLOBAL)
        for name, values in _finalised(measures, found, truth, counts).items():
            result.values[name, model.label] = values
        if distance is not None:
            sums = reader.sums(model, DISTANCE)
            result.distances[model.label] = next(iter(sums.means(counts).values()))
    if models:
        result.truth_kurtosis = _truth_kurtosis(found, counts)
    alone = [measure for measure in measures if measure.table == "grid"]
    for name, values in _finalised(alone, truth, truth, counts).items():
        result.values[name, TRUTH] = values
    if distance is not None:
        result.layers = list(distance.layers)
    if selection.times(first, CITIES).size:
        result.cities, result.boxes = reader.cities()
        for model in models:
            say(f"cities of {model.label}")
            result.city_distances[model.label] = reader.city_distances(model, counts)
    return result


def _finalised(
    measures: Sequence[ResultMeasure], model: DaySums, truth: DaySums, counts: np.ndarray
) -> dict[str, np.ndarray]:
    found: dict[str, list[np.ndarray]] = {measure.name: [] for measure in measures}
    # A few replicates at a time: the histograms of a thousand would take gigabytes.
    for start in range(0, len(counts), REPLICATES_AT_ONCE):
        part = counts[start : start + REPLICATES_AT_ONCE]
        means = model.means(part), truth.means(part)
        for measure in measures:
            found[measure.name].append(measure.finalise(*means))
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    return joined | {each.name: remove_excess(joined[each.name]) for each in measures if each.raised}


def _truth_kurtosis(found: DaySums, counts: np.ndarray) -> np.ndarray:
    powers = {name: sums for name, sums in found.sums.items() if name.startswith("truth_power_")}
    means = DaySums(powers, found.count).means(counts)
    return Kurtosis().finalise({f"prediction_power_{k}": means[f"truth_power_{k}"] for k in range(1, 5)})
