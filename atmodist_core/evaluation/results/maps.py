"""Maps of moments of an evaluation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.labelled import described, with_missing_truth
from atmodist_core.evaluation.run.groups import MAPS
from atmodist_core.evaluation.statistics.moment_maps import moments
from atmodist_core.evaluation.store.sums_store import summed

_POOLED = "Of the values at all fine points in a coarse cell and at all times."


def map_results(result: EvaluationResult) -> xr.Dataset:
    """Return mean, standard deviation, skewness, kurtosis and error on coarse cells.

    Sums over times cannot be separated: the maps rest on all times in the store, which may be more than the period.
    The attributes ``times``, ``first_time`` and ``last_time`` give them.
    """
    data = result.prepared.data[0]
    maps = []
    for model in (*result.prepared.models, None):
        sums = summed([run.load_sums(model, MAPS) for run in result.prepared.runs])
        maps.append(moments(sums, data.units, data.factor))
    units = result.common_units
    about = {
        "mean": (units, "mean", _POOLED),
        "standard_deviation": (units, "standard deviation", _POOLED),
        "skewness": (
            "1",
            "skewness",
            f"{_POOLED} Third moment about the mean over the cubed standard deviation.",
        ),
        "kurtosis": (
            "1",
            "kurtosis",
            f"{_POOLED} Fourth moment about the mean over the squared variance; 3 for normal values.",
        ),
        "rmse": (units, "root mean square error", "Of the fine points in a coarse cell, over all times."),
    }
    axes = ("model", "field", "latitude", "longitude")
    variables = {}
    for name, (unit, long_name, definition) in about.items():
        values = [each[name].values for each in maps if name in each]
        stacked = with_missing_truth(values) if name == "rmse" else np.stack(values)
        variables[name] = described(stacked, axes, unit, long_name, definition)
    times = sums["time"].values
    return xr.Dataset(
        variables,
        {
            "model": result.with_truth,
            "field": result.fields,
            "field_units": ("field", result.units),
            "latitude": ("latitude", maps[0]["latitude"].values, {"units": "degrees_north"}),
            "longitude": ("longitude", maps[0]["longitude"].values, {"units": "degrees_east"}),
        },
        {"times": times.size, "first_time": str(times.min())[:16], "last_time": str(times.max())[:16]},
    )
