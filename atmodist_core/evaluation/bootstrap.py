"""The bootstrap of everything that is averaged over time: blocks of days are resampled.

The weather of neighbouring days is alike, so single times are not independent draws; whole blocks of days nearly
are. Blocks overlap ("moving blocks") and never reach from one member into another. All models are given the
same resampled days, so the difference or ratio of two of them has an interval of its own, far narrower than those
of either.

Interval. The percentiles of the replicates. A resampled record has about 37 % fewer distinct days than the record,
and its repeated values make it rougher. Measures that roughness raises (Wasserstein-1 distances, the strength of a
mean pattern) are therefore larger in the replicates than in the record: :func:`remove_excess` subtracts the mean
excess first, the bootstrap's estimate of that bias (Efron and Tibshirani 1993, chapter 10). What the interval then
covers is the value expected of records of this length.

Coverage, simulated (100 cities of 180 days, daily autocorrelation 0.3, blocks of 3 days; nominally 95 %):
Wasserstein-1 distance 93 %; improved-to-degraded ratio 93 to 95 %. With an autocorrelation of 0.5 and 120 days
it is 92 and 95 %. See ``tests/evaluation/test_bootstrap.py``.

References
----------
Kuensch, H. R., 1989: The jackknife and the bootstrap for general stationary observations. Ann. Statist. 17,
1217-1241 (moving blocks).
Efron, B. and Tibshirani, R. J., 1993: An Introduction to the Bootstrap. Chapman and Hall (percentiles, bias).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atmodist_core.common.errors import UserError

MOST_DAYS = 500
"""Longer records are summed up over several days at once, so that memory does not grow with their length."""

LEAST_BLOCKS = 3
"""With fewer blocks than this side by side in all data there is no interval."""


@dataclass(frozen=True)
class Bootstrap:
    """How records are resampled: one configuration for page, report and commands.

    ``replicates`` resampled records (0 for none) of blocks of ``block_days`` days; intervals hold the expected value with
    probability ``level``. Raises ``UserError`` if a block is shorter than a day or the number of replicates is negative.
    """

    block_days: int = 3
    replicates: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.block_days < 1 or self.replicates < 0 or not 0 < self.level < 1:
            raise UserError(
                "Expected blocks of one day or more, no negative number of replicates and a level between 0 and 1, "
                f"found {self.block_days}, {self.replicates} and {self.level:g}; 3, 1000 and 0.95 are usual."
            )


BOOTSTRAP = Bootstrap()


@dataclass(frozen=True)
class DayAxis:
    """Days of all members in a row: first day and number of days (empty ones included) of every member.

    In a record of more than ``MOST_DAYS`` days, ``group`` days count as one.
    """

    first: tuple[np.datetime64, ...]
    days: tuple[int, ...]
    group: int = 1

    @classmethod
    def of(cls, times: Sequence[np.ndarray]) -> DayAxis:
        """Return the axis of the times of every member, each shape ``(time,)``, datetime64."""
        first, days = [], []
        for each in times:
            dates = each.astype("datetime64[D]")
            first.append(dates.min())
            days.append(int((dates.max() - dates.min()).astype(np.int64)) + 1)
        group = -(-sum(days) // MOST_DAYS)
        return cls(tuple(first), tuple(-(-count // group) for count in days), group)

    @property
    def size(self) -> int:
        """Days of all members."""
        return sum(self.days)

    def index(self, member: int, times: np.ndarray) -> np.ndarray:
        """Place of times of a member on the axis, shape ``(time,)``."""
        day = (times.astype("datetime64[D]") - self.first[member]).astype(np.int64)
        return day // self.group + sum(self.days[:member])


def day_sums(values: np.ndarray, days: np.ndarray, size: int) -> np.ndarray:
    """Return sums over the times of each day in float64, shape ``(size, ...)``, from ``(time, ...)``.

    ``days`` has the place of each time on the axis of days, ``size`` is the length of that axis.
    """
    result = np.zeros((size, *values.shape[1:]))
    for day, value in zip(days, values, strict=True):
        result[day] += value
    return result


def bootstrap_counts(axis: DayAxis, bootstrap: Bootstrap = BOOTSTRAP) -> np.ndarray:
    """Count how often every day is drawn in every replicate, float64 ``(1 + replicates, days)``.

    Each member keeps its length: from each of D days, ``ceil(D / block)`` blocks of neighbouring days are drawn
    with replacement, and the last one is cut so that D days remain. A member shorter than a block is one block.
    The first row is ones: the data themselves. There are no replicates where there are fewer than ``LEAST_BLOCKS``
    blocks' worth of days: a resampling of one or two blocks says nothing.
    """
    replicates = bootstrap.replicates
    block_days = max(1, round(bootstrap.block_days / axis.group))
    if axis.size < LEAST_BLOCKS * block_days:
        replicates = 0
    counts = np.zeros((1 + replicates, axis.size))
    counts[0] = 1
    random = np.random.default_rng(bootstrap.seed)
    offset = 0
    for days in axis.days:
        length = min(block_days, days)
        number = -(-days // length)
        starts = random.integers(days - length + 1, size=(replicates, number))
        drawn = (starts[:, :, None] + np.arange(length)).reshape(replicates, number * length)[:, :days]
        for replicate in range(replicates):
            counts[1 + replicate, offset : offset + days] = np.bincount(drawn[replicate], minlength=days)
        offset += days
    return counts


def interval(replicates: np.ndarray, level: float = BOOTSTRAP.level) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the intervals of estimates, shape ``(...)``.

    ``replicates`` of shape ``(1 + replicates, ...)`` are the values of the record, then those of the resampled records;
    values that are not finite are ignored. The ends are percentiles of the replicates, extended to the value of the record
    where that lies beyond them: ``low <= value <= high``. They are missing without replicates or without a value.
    """
    value, rest = replicates[0], replicates[1:]
    missing = np.full(value.shape, np.nan)
    if not len(rest):
        return missing, missing.copy()
    finite = np.isfinite(rest)
    tails = 50.0 * (1 - level), 50.0 * (1 + level)
    if finite.all():
        low, high = np.percentile(rest, tails, axis=0)
    else:
        some = finite.any(axis=0)
        filled = np.where(finite, rest, np.nan)
        low, high = np.nanpercentile(np.where(some, filled, 0.0), tails, axis=0)
        low, high = np.where(some, low, np.nan), np.where(some, high, np.nan)
    known = np.isfinite(value)
    return np.where(known, np.minimum(low, value), low), np.where(known, np.maximum(high, value), high)


