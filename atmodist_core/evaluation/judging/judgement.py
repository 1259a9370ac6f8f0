"""From the stores of statistics to every measure of every model, with the replicates of one bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from atmodist_core.evaluation.judging.block_bootstrap import DayAxis, Estimate, bootstrap_counts, day_sums
from atmodist_core.evaluation.judging.city_verdicts import city_wasserstein
from atmodist_core.evaluation.judging.grid_pattern import LINE_LATITUDE
from atmodist_core.evaluation.judging.judged_data import JudgedData, require_one_grid
from atmodist_core.evaluation.judging.judged_measures import JudgedMeasure, Means, judged_measures
from atmodist_core.evaluation.judging.judging_run import (
    CITIES,
    DISTANCE,
    GLOBAL,
    TRUTH,
    JudgedModel,
    LearnedDistance,
    Selection,
    Stores,
)
from atmodist_core.evaluation.judging.spectral_band import SpectralBand, spectral_band, stated_truncation
from atmodist_core.evaluation.measures import Kurtosis

REPLICATES_AT_ONCE = 32
CITY_VALUES_AT_ONCE = 2**25
"""Values at cities that are read together (128 MiB, and as much for the truth): some cities at a time."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Parameters
    ----------
    block_days : int
        Length of a block [days].
    replicates : int
        Number of resampled data sets.
    seed : int
        Of the resampling.
    """

    block_days: int = 3
    replicates: int = 1000
    seed: int = 0


@dataclass
class Judgement:
    """Every measure of every model, with its replicates.

    Parameters
    ----------
    models : list of str
        Labels, in the order of the tables.
    fields, units : list of str
        The fields and their units.
    measures : list of JudgedMeasure
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
    measures: list[JudgedMeasure]
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


