"""From stored statistics to every measure of every model, with the replicates of one bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from atmodist_core.evaluation.bootstrap import (
    Bootstrap,
    Estimate,
    bootstrap_counts,
    remove_excess,
)
from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.diagnostics.local_statistics import TOLERANCE
from atmodist_core.evaluation.diagnostics.spectra import wavelength_km
from atmodist_core.evaluation.ensembles.city_samples import corrected_distance
from atmodist_core.evaluation.ensembles.ensemble_measures import ensemble_curves
from atmodist_core.evaluation.ensembles.sums_over_days import ensemble_sums
from atmodist_core.evaluation.measure_kernels import DataFacts, Means, quantiles
from atmodist_core.evaluation.measures import MEASURES, Measure, measures_for
from atmodist_core.evaluation.results.reader import DaySums, StatisticsReader
from atmodist_core.evaluation.run.data import require_one_grid
from atmodist_core.evaluation.run.evaluation import PreparedEvaluation
from atmodist_core.evaluation.run.groups import AREA, CITIES, DISTANCE, ENSEMBLE, LATITUDES, SERIES
from atmodist_core.evaluation.statistics.histogram import ValueBins, histogram_quantile, share_beyond
from atmodist_core.evaluation.statistics.pattern import LINE_LATITUDE
from atmodist_core.evaluation.statistics.spectral_band import spectral_band, stated_truncation
from atmodist_core.evaluation.store.statistics_store import TRUTH

REPLICATES_AT_ONCE = 32
"""Replicates computed together: the histograms of a thousand would take gigabytes."""

PROBABILITIES = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
TAILS = {"lower": 0.001, "upper": 0.999}
"""Shares of area and time below the truth's thresholds of extremes."""

Replicates = dict[tuple[str, str], np.ndarray]
"""By name and label of the model: values of the record, then of the resampled records, along the first axis."""


@dataclass
class EvaluationResult:
    """Every measure of every model, with its replicates.

    Attributes
    ----------
    counts : numpy.ndarray, shape ``(1 + replicates, day)``
        How often each day is drawn; the first row is the record itself.
    sums : dict of str to DaySums
        Statistics over the area by label of the model; the truth's under "truth".
    values : dict
        ``(measure, model) -> (1 + replicates, field)``, also of the truth where no pairs of fields are needed.
    curves : dict
        ``(name, model) -> (1 + replicates, field, ...)``: ``power_ratio`` over wavenumber or wavelength,
        ``semivariance_ratio`` over lag, ``quantile`` over probability (also of the truth), ``return_ratio`` over tail,
        ``latitude_ratio`` over belt (and the truth's ``latitude_share``).
    thresholds : numpy.ndarray, shape ``(field, tail)``
        The truth's thresholds of extremes.
    distances : dict
        ``model -> (1 + replicates, layer)``: learned distance to the truth.
    city_distances : dict
        ``model -> (1 + replicates, field, box, city)``: Wasserstein-1 at cities.
    corrected, pooled : dict
        ``model -> (field, box, city)``: the same without their bias; ``model -> (1 + replicates, field, box, city)``: of all
        members of an ensemble together.
    cities, boxes, layers : list
        Names, sides and layers of those axes.
    """

    prepared: PreparedEvaluation
    bootstrap: Bootstrap
    reader: StatisticsReader
    counts: np.ndarray
    facts: DataFacts
    sums: dict[str, DaySums]
    measures: list[Measure]
    values: Replicates = field(default_factory=dict)
    curves: Replicates = field(default_factory=dict)
    thresholds: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    distances: dict[str, np.ndarray] = field(default_factory=dict)
    city_distances: dict[str, np.ndarray] = field(default_factory=dict)
    corrected: dict[str, np.ndarray] = field(default_factory=dict)
    pooled: dict[str, np.ndarray] = field(default_factory=dict)
    cities: list[str] = field(default_factory=list)
    boxes: list[int] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """Models, in their order."""
        return self.prepared.labels

    @property
    def with_truth(self) -> list[str]:
        """Models and, last, the truth."""
        return [*self.labels, TRUTH]

    @property
    def fields(self) -> list[str]:
        """Names of the fields."""
        return self.prepared.data[0].names

    @property
    def units(self) -> list[str]:
        """Units of the fields."""
        return self.prepared.data[0].units

    @property
    def common_units(self) -> str:
        """Units of the fields where all have the same, else "units of the field"."""
        units = set(self.units)
        return units.pop() if len(units) == 1 else "units of the field"

    @property
    def times(self) -> int:
        """Number of times of all statistics but the values at cities."""
        return int(self.sums[TRUTH].count.sum())

    @property
    def city_times(self) -> int:
        """Number of times of the values at cities."""
        prepared = self.prepared
        return sum(len(prepared.selection.times(member, CITIES)) for member in prepared.data)

    @property
    def days(self) -> int:
        """Number of days."""
        return self.reader.axis.size * self.reader.axis.group

    @property
    def replicates(self) -> int:
        """Number of resampled records; zero where the record is too short for an interval."""
        return len(self.counts) - 1

    def replicates_of(self, measure: str, model: str, field_name: str) -> np.ndarray:
        """Return all replicates of a measure, shape ``(1 + replicates,)``, the record itself first."""
        return self.values[measure, model][:, self.fields.index(field_name)]

    def estimate(self, measure: str, model: str, field_name: str) -> Estimate:
        """Return value and interval of a measure for one model and field."""
        return Estimate.of(self.replicates_of(measure, model, field_name))

    def ratio_to(self, measure: str, model: str, reference: str, field_name: str) -> Estimate:
        """Return a measure over that of another model in the same replicates; 1 where both are zero."""
        own, other = (self.replicates_of(measure, label, field_name) for label in (model, reference))
        with np.errstate(divide="ignore", invalid="ignore"):
            return Estimate.of(np.where((own == 0) & (other == 0), 1.0, own / other))

    def mean(self, name: str, label: str) -> np.ndarray:
        """Return the mean over the record of a statistic over the area."""
        return self.sums[label].means(self.counts[:1])[name][0]

    def verdicts(self, candidate: str, reference: str) -> np.ndarray:
        """Return 1 where a model is closer to the truth at a city than another, -1 where farther, 0 if equal.

        int8 of shape ``(1 + replicates, field, box, city)``. Distances that differ by at most 10 % of the larger one count as
        equal.
        """
        return verdict_signs(self.city_distances[candidate], self.city_distances[reference])

    def verdict_counts(self, candidate: str, reference: str) -> np.ndarray:
        """Return the numbers of cities that are better, equal and worse, shape ``(1 + replicates, field, box, 3)``."""
        signs = self.verdicts(candidate, reference)
        return np.stack([(signs == sign).sum(axis=-1) for sign in (1, 0, -1)], axis=-1)


