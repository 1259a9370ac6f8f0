"""The cached computations behind the page: open, coarsen, downscale, score, transform.

One :class:`Engine` serves all sessions of a process, which call it from threads. It does not depend on Panel.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

import atmodist_core as ad
from app.compute.cache import SharedCache
from app.compute.catalogue import (
    Method,
    RecentSearch,
    list_methods,
    model_stamp,
    model_stamps,
    same_text,
    trusted_cards,
)
from app.compute.comparison import EXACT, PREVIEW, REGIONAL, Answer, Question, Scores
from app.compute.control import Control
from app.compute.describe_data import describe
from app.compute.fair_scheduler import FairScheduler
from app.compute.frame import Frame
from app.compute.memory import cache_share
from app.compute.scoring import distances_of, scores_of
from app.compute.suggestion import Suggestion, suggested_methods
from app.state.choices import FURTHER_FIELDS, WHOLE
from app.state.data_description import DataDescription
from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.fields.canonical.channels import channel_made
from atmodist_core.figures.numbers.data_sets import Source, list_sources
from atmodist_core.figures.numbers.request import parse_region
from atmodist_core.figures.numbers.slices import block_mean_speed, on_grid_of, read_further_slice, read_slice
from atmodist_core.figures.numbers.window import window_of

WHOLE_GRID_CELLS = 20_000
"""Coarse cells up to which a network runs on the whole grid at once, which serves every region."""

PREVIEW_MARGIN = 10
"""Coarse cells around a region that the preview takes into account; an exact result takes all 40 that matter."""

MEMBER_MARGIN = 16
"""Coarse cells around a region that a member takes into account: within 0.01 % of the field's standard deviation of the exact result."""

SMALL_CELLS = 1_000
"""Coarse cells up to which an exact result is fast enough without a preview."""

MARGINS = {EXACT: None, REGIONAL: MEMBER_MARGIN, PREVIEW: PREVIEW_MARGIN}

SLICE_CACHE_BYTES = 400_000_000
PREDICTION_CACHE_BYTES = 800_000_000
RESULT_CACHE_BYTES = 128_000_000
SERIES_CACHE_BYTES = 500_000_000
EMBEDDING_CACHE_BYTES = 128_000_000
CITY_CACHE_BYTES = 128_000_000
"""17 kB for each method and time: more than a thousand times of six methods."""

NETWORKS_AT_ONCE = 2
"""Networks that run at the same time in one process: each uses all cores."""


