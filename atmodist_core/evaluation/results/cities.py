"""Local distributions at cities of an evaluation, and at how many cities a model is closer to the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate
from atmodist_core.evaluation.diagnostics.local_statistics import TOLERANCE
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.labelled import (
    Variable,
    described,
    with_interval,
    with_missing_truth,
)

PROBABILITIES = (0.001, 0.01, 0.5, 0.99, 0.999)
DENSITY_BINS = 64
SURE = 0.975
"""Share of the replicates that must agree with a verdict."""


def city_results(result: EvaluationResult, cities: pd.DataFrame) -> xr.Dataset:
    """Return Wasserstein-1 distances with intervals, quantiles and densities at every city."""
    reader, names, sides = result.reader, result.cities, result.boxes
    edges = _density_edges(result)
    quantiles, densities = [], []
    for model in (*result.prepared.models, None):
        parts = [_local(*reader.city_values(model, some), sides, edges) for some in reader.cities_at_once()]
        quantiles.append(np.concatenate([part[0] for part in parts], axis=2))
        densities.append(np.concatenate([part[1] for part in parts], axis=2))
    distance = with_missing_truth([result.city_distances[label] for label in result.labels], axis=1)
    axes = ("model", "field", "box", "city")
    units = result.common_units
    variables = {
        **with_interval(
            "wasserstein",
            distance,
            axes,
            units,
            "Wasserstein-1 distance of local values to the truth",
            "Area between the distribution functions of the values of result and truth; the sample of a city is every "
            "point of its box at every time. Repeated days of a resampled record raise the distance: replicates are "
            "corrected by the mean excess.",
        ),
        "quantile": described(
            np.stack(quantiles),
            (*axes, "probability"),
            units,
            "quantile of local values",
            "Of every point of the box at every time.",
        ),
        "density": described(
            np.stack(densities),
            (*axes, "density_bin"),
            f"1/({units})",
            "probability density of local values",
            "Share of the values in a bin, divided by the width of the bin. The outermost bins also hold all values "
            "beyond them.",
        ),
        "samples": described(
            np.array([side**2 * result.city_times for side in sides]),
            ("box",),
            "1",
            "values at a city",
            "Number of points of the box times number of times.",
        ),
    }
    where = cities.set_index("name").loc[names]
    return xr.Dataset(
        variables,
        {
            "model": result.with_truth,
            "field": result.fields,
            "field_units": ("field", result.units),
            "box": ("box", sides, {"units": "1", "long_name": "points along a side of the box"}),
            "city": names,
            "latitude": ("city", where["latitude"].to_numpy(float), {"units": "degrees_north"}),
            "longitude": ("city", where["longitude"].to_numpy(float), {"units": "degrees_east"}),
            "country": ("city", where["country"].astype(str).tolist()),
            "probability": list(PROBABILITIES),
            "density_edge_left": (("field", "density_bin"), edges[:, :-1], {"units": units}),
            "density_edge_right": (("field", "density_bin"), edges[:, 1:], {"units": units}),
        },
    )


def _density_edges(result: EvaluationResult) -> np.ndarray:
    """Even bins between the truth's outermost values at the cities, a tenth wider; shape ``(field, bin + 1)``."""
    reader, lows, highs = result.reader, [], []
    for some in reader.cities_at_once():
        values, _ = reader.city_values(None, some)
        lows.append(values.min(axis=(0, 2, 3)))
        highs.append(values.max(axis=(0, 2, 3)))
    low, high = np.min(lows, axis=0).astype(float), np.max(highs, axis=0).astype(float)
    margin = 0.05 * (high - low)
    return np.linspace(low - margin, high + margin, DENSITY_BINS + 1, axis=1)


def _local(
    values: np.ndarray, boxes: np.ndarray, sides: list[int], edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles ``(field, box, city, probability)`` and densities ``(field, box, city, bin)`` of some cities."""
    fields, cities = values.shape[1:3]
    quantile = np.empty((fields, len(sides), cities, len(PROBABILITIES)))
    density = np.empty((fields, len(sides), cities, DENSITY_BINS))
    for number, side in enumerate(sides):
        inside = values[..., boxes == side].transpose(1, 2, 0, 3).reshape(fields, cities, -1)
        quantile[:, number] = np.quantile(inside, PROBABILITIES, axis=-1).transpose(1, 2, 0)
        for field in range(fields):
            bins = np.clip(
                np.searchsorted(edges[field], inside[field], side="right") - 1, 0, DENSITY_BINS - 1
            )
            for city in range(cities):
                counts = np.bincount(bins[city], minlength=DENSITY_BINS)
                density[field, number, city] = counts / inside.shape[-1] / np.diff(edges[field])
    return quantile, density


def verdict_results(result: EvaluationResult, reference: str) -> xr.Dataset:
    """Return where every other model is closer to the truth than the reference, and how sure that is."""
    candidates = [label for label in result.labels if label != reference]
    verdicts, sure, counts, ratios = [], [], [], []
    for label in candidates:
        sign = result.verdicts(label, reference)
        verdicts.append(sign[0])
        agreeing = (sign[1:] == sign[0]).mean(axis=0) if len(sign) > 1 else np.zeros(sign.shape[1:])
        sure.append((agreeing >= SURE) & (sign[0] != 0))
        totals = result.verdict_counts(label, reference)
        counts.append(totals[0])
        ratios.append(
            [
                [improved_to_degraded_estimate(totals[:, n, box]) for box in range(len(result.boxes))]
                for n in range(len(result.fields))
            ]
        )
    verdict, certain, count = np.stack(verdicts), np.stack(sure), np.stack(counts)
    axes = ("candidate", "field", "box")
    rule = (
        f"Wasserstein-1 distances to the truth that differ by more than {TOLERANCE:.0%} of the larger one count as "
        "different."
    )
    found: dict[str, Variable] = {
        "verdict": described(
            verdict,
            (*axes, "city"),
            "1",
            "closer to the truth than the reference: 1, equal 0, farther -1",
            rule,
        ),
        "sure": described(
            certain.astype(np.int8),
            (*axes, "city"),
            "1",
            "whether the verdict is sure",
            f"1 where {SURE:.1%} of the replicates of a bootstrap over blocks of days give the same verdict, and it is "
            "not equal.",
        ),
    }
    for place, name in enumerate(("better", "equal", "worse")):
        found[name] = described(
            count[..., place].astype(np.int32), axes, "1", f"cities where the candidate is {name}", rule
        )
    for way, name in ((1, "better"), (-1, "worse")):
        total = ((verdict == way) & certain).sum(axis=-1).astype(np.int32)
        found[f"{name}_sure"] = described(
            total, axes, "1", f"cities where the candidate is surely {name}", found["sure"][2]["definition"]
        )
    for end, suffix, share in (("value", "", ""), ("low", "_low", ", 2.5 %"), ("high", "_high", ", 97.5 %")):
        values = np.array(
            [[[getattr(each, end) for each in row] for row in of] for of in ratios], dtype=float
        )
        found[f"improved_to_degraded{suffix}"] = described(
            values,
            axes,
            "1",
            f"improved-to-degraded ratio{share}",
            "Cities where the candidate is better over cities where it is worse; infinite where none is worse, 1 where "
            "none differs. Interval: of (better + 1/2) over (worse + 1/2) in the replicates, shifted to have the "
            "median of the record.",
        )
    coordinates = {
        "candidate": candidates,
        "field": result.fields,
        "field_units": ("field", result.units),
        "box": ("box", result.boxes, {"units": "1"}),
        "city": result.cities,
    }
    return xr.Dataset(found, coordinates, {"reference": reference})
