"""Distributions, quantiles and extremes of a finished evaluation, from histograms over the globe and all times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from atmodist_core.evaluation.energy_ratio import power_ratio
from atmodist_core.evaluation.results.file import TRUTH
from atmodist_core.evaluation.results.labelled import Finishing, dataset, described, with_interval
from atmodist_core.evaluation.results.result_measures import Means
from atmodist_core.evaluation.statistics.histogram import BINS, ValueBins, histogram_quantile

PROBABILITIES = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
TAILS = {"lower": 0.001, "upper": 0.999}
"""Shares of area and time below the truth's thresholds of extremes."""

BINS_SHOWN = 256
"""Bins of the densities: neighbouring bins of the stored histograms together."""

_RETURN = "Time between two looks divided by the share of area and time beyond the threshold: how long, on average, a point waits."


def value_results(finishing: Finishing) -> xr.Dataset:
    """Densities of all methods and of the truth, and quantiles with intervals."""
    edges = _edges(finishing)
    shares = np.stack(
        [finishing.value(lambda model, _: model["value_share"], label) for label in finishing.methods]
    )
    together = BINS // BINS_SHOWN
    coarse = shares.reshape(*shares.shape[:2], BINS_SHOWN, together).sum(axis=-1)
    left, right = edges[:, :-1:together], edges[:, together::together]
    # Bins that nothing ever falls into say nothing.
    used = np.flatnonzero(coarse.sum(axis=(0, 1)))
    kept = slice(int(used[0]), int(used[-1]) + 1)
    density = coarse / coarse.sum(axis=-1, keepdims=True) / (right - left)

    def quantiles(model: Means, _: Means) -> np.ndarray:
        parts = [
            np.stack(
                [histogram_quantile(model["value_share"][:, n], edge, p) for p in PROBABILITIES], axis=-1
            )
            for n, edge in enumerate(edges)
        ]
        return np.stack(parts, axis=1)

    replicates = np.stack([finishing.replicates(quantiles, label) for label in finishing.methods], axis=1)
    units = finishing.common_units
    variables = {
        "density": described(
            density[..., kept],
            ("method", "field", "value_bin"),
            f"1/({units})",
            "probability density of the values",
            "Share of area and time in a bin, divided by the width of the bin.",
        ),
        **with_interval(
            "quantile",
            replicates,
            ("method", "field", "probability"),
            units,
            "quantile of the values over the globe and all times",
            "Value below which this share of area and time lies, found to within a bin of 0.7 % of the value.",
        ),
    }
    return dataset(
        variables,
        {
            "method": finishing.methods,
            **finishing.field_coordinates,
            "probability": list(PROBABILITIES),
            "value_left": (("field", "value_bin"), left[:, kept], {"units": units}),
            "value_right": (("field", "value_bin"), right[:, kept], {"units": units}),
        },
    )


