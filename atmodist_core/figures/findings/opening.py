"""One paragraph that answers which model is best, where, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.evaluation.results.scores import departure
from atmodist_core.figures.findings.comparison import Verdict, side_of, verdict
from atmodist_core.figures.findings.measure_groups import CITY_PREFIX, headline_of
from atmodist_core.figures.findings.scorecard import REFERENCE, ROUNDING, estimate_of
from atmodist_core.figures.findings.wording import (
    estimate_text,
    joined,
    name_in_sentence,
    sentence_start,
    things,
)

QUESTIONS = {
    "small-scale power": ("energy_ratio", "band_power_ratio"),
    "the distribution of values": ("wasserstein", "wasserstein_per_time", "quantile_99.9_ratio"),
    "pointwise error": ("rmse", "mae"),
}
"""What a model can be best in, and the measures that decide it: the first that was evaluated."""

NARROW_LEAD = 0.05
"""A model that is closer than the next one by less than this share of its departure leads narrowly, even if that is decided."""


@dataclass(frozen=True)
class Finding:
    """Who is closest to the truth in one question and field.

    Parameters
    ----------
    question, field, measure : str
        Of the answer: the question, the field, and the measure that decides.
    leader : str
        The model with the smallest departure from the ideal value.
    tied : tuple of str
        Models that cannot be distinguished from it with this record.
    lead : float
        Share of the next model's departure by which the leader is closer, 0 to 1; missing without another model.
    has_interval : bool
        Whether there are intervals to decide by.
    """

    question: str
    field: str
    measure: str
    leader: str
    tied: tuple[str, ...]
    lead: float
    has_interval: bool

    @property
    def is_decided(self) -> bool:
        """Whether all other models are significantly farther from the truth."""
        return self.has_interval and not self.tied


def findings(tables: Mapping[str, xr.Dataset]) -> list[Finding]:
    """Return a finding for every question and field that can be answered, from scorecards by field."""
    found = []
    for question, measures in QUESTIONS.items():
        for field, table in tables.items():
            known = [name for name in measures if name in table["measure"].values]
            finding = _finding(question, field, known[0], table) if known else None
            found += [finding] if finding is not None else []
    return found


def opening_sentences(
    tables: Mapping[str, xr.Dataset], names: Mapping[str, str], basis: str = ""
) -> list[str]:
    """Return the sentences of the paragraph; the first one alone says which model is best.

    Parameters
    ----------
    tables : mapping of str to xarray.Dataset
        Field to its scorecard against the reference of the evaluation, as
        :func:`~atmodist_core.figures.findings.scorecard.scorecard_table` returns it.
    names : mapping of str to str
        Label of a model in the tables to its name in sentences.
    basis : str
        Data and period that the numbers rest on, in a few words.
    """
    names = {label: name_in_sentence(name) for label, name in names.items()}
    found = findings(tables)
    models = [str(name) for name in next(iter(tables.values()))["model"].values]
    if len(models) < 2:
        first = f"Only {names[models[0]]} was evaluated, so no model can be called best"
        return [f"{first}: {_values_of_one(found, tables)}." if found else f"{first}.", *_basis(basis)]
    if not found:
        return ["No measure was evaluated that could answer which model is best.", *_basis(basis)]
    if not any(one.has_interval for one in found):
        leaders = list(dict.fromkeys(one.leader for one in found))
        least = [f"{names[leader]} in {joined(_won(leader, found, found))}" for leader in leaders]
        return [
            "Undecided: the evaluation has no intervals, so no model is called best.",
            f"The smallest departures from the truth are those of {'; '.join(least)}.",
            *_basis(basis),
        ]
    clauses = [
        _clause(question, [one for one in found if one.question == question], tables, names)
        for question in QUESTIONS
        if any(one.question == question for one in found)
    ]
    return [_answer(found, names), *clauses, *_cities(tables, names), *_basis(basis)]


def wins(tables: Mapping[str, xr.Dataset]) -> dict[str, list[str]]:
    """Return in what each model is significantly closest to the truth, by its label in the tables."""
    found = findings(tables)
    decided = [one for one in found if one.is_decided]
    return {leader: _won(leader, found, decided) for leader in dict.fromkeys(one.leader for one in decided)}


def _finding(question: str, field: str, measure: str, table: xr.Dataset) -> Finding | None:
    ideal = str(table["ideal"].sel(measure=measure).item())
    models = [str(name) for name in table["model"].values]
    away = departure(table["value"].sel(measure=measure).values, ideal)
    known = sorted(
        (float(value), name) for value, name in zip(away, models, strict=True) if np.isfinite(value)
    )
    if not known:
        return None
    leader = known[0][1]
    lead = 1 - known[0][0] / known[1][0] if len(known) > 1 and known[1][0] > 0 else np.nan
    states = {name: pair_verdict(table, measure, leader, name) for _, name in known if name != leader}
    tied = tuple(name for name, state in states.items() if state is not Verdict.CLOSER)
    intervals = not states or any(state is not Verdict.NO_INTERVAL for state in states.values())
    return Finding(question, field, measure, leader, tied, lead, intervals)


def pair_verdict(table: xr.Dataset, measure: str, one: str, other: str) -> Verdict:
    """Decide which of two models of a scorecard is closer to the ideal value of a measure.

    Pairs with the table's reference are decided as in the table, other pairs by whether the intervals of their departures overlap.
    """
    states = table["state"].sel(measure=measure)
    turned = {Verdict.CLOSER: Verdict.FURTHER, Verdict.FURTHER: Verdict.CLOSER}
    for name, opposite in ((one, other), (other, one)):
        if str(states.sel(model=opposite).item()) == REFERENCE:
            text = str(states.sel(model=name).item())
            state = Verdict.UNDECIDED if text == ROUNDING else Verdict(text)
            return state if name == one else turned.get(state, state)
    ideal = str(table["ideal"].sel(measure=measure).item())
    return verdict(estimate_of(table, one, measure), estimate_of(table, other, measure), ideal)


def _answer(found: Sequence[Finding], names: Mapping[str, str]) -> str:
    """Which model is best, in one sentence."""
    decided = [one for one in found if one.is_decided]
    leaders = list(dict.fromkeys(one.leader for one in decided))
    questions = list(dict.fromkeys(one.question for one in found))
    if not decided:
        return (
            f"Undecided: in {joined(questions)}, the leading models cannot be distinguished with this record."
        )
    if len(leaders) == 1 and len(decided) == len(found):
        return (
            f"{sentence_start(names[leaders[0]])} is best: it is closest to the truth in {joined(questions)}."
        )
    parts = []
    for leader in leaders:
        narrow = all(one.lead < NARROW_LEAD for one in decided if one.leader == leader)
        won = joined(_won(leader, found, decided))
        parts.append(f"{names[leader]} is {'narrowly ' if narrow else ''}closest to the truth in {won}")
    open_questions = [q for q in questions if not any(one.is_decided for one in found if one.question == q)]
    if open_questions:
        parts.append(f"{joined(open_questions)} {'is' if len(open_questions) == 1 else 'are'} undecided")
    return f"No model is best in everything: {'; '.join(parts)}."


def _won(leader: str, found: Sequence[Finding], counted: Sequence[Finding]) -> list[str]:
    """The questions in which a model leads, with the fields where it leads in some of them only."""
    won = []
    for question in dict.fromkeys(one.question for one in counted if one.leader == leader):
        fields = [one.field for one in counted if one.question == question and one.leader == leader]
        is_all = len(fields) == sum(one.question == question for one in found)
        won.append(question if is_all else f"{question} of {joined(fields)}")
    return won


def _clause(
    question: str, of: Sequence[Finding], tables: Mapping[str, xr.Dataset], names: Mapping[str, str]
) -> str:
    """The numbers behind the answer to one question."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Finding]] = {}
    for one in of:
        groups.setdefault((one.leader, _rival(one, tables[one.field]), one.tied), []).append(one)
    parts = []
    for (leader, rival, tied), some in groups.items():
        own = [f"{_value(tables[one.field], leader, one.measure)} for {one.field}" for one in some]
        text = f"{names[leader]} {joined(own)}"
        if rival:
            other = [_value(tables[one.field], rival, one.measure, interval=False) for one in some]
            text += f", {names[rival]} {joined(other)}"
        if tied:
            text += f" (not distinguishable from {joined([names[name] for name in tied])})"
        parts.append(text)
    table, measure = tables[of[0].field], of[0].measure
    ideal = {"one": "1", "zero": "0"}[str(table["ideal"].sel(measure=measure).item())]
    what = str(table["long_name"].sel(measure=measure).item())
    return f"{sentence_start(question)} ({what}, ideal {ideal}): {'; '.join(parts)}."


