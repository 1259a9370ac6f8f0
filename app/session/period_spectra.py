"""Spectra of every time of a period, of which the view Spectra shows the mean and the band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from app.compute.catalogue import Method
from app.compute.comparison import Question
from app.compute.engine import Control, Engine
from app.state.period import period_times

if TYPE_CHECKING:
    from app.session.session import Session

PUBLISHED_EVERY = 4
"""Times after which the mean so far is shown."""


@dataclass(frozen=True)
class PeriodSpectra:
    """Spectra of several times.

    Attributes
    ----------
    question : Question
        That of the first time; region, data and factor are those of all.
    names : tuple of str
        Truth, coarse input and methods.
    times : tuple of str
        Those that are there already.
    wanted : int
        Times of the period.
    spectra : Mapping
        By name: ``spectrum`` and, but for the coarse input, ``semivariogram``, both over ``time`` first.
    """

    question: Question
    names: tuple[str, ...]
    times: tuple[str, ...]
    wanted: int
    spectra: Mapping[str, Mapping[str, xr.Dataset]]


async def average_spectra(session: Session, control: Control, methods: Sequence[Method]) -> None:
    """Compute the spectra of all times of the period, and publish the mean so far every now and then."""
    state, data = session.state, session.data
    assert data is not None  # opened before
    comparison = session.comparison
    assert comparison is not None  # of this time, computed before
    texts = [data.time_texts[int(index)] for index in period_times(state, data)]
    names = ("truth", "coarse", *(method.name for method in methods))
    question = replace(comparison.question, time=texts[0], field="vorticity")
    present = session.results.get("spectra")
    if present is not None and (present.question, present.names, list(present.times)) == (
        question,
        names,
        texts,
    ):
        return
    session.publish("spectra", None)
    parts: dict[str, list[Mapping[str, xr.Dataset]]] = {name: [] for name in names}
    for number, text in enumerate(texts):
        session.tell(
            control,
            number / len(texts),
            f"spectra of {text.replace('T', ' ')} ({number + 1} of {len(texts)})",
        )
        asked = replace(question, time=text)
        for name, found in (
            await session.in_thread(control, spectra_of_time, session.engine, asked, methods, control)
        ).items():
            parts[name].append(found)
        if (number + 1) % PUBLISHED_EVERY == 0 or number + 1 == len(texts):
            joined = {name: joined_times(found) for name, found in parts.items()}
            done = tuple(texts[: number + 1])
            session.publish("spectra", PeriodSpectra(question, names, done, len(texts), joined))


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


def joined_times(parts: Sequence[Mapping[str, Any]]) -> dict[str, xr.Dataset]:
    """Results of single times joined along ``time``."""
    kinds = parts[0].keys()
    return {
        kind: xr.concat(
            [part[kind].drop_vars("time", errors="ignore") for part in parts],
            "time",
            coords="minimal",
            compat="override",
            join="override",
            combine_attrs="override",
        )
        for kind in kinds
    }
