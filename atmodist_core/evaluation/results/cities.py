"""Local distributions at cities of a finished evaluation, and at how many a model is closer to the truth than another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.city_verdicts import improved_to_degraded_estimate, verdict_counts
from atmodist_core.evaluation.local_statistics import TOLERANCE
from atmodist_core.evaluation.results.labelled import Finishing, dataset, described, with_interval

PROBABILITIES = (0.001, 0.01, 0.5, 0.99, 0.999)
DENSITY_BINS = 64
SURE = 0.975
"""Share of the replicates that must agree with a verdict."""


def city_results(finishing: Finishing, cities: pd.DataFrame) -> xr.Dataset:
    """Wasserstein-1 distances with intervals, quantiles and densities at every city.

    Parameters
    ----------
    finishing : Finishing
        The statistics.
    cities : pandas.DataFrame
        Where they lie; as :func:`atmodist_core.cities` gives them.
    """
    result, reader = finishing.judgement, finishing.reader
    names, sides = reader.cities()
    edges = _density_edges(finishing)
    judged = [*finishing.prepared.models, None]
    quantiles, densities = [], []
    for model in judged:
        of_model = [
            _local(*reader.city_values(model, some), sides, edges) for some in reader.cities_at_once()
        ]
        quantiles.append(np.concatenate([part[0] for part in of_model], axis=2))
        densities.append(np.concatenate([part[1] for part in of_model], axis=2))
    distances = [
        result.city_distances[label].transpose(1, 0, 3, 2) for label in finishing.labels
    ]  # (replicate, field, box, city)
    distance = np.stack([*distances, np.full_like(distances[0], np.nan)], axis=1)
    axes = ("method", "field", "box", "city")
    units = finishing.common_units
    variables = {
        **with_interval(
            "wasserstein",
            distance,
            axes,
            units,
            "Wasserstein-1 distance of local values to the truth",
            "Area between the distribution functions of the values of result and truth; the sample of a city is every point of its "
            "box at every time. A resampled record has some values twice, which makes distances larger: the interval is shifted by the "
            "mean excess.",
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
            "Share of the values in a bin, divided by the width of the bin. The outermost bins also hold all values beyond them.",
        ),
        "samples": described(
            np.array([side**2 * result.city_times for side in sides]),
            ("box",),
            "1",
            "values at a city",
            "Points of the box times times.",
        ),
    }
    where = cities.set_index("name").loc[names]
    return dataset(
        variables,
        {
            "method": finishing.methods,
            **finishing.field_coordinates,
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


def _density_edges(finishing: Finishing) -> np.ndarray:
    """Even bins between the truth's outermost values at the cities, a tenth wider; shape ``(field, bin + 1)``."""
    lows, highs = [], []
    for some in finishing.reader.cities_at_once():
        values, _ = finishing.reader.city_values(None, some)
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


def verdict_results(finishing: Finishing, reference: str) -> xr.Dataset:
    """Where every other model is closer to the truth than the reference by more than 10 %, and how sure that is."""
    result = finishing.judgement
    names, sides = finishing.reader.cities()
    candidates = [label for label in finishing.labels if label != reference]
    of_reference = result.city_distances_of(reference)
    verdicts, sure, counts, ratios = [], [], [], []
    for label in candidates:
        of_candidate = result.city_distances_of(label)
        sign = np.stack(
            [_signs(of_candidate[field], of_reference[field]) for field in finishing.fields], axis=1
        ).transpose(0, 1, 3, 2)  # (replicate, field, box, city)
        verdicts.append(sign[0])
        agreeing = (sign[1:] == sign[0]).mean(axis=0) if len(sign) > 1 else np.zeros(sign.shape[1:])
        sure.append((agreeing >= SURE) & (sign[0] != 0))
        totals = verdict_counts(of_candidate, of_reference)
        counts.append(np.stack([totals[field][0] for field in finishing.fields]))  # (field, box, 3)
        ratios.append(
            [
                [improved_to_degraded_estimate(totals[field][:, box]) for box in range(len(sides))]
                for field in finishing.fields
            ]
        )
    verdict, certain, count = np.stack(verdicts), np.stack(sure), np.stack(counts)
    axes = ("candidate", "field", "box")
    rule = f"Wasserstein-1 distances to the truth that differ by more than {TOLERANCE:.0%} of the larger one count as different."
    found = {
        "verdict": described(
            verdict.astype(np.int8),
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
            f"1 where {SURE:.1%} of the replicates of a bootstrap over blocks of days come to the same verdict, and it is not equal.",
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
    for name in ("value", "low", "high"):
        values = np.array(
            [[[getattr(each, name) for each in row] for row in of] for of in ratios], dtype=float
        )
        end = "" if name == "value" else f"_{name}"
        share = {"value": "", "low": ", 2.5 %", "high": ", 97.5 %"}[name]
        found[f"odds{end}"] = described(
            values,
            axes,
            "1",
            f"cities better over worse{share}",
            "Infinite where none is worse; 1 where none differs. Interval: of (better + 1/2) over (worse + 1/2) in the replicates, shifted so that "
            "their median is that of the data, since resampled distances are larger.",
        )
    return dataset(
        found,
        {
            "candidate": candidates,
            **finishing.field_coordinates,
            "box": ("box", sides, {"units": "1"}),
            "city": names,
        },
    ).assign_attrs(reference=reference)


def _signs(candidate: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """1, 0 or -1 of distances ``(replicate, city, box)``."""
    gain = reference - candidate
    return np.sign(gain) * (np.abs(gain) > TOLERANCE * np.maximum(reference, candidate))
