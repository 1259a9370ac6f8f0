"""The work behind the views Maps and Spectra: truth and interpolations at once, previews, then exact answers and their scores."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import Method
from app.compute.comparison import EXACT, Answer, Comparison, Question
from app.compute.engine import Control, Frame
from app.session.messages import joined_warnings
from app.session.period_spectra import average_spectra

if TYPE_CHECKING:
    from app.session.session import Session

PAUSE_BEFORE_EXACT_S = 0.25
"""Rest after the previews: who steps on through time within it does not wait for float32 results nobody will see."""


async def compare(session: Session, control: Control) -> None:
    """Compute what the views Maps and Spectra show, the quick and the rough first."""
    assert session.data is not None  # opened before
    started = time.perf_counter()
    state, methods = session.state, session.compared_methods
    factor = next((method.factor for method in methods if method.card is not None), 4)
    question = Question(
        state.data_set, state.level, state.time, state.region, state.field, factor, session.stamp
    )
    frame = await session.in_thread(control, session.engine.frame, question, control)
    comparison = await _begin(session, control, question, frame)
    # All that is there already is published at once: each part that came alone would have the browser lay out and paint every map anew.
    at_hand = [method for method in methods if session.engine.is_at_hand(frame, method, question.field)]
    comparison = await _add_answers(session, control, frame, comparison, at_hand)
    networks = [method for method in methods if method not in at_hand]
    session.comparison = comparison
    if state.view == "spectra":
        comparison = await _add_spectra(session, control, comparison)
    else:
        for number, method in enumerate(networks):
            if session.engine.needs_preview(frame, method, question.field):
                session.tell(control, 0.05 + 0.15 * number / len(networks), f"{method.label}: preview")
                answer = await _try(session, control, frame, method, "preview")
                session.comparison = comparison = comparison.with_answer(method.name, answer)
    session.mark_shown()
    if session.playing and state.view == "maps":
        return
    if any(answer.quality == "preview" for answer in comparison.answers.values()):
        await asyncio.sleep(PAUSE_BEFORE_EXACT_S)
        control.check()
    for number, method in enumerate(networks):
        low, width = 0.2 + 0.6 * number / len(networks), 0.6 / len(networks)
        session.follow(control, low, width, method.label)
        answer = await _try(session, control, frame, method, "answer")
        comparison = await _warned(
            session, control, frame, comparison.with_answer(method.name, answer), method
        )
        session.comparison = comparison
    session.say("applicability", "info", joined_warnings(comparison.warnings))
    if state.view == "spectra":
        comparison = await _add_spectra(session, control, comparison)
        if state.average == "period":
            await average_spectra(session, control, methods)
    comparison = await _add_scores(session, control, comparison, methods)
    session.comparison = replace(comparison, complete=True)
    session.device = await session.in_thread(control, session.engine.device)
    session.activity = f"All results in float32 · {time.perf_counter() - started:.1f} s"


async def _begin(session: Session, control: Control, question: Question, frame: Frame) -> Comparison:
    """Truth and coarse input, with the answers that are there already if only methods or the view changed."""
    assert session.data is not None
    present = session.comparison
    stamps = {method.name: method.stamp for method in session.methods}
    if (
        present is not None
        and present.question == question
        and all(
            answer.stamp == stamps.get(name) or answer.problem for name, answer in present.answers.items()
        )
    ):
        return replace(present, complete=False)
    truth = await session.in_thread(control, session.engine.truth, frame, question.field)
    coarse = await session.in_thread(control, session.engine.coarse, frame, question.field)
    whole_globe = frame.is_global and frame.window.is_whole
    return Comparison(question, truth, coarse, session.data.simulated, whole_globe)


async def _add_answers(
    session: Session, control: Control, frame: Frame, comparison: Comparison, methods: list[Method]
) -> Comparison:
    """Exact answers that cost next to nothing."""
    for method in methods:
        answer = await _try(session, control, frame, method, "answer")
        comparison = comparison.with_answer(method.name, answer)
        if method.family == "network":
            comparison = await _warned(session, control, frame, comparison, method)
    return comparison


async def _warned(
    session: Session, control: Control, frame: Frame, comparison: Comparison, method: Method
) -> Comparison:
    """The comparison with what is to be said on a method that gave an answer."""
    if comparison.fields_of(method.name) is None:
        return comparison
    told = await session.in_thread(control, session.engine.applicability, frame, method)
    return replace(comparison, warnings={**comparison.warnings, method.name: told})


async def _try(session: Session, control: Control, frame: Frame, method: Method, quality: str) -> Answer:
    """Answer of one method; its own failure is a sentence in its panel, and the other methods go on."""
    present = session.comparison
    question_field = session.state.field
    if present is not None and present.question.slice_key == frame.slice_key:
        answer = present.answers.get(method.name)
        same = present.question.region == session.state.region and present.question.field == question_field
        if (
            same
            and answer is not None
            and answer.stamp == method.stamp
            and answer.quality == "exact"
            and not answer.problem
        ):
            return answer
    compute = session.engine.answer if quality == "answer" else session.engine.preview
    try:
        return await session.in_thread(control, compute, frame, method, question_field, control)
    except ad.UserError as error:
        return Answer(None, problem=str(error))


async def _add_scores(
    session: Session, control: Control, comparison: Comparison, methods: list[Method]
) -> Comparison:
    for method in methods:
        answer = comparison.answers[method.name]
        if answer.fields is None or method.name in comparison.scores:
            continue
        session.tell(control, 0.85, f"{method.label}: scores")
        scores = await session.in_thread(
            control,
            session.engine.scores,
            comparison.question,
            method.name,
            answer.fields,
            comparison.truth,
            answer.stamp,
        )
        comparison = comparison.with_scores(method.name, scores)
    session.comparison = comparison
    return comparison


async def _add_spectra(session: Session, control: Control, comparison: Comparison) -> Comparison:
    """Spectra of all that is there, published at once."""
    missing = {}
    for name in ("truth", "coarse", *comparison.answers):
        fields, answer = comparison.fields_of(name), comparison.answers.get(name)
        is_rough = answer is not None and answer.quality != EXACT
        if fields is not None and not is_rough and name not in (comparison.spectra or {}):
            missing[name] = fields
    if not missing:
        return comparison
    session.tell(control, 0.9, "spectra")
    stamps = {name: answer.stamp for name, answer in comparison.answers.items()}

    def compute() -> dict[str, dict[str, xr.Dataset]]:
        found = {}
        for name, fields in missing.items():
            stamp = stamps.get(name, "")
            found[name] = session.engine.spectra(comparison.question, name, fields, comparison.truth, stamp)
            control.check()
        return found

    spectra = {**(comparison.spectra or {}), **await session.in_thread(control, compute)}
    session.comparison = comparison = replace(comparison, spectra=spectra)
    return comparison


async def compared_states(
    session: Session, control: Control, field: str
) -> tuple[dict[str, xr.Dataset], tuple[object, ...]]:
    """Exact fields of truth and methods in the region at the chosen time, and what they depend on."""
    state, methods = session.state, session.compared_methods
    factor = next((method.factor for method in methods if method.card is not None), 4)
    question = Question(state.data_set, state.level, state.time, state.region, field, factor, session.stamp)
    frame = await session.in_thread(control, session.engine.frame, question, control)
    states = {"truth": await session.in_thread(control, session.engine.truth, frame, field)}
    for number, method in enumerate(methods):
        session.follow(
            control, 0.9 + 0.1 * number / max(len(methods), 1), 0.1 / max(len(methods), 1), method.label
        )
        try:
            answer = await session.in_thread(control, session.engine.answer, frame, method, field, control)
        except ad.UserError as error:
            session.say("methods", "warning", str(error))
            continue
        states[method.name] = answer.given
    stamps = tuple((method.name, method.stamp) for method in methods)
    return states, (question, stamps)
