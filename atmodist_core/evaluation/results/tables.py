"""An evaluation as Markdown tables and as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate
from atmodist_core.evaluation.measures import Measure
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.run.groups import LATITUDES
from atmodist_core.evaluation.store.statistics_store import TRUTH

_SUMMARY = {
    "band_power_ratio": "power ratio",
    "energy_ratio": "power beyond the coarse Nyquist",
    "spurious_power": "power above the band",
    "semivariance_ratio_100_km": "semivariance at 100 km",
    "kurtosis_ratio": "kurtosis",
    "quantile_0.1_ratio": "0.1 % quantile",
    "quantile_99.9_ratio": "99.9 % quantile",
    "wasserstein": "Wasserstein-1 [field]",
    "rmse": "RMSE [field]",
}
"""Measures of the summary, with the heads of their columns."""

_SECTIONS = {
    "spectra": "Power relative to the truth (ideal: 1). Power above the truncation: relative to the truth's power in the "
    "band (ideal: 0).",
    "grid": "Patterns locked to the grid, relative to the truth's grid-scale rms and variance (ideal: 0); height of lines "
    "in the zonal and meridional spectrum at the wavenumbers of the coarse grid (1 or less: none).",
    "semivariogram": "Semivariance at great-circle lags relative to the truth (ideal: 1).",
    "ensemble": "Proper scores (fair; of a single field: absolute and root mean square errors; ideal: 0), spread over error of the mean "
    "(ideal: 1), and the largest departure of the rank histogram from flat (ideal: 0).",
    "structure": "Coherence with the truth, log-spectral distance, correlation and change in time, and extremes of vorticity and "
    "divergence together; of the first member. Ratios: ideal 1.",
    "values": "Errors of the fields, and the distribution of values over the area and all times.",
}

TABLES = ("summary", *_SECTIONS, "cities", "latitudes", "distance")
"""Names of the tables, in the order in which they are printed."""


def number(value: float) -> str:
    """Return a number with three significant digits."""
    if not np.isfinite(value):
        return "inf" if value == np.inf else "–"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1000:
        return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}"
    return f"{value:.2e}"


def cell(estimate: Estimate) -> str:
    """Return a value with its interval, ``0.93 [0.91, 0.95]``."""
    if np.isnan(estimate.low):
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def heading(result: EvaluationResult) -> str:
    """Return one sentence or two on times, area and intervals of the tables."""
    data = result.prepared.data
    periods = [f"{str(each.times.min())[:16]} to {str(each.times.max())[:16]}" for each in data]
    blocks = (
        f"95 % intervals from {result.replicates} resamplings of moving blocks of {result.bootstrap.block_days} "
        f"days, the same for all models (seed {result.bootstrap.seed})"
        if result.replicates
        else "no intervals, the record is too short"
    )
    cities = f", {result.city_times} at cities" if result.city_distances else ""
    area = data[0].region or ("whole globe" if data[0].on_the_globe else "limited area")
    band = f" Band: {result.facts.band.origin}." if result.facts.band is not None else ""
    return f"{result.times} times{cities}, {'; '.join(periods)}; {area}; {blocks}.{band}"


def table(result: EvaluationResult, name: str, reference: str | None = None) -> str:
    """Return one of :data:`TABLES` as Markdown; empty if there are no such results.

    At cities, others are compared with the reference.
    """
    if name == "cities":
        return _cities(result, reference) if reference and result.city_distances else ""
    if name == "summary":
        return _summary(result)
    if name == "distance":
        return _distance(result) if result.distances else ""
    if name == "latitudes":
        return _latitudes(result) if ("latitude_share", TRUTH) in result.curves else ""
    measures = [each for each in result.measures if each.head and _table_of(each) == name]
    if not measures:
        return ""
    rows = []
    for field in result.fields:
        for model in result.labels:
            cells = [cell(result.estimate(measure.name, model, field)) for measure in measures]
            rows.append([model, field, *cells])
        rows += _truth_row(result, measures, field)
    heads = _with_unit(result, [_head(measure, result) for measure in measures])
    return _markdown(_SECTIONS[name], ["model", "field", *heads], rows)


def _table_of(measure: Measure) -> str:
    return "values" if measure.section == "conservation" else measure.section


def _head(measure: Measure, result: EvaluationResult) -> str:
    return measure.head.format(band=result.facts.band)


def _markdown(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A title and a table; numbers, right of the first two columns, are aligned right."""
    texts = sum(head in ("model", "field") for head in heads)
    align = "|---" * texts + "|---:" * (len(heads) - texts) + "|"
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, *rows)]
    return "\n".join([title, "", lines[0], align, *lines[1:]])


def _with_unit(result: EvaluationResult, heads: Iterable[str]) -> list[str]:
    return [head.replace("[field]", f"[{result.common_units}]") for head in heads]


def _summary(result: EvaluationResult) -> str:
    """One row for each model, with all fields in each cell."""
    known = {measure.name for measure in result.measures}
    columns = {name: head for name, head in _SUMMARY.items() if name in known}
    if "band_power_ratio" in columns:
        columns.pop("energy_ratio", None)
    rows = [
        [
            model,
            *(
                " / ".join(number(result.estimate(name, model, field).value) for field in result.fields)
                for name in columns
            ),
        ]
        for model in result.labels
    ]
    title = (
        f"Summary, {' / '.join(result.fields)}; relative to the truth (ideal: 1), except power above the band, "
        "Wasserstein-1 and RMSE (ideal: 0). Intervals are in the other tables."
    )
    return _markdown(title, ["model", *_with_unit(result, columns.values())], rows)


