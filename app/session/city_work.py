"""The work behind the view Cities: the field on the globe, then the statistics, stored or computed time by time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import atmodist_core as ad
from app.compute.city_values import values_at_cities
from app.compute.colour_limits import rounded_limit
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.compute.frame import Frame
from app.compute.public_text import public_text
from app.session.city_result import CityResult, GlobeField
from app.session.request import Request, Update
from app.state.choices import WHOLE
from app.state.period import period_times
from app.state.state import shown_methods
from atmodist_core.evaluation.results.city_file import city_series, open_city_values
from atmodist_core.figures.numbers.cities import spread_order, wasserstein_table
from atmodist_core.figures.numbers.city_areas import computes_whole
from atmodist_core.figures.numbers.city_store import fitting_file
from atmodist_core.plots.look.units import field_unit

PUBLISH_INTERVAL_S = 2.0
"""Shortest time between two states of growing statistics."""


def compare_cities(request: Request, control: Control) -> Iterator[Update]:
    """Compute what the view Cities shows: the field first, then statistics over more and more times."""
    state, engine = request.state, request.engine
    question = request.question(region=WHOLE)
    frame = engine.frame(question, control)
    subject = (state.data_set, request.data.stamp, state.level, state.basis)
    present = request.results.get("cities", CityResult())
    if present.subject != subject:
        present = CityResult(subject=subject)
    result = replace(present, globe_field=_globe_field(request, control, frame, question))
    yield Update(results={"cities": result}, is_shown=True, is_enough_for_playing=True)
    file = chosen_file(request)
    if file is not None:
        control.announce(0.3, "Reading stored values at the cities")
        yield Update(results={"cities": _stored(result, file)})
    else:
        yield from _computed(request, control, frame, result)
    yield Update(summary="All results in float32")


def chosen_file(request: Request) -> Path | None:
    """Return the file whose values are to be shown; None where they are to be computed."""
    state = request.state
    created = {method.name: str(method.card.created) for method in request.methods if method.card is not None}
    levels = (state.level, request.data.level)
    return fitting_file(state.basis, state.data_set, levels, state.period, created)


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


def _globe_field(request: Request, control: Control, frame: Frame, question: Question) -> GlobeField:
    """Field on the globe: the truth, the coarse input, or the answer of a method."""
    name, note = request.state.globe_field, ""
    engine, field = request.engine, question.field
    fields = truth = engine.truth(frame, field)
    method = next((one for one in request.methods if one.name == name), None)
    if name == "coarse":
        fields = engine.coarse(frame, field)
    elif method is None:
        name = "truth"
    else:
        control.begin_stage(0.02, 0.2, method.label, "float32")
        try:
            answer = engine.preview(frame, method, field, control)
            fields, note = answer.given, answer.precision
        except ad.UserError as error:
            name, method, note = "truth", None, public_text(error)
    factor = np.float32(field_unit(field).factor)
    return GlobeField(
        values=np.asarray(fields[field].isel(time=0).values) * factor,
        latitude=np.asarray(fields["latitude"].values, dtype=float),
        longitude=np.asarray(fields["longitude"].values, dtype=float),
        limit=rounded_limit(truth[field].values, float(factor)),
        field=field,
        time=question.time,
        name=name,
        label=method.label if method else {"truth": "Truth", "coarse": "Coarse input"}[name],
        note=note,
        date=request.data.dates.words(question.time),
    )


def _computed(request: Request, control: Control, frame: Frame, result: CityResult) -> Iterator[Update]:
    """Yield statistics over more and more times of the period; each state of them is spread over the whole period."""
    state, data = request.state, request.data
    index = period_times(state.period, state.step, data)
    chosen = index[spread_order(index.size)][: state.sample]
    whole = computes_whole(state.reach, frame.cell_count)
    table = ad.cities()
    cities = table if whole else table[table["name"].isin(state.cities)]
    # Only what is shown or compared: each network takes seconds for every time.
    shown = shown_methods(state, [one.name for one in request.methods])
    wanted = {*shown, state.candidate, state.baseline}
    methods = [one for one in request.methods if one.factor == frame.factor and one.name in wanted]
    key = (
        frame.slice_key[:2] + frame.slice_key[3:],
        tuple(chosen),
        tuple(cities["name"]),
        tuple((method.name, method.stamp) for method in methods),
    )
    if result.key == key and result.done == result.wanted and not result.stored:
        return
    result = replace(result, problems={}, stored=False, key=key, wanted=int(chosen.size))
    if not len(cities):
        result = replace(result, series=None, distances=None, done=0, basis="No city is selected.")
        yield Update(results={"cities": result})
        return
    gathered: dict[str, list[Any]] = {}
    times: list[np.datetime64] = []
    last = 0.0
    for number, position in enumerate(chosen, start=1):
        text = data.time_texts[int(position)]
        question = request.question(region=WHOLE, time=text, field="vorticity")
        share = (number - 1) / chosen.size
        control.begin_stage(0.2 + 0.8 * share, 0.8 / chosen.size, f"Cities: time {number} of {chosen.size}")
        values, problems = _values_of(request.engine, question, methods, cities, control, whole)
        if problems:
            result = replace(result, problems={**result.problems, **problems})
            methods = [method for method in methods if method.name not in result.problems]
        for name, one in values.items():
            gathered.setdefault(name, []).append(one)
        times.append(data.times[int(position)])
        now = time.monotonic()
        if now - last >= PUBLISH_INTERVAL_S or number == chosen.size:
            complete = {name: np.stack(rows) for name, rows in gathered.items() if len(rows) == len(times)}
            series = city_series(
                complete, cities, np.array(times), attributes=_attributes(request, frame.factor, whole)
            )
            series = data.dates.put_on(series)
            basis = f"Computed here{'' if whole else ', around the selected cities only'}, float32"
            distances = wasserstein_table(series)
            result = replace(result, series=series, distances=distances, done=len(times), basis=basis)
            yield Update(results={"cities": result})
            last = time.monotonic()


def _values_of(
    engine: Engine, question: Question, methods: list[Any], cities: Any, control: Control, whole: bool
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Values of one time, with a sentence for each method that fails."""
    found = values_at_cities(engine, question, [], cities, control, whole=whole)
    problems = {}
    for method in methods:
        try:
            found |= values_at_cities(engine, question, [method], cities, control, whole=whole)
        except ad.UserError as error:
            problems[method.name] = public_text(error)
    return found, problems


def _attributes(request: Request, factor: int, whole: bool) -> dict[str, object]:
    created = {one.name: str(one.card.created) for one in request.methods if one.card is not None}
    return {
        "title": f"{request.data.label}, values at cities",
        "data_set": request.state.data_set,
        "level": request.data.level,
        "factor": factor,
        "precision": "float32",
        "reach": "all" if whole else "selected",
        "simulated": int(request.data.simulated),
        "versions": json.dumps(created),
    }
