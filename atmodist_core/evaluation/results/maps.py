"""Maps of moments of a finished evaluation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.results.labelled import Finishing, dataset, described
from atmodist_core.evaluation.run.member_run import EvaluatedModel
from atmodist_core.evaluation.statistics.moment_maps import MAPS, moments
from atmodist_core.evaluation.store.sums_store import summed

_POOLED = "Of the values at all fine points in a coarse cell and at all times."


def map_results(finishing: Finishing) -> xr.Dataset:
    """Mean, standard deviation, skewness, kurtosis and error on coarse cells.

    The sums cannot be taken apart: the maps rest on all times in the store, which may be more than the period. The
    attributes ``times``, ``first_time`` and ``last_time`` say which.
    """
    judged: list[EvaluatedModel | None] = [*finishing.prepared.models, None]
    data = finishing.prepared.data[0]
    maps = []
    for model in judged:
        sums = summed([run.stores.sums_of(model, MAPS).load() for run in finishing.prepared.runs])
        maps.append(moments(sums, data.units, data.factor))
    axes = ("method", "field", "latitude", "longitude")
    units = finishing.common_units
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
    variables = {}
    for name, (unit, long_name, definition) in about.items():
        values = [each[name].values for each in maps if name in each]
        if name == "rmse":
            values.append(np.full_like(values[0], np.nan))
        variables[name] = described(np.stack(values), axes, unit, long_name, definition)
    times = sums["time"].values
    made = dataset(
        variables,
        {
            "method": finishing.methods,
            **finishing.field_coordinates,
            "latitude": ("latitude", maps[0]["latitude"].values, {"units": "degrees_north"}),
            "longitude": ("longitude", maps[0]["longitude"].values, {"units": "degrees_east"}),
        },
    )
    made.attrs = {
        "times": times.size,
        "first_time": str(times.min())[:16],
        "last_time": str(times.max())[:16],
    }
    return made
