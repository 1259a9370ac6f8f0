"""The work behind the view Distances, from what is there at once to what takes longest."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

import atmodist_core as ad
from app.compute.comparison import Question
from app.compute.engine import Control
from app.session.comparison_work import compared_states
from app.session.distance_series import Series
from app.state.choices import WHOLE
from app.state.period import period_times
from atmodist_core.figures.numbers.times import compared_times

if TYPE_CHECKING:
    from app.session.session import Session


@dataclass(frozen=True)
class TimeDistances:
    """What the view Distances shows, as far as it is there.

    Attributes
    ----------
    question : Question
        Data, region and field; its time is that of the methods.
    texts : tuple of str
        Times of the period.
    fields : xarray.Dataset
        Of the region at these times.
    note : str
        A sentence on times that were left out.
    model : str
        Name of the distance network; empty where there is none.
    matrices, curves, confusion, methods : xarray.Dataset or None
        Results of :mod:`atmodist_core.figures.numbers.distances`.
    problems : tuple of str
        Why a part is missing.
    complete : bool
        Whether nothing more is to come.
    """

    question: Question
    texts: tuple[str, ...]
    fields: xr.Dataset
    note: str = ""
    model: str = ""
    matrices: xr.Dataset | None = None
    curves: xr.Dataset | None = None
    confusion: xr.Dataset | None = None
    methods: xr.Dataset | None = None
    problems: tuple[str, ...] = ()
    complete: bool = False


async def compare_times(session: Session, control: Control) -> None:
    """Compare all times of the period with each other, and the methods at the chosen time."""
    state, data = session.state, session.data
    assert data is not None  # opened before
    started = time.perf_counter()
    field = state.field if state.field != "wind_speed" else "vorticity"
    question = Question(state.data_set, state.level, state.time, state.region, field, stamp=session.stamp)
    index = period_times(state, data)
    frame = await session.in_thread(control, session.engine.frame, question, control)
    points = frame.window.refined(frame.factor).cell_count
    index, note = compared_times(index, points, chosen=bool(state.period))
    if index.size < 2:
        raise ad.UserError(
            f"Expected at least two times to compare, found {index.size}; choose a longer period or other data."
        )
    texts = tuple(data.time_texts[int(i)] for i in index)
    series = Series(session.engine, question, texts, control)
    present = session.results.get("distances")
    if present is None or _subject(present.question) != _subject(question) or present.texts != texts:
        session.publish("distances", None)
        session.follow(control, 0.0, 0.3, "Reading")
        fields = await session.in_thread(control, series.fields)
        result = TimeDistances(question, texts, fields, note)
        result = replace(result, matrices=await session.in_thread(control, series.matrices, field, False))
        session.publish("distances", result)
    else:
        result = replace(present, question=question, complete=False, problems=())
    result = await _add_times(session, control, series, result, field)
    result = await _add_methods(session, control, result, field)
    session.publish("distances", replace(result, complete=True))
    session.mark_shown()
    session.device = await session.in_thread(control, session.engine.device)
    session.activity = f"All distances of {len(texts)} times · {time.perf_counter() - started:.1f} s"


async def _add_times(
    session: Session, control: Control, series: Series, result: TimeDistances, field: str
) -> TimeDistances:
    name = await session.in_thread(control, session.engine.distance_name)
    result = replace(result, model=name)
    if name:
        session.follow(control, 0.3, 0.4, name)
        try:
            matrices = await session.in_thread(control, series.matrices, field, True)
            result = replace(result, matrices=matrices)
        except ad.UserError as error:
            result = replace(result, problems=(*result.problems, str(error)))
        session.publish("distances", result)
    session.tell(control, 0.7, "Distances over the lag")
    try:
        result = replace(result, curves=await session.in_thread(control, series.curves, field))
    except ad.UserError as error:
        result = replace(result, curves=None, problems=(*result.problems, str(error)))
    session.publish("distances", result)
    if name:
        session.follow(control, 0.75, 0.15, "Guessing lags")
        try:
            result = replace(result, confusion=await session.in_thread(control, series.confusion))
        except ad.UserError as error:
            result = replace(result, confusion=None, problems=(*result.problems, str(error)))
        session.publish("distances", result)
    return result


async def _add_methods(
    session: Session, control: Control, result: TimeDistances, field: str
) -> TimeDistances:
    states, names = await compared_states(session, control, field)
    found = await session.in_thread(control, session.engine.method_distances, names, states, field)
    return replace(result, methods=found)


def _subject(question: Question) -> tuple[Any, ...]:
    """What the matrices of times depend on, apart from the times."""
    region = WHOLE if question.region == WHOLE else question.region
    return (question.data_set, question.level, question.stamp, region, question.field)
