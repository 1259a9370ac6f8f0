"""At how many cities one model is closer to the truth than another: the improved-to-degraded ratio and its interval.

References
----------
Hoffmann, S. and Lessig, C., 2023: AtmoDist. Environ. Data Sci. 2, arXiv 2202.01897 (a city is improved or degraded
when the Wasserstein-1 distances differ by more than 10 per cent).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import (
    BOOTSTRAP,
    Bootstrap,
    DayAxis,
    Estimate,
    bootstrap_counts,
    interval,
    remove_excess,
)
from atmodist_core.evaluation.diagnostics.local_statistics import TOLERANCE, better_equal_worse
from atmodist_core.evaluation.diagnostics.wasserstein import resampled_wasserstein


def city_wasserstein(
    prediction: np.ndarray, truth: np.ndarray, boxes: np.ndarray, days: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return the Wasserstein-1 distances at every city and box in every replicate.

    Samples have shape ``(time, field, city, point)``, see :class:`CityValues`; ``boxes`` has the side of the box of each
    point; ``days`` and ``counts`` are those of
    :func:`~atmodist_core.evaluation.diagnostics.wasserstein.resampled_wasserstein`. The result, float32 of shape
    ``(field, replicate, city, box)`` with boxes from small to large, has the replicates' mean excess over the record.
    """
    sides = np.unique(boxes)
    fields, cities = truth.shape[1:3]
    result = np.empty((fields, len(counts), cities, sides.size), dtype=np.float32)
    for number, side in enumerate(sides):
        inside = boxes == side
        for field in range(fields):
            for city in range(cities):
                result[field, :, city, number] = resampled_wasserstein(
                    prediction[:, field, city, inside], truth[:, field, city, inside], days, counts
                )
    return result


def wasserstein_estimate(
    sample: np.ndarray, truth: np.ndarray, times: np.ndarray, bootstrap: Bootstrap = BOOTSTRAP
) -> Estimate:
    """Return the Wasserstein-1 distance of local values to the truth with its interval.

    Parameters
    ----------
    sample, truth : numpy.ndarray, shape ``(time, point)``
        Values of a model and of the truth.
    times : numpy.ndarray of datetime64, shape ``(time,)``
        There is an interval if no time is missing and they extend over three blocks of days or more.
    bootstrap : Bootstrap

    Returns
    -------
    Estimate
        In the units of the values.
    """
    if np.isnat(times).any():
        days, counts = np.zeros(len(sample), np.int64), np.ones((1, 1))
    else:
        axis = DayAxis.of([times])
        days, counts = axis.index(0, times), bootstrap_counts(axis, bootstrap)
    return Estimate.of(remove_excess(resampled_wasserstein(sample, truth, days, counts)))


def verdict_counts(
    candidate: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], tolerance: float = TOLERANCE
) -> dict[str, np.ndarray]:
    """Return the numbers of cities where the candidate is better, equal and worse: ``(replicate, box, 3)``.

    Distances by field have the shape ``(replicate, city, box)``; see :func:`better_equal_worse` for the tolerance.
    """
    axes = ("replicate", "city", "box")
    verdicts = better_equal_worse(
        xr.Dataset({name: (axes, values) for name, values in candidate.items()}),
        xr.Dataset({name: (axes, values) for name, values in reference.items()}),
        tolerance,
    )
    return {
        name: np.stack([(verdicts[name].values == sign).sum(axis=1) for sign in (1, 0, -1)], axis=-1)
        for name in candidate
    }


def improved_to_degraded(counts: np.ndarray) -> np.ndarray:
    """Return the ratio of improved to degraded cities: infinite where none is degraded, 1 where none differs.

    ``counts`` of shape ``(..., 3)`` are improved, equal and degraded cities.

    Examples
    --------
    >>> improved_to_degraded(np.array([[6, 1, 2], [3, 4, 0], [0, 9, 0]]))
    array([ 3., inf,  1.])
    """
    better, worse = counts[..., 0].astype(float), counts[..., 2].astype(float)
    return np.where(worse > 0, np.divide(better, np.maximum(worse, 1)), np.where(better > 0, np.inf, 1.0))


def improved_to_degraded_estimate(counts: np.ndarray) -> Estimate:
    """Return the improved-to-degraded ratio of counts as above, the record's first, with its interval.

    Verdicts of resampled records are noisier than those of the record, which draws the ratios of the replicates
    towards 1; so their logarithms are shifted to have the record's as their median. Half a city is added on both sides of
    each: no replicate is infinite or zero.

    Examples
    --------
    >>> improved_to_degraded_estimate(np.array([[4, 0, 2], [3, 1, 2], [5, 0, 1]])).value
    2.0
    """
    value = float(improved_to_degraded(counts[0]))
    if len(counts) == 1:
        return Estimate(value, np.nan, np.nan)
    logs = np.log((counts[:, 0] + 0.5) / (counts[:, 2] + 0.5))
    if 0 < value < np.inf:
        logs[0] = np.log(value)
    logs[1:] += logs[0] - np.median(logs[1:])
    low, high = np.exp(interval(logs))
    return Estimate(value, min(float(low), value), max(float(high), value))