def remove_excess(replicates: np.ndarray) -> np.ndarray:
    """Subtract from non-negative replicates the mean by which they exceed the value of the record.

    For measures that the repeated days of resampled records raise, such as Wasserstein-1 distances. The result has the
    shape ``(1 + replicates, ...)`` and type of the input: the record unchanged, the others with its mean as far as none
    would fall below 0.
    """
    if len(replicates) == 1:
        return replicates
    value, rest = replicates[0], replicates[1:]
    finite = np.isfinite(rest)
    mean = np.where(finite, rest, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    with np.errstate(invalid="ignore"):
        corrected = np.maximum(rest - (mean - value), 0.0)
    return np.concatenate([replicates[:1], corrected.astype(replicates.dtype)])


@dataclass(frozen=True)
class Estimate:
    """A value from the data themselves with the 95 % interval of its bootstrap, see :func:`interval`."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, replicates: np.ndarray) -> Estimate:
        """Return the estimate from values of the record (first) and of the resampled records, shape ``(n,)``."""
        low, high = interval(replicates)
        return cls(float(replicates[0]), float(low), float(high))

    def to_list(self) -> list[float | None]:
        """Return value, low and high as JSON can hold them."""
        return [x if np.isfinite(x) else None for x in (self.value, self.low, self.high)]
