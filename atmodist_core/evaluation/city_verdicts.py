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

    Parameters
    ----------
    prediction, truth : numpy.ndarray, shape ``(time, field, city, point)``
        See :class:`CityValues`.
    boxes : numpy.ndarray of int, shape ``(point,)``
        Side of the box of each point.
    days, counts
        As for :func:`~atmodist_core.evaluation.diagnostics.wasserstein.resampled_wasserstein`.

    Returns
    -------
    numpy.ndarray, shape ``(field, replicate, city, box)``
        float32, boxes from small to large; replicates without their mean excess over the record.
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
    return remove_excess(result.swapaxes(0, 1)).swapaxes(0, 1)


def wasserstein_estimate(
    sample: np.ndarray, truth: np.ndarray, times: np.ndarray, bootstrap: Bootstrap = BOOTSTRAP
) -> Estimate:
    """Return the Wasserstein-1 distance of local values to the truth with its interval.

    Parameters
    ----------
    sample, truth : numpy.ndarray, shape ``(time, point)``
        Values of a model and of the truth.
    times : numpy.ndarray of datetime64, shape ``(time,)``
        Without missing times there is an interval, if they reach over three blocks of days or more.
    bootstrap : Bootstrap
        How records are resampled.

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
    """Number of cities where the candidate is better, equal and worse.

    Parameters
    ----------
    candidate, reference : mapping of str to numpy.ndarray
        By field: distances of shape ``(replicate, city, box)``.
    tolerance : float
        See :func:`better_equal_worse`.

    Returns
    -------
    dict of str to numpy.ndarray, shape ``(replicate, box, 3)``
        Better, equal, worse.
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

    Parameters
    ----------
    counts : numpy.ndarray, shape ``(..., 3)``
        Improved, equal, degraded.

    Examples
    --------
    >>> improved_to_degraded(np.array([[6, 1, 2], [3, 4, 0], [0, 9, 0]]))
    array([ 3., inf,  1.])
    """
    better, worse = counts[..., 0].astype(float), counts[..., 2].astype(float)
    return np.where(worse > 0, np.divide(better, np.maximum(worse, 1)), np.where(better > 0, np.inf, 1.0))


def improved_to_degraded_estimate(counts: np.ndarray) -> Estimate:
    """Return the improved-to-degraded ratio with its interval.

    Verdicts of resampled records are noisier than those of the record, which draws the ratios of the replicates
    towards 1; so their logarithms are shifted to have the record's as their median. Half a city is added on both sides of
    each: no replicate is infinite or zero.

    Parameters
    ----------
    counts : numpy.ndarray, shape ``(1 + replicates, 3)``
        Improved, equal and degraded cities of one field and box: of the record, then of the resampled records.

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
