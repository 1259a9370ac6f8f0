"""Spectra of every time of a period: the view Spectra shows their mean and a band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import xarray as xr

from app.compute.catalogue import Method
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.session.request import Request, Update
from app.state.period import period_times
from atmodist_core.figures.numbers.slices import joined_times

PUBLISHED_EVERY = 4
"""Number of times after which the mean so far is shown."""


@dataclass(frozen=True)
class PeriodSpectra:
    """Spectra of several times."""

    question: Question  # of the first time; region, data and factor are those of all
    names: tuple[str, ...]  # truth, coarse input and methods
    times: tuple[str, ...]  # times computed so far
    wanted: int  # number of times of the period
    # By name: ``spectrum`` and, but for the coarse input, ``semivariogram``, both over ``time`` first
    spectra: Mapping[str, Mapping[str, xr.Dataset]]


def average_spectra(
    request: Request, control: Control, question: Question, methods: Sequence[Method]
) -> Iterator[Update]:
    """Compute the spectra of all times of the period, and publish the mean so far every few times."""
    state, data = request.state, request.data
    texts = [data.time_texts[int(index)] for index in period_times(state.period, state.step, data)]
    names = ("truth", "coarse", *(method.name for method in methods))
    question = replace(question, time=texts[0], field="vorticity")
    present = request.results.get("spectra")
    if present and (present.question, present.names, list(present.times)) == (question, names, texts):
        return
    yield Update(results={"spectra": None})
    parts: dict[str, list[Mapping[str, xr.Dataset]]] = {name: [] for name in names}
    for number, text in enumerate(texts, start=1):
        control.announce(
            (number - 1) / len(texts), f"Spectra of {data.dates.text(text)} ({number} of {len(texts)})"
        )
        spectra = spectra_of_time(request.engine, replace(question, time=text), methods, control)
        for name, found in spectra.items():
            parts[name].append(found)
        if number % PUBLISHED_EVERY == 0 or number == len(texts):
            joined = {name: joined_times(found) for name, found in parts.items()}
            done = tuple(texts[:number])
            yield Update(results={"spectra": PeriodSpectra(question, names, done, len(texts), joined)})


def spectra_of_time(
    engine: Engine, question: Question, methods: Sequence[Method], control: Control
) -> dict[str, Mapping[str, xr.Dataset]]:
    """Spectra of truth, coarse input and methods at one time."""
    frame = engine.frame(question, control)
    truth = engine.truth(frame, question.field)
    fields = {"truth": (truth, ""), "coarse": (engine.coarse(frame, question.field), "")}
    for method in methods:
        answer = engine.answer(frame, method, question.field, control)
        fields[method.name] = answer.given, answer.stamp
        control.check()
    return {name: engine.spectra(question, name, ds, truth, stamp) for name, (ds, stamp) in fields.items()}
