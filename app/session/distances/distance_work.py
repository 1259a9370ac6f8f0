"""The work behind the view Distances, the fastest parts first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.public_text import public_text
from app.session.comparison_work import compared_states
from app.session.distances.distance_series import DistanceSeries
from app.session.distances.similar_times import SimilarTimes, known_similar_times
from app.session.request import Request, Update
from app.state.period import period_times
from atmodist_core.fields.canonical.shown_dates import ShownDates
from atmodist_core.figures.numbers.times import compared_times


@dataclass(frozen=True)
class TimeDistances:
    """What the view Distances shows, as far as it is computed."""

    question: Question  # data, region and field; its time is that at which methods are compared
    texts: tuple[str, ...]  # times of the period
    fields: xr.Dataset  # of the region at these times
    dates: ShownDates  # of these times, and of the time at which methods are compared, for people
    note: str = ""  # a sentence on times that are left out
    model: str = ""  # name of the distance network; empty where there is none
    matrices: xr.Dataset | None = None  # results of :mod:`atmodist_core.figures.numbers.distances`
    curves: xr.Dataset | None = None
    confusion: xr.Dataset | None = None
    methods: xr.Dataset | None = None
    similar: SimilarTimes | None = None  # the times most like the chosen one; found after everything else
    problems: tuple[str, ...] = ()  # why a part is missing
    complete: bool = False  # whether all parts are computed


def compare_times(request: Request, control: Control) -> Iterator[Update]:
    """Compare all times of the period with each other, and the methods at the chosen time."""
    state, data, engine = request.state, request.data, request.engine
    field = state.field if state.field != "wind_speed" else "vorticity"
    question = request.question(field=field)
    index = period_times(state.period, state.step, data)
    frame = engine.frame(question, control)
    points = frame.window.refined(frame.factor).cell_count
    index, note = compared_times(index, points, chosen=bool(state.period))
    if index.size < 2:
        raise ad.UserError(
            f"Expected at least two times to compare, found {index.size}; choose a longer period or other data."
        )
    texts = tuple(data.time_texts[int(i)] for i in index)
    series = DistanceSeries(engine, question, texts, control)
    present = request.results.get("distances")
    if present is None or _subject(present.question) != _subject(question) or present.texts != texts:
        yield _published(None)
        control.begin_stage(0.0, 0.3, "Reading")
        fields = series.fields()
        result = TimeDistances(
            question, texts, fields, data.dates, note, matrices=series.matrices(field, False)
        )
        yield _published(result)
    else:
        similar = known_similar_times(present.similar, question)
        result = replace(present, question=question, similar=similar, complete=False, problems=())
        yield _published(result)
    result = replace(result, model=engine.distance_name())
    if result.model:
        control.begin_stage(0.3, 0.4, result.model)
        result = _with_part(result, "matrices", lambda: series.matrices(field, True), keep=True)
        yield _published(result)
    control.announce(0.7, "Distance against lag")
    result = _with_part(result, "curves", lambda: series.curves(field))
    yield _published(result)
    if result.model:
        control.begin_stage(0.75, 0.15, "Predicting lags")
        result = _with_part(result, "confusion", series.confusion)
        yield _published(result)
    states, key, messages = compared_states(request, control, field)
    yield from (Update(message=message) for message in messages)
    result = replace(result, methods=engine.method_distances(key, states, field), complete=True)
    summary = f"All distances of {len(texts)} times"
    yield Update(results={"distances": result}, is_shown=True, summary=summary)


def _published(result: TimeDistances | None) -> Update:
    return Update(results={"distances": result})


def _with_part(
    result: TimeDistances, part: str, make: Callable[[], xr.Dataset], *, keep: bool = False
) -> TimeDistances:
    """Return the result with a part, or with the sentence that says why it is missing; ``keep`` then leaves the earlier part."""
    try:
        return replace(result, **{part: make()})  # type: ignore[arg-type]
    except ad.UserError as error:
        missing = {} if keep else {part: None}
        return replace(result, problems=(*result.problems, public_text(error)), **missing)  # type: ignore[arg-type]


def _subject(question: Question) -> tuple[Any, ...]:
    """What the matrices of times depend on, apart from the times."""
    return (question.data_set, question.level, question.stamp, question.region, question.field)
