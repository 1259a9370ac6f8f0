"""How well distances find neighbours in time, and times with the same kind of weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, Estimate, bootstrap_counts, day_sums

_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Search:
    """How similar times are chosen: ``k`` times, outside ``exclude_hours`` of the query, at least ``apart_hours`` apart."""

    k: int = 5
    exclude_hours: float = 120.0
    apart_hours: float = 24.0


def hours_between(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return the time between any two times [h], ``(time, time)``."""
    return np.abs((times[:, None] - times[None, :]) / _HOUR)


def nearest_is_near(
    distances: NDArray[np.float64], hours: NDArray[np.float64], within: float = 12.0
) -> NDArray[np.float64]:
    """Return for each time 1 if the one most like it lies within so many hours, else 0."""
    others = np.where(hours > 0, distances, np.inf)
    nearest = others.argmin(axis=1)
    return (hours[np.arange(len(hours)), nearest] <= within).astype(float)


def rank_of_neighbours(
    distances: NDArray[np.float64], hours: NDArray[np.float64], lag: float = 24.0
) -> NDArray[np.float64]:
    """Return for each time the mean rank of the times a lag before and after it; 1 is the most similar, NaN without any."""
    others = np.where(hours > 0, distances, np.inf)
    ranks = others.argsort(axis=1, kind="stable").argsort(axis=1) + 1.0
    neighbours = hours == lag
    count = neighbours.sum(axis=1)
    return np.where(count > 0, (ranks * neighbours).sum(axis=1) / np.maximum(count, 1), np.nan)


def best_rank(hours: NDArray[np.float64], lag: float = 24.0) -> NDArray[np.float64]:
    """Return the rank that the times a lag before and after would have if distances grew with the time between states."""
    return rank_of_neighbours(hours, hours, lag)


def neighbours_before_strangers(
    distances: NDArray[np.float64], hours: NDArray[np.float64], lag: float = 24.0, far: float = 120.0
) -> NDArray[np.float64]:
    """Return for each time the share of the times a lag away that are closer than every time more than ``far`` hours away.

    NaN where there are none.
    """
    closest_stranger = np.where(hours > far, distances, np.inf).min(axis=1, keepdims=True)
    neighbours = hours == lag
    count = neighbours.sum(axis=1)
    closer = (neighbours & (distances < closest_stranger)).sum(axis=1)
    known = (count > 0) & np.isfinite(closest_stranger[:, 0])
    return np.where(known, closer / np.maximum(count, 1), np.nan)


def shares_of_label(
    distances: NDArray[np.float64],
    hours: NDArray[np.float64],
    labels: NDArray[np.bool_],
    search: Search,
    drawn: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how often the times similar to each labelled time have the label, and how often all times among which they are sought.

    Parameters
    ----------
    distances, hours : ndarray
        Of all pairs of times, and the time between them [h], ``(time, time)``.
    labels : ndarray
        Whether a time has the label, ``(time,)``.
    search : Search
        How similar times are chosen.
    drawn : ndarray, optional
        How often each time is in the record, ``(time,)``: in a resampled one, some are missing; default: once.

    Returns
    -------
    tuple of ndarray
        Shares among the similar times and among all, ``(time,)``; NaN for times without the label or without candidates.
    """
    count = np.ones(len(labels)) if drawn is None else drawn
    similar, usual = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    for query in np.flatnonzero(labels & (count > 0)):
        candidates = np.flatnonzero((hours[query] > search.exclude_hours) & (count > 0))
        if not candidates.size:
            continue
        chosen: list[int] = []
        for other in candidates[np.argsort(distances[query, candidates], kind="stable")].tolist():
            if all(hours[other, one] >= search.apart_hours for one in chosen):
                chosen.append(other)
            if len(chosen) == search.k:
                break
        similar[query] = labels[chosen].mean()
        usual[query] = labels[candidates] @ count[candidates] / count[candidates].sum()
    return similar, usual


def label_shares(
    matrices: Sequence[NDArray[np.float64]],
    times: NDArray[np.datetime64],
    labels: NDArray[np.bool_],
    search: Search,
    bootstrap: Bootstrap,
) -> NDArray[np.float64]:
    """Return the mean shares of :func:`shares_of_label`, ``(1 + replicates, 2)``, of the record and of resampled ones.

    Blocks of days are drawn. A day that is not drawn is neither a query nor a candidate, so that a resampled record has fewer
    good candidates: intervals are rather too wide than too narrow.

    Parameters
    ----------
    matrices : sequence of ndarray
        Distances between all times, ``(time, time)``, one matrix for each sector.
    times : ndarray
        datetime64, ``(time,)``.
    labels : ndarray
        Whether a sector has the label at a time, ``(time, sector)``.
    search : Search
        How similar times are chosen.
    bootstrap : Bootstrap
        How days are drawn; the same for every distance.
    """
    axis = DayAxis.of([times])
    days = axis.index(0, times)
    hours = hours_between(times)
    found = []
    for counts in bootstrap_counts(axis, bootstrap):
        drawn = counts[days]
        sums, queries = np.zeros(2), 0.0
        for number, matrix in enumerate(matrices):
            shares = np.stack(shares_of_label(matrix, hours, labels[:, number], search, drawn), axis=1)
            known = np.isfinite(shares[:, 0])
            sums += drawn[known] @ shares[known]
            queries += drawn[known].sum()
        found.append(sums / queries if queries else np.full(2, np.nan))
    return np.array(found)


def mean_estimate(
    values: NDArray[np.float64], times: NDArray[np.datetime64], bootstrap: Bootstrap
) -> Estimate:
    """Return the mean of values with its interval; blocks of days of ``times`` are resampled.

    ``values`` has the shape ``(time, ...)``; NaN is left out. All values of a day are drawn together.
    """
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    axis = DayAxis.of([times])
    days = axis.index(0, times)
    sums = day_sums(np.where(known, flat, 0.0).sum(axis=1), days, axis.size)
    counts = day_sums(known.sum(axis=1).astype(float), days, axis.size)
    drawn = bootstrap_counts(axis, bootstrap)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Estimate.of((drawn @ sums) / (drawn @ counts))
