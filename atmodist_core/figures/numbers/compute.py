"""The numbers of a figure from the data, without the page: what ``atmodist figure`` draws."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.evaluation import scores, wind_speed
from atmodist_core.fields.canonical.channels import (
    DEFAULT_FIELDS,
    channel_made,
    has_own_range,
    is_further,
    makes,
)
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.fields.grid.interpolation import KERNELS
from atmodist_core.figures.numbers.captions import caption_of
from atmodist_core.figures.numbers.data_sets import DEMO, list_sources
from atmodist_core.figures.numbers.distances import (
    area_words,
    lag_curves,
    method_distances,
    predicted_lags,
    time_matrices,
)
from atmodist_core.figures.numbers.models import held_out_name, learning_curves, pretraining_steps
from atmodist_core.figures.numbers.numbers import Numbers, fields_numbers, spectra_numbers, transect_numbers
from atmodist_core.figures.numbers.request import WHOLE, FigureRequest, parse_region, region_words
from atmodist_core.figures.numbers.slices import (
    along_time,
    block_mean_speed,
    joined_times,
    on_grid_of,
    read_further_slice,
    read_slice,
)
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree, spectrum_and_semivariogram
from atmodist_core.figures.numbers.times import compared_times
from atmodist_core.figures.numbers.window import Window, window_of
from atmodist_core.models.card import ModelCard, installed_models

Progress = Callable[[str], None]
MEASURES = ("rmse", "atmodist", "energy_ratio", "wasserstein")


class Study:
    """Data and models of one request; raises ``UserError`` for data, time, region or models that do not exist."""

    def __init__(self, request: FigureRequest, progress: Progress | None = None) -> None:
        if request.view != "maps" and is_further(request.field):
            request = replace(request, field="vorticity")  # as the other views of the page do
        self.request = request
        self.tell = progress or (lambda what: None)
        sources = {source.key: source for source in list_sources()}
        if request.data not in sources:
            raise UserError(
                f"Expected a data set among {', '.join(sources)}, found {request.data!r}; choose one of them."
            )
        self.label = sources[request.data].label
        self._source = sources[request.data]
        self.ds = self._source.open(request.level or None)
        self.times = time_texts(self.ds)
        self.dates = shown_dates(self.ds)
        self.cards: dict[str, ModelCard] = {name: card for name, (_, card) in installed_models([]).items()}
        shown = [self.cards[name] for name in request.methods if name in self.cards]
        factor = (request.others or {}).get("factor", "")
        self.factor = int(factor) if factor.isdigit() else next((card.factor for card in shown), 4)
        self.region = None if request.region == WHOLE else parse_region(request.region)
        self._downscalers: dict[str, Any] = {}
        self._opened: dict[tuple[str, ...], xr.Dataset] = {}

    @property
    def time(self) -> str:
        """The time asked for; the first of the data by default."""
        time = self.request.time or self.times[0]
        if time not in self.times:
            raise UserError(
                f"Expected a time of the data ({self.times[0]} to {self.times[-1]}), found {time!r}; correct it."
            )
        return time

    @property
    def period(self) -> list[str]:
        """The times of the period."""
        first, last = self.request.times or (self.times[0], self.times[-1])
        inside = [time for time in self.times if first <= time <= last]
        return (inside or self.times)[:: self.request.step]

    def distance(self) -> Any:
        """Return the distance network of the comparison, or None."""
        names = [name for name, card in self.cards.items() if card.kind == "distance"]
        name = "atmodist-23" if "atmodist-23" in names else next(iter(names), None)
        return None if name is None else ad.load_distance(name)

    def slice(self, time: str) -> tuple[xr.Dataset, xr.Dataset, Window]:
        """Fine and coarse fields of the whole data at a time, and the cells of the region."""
        if is_further(self.request.field):
            truth, coarse = self._further(time, (self.request.field,))
        else:
            truth, coarse = read_slice(self.ds, self.times.index(time), self.factor)
        return truth, coarse, window_of(coarse, self.region)

    def _further(self, time: str, fields: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
        """Fine and coarse fields of the whole data at a time, of others than vorticity and divergence."""
        if fields not in self._opened:
            self._opened[fields] = self._source.open(self.request.level or None, fields)
        return read_further_slice(self._opened[fields], time, self.factor)

    def states(self, time: str, field: str) -> tuple[dict[str, xr.Dataset], xr.Dataset]:
        """Truth and the methods that make the field on the fine points of the region, and its coarse cells."""
        truth, coarse, window = self.slice(time)
        fine = window.refined(self.factor)
        states = {"truth": fine.crop(_with(truth, field))}
        for name in self.request.methods:
            if not makes(self._downscaler(name).card.channels, field, self.request.level):
                continue
            self.tell(f"{name}, {time}")
            states[name] = fine.crop(_with(self.predict(name, coarse), field))
        if field == "wind_speed":
            coarse = coarse.assign(wind_speed=block_mean_speed(truth, self.factor))
        return states, window.crop(coarse)

    def predict(self, name: str, coarse: xr.Dataset, **options: Any) -> xr.Dataset:
        """The fields by a method: of an ensemble model, the member or the mean that the link asks for."""
        model, others = self._downscaler(name), self.request.others or {}
        names = {str(field): str(field) for field in coarse.data_vars}
        if is_further(self.request.field) and model.card.channels:
            channels = tuple(model.card.channels)
            names = {channel_made(channels, self.request.field, self.request.level): self.request.field}
            coarse = on_grid_of(self._further(time_texts(coarse)[0], channels)[1], coarse)
        if not model.is_ensemble:
            return model(coarse, **options)[list(names)].rename(names)
        options["seed"], draw = _whole(others, "seed", 0), others.get("draw", "1")
        if draw == "mean":
            members = model(coarse, members=_whole(others, "members", 8), **options)
            return members[list(names)].mean("member", keep_attrs=True).rename(names)
        one = model(coarse, first_member=_whole(others, "draw", 1) - 1, **options)
        return one[list(names)].rename(names)

    def members(self, name: str, count: int, seed: int, field: str) -> tuple[list[xr.Dataset], xr.Dataset]:
        """Members of an ensemble model, and the truth, on the fine points of the region at the time."""
        truth, coarse, window = self.slice(self.time)
        fine = window.refined(self.factor)
        if not name:
            raise UserError(
                f"Expected an ensemble model of factor {self.factor}, found none; train one with 'atmodist ensemble'."
            )
        self.tell(f"{count} members of {name}")
        drawn = self._downscaler(name)(coarse, members=count, seed=seed)[["vorticity", "divergence"]]
        parts = [drawn.isel(member=number, drop=True) for number in range(count)]
        return [fine.crop(_with(one, field)) for one in parts], fine.crop(_with(truth, field))

    def truth(self, time: str, field: str) -> xr.Dataset:
        """Truth on the fine points of the region."""
        truth, _, window = self.slice(time)
        return window.refined(self.factor).crop(_with(truth, field))

    @property
    def field_limit(self) -> float | None:
        """End of a fixed colour scale in the unit of the field, or None."""
        limit, field = self.request.limit, self.request.field
        if limit is None or has_own_range(field):
            return None
        return limit / (1e5 if field in DEFAULT_FIELDS else 1.0)

    def caption(self, when: str, field: str, *, extra: str = "", distance: Any = None, also: str = "") -> str:
        """Caption of a figure of this study, which may show a model ``also`` beside the methods of the link."""
        names = dict.fromkeys([*self.request.methods, also])
        cards = [self.cards[name] for name in names if name in self.cards]
        return caption_of(
            data=self.label,
            simulated=bool(self.ds.attrs.get("simulated", False)),
            level=str(self.ds.attrs.get("level", "")),
            when=when,
            region=region_words(self.request.region),
            field=field,
            cards=cards if distance is None else [*cards, distance.card],
            extra=extra,
        )

    def _downscaler(self, name: str) -> Any:
        if name not in self._downscalers:
            factor = self.factor if name in KERNELS else None
            self._downscalers[name] = ad.load_downscaler(name, factor=factor)
        return self._downscalers[name]


def numbers_of(request: FigureRequest, progress: Progress | None = None) -> Numbers:
    """Compute the numbers of a figure; ``UserError`` for an unknown figure or missing data or models."""
    if request.view not in COMPUTE:
        raise UserError(
            f"Expected a figure among {', '.join(COMPUTE)}, found {request.view!r}; choose one of them."
        )
    module, name = COMPUTE[request.view].split(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        return getattr(import_module(module), name)(Study(request, progress))


def maps(study: Study) -> Numbers:
    """Fields of one time by every method, with their scores."""
    field = study.request.field
    states, coarse = study.states(study.time, field)
    distance = None if is_further(field) else study.distance()
    found = {
        name: _scores(states[name], states["truth"], field, study.factor, distance)
        for name in states
        if name != "truth"
    }
    tables = fields_numbers(states, coarse, field, found)
    others = study.request.others or {}
    tables |= transect_numbers(states, coarse, field, others.get("transect", ""))
    if "projection" in others:
        tables["fields"].attrs["projection"] = others["projection"]
    if study.field_limit is not None:
        tables["fields"].attrs["limit"] = study.field_limit
    when = study.dates.words(study.time)
    return Numbers("maps", tables, study.caption(when, field, distance=distance))


def spectra(study: Study) -> Numbers:
    """Spectra and semivariograms of one time, or of all times of the period."""
    times = study.period if study.request.average == "period" else [study.time]
    parts: dict[str, list[dict[str, xr.Dataset]]] = {}
    nyquist = None
    for time in times:
        states, coarse = study.states(time, "vorticity")
        truth = states["truth"]
        nyquist = coarse_nyquist_degree(truth, study.factor)
        for name, ds in {"truth": truth, "coarse": coarse, **states}.items():
            parts.setdefault(name, []).append(spectrum_and_semivariogram(ds, truth, coarse=name == "coarse"))
    tables = spectra_numbers({name: joined_times(found) for name, found in parts.items()})
    return Numbers(
        "spectra",
        spectra_results(tables, nyquist, study.request.field),
        study.caption(study.dates.span(times), ""),
    )


def spectra_results(
    tables: dict[str, xr.Dataset], nyquist: float | None, field: str
) -> dict[str, xr.Dataset]:
    """Tables of spectra with what the figure needs beside them."""
    if nyquist is not None:
        tables["spectra"].attrs["coarse_nyquist_degree"] = float(nyquist)
    if "semivariograms" in tables:
        tables["semivariograms"].attrs["field"] = (
            field if field in ("vorticity", "divergence") else "vorticity"
        )
    return tables


def distances(study: Study) -> Numbers:
    """Distances between all times of the period, over the lag, and between methods."""
    field = study.request.field if study.request.field != "wind_speed" else "vorticity"
    period = study.period
    points = study.slice(period[0])[2].refined(study.factor).cell_count
    index, _ = compared_times(np.arange(len(period)), points, chosen=bool(study.request.period))
    period = [period[int(place)] for place in index]
    series = []
    for time in period:
        study.tell(time)
        truth, _, window = study.slice(time)
        series.append(window.refined(study.factor).crop(truth))
    fields = along_time(series)
    distance = study.distance()
    embeddings, scale = None, 1.0
    if distance is not None:
        scale = float(distance.card.distance_scale.get(distance.layers[-1], 1.0))
        embeddings = _or_none(lambda: distance.embed(fields).values)
    matrices = time_matrices(fields, field, embeddings, scale=scale)
    curves = _or_none(lambda: lag_curves(fields, matrices))
    confusion = (
        None
        if distance is None
        else _or_none(
            lambda: predicted_lags(
                distance, fields, study.region, lambda: (study.slice(time)[0] for time in period)
            )
        )
    )
    states, _ = study.states(study.time, field)
    methods = _or_none(lambda: method_distances(states, field, distance)) or method_distances(states, field)
    tables = distances_tables(fields, matrices, curves, confusion, methods, field, study.request.pair)
    when = study.dates.span(period)
    extra = f"Methods at {study.dates.words(study.time)}."
    if confusion is not None:
        extra += f" Predicted lags on {area_words(confusion)}."
    return Numbers("distances", tables, study.caption(when, field, extra=extra, distance=distance))


def distances_tables(
    fields: xr.Dataset,
    matrices: xr.Dataset,
    curves: xr.Dataset | None,
    confusion: xr.Dataset | None,
    methods: xr.Dataset | None,
    field: str,
    pair: str,
) -> dict[str, xr.Dataset]:
    """Tables of the view Distances; the pair is ``first/second``, the first time and one eight steps later by default."""
    times = time_texts(fields)
    asked = pair.split("/")
    known = len(asked) == 2 and set(asked) <= set(times)
    places = [times.index(text) for text in asked] if known else [0, min(8, len(times) - 1)]
    found = {"matrices": matrices, "curves": curves, "confusion": confusion, "methods": methods}
    tables = {name: table for name, table in found.items() if table is not None}
    return {**tables, "pair": fields[[field]].isel(time=places)}


def models(study: Study) -> Numbers:
    """Learning curves of all models."""
    return models_numbers()


def models_numbers() -> Numbers:
    """Learning curves of all models found, by name."""
    tables, found = {}, installed_models([])
    for name, (folder, card) in found.items():
        curves = learning_curves(folder)
        if curves is not None and "loss" in curves:
            held_out, steps = held_out_name(curves) or "", pretraining_steps(card)
            tables[name] = curves.assign_attrs(held_out=held_out, pretraining_steps=steps, data=card.data)
    cards = [card for _, card in found.values()]
    caption = caption_of(
        data=DEMO, simulated=True, level="", when="", region="", field="learning curves", cards=cards
    )
    return Numbers("models", tables, caption[caption.index("learning") :].replace("learning", "Learning", 1))


def scorecard(study: Study) -> Numbers:
    """Every model by every measure, from the evaluation of the data set or the one that ships."""
    from atmodist_core.figures.findings.shown_evaluation import scorecard_of_link

    return scorecard_of_link(study.request)


def _scores(
    prediction: xr.Dataset, truth: xr.Dataset, field: str, factor: int, distance: Any
) -> dict[str, float]:
    measures = ("rmse", "energy_ratio", "wasserstein")
    result = _or_none(lambda: scores(prediction, truth, factor=factor, distance=distance, measures=measures))
    if result is None:
        result = _or_none(lambda: scores(prediction, truth, factor=factor, measures=measures))
    if result is None:
        return dict.fromkeys(MEASURES, float("nan"))
    learned = float(result["atmodist"]) if "atmodist" in result else float("nan")
    return {m: learned if m == "atmodist" else float(result.sel(field=field)[m]) for m in MEASURES}


def _or_none(make: Callable[[], Any]) -> Any:
    """Result, or None where the region or period is too small for it, as on the page."""
    try:
        return make()
    except UserError:
        return None


def _with(ds: xr.Dataset, field: str) -> xr.Dataset:
    return ds.assign(wind_speed=wind_speed(ds).astype(np.float32).load()) if field == "wind_speed" else ds


def _whole(others: Mapping[str, str], name: str, default: int) -> int:
    text = others.get(name, "") or str(default)
    if not text.isdigit():
        raise UserError(
            f"Expected a whole number for {name!r} in the link, found {text!r}; correct the link."
        )
    return int(text)


COMPUTE = {
    "maps": "atmodist_core.figures.numbers.compute:maps",
    "spectra": "atmodist_core.figures.numbers.compute:spectra",
    "distances": "atmodist_core.figures.numbers.compute:distances",
    "cities": "atmodist_core.figures.numbers.studies.cities:cities",
    "models": "atmodist_core.figures.numbers.compute:models",
    "ensemble": "atmodist_core.figures.numbers.studies.ensemble:ensemble",
    "features": "atmodist_core.figures.numbers.studies.features:features",
    "scorecard": "atmodist_core.figures.numbers.compute:scorecard",
}
"""By name of the view: the function of a :class:`Study` that computes its numbers."""
