"""Sentences of the report: each is made from numbers, and claims no more than their intervals allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.comparison import Side, Verdict, side_of, verdict
from atmodist_core.figures.findings.wording import (
    count,
    estimate_text,
    joined,
    number,
    percent,
    sentence_start,
    things,
)

NO_CLAIM = "no interval, so no difference is claimed"


def _grouped(names: Mapping[str, str], order: Sequence[str]) -> str:
    """Group names by the words that apply to them: ``Too little: a and b; too much: c.``"""
    groups = {words: [name for name, own in names.items() if own == words] for words in order}
    text = "; ".join(f"{words}: {joined(group)}" for words, group in groups.items() if group)
    return sentence_start(text) + "." if text else ""


def _sides(estimates: Mapping[str, Estimate], below: str, above: str, within: str) -> str:
    words = {
        Side.BELOW: below,
        Side.ABOVE: above,
        Side.WITHIN: within,
        Side.NO_INTERVAL: NO_CLAIM,
        Side.UNDEFINED: "not defined",
    }
    return _grouped({name: words[side_of(one)] for name, one in estimates.items()}, tuple(words.values()))


def shares_of_truth(where: str, quantity: str, shares: Mapping[str, Estimate]) -> str:
    """Write each model's share of the truth's quantity after ``where``, and which shares differ from 1."""
    known = {name: one for name, one in shares.items() if side_of(one) is not Side.UNDEFINED}
    parts = [
        f"{name} {'' if place else 'has '}{percent(one)}{'' if place else f' of {quantity}'}"
        for place, (name, one) in enumerate(known.items())
    ]
    sentences = [f"{where}, {joined(parts)}."] if parts else []
    if known:
        sentences.append(_sides(known, "too little", "too much", "not distinguishable from the truth"))
    undefined = [name for name in shares if name not in known]
    if undefined:
        sentences.append(f"Not defined: {joined(undefined)} ({quantity}).")
    return " ".join(sentences)


def frequencies(what: str, factors: Mapping[str, Estimate]) -> str:
    """Write how often an event occurs relative to the truth, and which frequencies differ from it."""
    parts = [f"{estimate_text(one)} in {name}" for name, one in factors.items() if not np.isnan(one.value)]
    listed = f", relative to the truth: {joined(parts)}" if parts else ""
    return f"{what}{listed}. " + _sides(
        factors, "too rarely", "too often", "not distinguishable from the truth"
    )


def against(
    reference: str,
    other: Estimate,
    candidates: Mapping[str, Estimate],
    ideal: str,
    advantages: Mapping[str, Estimate] | None = None,
) -> str:
    """Write which models are closer to the truth than the reference, with the value ``other``, in one measure.

    ``candidates`` and ``advantages`` (see :func:`~atmodist_core.figures.findings.comparison.verdict`) are by name of the
    model; the ideal value is "zero", "one" or "none".
    """
    words = {
        Verdict.CLOSER: f"closer to the truth than {reference}",
        Verdict.FURTHER: f"further from the truth than {reference}",
        Verdict.UNDECIDED: f"not distinguishable from {reference} with this record",
        Verdict.NO_INTERVAL: NO_CLAIM,
        Verdict.UNDEFINED: "not defined, so not compared",
    }
    if ideal not in ("zero", "one"):
        return "This measure has no ideal value, so no model is called better."
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
    """Write the values of one measure, and which models are closer to the truth (see :func:`against`)."""
    listed = joined(
        [f"{name} {estimate_text(one, units)}" for name, one in {reference: other, **candidates}.items()]
    )
    return f"{sentence_start(what)}: {listed}. {against(reference, other, candidates, ideal, advantages)}"


def ratio_sentence(
    candidate: str, reference: str, where: str, counts: Sequence[int], sure: Sequence[int], ratio: Estimate
) -> str:
    """Write at how many cities a candidate is closer to the truth, and whether that exceeds chance.

    ``counts`` are better, equal and worse cities; ``sure`` are better and worse ones whose interval agrees; ``ratio`` is
    the improved-to-degraded ratio.
    """
    better, equal, worse = counts
    first = (
        f"{where}: {candidate} is better than {reference} at {count(better)}, equal at {count(equal)} and worse at "
        f"{count(worse)} of {things(better + equal + worse, 'city', 'cities')} (significantly better at "
        f"{count(sure[0])}, significantly worse at {count(sure[1])})"
    )
    side = side_of(ratio)
    if side is Side.UNDEFINED or not better + worse:
        return f"{first}; no city differs, so there is no improved-to-degraded ratio."
    text = f"the improved-to-degraded ratio is {estimate_text(ratio)}"
    if np.isinf(ratio.value):
        text = "no city is worse, so the improved-to-degraded ratio is infinite"
        text += "" if side is Side.NO_INTERVAL else f" [{number(ratio.low)}, {number(ratio.high)}]"
    ends = {
        Side.ABOVE: f"{candidate} is closer to the truth at more cities",
        Side.BELOW: f"{candidate} is further from the truth at more cities",
        Side.WITHIN: "the interval contains 1, so neither model is better",
        Side.NO_INTERVAL: NO_CLAIM,
    }
    return f"{first}; {text}: {ends[side]}."


def ratio_by_box(candidate: str, reference: str, field: str, ratios: Mapping[str, Estimate]) -> str:
    """Write for which box sizes a candidate is closer to the truth at more cities, from the ratios by size."""
    listed = joined([f"{estimate_text(one)} for {box}" for box, one in ratios.items()])
    return f"{candidate}, {field}: improved-to-degraded ratio {listed}. " + _sides(
        ratios,
        f"further from the truth than {reference} at more cities",
        f"closer to the truth than {reference} at more cities",
        "neither is better, since the interval contains 1",
    )


def above_chance(what: str, estimate: Estimate, chance: float, *, units: str = "1", larger: bool) -> str:
    """Compare a score of the distance network with that of a random class."""
    side = side_of(estimate, chance)
    if side is Side.UNDEFINED or np.isnan(chance):
        return f"{what}: {estimate_text(estimate, units)}; the score by chance is not known."
    better, worse = (Side.ABOVE, Side.BELOW) if larger else (Side.BELOW, Side.ABOVE)
    ends = {
        better: "better than chance",
        worse: "worse than chance",
        Side.WITHIN: "not distinguishable from chance",
        Side.NO_INTERVAL: NO_CLAIM,
    }
    by_chance = estimate_text(Estimate(chance, np.nan, np.nan), units)
    return f"{what}: {estimate_text(estimate, units)}, by chance {by_chance}: {ends[side]}."


def left_out(missing: Mapping[str, str]) -> list[str]:
    """List the parts of the evaluation that were not computed, from group name to section title."""
    return [
        f"{title}: the evaluation has no group '{name}', so there is no such section."
        for name, title in missing.items()
    ]