def verdict_signs(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return 1 where a distance is smaller than another by more than the tolerance, -1 where it is larger, else 0; int8."""
    gain = other - own
    return (np.sign(gain) * (np.abs(gain) > TOLERANCE * np.maximum(own, other))).astype(np.int8)


def evaluation_result(
    prepared: PreparedEvaluation, bootstrap: Bootstrap, progress: Callable[[str], None] = lambda _: None
) -> EvaluationResult:
    """Compute every measure from stored statistics of members on one grid.

    No block of days extends from one member into another. ``progress`` is called with a sentence on what is computed. Raises
    ``UserError`` if statistics are missing or the grids differ.
    """
    require_one_grid(prepared.data)
    data, groups = prepared.data[0], prepared.runs[0].groups
    reader = StatisticsReader(prepared.runs)
    counts = bootstrap_counts(reader.axis, bootstrap)
    progress("reading the truth")
    truth = reader.sums(None, AREA)
    truth.sums |= ensemble_sums(reader, groups, None)
    latitude = data.template["latitude"].values
    notes = list(prepared.notes)
    band = None
    if "power" in truth.sums:
        spectrum = truth.sums["power"].sum(axis=0) / truth.count.sum()
        band = spectral_band(latitude, data.factor, spectrum, data.template.attrs)
        if stated_truncation(data.template.attrs) is None:
            notes.append(f"The data state no truncation; the band is {band.origin}.")
    facts = DataFacts(
        [ValueBins.of_units(units) for units in data.units],
        data.factor,
        band,
        reader.first(AREA)["lag_km"].values.tolist(),
        (int((np.abs(latitude) <= LINE_LATITUDE).sum()), data.template.sizes["longitude"]),
        [] if band is None else wavelength_km(band.grid_limit).tolist(),
    )
    if len(counts) == 1 and bootstrap.replicates:
        notes.append(
            f"No intervals: {reader.axis.size} days are fewer than three blocks of {bootstrap.block_days} days."
        )
    result = EvaluationResult(prepared, bootstrap, reader, counts, facts, {TRUTH: truth}, [], notes=notes)
    result.thresholds = _thresholds(result)
    for model in prepared.models:
        progress(f"measures of {model.label}")
        sums = result.sums[model.label] = reader.sums(model, AREA)
        sums.sums |= ensemble_sums(reader, groups, model)
        result.measures = measures_for(facts, sums.sums)
        _add(result, model.label, result.measures, _curves(result, model.label))
        if SERIES in groups:
            means = reader.sums(model, SERIES).means(counts)
            result.values |= {(name, model.label): values for name, values in means.items()}
        if DISTANCE in groups:
            result.distances[model.label] = reader.sums(model, DISTANCE).means(counts)["atmodist"]
        if LATITUDES in groups:
            own, other = (
                reader.sums(each, LATITUDES).means(counts)["latitude_power"] for each in (model, None)
            )
            result.curves["latitude_ratio", model.label] = power_ratio(own, other)
            result.curves["latitude_share", TRUTH] = other / other.sum(axis=-1, keepdims=True)
    alone = [each for each in result.measures if set(each.statistics) <= truth.sums.keys()]
    of_truth = [each for each in alone if each.section == "grid" or each.name == "kurtosis"]
    curves = {"quantile": quantiles(PROBABILITIES), **ensemble_curves({"lag_product"} & truth.sums.keys())}
    _add(result, TRUTH, of_truth, curves)
    if SERIES in groups:
        result.measures = [*result.measures, MEASURES["ssim"], MEASURES["psnr"]]
    if prepared.distance is not None:
        result.layers = list(prepared.distance.layers)
    if CITIES in groups:
        result.cities, result.boxes = reader.cities()
        for model in prepared.models:
            progress(f"cities of {model.label}")
            distances = reader.city_distances(model, counts)
            result.city_distances[model.label] = remove_excess(distances)
            if ENSEMBLE in groups:
                result.corrected[model.label] = corrected_distance(distances)
            if ENSEMBLE in groups and model.members:
                result.pooled[model.label] = remove_excess(reader.city_distances(model, counts, pooled=True))
    return result


Finalise = Callable[[Means, Means, DataFacts], np.ndarray]


def _add(
    result: EvaluationResult, label: str, measures: list[Measure], curves: Mapping[str, Finalise]
) -> None:
    """Compute measures and curves of a model in one pass over the replicates."""
    functions = {**{measure.name: measure.finalise for measure in measures}, **curves}
    found: dict[str, list[np.ndarray]] = {name: [] for name in functions}
    for start in range(0, len(result.counts), REPLICATES_AT_ONCE):
        part = result.counts[start : start + REPLICATES_AT_ONCE]
        means = result.sums[label].means(part), result.sums[TRUTH].means(part)
        for name, finalise in functions.items():
            found[name].append(finalise(*means, result.facts))
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    for measure in measures:
        values = joined[measure.name]
        result.values[measure.name, label] = remove_excess(values) if measure.raised else values
    for name in curves:
        result.curves[name, label] = joined[name]


def _curves(result: EvaluationResult, label: str) -> dict[str, Finalise]:
    """Functions of the means that give curves of a model."""

    def ratio(name: str) -> Finalise:
        return lambda model, truth, _: power_ratio(model[name], truth[name])

    def return_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
        return power_ratio(*(beyond(result, each["value_share"], share_beyond) for each in (model, truth)))

    power = "power" if "power" in result.sums[TRUTH].sums else "bin_power"
    return {
        "power_ratio": ratio(power),
        "semivariance_ratio": ratio("semivariance"),
        "quantile": quantiles(PROBABILITIES),
        "return_ratio": return_ratio,
        **ensemble_curves(result.sums[label].sums),
    }


def beyond(
    result: EvaluationResult,
    shares: np.ndarray,
    function: Callable[[np.ndarray, np.ndarray, float, str], np.ndarray],
) -> np.ndarray:
    """Apply a function of histogram, edges, threshold and tail to every field and tail.

    ``shares`` has shape ``(..., field, value_bin)``, the result ``(..., field, tail)``; a function is for instance
    :func:`~atmodist_core.evaluation.statistics.histogram.share_beyond`.
    """
    fields = []
    for n, bins in enumerate(result.facts.bins):
        edges, limits = bins.edges, result.thresholds[n]
        tails = [
            function(shares[..., n, :], edges, float(limit), tail)
            for limit, tail in zip(limits, TAILS, strict=True)
        ]
        fields.append(np.stack(tails, axis=-1))
    return np.stack(fields, axis=-2)


def _thresholds(result: EvaluationResult) -> np.ndarray:
    truth = result.mean("value_share", TRUTH)
    return np.array(
        [
            [float(histogram_quantile(truth[n], bins.edges, share)) for share in TAILS.values()]
            for n, bins in enumerate(result.facts.bins)
        ]
    )
