"""The work behind the view Features: the map at once, then strongest patches, what excites the filter, and the sensitivity of the distance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import model_stamp
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.compute.public_text import public_text
from app.session.messages import Message
from app.session.request import Request, Update
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.features.strongest import COUNT
from atmodist_core.figures.numbers.studies.features import (
    MOST_TIMES,
    STAGE,
    filter_tables,
    labelled,
    map_table,
    network_of,
    sensitivity_table,
)

NO_NETWORK = "Expected a distance network, found none: train one with 'atmodist distance', and put its folder where the models are."


@dataclass(frozen=True)
class FeatureResult:
    """What the view Features shows, as far as it is computed."""

    question: Question  # data, time, region and field
    network: str
    networks: tuple[str, ...]  # all that can be chosen
    layers: tuple[str, ...]  # stages of the network
    layer: str
    filters: int  # number of filters of the stage
    filter: int
    texts: tuple[str, ...]  # times that are searched
    searched: str  # the first and the last of them, for people
    stamp: Any = ""  # identifies the network and the times searched
    # As from :func:`atmodist_core.figures.numbers.studies.features.features`, as far as they are there
    tables: Mapping[str, xr.Dataset] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # why a part is missing
    complete: bool = False

    @property
    def subject(self) -> tuple[Any, ...]:
        """What the patches depend on."""
        return (
            *self.question.slice_key[:1],
            self.question.level,
            self.question.field,
            self.stamp,
            self.layer,
            self.filter,
        )


def find_features(request: Request, control: Control) -> Iterator[Update]:
    """Find where the filter is active now, where it is strongest in the record, what excites it, and what the distance reacts to."""
    engine, state, data = request.engine, request.state, request.data
    cards = [card for card in engine.cards() if card.kind == "distance"]
    name = network_of(cards, data.spacing_deg, state.network)
    if not name:
        yield Update(results={"features": None})
        raise ad.UserError(NO_NETWORK)
    unknown = f"The distance network '{state.network}' was not found; {name} is shown."
    yield Update(message=Message("features", "warning", unknown if state.network not in ("", name) else ""))
    distance = engine.distance(name)
    layer = (
        state.stage
        if state.stage in distance.layers
        else STAGE
        if STAGE in distance.layers
        else distance.layers[-1]
    )
    filters = _filters(distance, layer)
    number = min(state.filter, filters - 1)
    question = request.question(field=state.field if state.field != "wind_speed" else "vorticity")
    index = evenly_spaced(data.times.size, MOST_TIMES)
    texts = tuple(data.time_texts[int(i)] for i in index)
    stamp = (name, model_stamp(name), texts)
    searched_dates = data.dates.between(texts[0], texts[-1])
    networks = tuple(card.name for card in cards)
    result = FeatureResult(
        question, name, networks, distance.layers, layer, filters, number, texts, searched_dates, stamp
    )
    present: FeatureResult | None = request.results.get("features")
    if present is not None and present.subject == result.subject:  # only the map changes
        kept = {key: table for key, table in present.tables.items() if key in ("patches", "changes")}
        result = replace(result, tables=kept)
    control.begin_stage(0.0, 0.1, "Activation at this time")
    result = _with_map(engine, distance, result, control)
    yield _published(result)
    yield Update(is_shown=True, is_enough_for_playing=True)
    key = ("features", question.data_set, question.level, question.stamp, stamp)
    searched = engine.describe_and_open(question.data_set, question.level).isel(time=index)
    control.begin_stage(0.1, 0.6, f"Strongest patches of {len(texts)} times")
    try:
        result = _with_patches(engine, distance, result, searched, key, control)
    except ad.UserError as error:
        result = replace(result, problems=(public_text(error),))
    yield _published(result)
    if data.is_global:
        control.begin_stage(0.75, 0.25, "Sensitivity")
        try:
            result = _with_sensitivity(engine, distance, result, searched, key, control)
        except ad.UserError as error:
            result = replace(result, problems=(*result.problems, public_text(error)))
    else:
        result = replace(
            result,
            problems=(*result.problems, "The sensitivity per wavenumber needs fields of the whole globe."),
        )
    result = replace(result, complete=True)
    yield Update(results={"features": result}, is_shown=True, summary=f"All patches of {len(texts)} times")


def _filters(distance: Any, layer: str) -> int:
    """Number of filters of a stage."""
    return int(distance.inference.config.stage_filters[distance.layers.index(layer)])


def _published(result: FeatureResult) -> Update:
    return Update(results={"features": result})


def _with_map(engine: Engine, distance: Any, result: FeatureResult, control: Control) -> FeatureResult:
    question = result.question
    frame = engine.frame(question, control)

    def make() -> xr.DataArray:
        with engine.slot(control, is_quick=True):
            return ad.features.activation_map(distance, frame.truth, layer=result.layer).isel(
                time=0, drop=True
            )

    key = ("activation", question.slice_key, result.stamp[:2], result.layer)
    active = engine.result_cache.get(key, make).isel(filter=result.filter, drop=True)
    shown = engine.truth(frame, question.field)[question.field].isel(time=0, drop=True)
    return _with(result, map_table(shown, active))


def _with_patches(
    engine: Engine,
    distance: Any,
    result: FeatureResult,
    searched: xr.Dataset,
    key: tuple[Any, ...],
    control: Control,
) -> FeatureResult:
    """Strongest patches of the filter; the places of all filters of the stage are found at once."""

    def find() -> xr.Dataset:
        with engine.slot(control):
            return ad.features.strongest_places(
                distance,
                searched,
                layer=result.layer,
                count=COUNT,
                progress=control.progress,
                cancel=control.cancelled,
            )

    def make() -> dict[str, xr.Dataset]:
        places = engine.result_cache.get((*key, "places", result.layer), find)
        control.begin_stage(0.7, 0.05, "What excites the filter")
        with engine.slot(control):
            return filter_tables(distance, searched, places, result.filter)

    tables = engine.result_cache.get((*key, "filter", result.layer, result.filter), make)
    control.check()
    return _with(result, tables)


def _with_sensitivity(
    engine: Engine,
    distance: Any,
    result: FeatureResult,
    searched: xr.Dataset,
    key: tuple[Any, ...],
    control: Control,
) -> FeatureResult:
    """Sensitivity at this time, of the network and of the same network untrained."""
    question = result.question
    truth = engine.frame(question, control).truth

    def untrained() -> Any:
        with engine.slot(control):
            return ad.features.untrained(distance, searched.isel(time=[0]))

    def make() -> dict[str, xr.Dataset]:
        control_network = engine.result_cache.get((*key, "untrained"), untrained)
        found = {}
        for name, network in ((result.network, distance), ("untrained", control_network)):
            with engine.slot(control):
                found[name] = ad.features.sensitivity(
                    network, truth, progress=control.progress, cancel=control.cancelled
                )
        return found

    found = engine.result_cache.get(("sensitivity", question.slice_key, key), make)
    control.check()
    return _with(result, {"sensitivity": sensitivity_table(found, result.layer)})


def _with(result: FeatureResult, tables: Mapping[str, xr.Dataset]) -> FeatureResult:
    return replace(result, tables=labelled({**result.tables, **tables}, result.question.field, result.filter))