def _rival(one: Finding, table: xr.Dataset) -> str:
    """The model to name beside the leader: the reference, or the next one if the reference leads; empty if there is none."""
    reference = str(table.attrs["reference"])
    at = table.sel(measure=one.measure)
    away = departure(at["value"].values, str(at["ideal"].item()))
    others = [
        (name != reference, float(value), str(name))
        for name, value in zip(table["model"].values, away, strict=True)
        if np.isfinite(value) and name != one.leader
    ]
    return min(others)[2] if others else ""


def _value(table: xr.Dataset, model: str, measure: str, *, interval: bool = True) -> str:
    found = estimate_of(table, model, measure)
    units = str(table["units"].sel(measure=measure).item())
    return estimate_text(found if interval else Estimate(found.value, np.nan, np.nan), units)


def _values_of_one(found: Sequence[Finding], tables: Mapping[str, xr.Dataset]) -> str:
    parts = []
    for one in found:
        table = tables[one.field]
        what = str(table["long_name"].sel(measure=one.measure).item())
        parts.append(f"{what} of {one.field} {_value(table, one.leader, one.measure)}")
    return joined(parts)


def _cities(tables: Mapping[str, xr.Dataset], names: Mapping[str, str]) -> list[str]:
    """At cities: the model that is closer than the reference at most of them, by box and field."""
    first = next(iter(tables.values()))
    boxes = [
        name for name in headline_of(list(map(str, first["measure"].values))) if name.startswith(CITY_PREFIX)
    ]
    sentences = []
    for box in boxes:
        parts = []
        for field, table in tables.items():
            reference = str(table.attrs["reference"])
            at = table.sel(measure=box)
            others = [str(name) for name in table["model"].values if str(name) != reference]
            best = max(others, key=lambda name: float(at["improvement"].sel(model=name)))
            better, worse = (int(at[way].sel(model=best)) for way in ("better", "worse"))
            ratio = estimate_of(table, best, box)
            decision = {"above": "decided", "below": f"decided for {names[reference]}"}.get(
                side_of(ratio).value, "undecided"
            )
            parts.append(
                f"{names[best]} at {better}, {names[reference]} at {worse} ({field}, ratio {estimate_text(ratio)}, {decision})"
            )
        what = str(first["long_name"].sel(measure=box).item()).partition(", ")[2]
        sentences.append(f"with {what}, {'; '.join(parts)}")
    return (
        [f"Cities with the closer local distribution: {'. '.join(map(sentence_start, sentences))}."]
        if sentences
        else []
    )


def _basis(basis: str) -> list[str]:
    if not basis:
        return []
    return [
        f"This rests on {basis}. Brackets are 95 % intervals; a difference counts as decided only if its interval excludes equality."
    ]


def basis_text(times: int | None, days: int | None, simulated: bool, area: str = "") -> str:
    """Return data and period in a few words: ``280 times within 70 days of simulated weather``."""
    weather = "simulated weather, not the Earth's" if simulated else "weather data"
    parts = [
        things(times, "time") if times is not None else "",
        f"within {things(days, 'day')}" if days else "",
    ]
    return " ".join(filter(None, [*parts, "of", weather])) + (f", {area}" if area else "")
