"""The work behind the view Ensemble: members one by one, quick ones first, then their scores beside those of the single fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import Draw, Method
from app.compute.comparison import Answer, Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.compute.frame import Frame
from app.compute.public_text import public_text
from app.session.messages import Message
from app.session.request import Request, Update
from app.state.choices import STAMPS_AT_ONCE
from app.state.state import StudioState
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree
from atmodist_core.figures.numbers.studies.ensemble import ensemble_tables, member_spectra

NO_ENSEMBLE = "Expected an ensemble model of this factor, found none: train one with 'atmodist ensemble', and put its folder where the models are."
PUBLISHED_EVERY = 4
"""Number of members after which the scores of those so far are shown."""


@dataclass(frozen=True)
class EnsembleResult:
    """What the view Ensemble shows, as far as it is computed."""

    question: Question
    method: Method  # the ensemble model
    seed: int
    wanted: int  # number of members
    nyquist: float  # total wavenumber of the shortest wave of the coarse grid
    truth: xr.Dataset  # of the region
    members: Mapping[int, Answer] = field(default_factory=dict)  # by number, from 0; previews at first
    done: int = 0  # members that the tables are of
    # As from :func:`atmodist_core.figures.numbers.studies.ensemble.ensemble_tables`, with ``spectra``
    tables: Mapping[str, xr.Dataset] = field(default_factory=dict)
    singles: tuple[str, ...] = ()  # models without members whose errors are in the tables
    complete: bool = False


def draw_members(request: Request, control: Control) -> Iterator[Update]:
    """Draw the members that are shown as previews, then all of them, and publish every one."""
    engine, state = request.engine, request.state
    found = [method for method in request.methods if method.draw is not None]
    if not found:
        yield Update(results={"ensemble": None})
        raise ad.UserError(NO_ENSEMBLE)
    chosen = next((method for method in found if method.name == state.ensemble), usual_ensemble(state, found))
    unknown = f"The ensemble model '{state.ensemble}' was not found; {chosen.name} is shown."
    text = unknown if state.ensemble not in ("", chosen.name) else ""
    yield Update(message=Message("ensemble", "warning", text))
    question = request.question()
    frame = engine.frame(question, control)
    truth = engine.truth(frame, question.field)
    nyquist = coarse_nyquist_degree(truth, question.factor)
    result = EnsembleResult(question, chosen, state.seed, int(state.members), nyquist, truth)
    numbers = range(result.wanted)
    first = stamps_shown(state.stamps, result.wanted)
    ready = [n for n in numbers if engine.is_member_ready(frame, _member(result, n), question.field)]
    for number in ready:
        result = _with_member(engine, frame, result, number, control)
    methods = [method for method in request.compared_methods if method.draw is None]
    # Where nothing is left to compute, as when other members are shown, tables without their last rows would only flash.
    is_known = len(ready) == result.wanted and all(
        engine.is_member_ready(frame, method, question.field) for method in methods
    )
    if not is_known:
        yield Update(results={"ensemble": result})
    for number in (n for n in first if n not in ready):
        if frame.region is None or question.field == "wind_speed":  # the whole globe takes seconds
            control.announce(0.0, f"{chosen.name}: preview of member {number + 1}")
            answer = engine.preview(frame, _member(result, number), question.field, control)
            result = replace(result, members={**result.members, number: answer})
            yield Update(results={"ensemble": result})
    if not is_known:
        yield Update(is_shown=True, is_enough_for_playing=True)
    for number in (n for n in numbers if n not in ready):
        control.begin_stage(
            0.75 * number / result.wanted, 0.75 / result.wanted, f"Member {number + 1} of {result.wanted}"
        )
        result = _with_member(engine, frame, result, number, control)
        if (number + 1) % PUBLISHED_EVERY == 0 and number + 1 < result.wanted:
            result = _with_tables(engine, result, number + 1, {}, control)
        yield Update(results={"ensemble": result})
    if not is_known:
        result = _with_tables(engine, result, result.wanted, {}, control)
        yield Update(results={"ensemble": result})
    singles, messages = {}, []
    for number, method in enumerate(methods):
        control.begin_stage(0.8 + 0.2 * number / len(methods), 0.2 / len(methods), method.label)
        try:
            singles[method.name] = engine.member(frame, method, question.field, control)
        except ad.UserError as error:
            messages.append(public_text(error))
    yield Update(message=Message("methods", "warning", " ".join(messages)))
    result = replace(_with_tables(engine, result, result.wanted, singles, control), complete=True)
    yield Update(
        results={"ensemble": result},
        is_shown=True,
        is_enough_for_playing=is_known,
        summary=f"All {result.wanted} members in float32",
    )


def usual_ensemble(state: StudioState, found: Sequence[Method]) -> Method:
    """Return the ensemble model that is shown where none is chosen: the one that fits the data, else one with AtmoDist."""
    fitting = [method for name in state.suggested for method in found if method.name == name]
    return [*fitting, *(method for method in found if "atmodist" in method.name), *found][0]


def stamps_shown(first: str, count: int) -> range:
    """Return the members that are shown as maps, from 0: four from the chosen one, or the first four if there are not as many."""
    start = int(first) - 1
    start = start if start < count else 0
    return range(start, min(start + STAMPS_AT_ONCE, count))


def _member(result: EnsembleResult, number: int) -> Method:
    """The model, drawing one member."""
    return result.method.drawing(Draw(result.seed, (number,)))


def _with_member(
    engine: Engine, frame: Frame, result: EnsembleResult, number: int, control: Control
) -> EnsembleResult:
    answer = engine.member(frame, _member(result, number), result.question.field, control)
    return replace(result, members={**result.members, number: answer})


def _with_tables(
    engine: Engine, result: EnsembleResult, count: int, singles: Mapping[str, Answer], control: Control
) -> EnsembleResult:
    """Scores of the first members, cached for all sessions."""
    control.announce(0.8, "Scores of the members")
    question, one = result.question, [result.members[number] for number in range(count)]
    stamps = (*(answer.stamp for answer in one), *((name, answer.stamp) for name, answer in singles.items()))

    def make() -> dict[str, xr.Dataset]:
        name, field = result.method.name, question.field
        parts = [_spectrum(engine, result, name, answer.given, answer.stamp) for answer in one]
        truth = _spectrum(engine, result, "truth", result.truth, "")
        spectra = member_spectra(parts, truth, field, result.nyquist)
        given = {single: answer.given for single, answer in singles.items()}
        fields = [answer.given for answer in one]
        return ensemble_tables(fields, result.truth, given, field, name, spectra, question.factor)

    tables = engine.result_cache.get(("ensemble", question, stamps), make)
    control.check()
    return replace(result, tables=tables, done=count, singles=tuple(singles))


def _spectrum(engine: Engine, result: EnsembleResult, name: str, fields: Any, stamp: str) -> xr.Dataset:
    return engine.spectra(result.question, name, fields, result.truth, stamp)["spectrum"]
