"""Scores per field of an evaluation, and errors over time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import interval
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.labelled import INTERVAL, described, with_interval
from atmodist_core.evaluation.run.groups import AREA, DISTANCE, SERIES
from atmodist_core.evaluation.store.statistics_store import TRUTH

_SIMILARITIES = ("ssim", "psnr")


def departure(values: np.ndarray, ideal: str) -> np.ndarray:
    """Return how far values of a measure are from the ideal value, "zero", "one" or "none".

    From 0 it is the size; from 1 the size of the natural logarithm, so that half and double are equally far and
    0 is infinitely far; else it is missing.

    Examples
    --------
    >>> departure(np.array([0.5, 2.0, 0.0]), "one").round(2)
    array([0.69, 0.69,  inf])
    """
    if ideal == "zero":
        return np.abs(values)
    if ideal != "one":
        return np.full_like(values, np.nan)
    with np.errstate(divide="ignore"):
        return np.abs(np.log(np.maximum(values, 0.0)))


def _advantages(replicates: np.ndarray, ideal: str, reference: int) -> np.ndarray:
    """Departure of the reference minus that of every model, in the same replicates; missing unless both are finite."""
    departures = departure(replicates, ideal)
    of_reference = departures[:, reference, None]
    both = np.isfinite(departures) & np.isfinite(of_reference)
    return np.subtract(of_reference, departures, out=np.full_like(departures, np.nan), where=both)


def score_results(result: EvaluationResult, reference: str) -> xr.Dataset:
    """Return every measure per field with its interval, and its advantage over the reference."""
    measures = result.measures
    replicates = [
        np.stack([result.values[each.name, label] for label in result.labels], axis=1) for each in measures
    ]
    number = result.labels.index(reference)
    advantages = [
        _advantages(each, measure.ideal, number) for each, measure in zip(replicates, measures, strict=True)
    ]
    lows, highs = zip(*(interval(each) for each in replicates), strict=True)
    axes = ("measure", "model", "field")
    long_name = "measure; its name and units are coordinates of the axis"
    values = np.stack([each[0] for each in replicates])
    variables = {
        "value": described(values, axes, "see units", long_name, "See the coordinate of that name."),
        "low": described(np.stack(lows), axes, "see units", f"{long_name}, 2.5 %", f"2.5 {INTERVAL}"),
        "high": described(np.stack(highs), axes, "see units", f"{long_name}, 97.5 %", f"97.5 {INTERVAL}"),
        **with_interval(
            "advantage",
            np.stack(advantages, axis=1),
            axes,
            "see units where the ideal value is 0; else 1",
            "how much closer to the ideal value than the reference",
            f"Departure of {reference} from the ideal value minus that of the model, in the same resampled days: above "
            "zero where the model is closer. The departure from 0 is the size, that from 1 the size of the natural "
            "logarithm.",
        ),
        "truth_kurtosis": described(
            result.values["kurtosis", TRUTH][0],
            ("field",),
            "1",
            "kurtosis of the truth",
            MEASURES["kurtosis"].definition,
        ),
    }
    columns = ("long_name", "definition", "ideal", "units", "section")
    return xr.Dataset(
        variables,
        {
            "measure": [each.name for each in measures],
            "model": result.labels,
            "field": result.fields,
            "field_units": ("field", result.units),
            **{name: ("measure", [getattr(each, name) for each in measures]) for name in columns},
        },
    )


def series_results(result: EvaluationResult) -> xr.Dataset:
    """Return RMSE, SSIM, PSNR and learned distance of every model at every time."""
    prepared = result.prepared
    distance = prepared.distance
    groups = {"rmse": AREA, "ssim": SERIES, "psnr": SERIES} | ({"atmodist": DISTANCE} if distance else {})
    stored = {"rmse": "squared_error"}
    found = {
        name: np.stack(
            [
                np.concatenate(
                    [
                        run.load(model, group, names=[stored.get(name, name)])[stored.get(name, name)].values
                        for run in prepared.runs
                    ]
                )
                for model in prepared.models
            ]
        )
        for name, group in groups.items()
    }
    axes = ("model", "field", "time")
    variables = {
        "rmse": described(
            np.sqrt(found["rmse"]).swapaxes(1, 2),
            axes,
            result.common_units,
            MEASURES["rmse"].long_name,
            "Root of the area mean of the squared difference from the truth.",
        ),
    }
    for name in _SIMILARITIES:
        measure = MEASURES[name]
        variables[name] = described(
            found[name].swapaxes(1, 2), axes, measure.units, measure.long_name, measure.definition
        )
    if distance is not None:
        variables["atmodist"] = described(
            found["atmodist"][..., -1],
            ("model", "time"),
            "1",
            MEASURES["atmodist"].long_name,
            f"Distance of {distance.network.name} at its layer {distance.layers[-1]}, mean over the area.",
        )
    times = np.concatenate([prepared.selection.times(member, AREA) for member in prepared.data])
    return xr.Dataset(
        variables,
        {
            "model": result.labels,
            "field": result.fields,
            "field_units": ("field", result.units),
            "time": times.astype("datetime64[ns]"),
        },
    )