class Engine:
    """Everything the page computes, for all sessions of a process."""

    def __init__(self) -> None:
        share = cache_share()
        self._open = SharedCache(share * RESULT_CACHE_BYTES)
        self._slices = SharedCache(share * SLICE_CACHE_BYTES)
        self._predictions = SharedCache(share * PREDICTION_CACHE_BYTES)
        self.result_cache = SharedCache(share * RESULT_CACHE_BYTES)
        self.series_cache = SharedCache(share * SERIES_CACHE_BYTES)
        self.embedding_cache = SharedCache(share * EMBEDDING_CACHE_BYTES)
        self._scheduler = FairScheduler(NETWORKS_AT_ONCE)
        self.city_cache = SharedCache(share * CITY_CACHE_BYTES)
        self._source_search = RecentSearch(lambda: {source.key: source for source in list_sources()})
        self._card_search = RecentSearch(lambda: trusted_cards([]), same_text)
        self._method_search = RecentSearch(list_methods, same_text)
        self._stamp_search = RecentSearch(model_stamps)

    def describe(self, key: str, level: str = "") -> DataDescription:
        """Open a data set and return its description; a UserError says why it cannot be read."""
        return self._dataset(key, level)[1]

    def describe_and_open(self, key: str, level: str = "") -> xr.Dataset:
        """Return all of a data set at a level, or the first one, lazily."""
        return self._dataset(key, level)[0]

    def suggestion(self, data: DataDescription, methods: Sequence[Method]) -> Suggestion:
        """Return the methods that fit a data set best."""
        return suggested_methods(data, methods)

    def frame(self, question: Question, control: Control) -> Frame:
        """Return the fields of the time and the window of the region of a question."""
        truth, coarse, is_global = self._slices.get(
            ("slice", *question.slice_key), lambda: self._read_slice(question, control)
        )
        region = None if question.region == WHOLE else parse_region(question.region)
        return Frame(
            truth, coarse, is_global, window_of(coarse, region), region, question.factor, question.slice_key
        )

    def truth(self, frame: Frame, field: str) -> xr.Dataset:
        """Return the true fields of the window, with the wind speed if that is the field."""
        return frame.crop_fine(self._with_field(frame.truth, field, frame, ("truth",)))

    def coarse(self, frame: Frame, field: str) -> xr.Dataset:
        """Return the coarse fields of the region, with the speed of the block-mean wind if that is the field."""
        coarse = frame.coarse
        if field == "wind_speed":
            frame.require_globe()
            speed = self._predictions.get(
                ("coarse wind speed", *frame.slice_key), lambda: block_mean_speed(frame.truth, frame.factor)
            )
            coarse = coarse.assign(wind_speed=speed)
        return frame.window.crop(coarse)

    def described(self, key: str, level: str) -> DataDescription | None:
        """Return the description of a data set that is open already, or None."""
        source = self.sources().get(key)
        is_open = source is not None and ("data", key, source.stamp, level) in self._open
        return self.describe(key, level) if is_open else None

    def has_read(self, question: Question) -> bool:
        """Return whether the fields of a question are in memory."""
        return ("slice", *question.slice_key) in self._slices and question.field != "wind_speed"

    def needs_preview(self, frame: Frame, method: Method, field: str) -> bool:
        """Return whether the exact result takes so long that a preview is worthwhile."""
        if self.is_ready(frame, method, field):
            return False
        return frame.cell_count > SMALL_CELLS

    def is_ready(self, frame: Frame, method: Method, field: str) -> bool:
        """Return whether the exact result is cached or immediate."""
        return method.family == "interpolation" or self._key(frame, method, EXACT, field) in self._predictions

    def preview(self, frame: Frame, method: Method, field: str, control: Control) -> Answer:
        """Return a quick answer of a network, in bfloat16 where the processor supports it and from fewer surroundings."""
        return self._answer(frame, method, field, PREVIEW, control)

    def answer(self, frame: Frame, method: Method, field: str, control: Control) -> Answer:
        """Return the answer of a method in float32, the same at every point as if the whole grid were computed."""
        return self._answer(frame, method, field, EXACT, control)

    def member(self, frame: Frame, method: Method, field: str, control: Control) -> Answer:
        """Return an answer in float32 from somewhat fewer surroundings than the exact one, unless that is cached: where many are needed."""
        quality = EXACT if self.is_ready(frame, method, field) else REGIONAL
        return self._answer(frame, method, field, quality, control)

    def is_member_ready(self, frame: Frame, method: Method, field: str) -> bool:
        """Return whether a member is cached."""
        keys = (self._key(frame, method, quality, field) for quality in (EXACT, REGIONAL))
        return any(key in self._predictions for key in keys)

    def applicability(self, frame: Frame, method: Method) -> list[str]:
        """Return sentences on how far the data are from the training data of a model."""
        if method.card is None:
            return []
        key = ("applicability", method.name, method.stamp, *frame.slice_key[:2], *frame.slice_key[-2:])
        sentence = self.result_cache.get(
            key, lambda: self.downscaler(method, "float32").applicability(self._inputs(frame, method)[0])
        )
        return [sentence] if sentence else []

    def scores(
        self, question: Question, name: str, prediction: xr.Dataset, truth: xr.Dataset, stamp: Any = ""
    ) -> Scores:
        """Return the scores of a method's exact fields in the region; ``stamp`` identifies the files of the model."""
        key = ("scores", question, name, stamp, self.distance_name())
        return self.result_cache.get(key, lambda: scores_of(question, prediction, truth, self.distance()))

    def spectra(
        self, question: Question, name: str, fields: xr.Dataset, truth: xr.Dataset, stamp: str = ""
    ) -> dict[str, xr.Dataset]:
        """Return spectrum (spherical harmonics for the globe, cosine transform for a region) and semivariogram of the fields."""
        from atmodist_core.figures.numbers.spectrum import spectrum_and_semivariogram

        key = ("spectra", question.slice_key, question.region, name, stamp)
        return self.result_cache.get(
            key, lambda: spectrum_and_semivariogram(fields, truth, coarse=name == "coarse")
        )

    def method_distances(self, key: Any, states: Mapping[str, xr.Dataset | None], field: str) -> xr.Dataset:
        """Return the distances between truth and methods; ``key`` identifies their fields."""
        known = {name: ds for name, ds in states.items() if ds is not None}
        names = (self.distance_name(), tuple(known))
        return self.result_cache.get(
            ("method distances", key, names, field),
            lambda: distances_of(known, field, self.distance()),
        )

    def region_fields(self, question: Question, text: str, control: Control) -> xr.Dataset:
        """Return true vorticity and divergence of the region at one time."""
        frame = self.frame(replace(question, time=text), control)
        return frame.crop_fine(frame.truth)[["vorticity", "divergence"]].load()

    def sources(self) -> dict[str, Source]:
        """Return the data sets that can be chosen, by key; the same object while nothing has changed."""
        return self._source_search.get()

    def device(self) -> str:
        """Return the name of the GPU, or the number of threads on the CPU."""
        import torch

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
        return f"CPU, {torch.get_num_threads()} threads"

    def _dataset(self, key: str, level: str) -> tuple[xr.Dataset, DataDescription]:
        sources = self.sources()

        def open_it() -> tuple[xr.Dataset, DataDescription]:
            if key not in sources:
                raise ad.UserError(
                    f"Expected a data set among {', '.join(sources)}, found {key!r}; choose one of them in "
                    "the side bar."
                )
            return describe(sources[key], level)

        stamp = sources[key].stamp if key in sources else ""
        return self._open.get(("data", key, stamp, level), open_it)

    def _read_slice(self, question: Question, control: Control) -> tuple[xr.Dataset, xr.Dataset, bool]:
        control.progress(0.02, "reading the fields")
        ds, description = self._dataset(question.data_set, question.level)
        if question.field in FURTHER_FIELDS:
            truth, coarse = self._further(question.slice_key, (question.field,))
        else:
            index = description.time_texts.index(question.time)
            truth, coarse = read_slice(ds, index, question.factor)
        control.check()
        return truth, coarse, description.is_global

    def _further(self, slice_key: tuple[Any, ...], fields: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
        """Truth and coarse fields of others than vorticity and divergence, at the time of a slice."""
        key, level, time_text, factor, _, stamp = slice_key
        opened = self._open.get(
            ("data", key, stamp, level, fields), lambda: self.sources()[key].open(level, fields)
        )
        return read_further_slice(opened, time_text, factor)

    def _inputs(self, frame: Frame, method: Method) -> tuple[xr.Dataset, dict[str, str]]:
        """Coarse fields that a method takes, and the names in its result of those that are shown, with their names here."""
        if not frame.further or method.card is None:
            return frame.coarse, {str(name): str(name) for name in frame.coarse.data_vars}
        fields = tuple(method.card.channels)
        channel = channel_made(fields, frame.further, frame.slice_key[1])
        coarse = self._slices.get(
            ("channels", *frame.slice_key, fields), lambda: self._further(frame.slice_key, fields)[1]
        )
        return on_grid_of(coarse, frame.coarse), {channel: frame.further}

    def _with_field(self, ds: xr.Dataset, field: str, frame: Frame, name: tuple[Any, ...]) -> xr.Dataset:
        """Fields with the wind speed added where it is asked for: it needs the whole globe."""
        if field != "wind_speed":
            return ds
        frame.require_globe()
        from atmodist_core.evaluation import wind_speed

        speed = self._predictions.get(
            ("wind speed", *frame.slice_key, *name), lambda: wind_speed(ds).astype(np.float32).load()
        )
        return ds.assign(wind_speed=speed)

    def _is_whole(self, frame: Frame, quality: str, field: str) -> bool:
        """Whether a network runs on the whole grid, and not only where the region is."""
        small = frame.cell_count <= WHOLE_GRID_CELLS
        return frame.region is None or field == "wind_speed" or (quality == EXACT and small)

    def _key(self, frame: Frame, method: Method, quality: str, field: str) -> tuple[Any, ...]:
        region = None if self._is_whole(frame, quality, field) else frame.region
        return ("prediction", quality, *frame.slice_key, method.name, method.stamp, region)

    def _answer(
        self, frame: Frame, method: Method, field: str, quality: str, control: Control, *, cut: bool = True
    ) -> Answer:
        """Answer of a method, ``cut`` to the region or as it was computed."""
        control.check()
        key = self._key(frame, method, quality, field)
        region = key[-1]

        def make() -> tuple[xr.Dataset, str, float]:
            draw = method.draw
            if draw is not None and len(draw.members) > 1:
                return self._mean_of_members(frame, method, quality, control)
            one = {} if draw is None else {"seed": draw.seed, "first_member": draw.members[0]}
            coarse, names = self._inputs(frame, method)
            downscaler = self.downscaler(method, "auto" if quality == PREVIEW else "float32")
            is_quick = quality == PREVIEW or method.family == "interpolation"
            with self.slot(control, is_quick=is_quick), warnings.catch_warnings():
                # What the warning says is asked for, and shown, by way of `applicability`.
                warnings.simplefilter("ignore", AtmodistWarning)
                start = time.perf_counter()
                fine = downscaler(
                    coarse,
                    region=region,
                    margin=MARGINS[quality],
                    progress=control.progress,
                    cancel=control.cancelled,
                    **one,
                )
                seconds = time.perf_counter() - start
            return fine[list(names)].rename(names), downscaler.precision, seconds

        fine, precision, seconds = self._predictions.get(key, make)
        control.check()
        if field == "wind_speed":
            fine = self._with_field(fine, field, frame, (method.name, quality, key[-2]))
        fine = frame.crop_fine(fine) if cut and region is None else fine
        return Answer(fine, quality, precision, seconds, stamp=method.stamp)

    def _mean_of_members(
        self, frame: Frame, method: Method, quality: str, control: Control
    ) -> tuple[xr.Dataset, str, float]:
        """Mean of the members of a draw, each of which is cached."""
        draw = method.draw
        assert draw is not None
        found = []
        for number in draw.members:
            one = method.drawing(replace(draw, members=(number,)))
            found.append(self._answer(frame, one, "vorticity", quality, control, cut=False))
        mean = sum(answer.given for answer in found[1:]) + found[0].given
        mean = (mean / np.float32(len(found))).assign_attrs(found[0].given.attrs)
        for name in mean.data_vars:
            mean[name].attrs = found[0].given[name].attrs
        return mean, found[0].precision, sum(answer.seconds for answer in found)

    def downscaler(self, method: Method, precision: str) -> Any:
        """Return the cached model or interpolation of a method; run it within :meth:`slot`."""
        stamp = method.files_stamp or method.stamp
        key = ("downscaler", method.name, stamp, method.factor, precision)
        factor = method.factor if method.family == "interpolation" else None
        return self.result_cache.get(
            key, lambda: ad.load_downscaler(method.name, precision=precision, factor=factor)
        )

    def slot(self, control: Control, *, is_quick: bool = False) -> AbstractContextManager[None]:
        """Return a context that holds a slot among the running networks, sooner for quick computations; waiting can be cancelled."""
        return self._scheduler.slot(control.check, is_quick=is_quick)

    @property
    def waiting(self) -> int:
        """Number of computations that wait for a slot."""
        return self._scheduler.waiting

    def cache_bytes(self) -> dict[str, float]:
        """Return the memory that each cache holds [bytes]."""
        caches = {
            "data sets": self._open,
            "times": self._slices,
            "predictions": self._predictions,
            "results": self.result_cache,
            "series": self.series_cache,
            "embeddings": self.embedding_cache,
            "cities": self.city_cache,
        }
        return {name: float(cache.held_bytes) for name, cache in caches.items()}

    def distance_name(self) -> str:
        """Return the name of the distance network; empty where there is none."""
        names = [card.name for card in self.cards() if card.kind == "distance"]
        return "" if not names else "atmodist-23" if "atmodist-23" in names else names[0]

    def distance(self, name: str = "") -> Any:
        """Return a distance network, that of the comparison by default, or None."""
        name = name or self.distance_name()
        if not name:
            return None
        card = next(card for card in self.cards() if card.name == name)
        return self.result_cache.get(
            ("distance", name, card.created, model_stamp(name)), lambda: ad.load_distance(name)
        )

    def cards(self) -> list[Any]:
        """Return the cards of all models found; the search is repeated every few seconds."""
        return self._card_search.get()

    def methods(self) -> tuple[list[Method], list[str]]:
        """Return the methods that can be compared, and sentences on models that cannot be used."""
        return self._method_search.get()

    def model_stamps(self) -> list[str]:
        """Return the names of the models found, each with the stamp of its files."""
        return self._stamp_search.get()

    def search_again(self) -> None:
        """Look into the folders again at the next call."""
        for search in (self._source_search, self._card_search, self._method_search, self._stamp_search):
            search.expire()
