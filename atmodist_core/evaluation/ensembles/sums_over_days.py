"""Sums over days of the statistics of ensembles and of structure, as measures need them."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from atmodist_core.evaluation.bootstrap import day_sums
from atmodist_core.evaluation.results.reader import StatisticsReader
from atmodist_core.evaluation.run.groups import ENSEMBLE, STRUCTURE, VORTICES
from atmodist_core.evaluation.run.models import EvaluatedModel

LAGS = 8
"""Lags of correlations in time, in steps of the evaluated times."""

SAMPLED = "sampled_value"


def ensemble_sums(
    reader: StatisticsReader, groups: Container[str], model: EvaluatedModel | None
) -> dict[str, np.ndarray]:
    """Return the sums over days of all statistics by name, of the truth without a model; empty without the groups."""
    found = dict(reader.sums(model, VORTICES).sums) if VORTICES in groups else {}
    if STRUCTURE not in groups:
        return found
    if model is not None:
        found |= reader.sums(model, ENSEMBLE).sums
    found |= reader.sums(model, STRUCTURE, without=(SAMPLED,)).sums
    return found | _lag_sums(reader, model)


def _lag_sums(reader: StatisticsReader, model: EvaluatedModel | None) -> dict[str, np.ndarray]:
    """Means over the points of products of the values at two times, summed over the days of the second, per lag.

    Pairs lie within a member, exactly so many steps apart.
    """
    names = ("lag_product", "square_before", "square_after")
    total: dict[str, np.ndarray] = {}
    for member, (times, values) in enumerate(reader.sampled(model, SAMPLED)):
        shape = (times.size, values.shape[1], LAGS)
        arrays = {name: np.zeros(shape) for name in names}
        if times.size > 1:
            step, square = np.median(np.diff(times).astype(np.int64)), np.square(values).mean(axis=-1)
            offset = (times - times[0]).astype(np.int64)
            for lag in range(1, LAGS + 1):
                before = np.searchsorted(offset, offset - lag * step)
                after = np.flatnonzero(offset[before] == offset - lag * step)
                before = before[after]
                arrays["lag_product"][after, :, lag - 1] = (values[before] * values[after]).mean(axis=-1)
                arrays["square_before"][after, :, lag - 1] = square[before]
                arrays["square_after"][after, :, lag - 1] = square[after]
        days = reader.axis.index(member, times)
        for name, array in arrays.items():
            total[name] = total.get(name, 0) + day_sums(array, days, reader.axis.size)
    return total
