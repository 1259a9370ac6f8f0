"""The work behind the view Cities: the field over the globe, then the statistics, stored or computed time by time."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import atmodist_core as ad
from app.compute.comparison import Question
from app.compute.engine import Control, Frame
from app.session.city_result import CityResult, Drape
from app.state.choices import WHOLE
from app.state.period import period_times
from app.state.state import shown_methods
from app.theme.units import unit_of
from app.views.maps.scaling import rounded_limit
from atmodist_core.figures.numbers.cities import city_series, spread_order, wasserstein_table
from atmodist_core.figures.numbers.city_areas import computes_whole
from atmodist_core.figures.numbers.city_store import fitting_file, open_city_values

if TYPE_CHECKING:
    from app.session.session import Session

PUBLISH_INTERVAL_S = 2.0
"""Shortest time between two states of growing statistics."""


async def compare_cities(session: Session, control: Control) -> None:
    """Compute what the view Cities shows: the field first, then statistics as they grow."""
    assert session.data is not None  # opened before
    started = time.perf_counter()
    state = session.state
    factor = next((method.factor for method in session.methods if method.card is not None), 4)
    question = Question(state.data_set, state.level, state.time, WHOLE, state.field, factor, session.stamp)
    frame = await session.in_thread(control, session.engine.frame, question, control)
    subject = (state.data_set, state.level, state.basis)
    before = session.results.get("cities", CityResult())
    if before.subject != subject:
        before = CityResult(subject=subject)
    result = replace(before, drape=await _drape(session, control, frame, question))
    session.publish("cities", result)
    session.mark_shown()
    if session.playing:
        return
    file = await session.in_thread(control, chosen_file, session)
    if file is not None:
        session.tell(control, 0.3, "Reading stored values at the cities")
        result = await session.in_thread(control, _stored, result, file)
        session.publish("cities", result)
    else:
        result = await _grow(session, control, frame, result, factor)
    session.device = await session.in_thread(control, session.engine.device)
    session.activity = f"All results in float32 · {time.perf_counter() - started:.1f} s"


def chosen_file(session: Session) -> Path | None:
    """File whose values are to be shown; None where they are to be computed."""
    state = session.state
    level = getattr(session.data, "level", "")
    created = {method.name: str(method.card.created) for method in session.methods if method.card is not None}
    return fitting_file(state.basis, state.data_set, (state.level, level), state.period, created)


def _stored(result: CityResult, file: Path) -> CityResult:
    series = open_city_values(file)
    title = series.attrs.get("title", file.name)
    return replace(
        result,
        series=series,
        distances=wasserstein_table(series),
        done=series.sizes["time"],
        wanted=series.sizes["time"],
        basis=f"Stored: {title}, {series.attrs.get('precision', 'float32')}",
        stored=True,
        key=None,
        problems={},
    )


async def _drape(session: Session, control: Control, frame: Frame, question: Question) -> Drape:
    """Field over the globe: truth, coarse input, or what a method makes of it."""
    name, note = session.state.drape, ""
    engine, field = session.engine, question.field
    truth = await session.in_thread(control, engine.truth, frame, field)
    labels = {method.name: method.label for method in session.methods}
    method = next((one for one in session.methods if one.name == name), None)
    if name == "coarse":
        fields = await session.in_thread(control, engine.coarse, frame, field)
    elif method is not None:
        session.follow(control, 0.02, 0.2, method.label)
        try:
            answer = await session.in_thread(control, engine.preview, frame, method, field, control)
            fields, note = answer.given, answer.precision
        except ad.UserError as error:
            name, fields, note = "truth", truth, str(error)
    else:
        name, fields = "truth", truth
    factor = np.float32(unit_of(field).factor)
    return Drape(
        values=np.asarray(fields[field].isel(time=0).values) * factor,
        latitude=np.asarray(fields["latitude"].values, dtype=float),
        longitude=np.asarray(fields["longitude"].values, dtype=float),
        limit=rounded_limit(truth[field].values, float(factor)),
        field=field,
        time=question.time,
        name=name,
        label={"truth": "Truth", "coarse": "Coarse input", **labels}[name],
        note=note,
    )


async def _grow(
    session: Session, control: Control, frame: Frame, result: CityResult, factor: int
) -> CityResult:
    """Statistics over more and more times of the period; every state of them is spread over all of it."""
    state, data = session.state, session.data
    assert data is not None
    index = period_times(state, data)
    chosen = index[spread_order(index.size)][: state.sample]
    cells = frame.coarse.sizes["latitude"] * frame.coarse.sizes["longitude"]
    whole = computes_whole(state.reach, cells)
    table = ad.cities()
    cities = table if whole else table[table["name"].isin(state.cities)]
    # Only what is on show or compared: each network takes seconds for every time.
    wanted = {*shown_methods(state, [one.name for one in session.methods]), state.judged, state.baseline}
    methods = [one for one in session.methods if one.factor == factor and one.name in wanted]
    key = (
        (state.data_set, state.level, factor),
        tuple(chosen),
        tuple(cities["name"]),
        tuple((method.name, method.stamp) for method in methods),
    )
    if result.key == key and result.done == result.wanted and not result.stored:
        return result
    result = replace(result, problems={}, stored=False, key=key, wanted=int(chosen.size))
    if not len(cities):
        return replace(result, series=None, distances=None, done=0, basis="No city is selected.")
    gathered: dict[str, list[Any]] = {}
    times: list[np.datetime64] = []
    last = 0.0
    for number, position in enumerate(chosen):
        text = data.time_texts[int(position)]
        question = Question(state.data_set, state.level, text, WHOLE, "vorticity", factor, session.stamp)
        session.tell(control, 0.2 + 0.8 * number / chosen.size, f"Cities: time {number + 1} of {chosen.size}")
        values, problems = await session.in_thread(
            control, _values_of, session.engine.cities, question, methods, cities, control, whole
        )
        if problems:
            result = replace(result, problems={**result.problems, **problems})
            methods = [method for method in methods if method.name not in result.problems]
        for name, one in values.items():
            gathered.setdefault(name, []).append(one)
        times.append(data.times[int(position)])
        now = time.monotonic()
        if now - last >= PUBLISH_INTERVAL_S or number + 1 == chosen.size:
            complete = {name: np.stack(rows) for name, rows in gathered.items() if len(rows) == len(times)}
            series = city_series(
                complete, cities, np.array(times), attributes=_attributes(session, factor, whole)
            )
            distances = await session.in_thread(control, wasserstein_table, series)
            result = replace(result, series=series, distances=distances, done=len(times), basis=_basis(whole))
            session.publish("cities", result)
            last = time.monotonic()
        # Other sessions take their turn.
        await asyncio.sleep(0)
    return result


def _values_of(
    engine: Any, question: Question, methods: list[Any], cities: Any, control: Control, whole: bool
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Values of one time, with a sentence for each method that fails."""
    found, problems = engine.values(question, [], cities, control, whole=whole), {}
    for method in methods:
        try:
            found |= engine.values(question, [method], cities, control, whole=whole)
        except ad.UserError as error:
            problems[method.name] = str(error)
    return found, problems


def _basis(whole: bool) -> str:
    return f"Computed here{'' if whole else ', around the selected cities only'}, float32"


def _attributes(session: Session, factor: int, whole: bool) -> dict[str, object]:
    assert session.data is not None
    return {
        "title": f"{session.data.label}, values at cities",
        "data_set": session.state.data_set,
        "level": session.data.level,
        "factor": factor,
        "precision": "float32",
        "reach": "all" if whole else "selected",
        "simulated": int(session.data.simulated),
        "versions": json.dumps(
            {one.name: str(one.card.created) for one in session.methods if one.card is not None}
        ),
    }
