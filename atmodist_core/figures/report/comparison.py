"""When a difference may be called one: only where an interval excludes that there is none."""

from __future__ import annotations

from enum import Enum

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.report.wording import has_interval


class Side(Enum):
    """Where a value lies relative to the right one."""

    BELOW = "below"
    ABOVE = "above"
    WITHIN = "not distinguishable"
    OUTSIDE = "outside its own interval"
    NO_INTERVAL = "no interval"
    UNDEFINED = "not defined"


class Verdict(Enum):
    """Which of two methods is nearer to the right value."""

    CLOSER = "closer"
    FURTHER = "further"
    UNDECIDED = "not distinguishable"
    OUTSIDE = "outside its own interval"
    NO_INTERVAL = "no interval"
    UNDEFINED = "not defined"
    NO_IDEAL = "no right value"


ROUNDING = 1e-9
"""By this share a value may lie beyond the end of its interval through rounding."""


def _within(estimate: Estimate) -> bool:
    """Whether a value lies in its interval.

    The resamplings of a short record are biased where a measure is a distance or a count of such: their middle is
    elsewhere than the value. An interval that does not hold the value is no ground for a claim about it.
    """
    slack = ROUNDING * abs(estimate.value) if np.isfinite(estimate.value) else 0.0
    return estimate.low - slack <= estimate.value <= estimate.high + slack


def side_of(estimate: Estimate, right: float = 1.0) -> Side:
    """Say whether a value differs from the right one.

    Parameters
    ----------
    estimate : Estimate
    right : float
        In the units of the estimate.
    """
    if np.isnan(estimate.value):
        return Side.UNDEFINED
    if not has_interval(estimate):
        return Side.NO_INTERVAL
    if not _within(estimate):
        return Side.OUTSIDE
    if estimate.low > right:
        return Side.ABOVE
    return Side.BELOW if estimate.high < right else Side.WITHIN


def deviation(estimate: Estimate, ideal: str) -> Estimate:
    """How far a value is from the right one, with the interval that follows from its own.

    Parameters
    ----------
    estimate : Estimate
    ideal : {"zero", "one"}
        Distance from 0 is the size; from 1 that of the natural logarithm, so that half and double are equally
        far and anything not above zero is infinitely far.

    Returns
    -------
    Estimate
        No part is negative; zero where the interval holds the right value.
    """

    def away(value: float) -> float:
        if ideal == "zero" or np.isnan(value):
            return value
        return float(np.log(value)) if value > 0 else -np.inf

    value, low, high = map(away, (estimate.value, estimate.low, estimate.high))
    if np.isnan(low) or np.isnan(high):
        return Estimate(abs(value), np.nan, np.nan)
    ends = (abs(low), abs(high))
    return Estimate(abs(value), 0.0 if low <= 0 <= high else min(ends), max(ends))


def verdict(
    candidate: Estimate, reference: Estimate, ideal: str, advantage: Estimate | None = None
) -> Verdict:
    """Say which of two is closer to the right value.

    Where it is known how much closer the candidate is in the same resampled days, it is called closer or further
    where the interval of that excludes zero. Else only where the intervals of both distances from the right value
    lie apart; then not every difference is found.

    Parameters
    ----------
    candidate, reference : Estimate
        One measure of two methods.
    ideal : {"zero", "one", "none"}
        The right value.
    advantage : Estimate, optional
        Distance of the reference from the right value less that of the candidate.
    """
    if ideal not in ("zero", "one"):
        return Verdict.NO_IDEAL
    if np.isnan(candidate.value) or np.isnan(reference.value):
        return Verdict.UNDEFINED
    own, other = deviation(candidate, ideal), deviation(reference, ideal)
    if not (has_interval(own) and has_interval(other)):
        return Verdict.NO_INTERVAL
    if advantage is not None and has_interval(advantage):
        if not _within(advantage):
            return Verdict.OUTSIDE
        if advantage.low > 0:
            return Verdict.CLOSER
        return Verdict.FURTHER if advantage.high < 0 else Verdict.UNDECIDED
    if not (_within(candidate) and _within(reference)):
        return Verdict.OUTSIDE
    if own.high < other.low:
        return Verdict.CLOSER
    return Verdict.FURTHER if own.low > other.high else Verdict.UNDECIDED
