"""Distributions, quantiles and extremes of an evaluation, from histograms over the area and all times."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.results.evaluation_result import (
    PROBABILITIES,
    TAILS,
    EvaluationResult,
    beyond,
)
from atmodist_core.evaluation.results.labelled import described, with_interval, with_missing_truth
from atmodist_core.evaluation.run.groups import AREA
from atmodist_core.evaluation.statistics.histogram import BINS, mean_excess, share_beyond

BINS_SHOWN = 256
"""Bins of the densities: neighbouring bins of the stored histograms together."""


def value_results(result: EvaluationResult) -> xr.Dataset:
    """Return densities of all models and the truth, and quantiles with intervals."""
    edges = np.stack([bins.edges for bins in result.facts.bins])
    shares = np.stack([result.mean("value_share", label) for label in result.with_truth])
    together = BINS // BINS_SHOWN
    coarse = shares.reshape(*shares.shape[:2], BINS_SHOWN, together).sum(axis=-1)
    left, right = edges[:, :-1:together], edges[:, together::together]
    used = np.flatnonzero(coarse.sum(axis=(0, 1)))
    kept = slice(int(used[0]), int(used[-1]) + 1)
    density = coarse / coarse.sum(axis=-1, keepdims=True) / (right - left)
    replicates = np.stack([result.curves["quantile", label] for label in result.with_truth], axis=1)
    units = result.common_units
    variables = {
        "density": described(
            density[..., kept],
            ("model", "field", "value_bin"),
            f"1/({units})",
            "probability density of the values",
            "Share of area and time in a bin, divided by the width of the bin.",
        ),
        **with_interval(
            "quantile",
            replicates,
            ("model", "field", "probability"),
            units,
            "quantile of the values over the area and all times",
            "Value below which this share of area and time lies, found to within a bin of 0.7 % of the value.",
        ),
    }
    return xr.Dataset(
        variables,
        {
            "model": result.with_truth,
            "field": result.fields,
            "field_units": ("field", result.units),
            "probability": list(PROBABILITIES),
            "value_left": (("field", "value_bin"), left[:, kept], {"units": units}),
            "value_right": (("field", "value_bin"), right[:, kept], {"units": units}),
        },
    )


def extreme_results(result: EvaluationResult) -> xr.Dataset:
    """Return how often, and how far, values lie beyond the truth's 0.1 and 99.9 % quantiles."""
    shares = np.stack([result.mean("value_share", label) for label in result.with_truth])
    share, excess = (beyond(result, shares, function) for function in (share_beyond, mean_excess))
    step = _time_step_hours(result)
    with np.errstate(divide="ignore"):
        return_time = step / share
    axes = ("model", "field", "tail")
    units = result.common_units
    ratios = with_missing_truth([result.curves["return_ratio", label] for label in result.labels], axis=1)
    variables = {
        "threshold": described(
            result.thresholds,
            ("field", "tail"),
            units,
            "threshold of extremes",
            "The truth's 0.1 and 99.9 % quantile over the area and all times.",
        ),
        "area_share": described(
            share,
            axes,
            "1",
            "share of area and time beyond the threshold",
            "Below the lower, above the upper threshold.",
        ),
        "return_time": described(
            return_time,
            axes,
            "h",
            "mean return time of values beyond the threshold",
            "Time between two evaluated times divided by the share of area and time beyond the threshold.",
        ),
        "mean_excess": described(
            excess,
            axes,
            units,
            "mean distance of values beyond the threshold from it",
            "Over those values only, weighted by area.",
        ),
        **with_interval(
            "return_ratio",
            ratios,
            axes,
            "1",
            "frequency of values beyond the threshold relative to the truth",
            "Share of area and time beyond the truth's threshold over the truth's share; the ideal value is 1, 2 is "
            "twice as often.",
        ),
    }
    return xr.Dataset(
        variables,
        {
            "model": result.with_truth,
            "field": result.fields,
            "field_units": ("field", result.units),
            "tail": list(TAILS),
            "time_step_hours": step,
        },
    )


def _time_step_hours(result: EvaluationResult) -> float:
    """Median time between two evaluated times [h]; missing for a single time."""
    selection = result.prepared.selection
    steps = np.concatenate([np.diff(selection.times(each, AREA)) for each in result.prepared.data])
    return float(np.median(steps / np.timedelta64(1, "h"))) if steps.size else float("nan")
