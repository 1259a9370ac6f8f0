"""The sentences of a report: each is made from numbers, and says no more than their intervals allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.report.comparison import Side, Verdict, side_of, verdict
from atmodist_core.figures.report.wording import (
    count,
    estimate_text,
    joined,
    number,
    percent,
    sentence_start,
    things,
)

OUTSIDE = "its own interval does not hold it, as happens with short records, so no difference is claimed"
TOO_SHORT = "there is no interval, so this alone is no difference"


def _grouped(names: Mapping[str, str], order: Sequence[str]) -> str:
    """Names by the words that apply to them: ``Too little: a and b; too much: c.``"""
    groups = {words: [name for name, own in names.items() if own == words] for words in order}
    text = "; ".join(f"{words}: {joined(group)}" for words, group in groups.items() if group)
    return sentence_start(text) + "." if text else ""


def _sides(estimates: Mapping[str, Estimate], words: Mapping[Side, str]) -> str:
    return _grouped({name: words[side_of(one)] for name, one in estimates.items()}, tuple(words.values()))


def shares_of_truth(where: str, quantity: str, shares: Mapping[str, Estimate]) -> str:
    """Say how much of something in the truth each method has, and for which of them that differs from the truth.

    Parameters
    ----------
    where : str
        Beginning of the sentence, as "Beyond the coarse grid's Nyquist wavenumber".
    quantity : str
        What they have a share of, as "the truth's vorticity power".
    shares : mapping of str to Estimate
        By name of the method, relative to the truth's; 1 is right.
    """
    known = {name: one for name, one in shares.items() if side_of(one) is not Side.UNDEFINED}
    undefined = [name for name in shares if name not in known]
    parts = [
        f"{name} {'has ' if not number else ''}{percent(one)}{f' of {quantity}' if not number else ''}"
        for number, (name, one) in enumerate(known.items())
    ]
    sentences = [f"{where}, {joined(parts)}."] if parts else []
    words = {
        Side.BELOW: "too little",
        Side.ABOVE: "too much",
        Side.WITHIN: "not distinguishable from the truth",
        Side.OUTSIDE: OUTSIDE,
        Side.NO_INTERVAL: "no interval, so no difference from the truth is claimed",
    }
    if known:
        sentences.append(_sides(known, words))
    if undefined:
        sentences.append(f"Not defined: {joined(undefined)} ({quantity}).")
    return " ".join(sentences)


def frequencies(what: str, factors: Mapping[str, Estimate]) -> str:
    """Say how often something happens relative to the truth, as exceedances of a threshold.

    Parameters
    ----------
    what : str
        What happens, as "Vorticity exceeds the truth's 99.9 % quantile".
    factors : mapping of str to Estimate
        By name of the method; 1 is right.
    """
    words = {
        Side.BELOW: "too rarely",
        Side.ABOVE: "too often",
        Side.WITHIN: "not distinguishable from the truth",
        Side.OUTSIDE: OUTSIDE,
        Side.NO_INTERVAL: "no interval, so no difference from the truth is claimed",
        Side.UNDEFINED: "not defined",
    }
    parts = [f"{estimate_text(one)} in {name}" for name, one in factors.items() if not np.isnan(one.value)]
    listed = (
        f"{what}, as a multiple of the truth's own frequency: {joined(parts)}. " if parts else f"{what}. "
    )
    return listed + _sides(factors, words)


def against(
    reference: str,
    other: Estimate,
    candidates: Mapping[str, Estimate],
    ideal: str,
    advantages: Mapping[str, Estimate] | None = None,
) -> str:
    """Say which methods are closer to the truth than the reference in one measure.

    Parameters
    ----------
    reference : str
        Name of the reference.
    other : Estimate
        Of the reference.
    candidates : mapping of str to Estimate
        By name of the method; nothing is said where there are none.
    ideal : {"zero", "one", "none"}
        The right value.
    advantages : mapping of str to Estimate, optional
        By name of the method, see :func:`~atmodist_core.figures.report.comparison.verdict`.
    """
    words = {
        Verdict.CLOSER: f"closer to the truth than {reference}",
        Verdict.FURTHER: f"further from the truth than {reference}",
        Verdict.UNDECIDED: f"not told apart from {reference} by this record",
        Verdict.OUTSIDE: OUTSIDE,
        Verdict.NO_INTERVAL: "no interval, so no difference is claimed",
        Verdict.UNDEFINED: "not defined, so not compared",
    }
    if ideal not in ("zero", "one"):
        return "No value of it is right by itself, so none is called better."
    found = {
        name: words[verdict(one, other, ideal, (advantages or {}).get(name))]
        for name, one in candidates.items()
    }
    return _grouped(found, tuple(words.values()))


def compared(
    what: str,
    reference: str,
    other: Estimate,
    candidates: Mapping[str, Estimate],
    ideal: str,
    units: str = "1",
    advantages: Mapping[str, Estimate] | None = None,
) -> str:
    """Give one measure of several methods, and say which are closer to the truth than the reference.

    Parameters
    ----------
    what : str
        Name of the measure, with the field.
    reference, other, candidates, ideal, advantages
        See :func:`against`.
    units : str
        Of the measure.
    """
    everyone = {reference: other, **candidates}
    listed = joined([f"{name} {estimate_text(one, units)}" for name, one in everyone.items()])
    return f"{sentence_start(what)}: {listed}. {against(reference, other, candidates, ideal, advantages)}"


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
        Verdict.OUTSIDE: "Outside its own interval and so not compared",
        Verdict.NO_INTERVAL: "Without an interval",
        Verdict.UNDEFINED: "Not defined",
    }
    sentences += [f"{text}: {'; '.join(groups[kind])}." for kind, text in words.items() if groups[kind]]
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
        Side.OUTSIDE: OUTSIDE,
        Side.NO_INTERVAL: TOO_SHORT,
    }
    return f"{first}; {ratio}: {ends[side]}."


def odds_by_box(candidate: str, reference: str, field: str, odds: Mapping[str, Estimate]) -> str:
    """Say for which sizes of box a method is closer to the truth at more cities.

    Parameters
    ----------
    candidate, reference : str
        Names of the methods.
    field : str
    odds : mapping of str to Estimate
        By size of the box: better over worse cities.
    """
    words = {
        Side.ABOVE: f"closer to the truth than {reference} at more cities",
        Side.BELOW: f"further from the truth than {reference} at more cities",
        Side.WITHIN: "neither is ahead, since the interval holds 1",
        Side.OUTSIDE: OUTSIDE,
        Side.NO_INTERVAL: "no interval, so no difference is claimed",
        Side.UNDEFINED: "not defined",
    }
    listed = joined([f"{estimate_text(one)} for {box}" for box, one in odds.items()])
    return f"{candidate}, {field}: {listed} better cities for each worse one. {_sides(odds, words)}"


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
        Side.OUTSIDE: OUTSIDE,
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