def extreme_results(finishing: Finishing) -> xr.Dataset:
    """How often, and how far, values lie beyond the truth's 0.1 and 99.9 % quantiles."""
    edges = _edges(finishing)
    truth = finishing.value(lambda model, _: model["value_share"], TRUTH)
    thresholds = np.array(
        [
            [float(histogram_quantile(truth[n], edge, share)) for share in TAILS.values()]
            for n, edge in enumerate(edges)
        ]
    )

    def beyond(
        what: Callable[[np.ndarray, np.ndarray, float, str], np.ndarray],
    ) -> Callable[[Means, Means], np.ndarray]:
        def of(model: Means, _: Means) -> np.ndarray:
            parts = [
                np.stack(
                    [
                        what(model["value_share"][:, n], edge, thresholds[n, k], tail)
                        for k, tail in enumerate(TAILS)
                    ],
                    axis=-1,
                )
                for n, edge in enumerate(edges)
            ]
            return np.stack(parts, axis=1)

        return of

    share = np.stack([finishing.value(beyond(share_beyond), label) for label in finishing.methods])
    excess = np.stack([finishing.value(beyond(mean_excess), label) for label in finishing.methods])
    share_of = beyond(share_beyond)
    ratios = finishing.of_models(
        lambda model, truth: power_ratio(share_of(model, truth), share_of(truth, truth))
    )
    step = time_step_hours(finishing)
    with np.errstate(divide="ignore"):
        return_time = step / share
    axes = ("method", "field", "tail")
    units = finishing.common_units
    variables = {
        "threshold": described(
            thresholds,
            ("field", "tail"),
            units,
            "threshold of extremes",
            "The truth's 0.1 and 99.9 % quantile over the globe and all times.",
        ),
        "area_share": described(
            share,
            axes,
            "1",
            "share of area and time beyond the threshold",
            "Below the lower, above the upper threshold.",
        ),
        "return_time": described(
            return_time, axes, "h", "mean return time of values beyond the threshold", _RETURN
        ),
        "mean_excess": described(
            excess,
            axes,
            units,
            "mean distance of values beyond the threshold from it",
            "Over those values only; they count by area.",
        ),
        **with_interval(
            "return_ratio",
            ratios,
            ("method", "field", "tail"),
            "1",
            "how often values lie beyond the threshold, relative to the truth",
            "Share of area and time beyond the truth's threshold over the truth's share; 1 is right, 2 is twice as often.",
        ),
    }
    return dataset(
        variables,
        {
            "method": finishing.methods,
            **finishing.field_coordinates,
            "tail": list(TAILS),
            "time_step_hours": step,
        },
    )


def share_beyond(shares: np.ndarray, edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Share of the weight beyond a threshold, with even density inside each bin.

    Parameters
    ----------
    shares : numpy.ndarray, shape ``(..., bins)``
        Weights in the bins.
    edges : numpy.ndarray, shape ``(bins + 1,)``
        Their edges, rising.
    threshold : float
        In the units of the edges.
    tail : {"lower", "upper"}
        Below or above it.

    Returns
    -------
    numpy.ndarray, shape ``(...)``

    Examples
    --------
    >>> import numpy as np
    >>> float(share_beyond(np.array([0.25, 0.75]), np.array([0.0, 1.0, 2.0]), 1.5, "upper"))
    0.375
    """
    part = _part_beyond(edges, threshold, tail)
    return (shares * part).sum(axis=-1) / shares.sum(axis=-1)


def mean_excess(shares: np.ndarray, edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Mean distance from a threshold of the values beyond it; missing where there are none.

    Parameters and shapes as for :func:`share_beyond`.

    Examples
    --------
    >>> import numpy as np
    >>> float(mean_excess(np.array([0.5, 0.5]), np.array([0.0, 1.0, 2.0]), 1.0, "upper"))
    0.5
    """
    part = _part_beyond(edges, threshold, tail)
    inner = np.clip(edges, None, threshold) if tail == "lower" else np.clip(edges, threshold, None)
    distance = np.abs(0.5 * (inner[:-1] + inner[1:]) - threshold)
    weight = (shares * part).sum(axis=-1)
    total = (shares * part * distance).sum(axis=-1)
    return np.divide(total, weight, out=np.full(np.shape(weight), np.nan), where=weight > 0)


def _part_beyond(edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Share of each bin that lies beyond the threshold."""
    above = np.clip((edges[1:] - threshold) / np.diff(edges), 0, 1)
    return above if tail == "upper" else 1 - above


def time_step_hours(finishing: Finishing) -> float:
    """Median time between two times of the measures over the globe [h]; missing for a single time."""
    from atmodist_core.evaluation.run.member_run import GLOBAL

    selection = finishing.prepared.selection
    steps = [np.diff(selection.times(member, GLOBAL)) for member in finishing.prepared.data]
    all_steps = np.concatenate(steps) if steps else np.array([])
    return float(np.median(all_steps / np.timedelta64(1, "h"))) if all_steps.size else float("nan")


def _edges(finishing: Finishing) -> np.ndarray:
    """Edges of the stored bins of every field, shape ``(field, bin + 1)``."""
    return np.stack([ValueBins.of_units(units).edges for units in finishing.judgement.units])
