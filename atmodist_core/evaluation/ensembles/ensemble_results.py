"""Calibration, coherence and correlations in time of an evaluation, and samples at cities."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.ensembles.city_samples import independent_wasserstein, of_pooled_records
from atmodist_core.evaluation.ensembles.kernels import ranks, spread_and_error
from atmodist_core.evaluation.ensembles.sums_over_days import LAGS
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult, verdict_signs
from atmodist_core.evaluation.results.labelled import Variable, described, with_interval
from atmodist_core.evaluation.run.groups import ENSEMBLE, STRUCTURE
from atmodist_core.evaluation.store.statistics_store import TRUTH

_RATIO = "Root of the mean variance of M members times (M + 1) / M over the root mean square error of their mean; ideal: 1."
_RANK = "Share of area and time where so many members lie below the truth; flat if calibrated. Missing for single fields."


def ensemble_results(result: EvaluationResult) -> xr.Dataset:
    """Return spread over error, rank histograms, coherence and correlations in time of all models."""
    stored = result.reader.first(ENSEMBLE, result.prepared.models[0])
    known = {name for name, _ in result.curves}
    variables: dict[str, Variable] = {}
    curves = (
        ("spread_error_by_area", ("area_part",), "spread over error by part of the area", _RATIO),
        ("spread_error_by_band", ("band_part",), "spread over error of a part of the band", _RATIO),
        ("spread_error_by_wavenumber", ("wavenumber",), "spread over error per wavenumber", _RATIO),
        ("rank_share", ("area_part", "rank"), "rank histogram by part of the area", _RANK),
        (
            "band_rank_share",
            ("band_part", "rank"),
            "rank histogram of a part of the band",
            f"{_RANK} Of fields that keep the degrees of the part alone.",
        ),
        (
            "coherence",
            ("wavenumber",),
            "coherence with the truth",
            "Cross power with the truth over the root of the product of both powers; of the first member. Ideal: 1.",
        ),
        (
            "lag_correlation",
            ("lag",),
            "correlation in time",
            "Correlation of the values at points spread evenly over the area with those a lag later; of the first member.",
        ),
    )
    ranked = max(model.members or 1 for model in result.prepared.models) + 1
    for name, axes, long_name, definition in curves:
        if name not in known:
            continue
        found = [_padded(result.curves[name, label], ranked, axes[-1]) for label in result.labels]
        of_truth = result.curves.get((name, TRUTH))
        found.append(np.full_like(found[0], np.nan) if of_truth is None else of_truth)
        values = np.stack(found, axis=1)
        variables |= with_interval(name, values, ("model", "field", *axes), "1", long_name, definition)
    coordinates: dict[str, Any] = {
        "model": result.with_truth,
        "field": result.fields,
        "members": ("model", [model.members or 1 for model in result.prepared.models] + [1]),
        "area_part": stored["area_part"].values,
        "rank": np.arange(ranked),
        "wavelength_km": ("wavenumber", stored["wavelength_km"].values, {"units": "km"}),
        "lag": ("lag", np.arange(1, LAGS + 1) * _step_hours(result), {"units": "h"}),
    }
    if "spread_error_by_band" in known:
        coordinates["band_part"] = stored["band_part"].values
    if result.facts.band is not None:
        coordinates["wavenumber"] = np.arange(stored.sizes["wavenumber"])
    return xr.Dataset(variables, coordinates)


def _padded(values: np.ndarray, ranks_of_all: int, axis: str) -> np.ndarray:
    """Rank histograms of models with fewer members, filled with missing values at the end."""
    if axis != "rank" or values.shape[-1] == ranks_of_all:
        return values
    fill = np.full((*values.shape[:-1], ranks_of_all - values.shape[-1]), np.nan)
    return np.concatenate([values, fill], axis=-1)


def _step_hours(result: EvaluationResult) -> float:
    """Time between neighbouring evaluated times [h]."""
    selection = result.prepared.selection
    steps = np.concatenate(
        [np.diff(np.sort(selection.times(each, STRUCTURE))) for each in result.prepared.data]
    )
    return float(np.median(steps / np.timedelta64(1, "h"))) if steps.size else float("nan")


def city_sample_results(result: EvaluationResult, reference: str) -> xr.Dataset:
    """Return distances at cities of one member, of pooled members and of independent samples of the truth, and calibration.

    Verdicts compare pooled members, and corrected distances, with the reference.
    """
    reader, models = result.reader, result.prepared.models
    boxes = [side for side in result.boxes if side <= 3]
    few = slice(len(boxes))
    days = reader.city_days()
    parts = []
    for some in reader.cities_at_once():
        truth, sides = reader.city_values(None, some)
        inside = sides <= boxes[-1]
        parts.append(independent_wasserstein(truth[..., inside], sides[inside], days, result.bootstrap))
    independent = np.concatenate(parts, axis=1).swapaxes(1, 2)
    one = np.stack([result.city_distances[label][0, :, few] for label in result.labels])
    pooled = np.stack(
        [result.pooled.get(label, result.city_distances[label])[0, :, few] for label in result.labels]
    )
    corrected = np.stack([result.corrected[label][:, few] for label in result.labels])
    of_pooled = np.stack([of_pooled_records(independent, each.members or 1) for each in models])
    axes, units = ("model", "field", "box", "city"), result.common_units
    about = "Wasserstein-1 distance of local values to the truth"
    sampled = (
        "Mean over random divisions of the truth's days, in whole blocks, of the distance between the halves, scaled by the root of "
        "the sample size; see atmodist_core.evaluation.ensembles.city_samples."
    )
    number = result.labels.index(reference)
    variables = {
        "wasserstein": described(
            one, axes, units, f"{about}, one member", "Of the first member, or of the field."
        ),
        "wasserstein_pooled": described(
            pooled,
            axes,
            units,
            f"{about}, all members together",
            "Of the values of all members as one sample.",
        ),
        "wasserstein_corrected": described(
            corrected,
            axes,
            units,
            f"{about}, one member, without its bias",
            "Root of the squared distance less its bias, which is the mean excess of the squared distances of resampled days over it.",
        ),
        "independent": described(
            independent, axes[1:], units, f"{about}, independent record of the truth", sampled
        ),
        "independent_pooled": described(
            of_pooled, axes, units, f"{about}, as many independent records of the truth as members", sampled
        ),
    }
    for name, distance in (("pooled", pooled), ("corrected", corrected)):
        variables[f"verdict_{name}"] = described(
            verdict_signs(distance, one[number] if name == "pooled" else corrected[number]),
            axes,
            "1",
            f"closer to the truth than the reference, {name}: 1, equal 0, farther -1",
            "Distances that differ by more than 10 % of the larger one count as different.",
        )
    ratio, shares = _city_calibration(result)
    variables["spread_error"] = described(ratio, ("model", "field", "city"), "1", "spread over error", _RATIO)
    variables["rank_share"] = described(
        shares, ("model", "field", "city", "rank"), "1", "rank histogram at the city", _RANK
    )
    coordinates = {
        "model": result.labels,
        "field": result.fields,
        "field_units": ("field", result.units),
        "box": ("box", boxes, {"units": "1", "long_name": "points along a side of the box"}),
        "city": result.cities,
        "rank": np.arange(shares.shape[-1]),
    }
    return xr.Dataset(variables, coordinates, {"reference": reference})


def _city_calibration(result: EvaluationResult) -> tuple[np.ndarray, np.ndarray]:
    """Spread over error ``(model, field, city)`` and rank shares ``(..., rank)`` at the point of each city; missing for single fields."""
    reader, models = result.reader, result.prepared.models
    size = max(model.members or 1 for model in models) + 1
    shape = (len(models), len(result.fields), len(result.cities))
    ratio, shares = np.full(shape, np.nan), np.full((*shape, size), np.nan)
    for number, model in enumerate(models):
        if not model.members:
            continue
        random = np.random.default_rng(0)
        for some in reader.cities_at_once():
            values, boxes = reader.member_city_values(model, some)
            truth, sides = reader.city_values(None, some)
            members = values[..., boxes == 1][..., 0].transpose(2, 0, 1, 3)
            there = truth[..., sides == 1][..., 0]
            spread, error = (each.mean(axis=0) for each in spread_and_error(members, there))
            ratio[number, :, some] = np.sqrt(power_ratio(spread, error))
            rank = ranks(members, there, random)
            for value in range(model.members + 1):
                shares[number, :, some, value] = (rank == value).mean(axis=0)
    return ratio, shares