def _truth_row(result: EvaluationResult, measures: Sequence[Measure], field: str) -> list[list[str]]:
    if (measures[0].name, TRUTH) in result.values:
        return [[TRUTH, field, *(cell(result.estimate(each.name, TRUTH, field)) for each in measures)]]
    if any(measure.name == "kurtosis_ratio" for measure in measures):
        own = cell(result.estimate("kurtosis", TRUTH, field))
        blank = [f"kurtosis {own}" if each.name == "kurtosis_ratio" else "" for each in measures]
        return [[TRUTH, field, *blank]]
    return []


def _cities(result: EvaluationResult, reference: str) -> str:
    counts = {label: result.verdict_counts(label, reference) for label in result.labels if label != reference}
    rows = []
    for n, field in enumerate(result.fields):
        for model, found in counts.items():
            cells = [
                f"{' / '.join(map(str, found[0, n, box]))}; {cell(improved_to_degraded_estimate(found[:, n, box]))}"
                for box in range(len(result.boxes))
            ]
            rows.append([model, field, *cells])
    title = (
        f"Local Wasserstein-1 distance to the truth at {len(result.cities)} cities against {reference}, "
        f"{result.city_times} times: cities that are better / equal / worse (10 % rule); improved-to-degraded ratio "
        "[interval]."
    )
    return _markdown(title, ["model", "field", *(f"{n} x {n}" for n in result.boxes)], rows)


def _latitudes(result: EvaluationResult) -> str:
    stored = result.reader.first(LATITUDES)
    ends = zip(stored["belt_edge"].values, stored["belt_end"].values, strict=True)
    belts = [f"{near:g} to {far:g}" for near, far in ends]
    band = result.prepared.runs[0].groups[LATITUDES].settings["band"]
    title = (
        f"Mean square in degrees {band[0]} to {band[1]} by distance from the equator [degrees], both hemispheres "
        "together, relative to the truth (ideal: 1). First: share of the belt in the truth's power, and in the area."
    )
    rows = []
    for n, field in enumerate(result.fields):
        share = result.curves["latitude_share", TRUTH][:, n]
        cells = [
            f"{cell(Estimate.of(share[:, belt]))} of {number(float(area))}"
            for belt, area in enumerate(stored["belt_area"].values)
        ]
        rows.append(["truth, share", field, *cells])
        for model in result.labels:
            ratio = result.curves["latitude_ratio", model][:, n]
            rows.append([model, field, *(cell(Estimate.of(ratio[:, belt])) for belt in range(len(belts)))])
    return _markdown(title, ["model", "field", *belts], rows)


def _distance(result: EvaluationResult) -> str:
    rows = [
        [
            model,
            *(cell(Estimate.of(result.distances[model][:, n])) for n in range(len(result.layers))),
        ]
        for model in result.labels
    ]
    return _markdown("AtmoDist to the truth, mean over time (ideal: 0).", ["model", *result.layers], rows)


def plain_values(result: EvaluationResult, reference: str | None = None) -> dict[str, Any]:
    """Return everything as JSON can hold it: value, low and high of every measure.

    A reference adds, for every measure, the ratio to it with its paired interval, and the verdicts at cities.
    """
    fields = result.fields
    models: dict[str, Any] = {}
    for model in result.labels:
        entry: dict[str, Any] = {
            measure.name: {field: result.estimate(measure.name, model, field).to_list() for field in fields}
            for measure in result.measures
        }
        if reference and model != reference:
            entry["ratio_to_reference"] = {
                measure.name: {
                    field: result.ratio_to(measure.name, model, reference, field).to_list()
                    for field in fields
                }
                for measure in result.measures
            }
        if model in result.distances:
            entry["atmodist"] = {
                layer: Estimate.of(result.distances[model][:, n]).to_list()
                for n, layer in enumerate(result.layers)
            }
        if model in result.city_distances:
            entry["cities"] = _plain_cities(result, model, reference)
        models[model] = entry
    band = result.facts.band
    return {
        "heading": heading(result),
        "fields": dict(zip(fields, result.units, strict=True)),
        "band": None if band is None else {"first": band.first, "last": band.last, "origin": band.origin},
        "times": result.times,
        "city_times": result.city_times,
        "days": result.days,
        "bootstrap": {
            "block_days": result.bootstrap.block_days,
            "replicates": result.replicates,
            "seed": result.bootstrap.seed,
        },
        "reference": reference,
        "models": models,
        "truth": {
            measure.name: {field: result.estimate(measure.name, TRUTH, field).to_list() for field in fields}
            for measure in result.measures
            if (measure.name, TRUTH) in result.values
        },
        "notes": result.notes,
    }


def _plain_cities(result: EvaluationResult, model: str, reference: str | None) -> dict[str, Any]:
    def by_field_and_box(of: Any) -> dict[str, Any]:
        return {
            field: {str(side): of(n, box) for box, side in enumerate(result.boxes)}
            for n, field in enumerate(result.fields)
        }

    means = result.city_distances[model].mean(axis=-1)
    entry: dict[str, Any] = {
        "mean_wasserstein": by_field_and_box(lambda n, box: Estimate.of(means[:, n, box]).to_list())
    }
    if reference and model != reference:
        counts = result.verdict_counts(model, reference)

        def verdict(n: int, box: int) -> dict[str, Any]:
            found: dict[str, Any] = {
                word: Estimate.of(counts[:, n, box, k].astype(float)).to_list()
                for k, word in enumerate(("better", "equal", "worse"))
            }
            ratio = improved_to_degraded_estimate(counts[:, n, box])
            return found | {"improved_to_degraded": ratio.to_list()}

        entry["verdicts"] = by_field_and_box(verdict)
    return entry
