"""Intervals of anything that is made from averages over time, by resampling blocks of days.

Weather remembers itself for a few days, so single times are no independent draws; whole blocks of days nearly
are. Blocks overlap ("moving blocks") and never reach from one member into another. All models are given the
same resampled days, so the difference or ratio of two of them has an interval of its own, far narrower than those
of either.

References
----------
Kuensch, H. R., 1989: The jackknife and the bootstrap for general stationary observations. Ann. Statist. 17,
1217-1241 (moving blocks).
Efron, B. and Tibshirani, R. J., 1993: An Introduction to the Bootstrap. Chapman and Hall (percentile interval).
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
class DayAxis:
    """Days of all members in a row.

    Parameters
    ----------
    first : tuple of numpy.datetime64
        First day of every member.
    days : tuple of int
        Number of days of every member, empty ones between the first and the last included. In a record of more than
        ``MOST_DAYS`` days, of groups of ``group`` days.
    group : int
        Days that count as one.
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
    """Sums over the times of each day.

    Parameters
    ----------
    values : numpy.ndarray, shape ``(time, ...)``
        Statistics per time.
    days : numpy.ndarray of int, shape ``(time,)``
        Place of each time on the axis of days.
    size : int
        Length of that axis.

    Returns
    -------
    numpy.ndarray, shape ``(size, ...)``
        Float64.
    """
    result = np.zeros((size, *values.shape[1:]))
    for day, value in zip(days, values, strict=True):
        result[day] += value
    return result


def bootstrap_counts(axis: DayAxis, *, block_days: int, replicates: int, seed: int) -> np.ndarray:
    """How often every day is drawn in every replicate.

    Each member keeps its length: from each of D days, ``ceil(D / block)`` blocks of neighbouring days are drawn
    with replacement, and the last one is cut so that D days remain. A member shorter than a block is one block.

    Parameters
    ----------
    axis : DayAxis
        The days.
    block_days : int
        Length of a block; at least a group of days, where the axis has such.
    replicates : int
        Number of resampled data sets; 0 gives the data themselves alone.
    seed : int
        Of the random numbers.

    Returns
    -------
    numpy.ndarray of float64, shape ``(1 + replicates, days)``
        The first row is ones: the data themselves. Without replicates where there are fewer than
        ``LEAST_BLOCKS`` blocks' worth of days: a resampling of one or two blocks says nothing.

    Raises
    ------
    UserError
        If the length or number is not positive.
    """
    if block_days < 1 or replicates < 0:
        raise UserError(
            f"Expected blocks of one day or more and no negative number of replicates, found {block_days} and "
            f"{replicates}; 3 and 1000 are usual."
        )
    block_days = max(1, round(block_days / axis.group))
    if axis.size < LEAST_BLOCKS * block_days:
        replicates = 0
    counts = np.zeros((1 + replicates, axis.size))
    counts[0] = 1
    random = np.random.default_rng(seed)
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


@dataclass(frozen=True)
class Estimate:
    """A value with the 95 % interval of its bootstrap.

    Parameters
    ----------
    value : float
        From the data themselves.
    low, high : float
        2.5 and 97.5 % of the replicates; missing where there are none.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, replicates: np.ndarray) -> Estimate:
        """Return the estimate of values whose first is that of the data, the others those of the replicates."""
        rest = replicates[1:]
        rest = rest[np.isfinite(rest)]
        low, high = np.percentile(rest, (2.5, 97.5)) if rest.size else (np.nan, np.nan)
        return cls(float(replicates[0]), float(low), float(high))

    def to_list(self) -> list[float | None]:
        """Return value, low and high as JSON can hold them."""
        return [x if np.isfinite(x) else None for x in (self.value, self.low, self.high)]
