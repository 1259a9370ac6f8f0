"""The sentences of a report: each is made from numbers, and says no more than their intervals allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from atmodist_core.evaluation.judging.block_bootstrap import Estimate
from atmodist_core.report.comparison import Side, Verdict, side_of, verdict
from atmodist_core.report.wording import (
    count,
    estimate_text,
    joined,
    number,
    percent,
    things,
)

TOO_SHORT = "there is no interval, so this alone is no difference"


def share_of_truth(name: str, quantity: str, estimate: Estimate) -> str:
    """Say how much of something in the truth a method has.

    Parameters
    ----------
    name : str
        Of the method.
    quantity : str
        What it has a share of, as "the truth's vorticity power".
    estimate : Estimate
        Relative to the truth's; 1 is right.
    """
    ends = {
        Side.BELOW: "too little",
        Side.ABOVE: "too much",
        Side.WITHIN: "not distinguishable from the truth",
        Side.NO_INTERVAL: TOO_SHORT,
    }
    side = side_of(estimate)
    if side is Side.UNDEFINED:
        return f"{name}: its share of {quantity} is not defined."
    return f"{name} has {percent(estimate)} of {quantity}: {ends[side]}."


def factor_of_truth(name: str, what: str, estimate: Estimate) -> str:
    """Say how often something happens relative to the truth, as exceedances of a threshold."""
    ends = {
        Side.BELOW: "too rarely",
        Side.ABOVE: "too often",
        Side.WITHIN: "not distinguishable from the truth",
        Side.NO_INTERVAL: TOO_SHORT,
    }
    side = side_of(estimate)
    if side is Side.UNDEFINED:
        return f"{name}: how often it {what} is not defined."
    return f"{name} {what} {estimate_text(estimate)} times as often as the truth: {ends[side]}."


def against_reference(
    candidate: str,
    reference: str,
    what: str,
    own: Estimate,
    other: Estimate,
    ideal: str,
    units: str = "1",
) -> str:
    """Compare one measure of two methods.

    Parameters
    ----------
    candidate, reference : str
        Names of the methods.
    what : str
        Name of the measure, with the field.
    own, other : Estimate
        Of the candidate and of the reference.
    ideal : {"zero", "one", "none"}
        The right value.
    units : str
        Of the measure.
    """
    both = f"{what}: {candidate} {estimate_text(own, units)}, {reference} {estimate_text(other, units)}"
    ends = {
        Verdict.CLOSER: f"{candidate} is closer to the truth",
        Verdict.FURTHER: f"{candidate} is further from the truth",
        Verdict.UNDECIDED: "the intervals overlap, so this record does not tell them apart",
        Verdict.NO_INTERVAL: TOO_SHORT,
        Verdict.UNDEFINED: "not defined for both, so they are not compared",
        Verdict.NO_IDEAL: "no value of it is right by itself, so neither is called better",
    }
    return f"{both}; {ends[verdict(own, other, ideal)]}."


def tally(candidate: str, reference: str, field: str, verdicts: Mapping[str, Verdict]) -> list[str]:
    """Count where one method is closer to the truth than another, and name where it is not.

    Parameters
    ----------
    candidate, reference : str
        Names of the methods.
    field : str
    verdicts : mapping of str to Verdict
        By name of the measure.

    Returns
    -------
    list of str
        One sentence with the numbers, then one for each outcome with the names of the measures.
    """
    judged = {name: one for name, one in verdicts.items() if one is not Verdict.NO_IDEAL}
    groups = {kind: [name for name, one in judged.items() if one is kind] for kind in Verdict}
    decidable = [kind for kind in (Verdict.CLOSER, Verdict.FURTHER, Verdict.UNDECIDED) for _ in groups[kind]]
    if not judged:
        return [f"{field}: no measure with a right value was computed for {candidate} and {reference}."]
    if not decidable:
        return [
            f"{field}: none of the {things(len(judged), 'measure')} has intervals for both {candidate} and "
            f"{reference}, so no difference is claimed."
        ]
    sentences = [
        f"{field}: of {things(len(decidable), 'measure')} with intervals, {candidate} is closer to the truth "
        f"than {reference} in {len(groups[Verdict.CLOSER])}, further in {len(groups[Verdict.FURTHER])}, and "
        f"{len(groups[Verdict.UNDECIDED])} {'does' if len(groups[Verdict.UNDECIDED]) == 1 else 'do'} not tell "
        "them apart."
    ]
    words = {
        Verdict.CLOSER: "Closer in",
        Verdict.FURTHER: "Further in",
        Verdict.UNDECIDED: "Not told apart by",
        Verdict.NO_INTERVAL: "Without an interval",
        Verdict.UNDEFINED: "Not defined",
    }
    sentences += [f"{text}: {joined(groups[kind])}." for kind, text in words.items() if groups[kind]]
    return sentences


def odds_sentence(
    candidate: str, reference: str, where: str, counts: Sequence[int], sure: Sequence[int], odds: Estimate
) -> str:
    """Say at how many cities a method is closer to the truth, and whether that is more than chance.

    Parameters
    ----------
    candidate, reference : str
        Names of the methods.
    where : str
        Field and size of the box.
    counts : sequence of int
        Cities that are better, equal and worse.
    sure : sequence of int
        Of the better and of the worse ones, those where the interval agrees.
    odds : Estimate
        Better over worse cities.
    """
    better, equal, worse = counts
    total = better + equal + worse
    first = (
        f"{where}: {candidate} is better than {reference} at {count(better)}, equal at {count(equal)} and worse at "
        f"{count(worse)} of {things(total, 'city', 'cities')} (surely better at {count(sure[0])}, surely worse at "
        f"{count(sure[1])})"
    )
    side = side_of(odds)
    if side is Side.UNDEFINED or not better + worse:
        return f"{first}; no city differs, so there are no odds."
    ratio = (
        "no city is worse, so the odds are infinite"
        if np.isinf(odds.value)
        else f"{estimate_text(odds)} better cities for each worse one"
    )
    if np.isinf(odds.value) and side is not Side.NO_INTERVAL:
        ratio += f" [{number(odds.low)}, {number(odds.high)}]"
    ends = {
        Side.ABOVE: f"{candidate} is closer to the truth at more cities",
        Side.BELOW: f"{candidate} is further from the truth at more cities",
        Side.WITHIN: "the interval holds 1, so neither is ahead",
        Side.NO_INTERVAL: TOO_SHORT,
    }
    return f"{first}; {ratio}: {ends[side]}."


def above_chance(what: str, estimate: Estimate, chance: float, *, units: str = "1", larger: bool) -> str:
    """Compare a score of the distance network with what guessing gives.

    Parameters
    ----------
    what : str
        Name of the score.
    estimate : Estimate
    chance : float
        The score of a guess without looking.
    units : str
        Of both.
    larger : bool
        Whether a larger score is better.
    """
    side = side_of(estimate, chance)
    guess = estimate_text(Estimate(chance, np.nan, np.nan), units)
    if side is Side.UNDEFINED or np.isnan(chance):
        return f"{what}: {estimate_text(estimate, units)}; there is nothing to compare it with."
    better, worse = (Side.ABOVE, Side.BELOW) if larger else (Side.BELOW, Side.ABOVE)
    ends = {
        better: "better than guessing",
        worse: "worse than guessing",
        Side.WITHIN: "not distinguishable from guessing",
        Side.NO_INTERVAL: TOO_SHORT,
    }
    return f"{what}: {estimate_text(estimate, units)}, guessing {guess}: {ends[side]}."


def left_out(missing: Mapping[str, str]) -> list[str]:
    """Name the parts of the evaluation that were not computed.

    Parameters
    ----------
    missing : mapping of str to str
        Name of the group to the title of what would be shown.
    """
    return [
        f"{title}: the evaluation has no group '{name}', so there is no such section."
        for name, title in missing.items()
    ]
