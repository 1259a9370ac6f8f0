"""Judgements as Markdown tables and as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate, verdict_counts
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.result_measures import ResultMeasure
from atmodist_core.evaluation.run.member_run import TRUTH

TABLES = ("summary", "spectra", "grid", "semivariogram", "values", "cities", "distance")
"""Names of the tables, in the order in which they are printed."""

_SUMMARY = {
    "band_power_ratio": "power ratio",
    "spurious_power": "power above the band",
    "semivariance_ratio_100_km": "semivariance at 100 km",
    "kurtosis_ratio": "kurtosis",
    "quantile_0.1_ratio": "0.1 % quantile",
    "quantile_99.9_ratio": "99.9 % quantile",
    "wasserstein": "Wasserstein-1 [field]",
    "rmse": "RMSE [field]",
}
"""Measures of the summary, a column for each."""

_TITLES = {
    "summary": "In short, {fields}; relative to the truth's (1 is right) but for the power above the band, Wasserstein-1 and RMSE (0 is right). "
    "Intervals are in the other tables.",
    "spectra": "Power per total wavenumber relative to the truth's (1 is right). "
    "Power above the truncation: relative to the truth's power in the band (0 is right).",
    "grid": "Patterns locked to the grid, relative to the truth's grid-scale rms and variance (0 is right); height of "
    "lines in the zonal and meridional spectrum at the wavenumbers of the coarse grid (1 or less: none).",
    "semivariogram": "Semivariance at great-circle lags, relative to the truth's (1 is right).",
    "values": "Errors point by point, and the distribution of values over the area and all times.",
    "distance": "AtmoDist to the truth, mean over time (0 is right).",
}


def number(value: float) -> str:
    """Three significant digits, short."""
    if not np.isfinite(value):
        return "inf" if value == np.inf else "–"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 1000:
        digits = max(0, 2 - int(np.floor(np.log10(size))))
        return f"{value:.{digits}f}"
    return f"{value:.2e}"


def cell(estimate: Estimate) -> str:
    """A value with its interval, ``0.93 [0.91, 0.95]``."""
    if np.isnan(estimate.low):
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def heading(result: EvaluationResult) -> str:
    """One paragraph on what the tables rest on."""
    blocks = (
        f"95 % intervals from {result.replicates} resamplings of moving blocks of {result.bootstrap.block_days} "
        f"days, the same for all models (seed {result.bootstrap.seed})"
        if result.replicates
        else "no intervals, the record is too short"
    )
    cities = f", {result.city_times} at cities" if result.city_distances else ""
    return (
        f"{result.times} times{cities}, {'; '.join(result.periods)}; whole globe; {blocks}. "
        f"Band: {result.band.origin}."
    )


def table(result: EvaluationResult, name: str, reference: str | None = None) -> str:
    """One table as Markdown.

    Parameters
    ----------
    result : EvaluationResult
        Of :func:`evaluation_result`.
    name : str
        Among :data:`TABLES`.
    reference : str, optional
        Model that others are compared with at cities.

    Returns
    -------
    str
        Empty where there is nothing to show.
    """
    if name == "cities":
        return _cities(result, reference) if reference and result.city_distances else ""
    if name == "summary":
        return _summary(result)
    if name == "distance":
        return _distance(result) if result.distances else ""
    measures = [measure for measure in result.measures if measure.table == name]
    heads = _with_unit(result, [measure.head for measure in measures])
    lines = [_TITLES[name], "", _row(["model", "field", *heads]), "|---|---|" + "---:|" * len(heads)]
    for field in result.fields:
        for model in result.models:
            cells = [cell(result.estimate(measure.name, model, field)) for measure in measures]
            lines.append(_row([model, field, *cells]))
        lines += _truth_row(result, measures, field)
    return "\n".join(lines)


def _with_unit(result: EvaluationResult, heads: Iterable[str]) -> list[str]:
    """Heads of columns with the unit of the fields in place of ``[field]``."""
    unit = result.units[0] if len(set(result.units)) == 1 else "units of the field"
    return [head.replace("[field]", f"[{unit}]") for head in heads]


def _summary(result: EvaluationResult) -> str:
    """One row for each model, with all fields in each cell."""
    known = {measure.name for measure in result.measures}
    columns = {name: head for name, head in _SUMMARY.items() if name in known}
    heads = _with_unit(result, columns.values())
    lines = [
        _TITLES["summary"].format(fields=" / ".join(result.fields)),
        "",
        _row(["model", *heads]),
        "|---|" + "---:|" * len(heads),
    ]
    for model in result.models:
        cells = [
            " / ".join(number(result.estimate(name, model, field).value) for field in result.fields)
            for name in columns
        ]
        lines.append(_row([model, *cells]))
    return "\n".join(lines)


def _truth_row(result: EvaluationResult, measures: Sequence[ResultMeasure], field: str) -> list[str]:
    if (measures[0].name, TRUTH) in result.values:
        return [_row([TRUTH, field, *(cell(result.estimate(m.name, TRUTH, field)) for m in measures)])]
    if any(measure.name == "kurtosis_ratio" for measure in measures):
        own = cell(Estimate.of(result.truth_kurtosis[:, result.fields.index(field)]))
        blank = [f"kurtosis {own}" if m.name == "kurtosis_ratio" else "" for m in measures]
        return [_row([TRUTH, field, *blank])]
    return []


def _cities(result: EvaluationResult, reference: str) -> str:
    lines = [
        f"Local Wasserstein-1 distance to the truth at {len(result.cities)} cities against {reference}, "
        f"{result.city_times} times: cities that are better / equal / worse (10 % rule), then improved-to-degraded ratio [interval].",
        "",
        _row(["model", "field", *(f"{n} x {n}" for n in result.boxes)]),
        "|---|---|" + "---|" * len(result.boxes),
    ]
    verdicts = {
        model: verdict_counts(result.city_distances_of(model), result.city_distances_of(reference))
        for model in result.models
        if model != reference
    }
    for field in result.fields:
        for model, found in verdicts.items():
            counts = found[field]
            cells = []
            for n in range(len(result.boxes)):
                three = " / ".join(map(str, counts[0, n]))
                ratio = improved_to_degraded_estimate(counts[:, n])
                cells.append(f"{three}; {cell(ratio)}")
            lines.append(_row([model, field, *cells]))
    return "\n".join(lines)


def _distance(result: EvaluationResult) -> str:
    lines = [_TITLES["distance"], "", _row(["model", *result.layers]), "|---|" + "---:|" * len(result.layers)]
    for model in result.models:
        cells = [cell(Estimate.of(result.distances[model][:, n])) for n in range(len(result.layers))]
        lines.append(_row([model, *cells]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def plain_values(result: EvaluationResult, reference: str | None = None) -> dict[str, Any]:
    """Everything as JSON can hold it: value, low and high of every measure.

    Parameters
    ----------
    result : EvaluationResult
        Of :func:`evaluation_result`.
    reference : str, optional
        Adds, for every measure, the ratio to this model with its paired interval, and the verdicts at cities.

    Returns
    -------
    dict
    """
    models: dict[str, Any] = {}
    for model in result.models:
        entry: dict[str, Any] = {}
        for measure in result.measures:
            entry[measure.name] = {
                field: result.estimate(measure.name, model, field).to_list() for field in result.fields
            }
        if reference and model != reference:
            entry["ratio_to_reference"] = {
                measure.name: {
                    field: ratio_to(result, measure.name, model, reference, field).to_list()
                    for field in result.fields
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
    return {
        "heading": heading(result),
        "fields": dict(zip(result.fields, result.units, strict=True)),
        "band": {"first": result.band.first, "last": result.band.last, "origin": result.band.origin},
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
            measure.name: {
                field: result.estimate(measure.name, TRUTH, field).to_list() for field in result.fields
            }
            for measure in result.measures
            if (measure.name, TRUTH) in result.values
        },
        "notes": result.notes,
    }


def ratio_to(result: EvaluationResult, measure: str, model: str, reference: str, field: str) -> Estimate:
    """Measure of a model over that of another, with the interval of the paired replicates; of nothing over nothing 1."""
    own, other = (result.replicates_of(measure, label, field) for label in (model, reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Estimate.of(np.where((own == 0) & (other == 0), 1.0, own / other))


def _plain_cities(result: EvaluationResult, model: str, reference: str | None) -> dict[str, Any]:
    distances = result.city_distances_of(model)
    entry: dict[str, Any] = {
        "mean_wasserstein": {
            field: {
                str(box): Estimate.of(values[:, :, n].mean(axis=1)).to_list()
                for n, box in enumerate(result.boxes)
            }
            for field, values in distances.items()
        }
    }
    if reference and model != reference:
        counts = verdict_counts(distances, result.city_distances_of(reference))
        entry["verdicts"] = {
            field: {
                str(box): {
                    word: {
                        "value": int(values[0, n, k]),
                        "interval": Estimate.of(values[:, n, k].astype(float)).to_list()[1:],
                    }
                    for k, word in enumerate(("better", "equal", "worse"))
                }
                | {"better_over_worse": improved_to_degraded_estimate(values[:, n]).to_list()}
                for n, box in enumerate(result.boxes)
            }
            for field, values in counts.items()
        }
    return entry