def judge(
    data: Sequence[JudgedData],
    models: Sequence[JudgedModel],
    out: Path,
    selection: Selection,
    bootstrap: Bootstrap,
    distance: LearnedDistance | None = None,
    progress: Callable[[str], None] | None = None,
) -> Judgement:
    """Make every measure from stored statistics.

    Parameters
    ----------
    data : sequence of JudgedData
        Members on one grid; no block of days reaches from one into another.
    models : sequence of JudgedModel
        Whose statistics are stored for all times of the selection.
    out, selection, distance
        As they were for :class:`JudgingRun`.
    bootstrap : Bootstrap
        How intervals are made.
    progress : callable, optional
        Called with a sentence on what is done.

    Returns
    -------
    Judgement

    Raises
    ------
    UserError
        If statistics are missing or the data lie on different grids.
    """
    require_one_grid(data)
    axis = DayAxis.of([member.times for member in data])
    counts = bootstrap_counts(
        axis, block_days=bootstrap.block_days, replicates=bootstrap.replicates, seed=bootstrap.seed
    )
    stores = [Stores(out, member, distance) for member in data]
    reader = _Reader(data, stores, selection, axis)
    say = progress or (lambda _: None)
    say("reading the truth")
    truth = reader.sums(None, GLOBAL)
    first = data[0]
    spectrum = truth.sums["power"].sum(axis=0) / truth.count.sum()
    band = spectral_band(first.template["latitude"].values, first.factor, spectrum, first.template.attrs)
    lags = np.asarray(reader.coordinates["lag_km"])
    measures = judged_measures(
        band,
        lags,
        (reader.meridional_points, first.template.sizes["longitude"]),
        first.factor,
        first.units,
    )
    result = Judgement(
        models=[model.label for model in models],
        fields=first.names,
        units=first.units,
        measures=measures,
        band=band,
        bootstrap=bootstrap,
        times=int(truth.count.sum()),
        city_times=sum(len(selection.times(member, CITIES)) for member in data),
        days=axis.size,
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
    if selection.cities_every:
        result.cities, result.boxes = reader.cities()
        for model in models:
            say(f"cities of {model.label}")
            result.city_distances[model.label] = reader.city_distances(model, counts)
    return result


@dataclass
class _DaySums:
    """Sums of statistics over the times of each day, and the number of those times."""

    sums: dict[str, np.ndarray]
    count: np.ndarray

    def means(self, counts: np.ndarray) -> Means:
        """Averages over times in replicates, each ``(replicate, ...)``."""
        total = counts @ self.count
        safe = np.where(total > 0, total, np.nan)
        means = {}
        for name, sums in self.sums.items():
            flat = counts @ sums.reshape(len(sums), -1) / safe[:, None]
            means[name] = flat.reshape(len(counts), *sums.shape[1:])
        return means


def _finalised(
    measures: Sequence[JudgedMeasure], model: _DaySums, truth: _DaySums, counts: np.ndarray
) -> dict[str, np.ndarray]:
    found: dict[str, list[np.ndarray]] = {measure.name: [] for measure in measures}
    # A few replicates at a time: the histograms of a thousand would take gigabytes.
    for start in range(0, len(counts), REPLICATES_AT_ONCE):
        part = counts[start : start + REPLICATES_AT_ONCE]
        means = model.means(part), truth.means(part)
        for measure in measures:
            found[measure.name].append(measure.finalise(*means))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _truth_kurtosis(found: _DaySums, counts: np.ndarray) -> np.ndarray:
    powers = {name: sums for name, sums in found.sums.items() if name.startswith("truth_power_")}
    means = _DaySums(powers, found.count).means(counts)
    return Kurtosis().finalise({f"prediction_power_{k}": means[f"truth_power_{k}"] for k in range(1, 5)})


class _Reader:
    """Statistics of all members on the common axis of days."""

    def __init__(
        self, data: Sequence[JudgedData], stores: Sequence[Stores], selection: Selection, axis: DayAxis
    ) -> None:
        self._data, self._stores, self._selection, self._axis = data, stores, selection, axis
        self.coordinates: Mapping[str, Any] = {}

    @property
    def meridional_points(self) -> int:
        """Rows between the latitudes where lines are looked for."""
        return int((np.abs(self._data[0].template["latitude"].values) <= LINE_LATITUDE).sum())

    def sums(self, model: JudgedModel | None, group: str) -> _DaySums:
        """Day sums of a group of statistics; of the truth without a model."""
        total: dict[str, np.ndarray] = {}
        count = np.zeros(self._axis.size)
        for member, (data, stores) in enumerate(zip(self._data, self._stores, strict=True)):
            times = self._selection.times(data, group)
            store = stores.of_truth(group) if model is None else stores.of_model(model, group)
            # A season at a time bounds the memory.
            for start in range(0, len(times), 512):
                some = times[start : start + 512]
                stored = store.load(some)
                days = self._axis.index(member, some)
                count += np.bincount(days, minlength=self._axis.size)
                for name, variable in stored.data_vars.items():
                    values = day_sums(variable.values, days, self._axis.size)
                    total[str(name)] = total.get(str(name), 0) + values
                self.coordinates = {
                    **self.coordinates,
                    **{str(k): v.values for k, v in stored.coords.items()},
                }
        return _DaySums(total, count)

    def cities(self) -> tuple[list[str], list[int]]:
        """Names of the cities, and sides of the boxes."""
        times = self._selection.times(self._data[0], CITIES)[:1]
        stored = self._stores[0].of_truth(CITIES).load(times)
        return list(map(str, stored["city"].values)), [int(n) for n in np.unique(stored["box"].values)]

    def city_distances(self, model: JudgedModel, counts: np.ndarray) -> np.ndarray:
        """Distances at cities, ``(field, replicate, city, box)``, some cities at a time."""
        times = [self._selection.times(data, CITIES) for data in self._data]
        days = np.concatenate([self._axis.index(n, some) for n, some in enumerate(times)])
        names, sides = self.cities()
        values_of_city = days.size * len(self._data[0].names) * sum(side**2 for side in sides)
        at_once = max(1, CITY_VALUES_AT_ONCE // values_of_city)
        parts = []
        for start in range(0, len(names), at_once):
            select = {"city": slice(start, start + at_once)}
            both = []
            for which in ("model", "truth"):
                pieces = [
                    (stores.of_model(model, CITIES) if which == "model" else stores.of_truth(CITIES)).load(
                        some, select=select
                    )
                    for stores, some in zip(self._stores, times, strict=True)
                ]
                both.append(np.concatenate([piece["city_value"].values for piece in pieces]))
                boxes = pieces[0]["box"].values
            parts.append(city_wasserstein(both[0], both[1], boxes, days, counts))
        return np.concatenate(parts, axis=2)
