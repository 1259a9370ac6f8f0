"""At how many cities one model is closer to the truth than another, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from atmodist_core.evaluation.judging.block_bootstrap import Estimate
from atmodist_core.evaluation.local_statistics import TOLERANCE, better_equal_worse

BREAKPOINTS = 512
"""Places at which two distribution functions are compared; all values of both where these are fewer."""


def resampled_wasserstein(
    first: np.ndarray, second: np.ndarray, days: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Wasserstein-1 distance of two samples in every replicate of a bootstrap over days.

    ``integral |F(x) - G(x)| dx``, where every value counts as often as its day is drawn. The distribution
    functions are exact at up to 512 places; between them the integrand is a straight line, or, where all values
    are among the places, the step that it is.

    Parameters
    ----------
    first, second : numpy.ndarray, shape ``(time, point)``
        All points of all times are one sample.
    days : numpy.ndarray of int, shape ``(time,)``
        Day of each time.
    counts : numpy.ndarray, shape ``(replicate, day)``
        How often each day is drawn.

    Returns
    -------
    numpy.ndarray, shape ``(replicate,)``
        Units of the values; missing where no value is drawn.
    """
    merged = np.unique(np.concatenate([first.ravel(), second.ravel()]).astype(np.float64))
    exact = merged.size <= BREAKPOINTS
    places = merged if exact else merged[_chosen(merged.size)]
    size = counts.shape[1]
    balance = np.zeros(size * places.size)
    for values, sign in ((first, 1.0), (second, -1.0)):
        bins = np.searchsorted(places, values) + (days * places.size)[:, None]
        balance += sign * np.bincount(bins.ravel(), minlength=balance.size)
    difference = np.cumsum(balance.reshape(size, places.size), axis=1)
    drawn = counts @ np.bincount(days, minlength=size) * first.shape[1]
    # Whole numbers below 2^24 are exact in float32.
    height = counts.astype(np.float32) @ difference.astype(np.float32)
    np.abs(height, out=height)
    step = np.concatenate([[0.0], np.diff(places), [0.0]])
    area = height @ (step[1:] if exact else 0.5 * (step[:-1] + step[1:])).astype(np.float32)
    return np.divide(area, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)


def _chosen(size: int) -> np.ndarray:
    """Ranks of the places among so many values: all of the outermost ones, which lie far apart, and evenly between."""
    tail = BREAKPOINTS // 8
    inner = np.linspace(tail, size - 1 - tail, BREAKPOINTS - 2 * tail).round().astype(int)
    return np.concatenate([np.arange(tail), inner, np.arange(size - tail, size)])


def city_wasserstein(
    prediction: np.ndarray, truth: np.ndarray, boxes: np.ndarray, days: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Distances at every city and box in every replicate.

    Parameters
    ----------
    prediction, truth : numpy.ndarray, shape ``(time, field, city, point)``
        See :class:`CityValues`.
    boxes : numpy.ndarray of int, shape ``(point,)``
        Side of the box of each point.
    days, counts
        As for :func:`resampled_wasserstein`.

    Returns
    -------
    numpy.ndarray, shape ``(field, replicate, city, box)``
        float32, boxes from small to large.
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


def odds(counts: np.ndarray) -> np.ndarray:
    """Better over worse cities; infinite where none is worse, 1 where none differs.

    Parameters
    ----------
    counts : numpy.ndarray, shape ``(..., 3)``
        Better, equal, worse.
    """
    better, worse = counts[..., 0].astype(float), counts[..., 2].astype(float)
    return np.where(worse > 0, np.divide(better, np.maximum(worse, 1)), np.where(better > 0, np.inf, 1.0))


def median_of(replicates: np.ndarray) -> float:
    """Median of the replicates, or the value itself where there are none."""
    rest = replicates[1:]
    return float(np.median(rest)) if rest.size else float(replicates[0])


def interval_of_odds(counts: np.ndarray) -> Estimate:
    """Better over worse with its interval, which may reach to infinity.

    Parameters
    ----------
    counts : numpy.ndarray, shape ``(replicate, 3)``
        Of one field and box.
    """
    ratio = odds(counts)
    if len(ratio) == 1:
        return Estimate(float(ratio[0]), np.nan, np.nan)
    # Order statistics: no interpolation between a number and infinity.
    ordered = np.sort(ratio[1:])
    low, high = (ordered[round(share * (ordered.size - 1))] for share in (0.025, 0.975))
    return Estimate(float(ratio[0]), float(low), float(high))
