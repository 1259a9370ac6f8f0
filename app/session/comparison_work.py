"""The work behind the views Maps and Spectra: truth and interpolations at once, previews, then exact answers and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import Method
from app.compute.comparison import EXACT, PREVIEW, Answer, Comparison, Question
from app.compute.control import Control
from app.compute.frame import Frame
from app.compute.public_text import public_text
from app.session.messages import Message, joined_warnings
from app.session.period_spectra import average_spectra
from app.session.request import Request, Update

PAUSE_BEFORE_EXACT_S = 0.25
"""Pause after the previews: a user who steps on within it does not wait for float32 results that nobody will see."""


def compare(request: Request, control: Control) -> Iterator[Update]:
    """Compute what the views Maps and Spectra show, quick and approximate results first."""
    engine, view = request.engine, request.state.view
    methods = request.compared_methods
    question = request.question()
    frame = engine.frame(question, control)
    comparison = _begin(request, question, frame)
    # All that is ready is published together: the browser would lay out and paint every map for each part that came alone.
    ready = [method for method in methods if engine.is_ready(frame, method, question.field)]
    for method in ready:
        comparison = _with_answer(request, control, frame, comparison, method)
    yield Update(comparison=comparison)
    networks = [method for method in methods if method not in ready]
    if view == "spectra":
        comparison = _with_spectra(request, control, comparison)
        yield Update(comparison=comparison)
    else:
        for number, method in enumerate(networks):
            if engine.needs_preview(frame, method, question.field):
                control.announce(0.05 + 0.15 * number / len(networks), f"{method.label}: preview")
                comparison = _with_answer(request, control, frame, comparison, method, PREVIEW)
                yield Update(comparison=comparison)
    yield Update(is_shown=True, is_enough_for_playing=view == "maps")
    if any(answer.quality == PREVIEW for answer in comparison.answers.values()):
        control.pause(PAUSE_BEFORE_EXACT_S)
    for number, method in enumerate(networks):
        width = 0.6 / len(networks)
        control.begin_stage(0.2 + number * width, width, method.label, "float32")
        comparison = _with_answer(request, control, frame, comparison, method)
        yield Update(comparison=comparison)
    yield Update(message=Message("applicability", "info", joined_warnings(comparison.warnings)))
    if view == "spectra":
        comparison = _with_spectra(request, control, comparison)
        yield Update(comparison=comparison)
        if request.state.average == "period":
            yield from average_spectra(request, control, comparison.question, methods)
    comparison = _with_scores(request, control, comparison, methods)
    yield Update(comparison=replace(comparison, complete=True), summary="All results in float32")


def _begin(request: Request, question: Question, frame: Frame) -> Comparison:
    """Truth and coarse input; with the present answers if only the methods or the view changed."""
    present, engine = request.comparison, request.engine
    stamps = {method.name: method.stamp for method in request.methods}
    if (
        present is not None
        and present.question == question
        and all(one.stamp == stamps.get(name) or one.problem for name, one in present.answers.items())
    ):
        return replace(present, complete=False)
    truth, coarse = engine.truth(frame, question.field), engine.coarse(frame, question.field)
    whole_globe = frame.is_global and frame.window.is_whole
    return Comparison(question, truth, coarse, request.data.simulated, whole_globe)


def _with_answer(
    request: Request,
    control: Control,
    frame: Frame,
    comparison: Comparison,
    method: Method,
    quality: str = EXACT,
) -> Comparison:
    """Return the comparison with the answer of one method: a failure is shown in its panel, and the other methods go on."""
    present, engine = comparison.answers.get(method.name), request.engine
    if not (present and present.quality == EXACT and present.stamp == method.stamp and not present.problem):
        compute = engine.answer if quality == EXACT else engine.preview
        try:
            answer = compute(frame, method, comparison.question.field, control)
        except ad.UserError as error:
            answer = Answer(None, problem=public_text(error))
        comparison = comparison.with_answer(method.name, answer)
    if method.card is None or quality == PREVIEW or comparison.fields_of(method.name) is None:
        return comparison
    warnings = {**comparison.warnings, method.name: engine.applicability(frame, method)}
    return replace(comparison, warnings=warnings)


def _with_scores(
    request: Request, control: Control, comparison: Comparison, methods: list[Method]
) -> Comparison:
    for method in methods:
        answer = comparison.answers[method.name]
        if answer.fields is None or method.name in comparison.scores:
            continue
        control.announce(0.85, f"{method.label}: scores")
        scores = request.engine.scores(
            comparison.question, method.name, answer.fields, comparison.truth, answer.stamp
        )
        control.check()
        comparison = comparison.with_scores(method.name, scores)
    return comparison


def _with_spectra(request: Request, control: Control, comparison: Comparison) -> Comparison:
    """Return the comparison with the spectra of all exact fields."""
    spectra = dict(comparison.spectra or {})
    for name in ("truth", "coarse", *comparison.answers):
        fields, answer = comparison.fields_of(name), comparison.answers.get(name)
        is_preview = answer is not None and answer.quality != EXACT
        if fields is None or is_preview or name in spectra:
            continue
        control.announce(0.9, "Spectra")
        stamp = "" if answer is None else answer.stamp
        spectra[name] = request.engine.spectra(comparison.question, name, fields, comparison.truth, stamp)
        control.check()
    added = len(spectra) > len(comparison.spectra or {})
    return replace(comparison, spectra=spectra) if added else comparison


def compared_states(
    request: Request, control: Control, field: str
) -> tuple[dict[str, xr.Dataset], tuple[object, ...], list[Message]]:
    """Return the exact fields of truth and methods in the region at the chosen time, what they depend on, and messages on failures."""
    engine, methods, messages = request.engine, request.compared_methods, []
    question = request.question(field=field)
    frame = engine.frame(question, control)
    states = {"truth": engine.truth(frame, field)}
    for number, method in enumerate(methods):
        width = 0.1 / len(methods)
        control.begin_stage(0.9 + number * width, width, method.label, "float32")
        try:
            states[method.name] = engine.answer(frame, method, field, control).given
        except ad.UserError as error:
            messages.append(Message("methods", "warning", public_text(error)))
    stamps = tuple((method.name, method.stamp) for method in methods)
    return states, (question, stamps), messages
