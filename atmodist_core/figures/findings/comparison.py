"""When two values are called different: only if an interval excludes equality."""

from __future__ import annotations

from enum import Enum

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.wording import has_interval


class Side(Enum):
    """Position of a value relative to the ideal one."""

    BELOW = "below"
    ABOVE = "above"
    WITHIN = "not distinguishable"
    NO_INTERVAL = "no interval"
    UNDEFINED = "not defined"


class Verdict(Enum):
    """Which of two models is closer to the ideal value."""

    CLOSER = "closer"
    FURTHER = "further"
    UNDECIDED = "not distinguishable"
    NO_INTERVAL = "no interval"
    UNDEFINED = "not defined"
    NO_IDEAL = "no ideal value"


def side_of(estimate: Estimate, ideal: float = 1.0) -> Side:
    """Return whether the interval of a value lies below, above or around the ideal value."""
    if np.isnan(estimate.value):
        return Side.UNDEFINED
    if not has_interval(estimate):
        return Side.NO_INTERVAL
    if estimate.low > ideal:
        return Side.ABOVE
    return Side.BELOW if estimate.high < ideal else Side.WITHIN


def deviation(estimate: Estimate, ideal: str) -> Estimate:
    """Return the distance of a value from the ideal one, "zero" or "one", with an interval.

    The distance from 0 is the absolute value; that from 1 is the absolute value of the natural logarithm, so that half
    and double are equally far, and values of 0 or less infinitely far. The lower end is zero if the interval contains
    the ideal value.
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
    """Decide which of two models is closer to the ideal value: "zero", "one" or "none".

    If the advantage of the candidate (distance of the reference from the ideal value minus that of the candidate) is
    known from the same resampled days, its interval decides. Otherwise the intervals of the two distances must not
    overlap, which misses some differences.
    """
    if ideal not in ("zero", "one"):
        return Verdict.NO_IDEAL
    if np.isnan(candidate.value) or np.isnan(reference.value):
        return Verdict.UNDEFINED
    own, other = deviation(candidate, ideal), deviation(reference, ideal)
    if not (has_interval(own) and has_interval(other)):
        return Verdict.NO_INTERVAL
    if advantage is not None and has_interval(advantage):
        if advantage.low > 0:
            return Verdict.CLOSER
        return Verdict.FURTHER if advantage.high < 0 else Verdict.UNDECIDED
    if own.high < other.low:
        return Verdict.CLOSER
    return Verdict.FURTHER if own.low > other.high else Verdict.UNDECIDED
