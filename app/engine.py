"""The computations behind the page, blocking and shared: open, coarsen, downscale, score, transform; all of
it cached.

One :class:`Engine` serves all sessions of a process. Sessions call it from worker threads; it knows nothing
of Panel.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

import atmodist_core as ad
from app.cache import SharedCache
from app.catalogue import DEMO, Method, list_methods, list_sources
from app.comparison import EXACT, PREVIEW, Answer, Question, Scores
from app.describe import describe
from app.state import WHOLE, DataDescription, StudioState, parse_region
from app.theme import palette
from app.window import Window, window_of
from atmodist_core.errors import AtmodistWarning

logger = logging.getLogger("atmodist.app")

WHOLE_GRID_CELLS = 20_000
"""Coarse cells up to which a network runs on the whole grid at once: every other region is then there
already."""

PREVIEW_MARGIN = 10
"""Coarse cells around a region that the preview takes into account; an exact result takes all that matter
(40)."""

SMALL_CELLS = 1_000
"""Coarse cells up to which an exact result comes quickly enough to do without a preview."""

SLICE_CACHE_BYTES = 400_000_000
PREDICTION_CACHE_BYTES = 800_000_000
RESULT_CACHE_BYTES = 64_000_000
NO_DISTANCE = "No trained distance network was found, so there is no AtmoDist score."
NETWORKS_AT_ONCE = 2
"""Networks that run at the same time in one process, whoever asked: each of them fills the cores."""


class Control:
    """How a caller follows and stops a computation.

    Parameters
    ----------
    progress : Callable, optional
        Called with a fraction in 0..1 and what is being done.
    """

    def __init__(self, progress: Callable[[float, str], None] | None = None) -> None:
        self._stop = threading.Event()
        self.progress = progress or (lambda fraction, message: None)

    def cancel(self) -> None:
        """Ask the computation to stop at the next opportunity."""
        self._stop.set()

    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise Cancelled if it was asked to stop."""
        if self._stop.is_set():
            raise ad.Cancelled("The computation was stopped.")


@dataclass(frozen=True)
class Frame:
    """The fields of one time on the whole grid, and the block that the region of a question covers.

    Attributes
    ----------
    truth, coarse : xarray.Dataset
        Fine and coarse fields; the truth has exactly the fine points that the coarse cells were made of.
    is_global : bool
        Whether they cover the globe.
    window : Window
        Coarse cells of the region.
    region : Region or None
        None is all of the data.
    factor : int
        Fine points per coarse cell along each axis.
    slice_key : tuple
        Stands for the fields.
    """

    truth: xr.Dataset
    coarse: xr.Dataset
    is_global: bool
    window: Window
    region: Any
    factor: int
    slice_key: tuple[Any, ...]

    def crop_fine(self, ds: xr.Dataset) -> xr.Dataset:
        """Cut the region out of fine fields of the whole grid."""
        return self.window.refined(self.factor).crop(ds)


class Engine:
    """Everything the page computes, for all sessions of a process."""

    def __init__(self) -> None:
        self._open = SharedCache(RESULT_CACHE_BYTES)
        self._slices = SharedCache(SLICE_CACHE_BYTES)
        self._predictions = SharedCache(PREDICTION_CACHE_BYTES)
        self._results = SharedCache(RESULT_CACHE_BYTES)
        self._networks = threading.BoundedSemaphore(NETWORKS_AT_ONCE)

    def warm_up(self) -> None:
        """Compute what a first visitor sees, so that it is there; what fails is left to that visitor's own
        computation.
        """
        try:
            data = self.describe(DEMO)
            state = StudioState()
            control = Control()
            palette(signed=True, theme=state.theme)
            question = Question(DEMO, state.level, data.time_texts[0], state.region, state.field)
            frame = self.frame(question, control)
            truth = self.truth(frame, question.field)
            for method in list_methods()[0]:
                answer = self.answer(frame, method, question.field, control)
                if answer.fields is not None:
                    self.scores(question, method.name, answer.fields, truth)
        except Exception as error:
            logger.warning("the page was not warmed up: %s", error)

    def describe(self, key: str, level: str = "") -> DataDescription:
        """Open a data set and say what can be chosen in it; a UserError says what is wrong with it."""
        return self._dataset(key, level)[1]

    def frame(self, question: Question, control: Control) -> Frame:
        """Fields of the time and the window of the region that a question asks for."""
        truth, coarse, is_global = self._slices.get(
            ("slice", *question.slice_key), lambda: self._read_slice(question, control)
        )
        region = None if question.region == WHOLE else parse_region(question.region)
        return Frame(
            truth, coarse, is_global, window_of(coarse, region), region, question.factor, question.slice_key
        )

    def truth(self, frame: Frame, field: str) -> xr.Dataset:
        """True fields of the window, with the wind speed if that is on show."""
        return frame.crop_fine(self._with_field(frame.truth, field, frame, ("truth",)))

    def coarse(self, frame: Frame, field: str) -> xr.Dataset:
        """Coarse fields of the region, with the speed of the block-mean wind if the wind is on show."""
        coarse = frame.coarse
        if field == "wind_speed":
            _require_globe(frame)
            speed = self._predictions.get(
                ("coarse wind speed", *frame.slice_key), lambda: _block_mean_speed(frame.truth, frame.factor)
            )
            coarse = coarse.assign(wind_speed=speed)
        return frame.window.crop(coarse)

    def needs_preview(self, frame: Frame, method: Method, field: str) -> bool:
        """Whether the exact result takes long enough for a preview to be worth its time."""
        if method.family == "interpolation" or self._key(frame, method, EXACT, field) in self._predictions:
            return False
        return frame.coarse.sizes["latitude"] * frame.coarse.sizes["longitude"] > SMALL_CELLS

    def preview(self, frame: Frame, method: Method, field: str, control: Control) -> Answer:
        """Quick answer of a network, in bfloat16 where the processor computes in it and from a smaller
        surrounding.
        """
        return self._answer(frame, method, field, PREVIEW, control)

    def answer(self, frame: Frame, method: Method, field: str, control: Control) -> Answer:
        """Answer of a method in float32, the same at every point as if the whole grid had been computed."""
        return self._answer(frame, method, field, EXACT, control)

    def applicability(self, frame: Frame, method: Method) -> list[str]:
        """Sentences on how far the data lie from what a model was trained on."""
        if method.card is None:
            return []
        key = ("applicability", method.name, method.card.created, *frame.slice_key[:2])
        sentence = self._results.get(
            key, lambda: self._downscaler(method, "float32").applicability(frame.coarse)
        )
        return [sentence] if sentence else []

    def scores(self, question: Question, name: str, prediction: xr.Dataset, truth: xr.Dataset) -> Scores:
        """Scores of a method's exact fields in the region."""
        key = ("scores", question, name, self._distance_name())
        return self._results.get(key, lambda: self._score(question, prediction, truth))

    def spectra(
        self, question: Question, name: str, fields: xr.Dataset, truth: xr.Dataset
    ) -> dict[str, xr.Dataset]:
        """Spectrum over total wavenumber (globe) or by cosine transform (region), and semivariogram of the
        fields.
        """
        from app.spectrum import spectrum_and_semivariogram

        key = ("spectra", question.slice_key, question.region, name)
        return self._results.get(
            key, lambda: spectrum_and_semivariogram(fields, truth, coarse=name == "coarse")
        )

    def device(self) -> str:
        """Say what computes: the name of the GPU, or the number of threads on the CPU."""
        import torch

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
        return f"CPU, {torch.get_num_threads()} threads"

    def _dataset(self, key: str, level: str) -> tuple[xr.Dataset, DataDescription]:
        def open_it() -> tuple[xr.Dataset, DataDescription]:
            sources = {source.key: source for source in list_sources()}
            if key not in sources:
                raise ad.UserError(
                    f"Expected a data set among {', '.join(sources)}, found {key!r}; choose one of them in "
                    "the side bar."
                )
            return describe(sources[key], level)

        return self._open.get(("data", key, level), open_it)

    def _read_slice(self, question: Question, control: Control) -> tuple[xr.Dataset, xr.Dataset, bool]:
        control.progress(0.02, "reading the fields")
        ds, description = self._dataset(question.data_set, question.level)
        index = description.time_texts.index(question.time)
        truth = ds[["vorticity", "divergence"]].isel(time=[index]).load()
        control.check()
        if not np.isfinite(truth["vorticity"].values).any():
            raise ad.UserError(
                f"Expected fields at {question.time}, found only missing values; choose another time."
            )
        coarse = ad.coarsen(truth, factor=question.factor).load()
        rows, columns = (coarse.sizes[axis] * question.factor for axis in ("latitude", "longitude"))
        # Rows and columns that fill no block have no coarse cell, and so no prediction to be compared with.
        return truth.isel(latitude=slice(0, rows), longitude=slice(0, columns)), coarse, description.is_global

    def _with_field(self, ds: xr.Dataset, field: str, frame: Frame, name: tuple[Any, ...]) -> xr.Dataset:
        """Fields with the wind speed added where it is asked for: it needs the whole globe."""
        if field != "wind_speed":
            return ds
        if not frame.is_global:
            raise ad.UserError(
                "Wind speed follows from vorticity and divergence of the whole globe, and these data cover "
                "a part of it; choose vorticity or divergence."
            )
        from atmodist_core.evaluation import wind_speed

        speed = self._predictions.get(
            ("wind speed", *frame.slice_key, *name), lambda: wind_speed(ds).astype(np.float32).load()
        )
        return ds.assign(wind_speed=speed)

    def _is_whole(self, frame: Frame, quality: str, field: str) -> bool:
        """Whether a network runs on the whole grid, and not only where the region is."""
        small = frame.coarse.sizes["latitude"] * frame.coarse.sizes["longitude"] <= WHOLE_GRID_CELLS
        return frame.region is None or field == "wind_speed" or (quality == EXACT and small)

    def _key(self, frame: Frame, method: Method, quality: str, field: str) -> tuple[Any, ...]:
        created = "" if method.card is None else method.card.created
        region = None if self._is_whole(frame, quality, field) else frame.region
        return ("prediction", quality, *frame.slice_key, method.name, created, region)

    def _answer(self, frame: Frame, method: Method, field: str, quality: str, control: Control) -> Answer:
        control.check()
        key = self._key(frame, method, quality, field)
        region = key[-1]

        def make() -> tuple[xr.Dataset, str, float]:
            downscaler = self._downscaler(method, "float32" if quality == EXACT else "auto")
            with self._turn(control), warnings.catch_warnings():
                # What the warning says is asked for, and shown, by way of `applicability`.
                warnings.simplefilter("ignore", AtmodistWarning)
                start = time.perf_counter()
                fine = downscaler(
                    frame.coarse,
                    region=region,
                    margin=None if quality == EXACT else PREVIEW_MARGIN,
                    progress=control.progress,
                    cancel=control.cancelled,
                )
                seconds = time.perf_counter() - start
            return fine[["vorticity", "divergence"]], downscaler.precision, seconds

        fine, precision, seconds = self._predictions.get(key, make)
        control.check()
        if field == "wind_speed":
            fine = self._with_field(fine, field, frame, (method.name, quality, key[-2]))
        return Answer(frame.crop_fine(fine) if region is None else fine, quality, precision, seconds)

    def _downscaler(self, method: Method, precision: str) -> Any:
        created = "" if method.card is None else method.card.created
        key = ("downscaler", method.name, created, precision)
        factor = method.factor if method.family == "interpolation" else None
        return self._results.get(
            key, lambda: ad.load_downscaler(method.name, precision=precision, factor=factor)
        )

    @contextmanager
    def _turn(self, control: Control) -> Iterator[None]:
        """Wait for a place among the running networks, and give up waiting when cancelled."""
        while not self._networks.acquire(timeout=0.05):
            control.check()
        try:
            yield
        finally:
            self._networks.release()

    def _distance_name(self) -> str:
        found = self._results.get(
            ("distance name", int(time.monotonic() // 30)),
            lambda: [card.name for card in ad.list_models(problems=[]) if card.kind == "distance"],
        )
        return "" if not found else "atmodist-23" if "atmodist-23" in found else found[0]

    def _score(self, question: Question, prediction: xr.Dataset, truth: xr.Dataset) -> Scores:
        name = self._distance_name()
        distance = self._results.get(("distance", name), lambda: ad.load_distance(name)) if name else None
        try:
            return score(prediction, truth, question, distance)
        except ad.UserError as error:
            problem = str(error)
        # A region may be too small for the distance network and still large enough for the other scores.
        try:
            return replace(score(prediction, truth, question, None), note=problem)
        except ad.UserError as error:
            missing = float("nan")
            return Scores(missing, missing, missing, missing, note=str(error))


def score(prediction: xr.Dataset, truth: xr.Dataset, question: Question, distance: Any) -> Scores:
    """Scores of one prediction of the field on show; AtmoDist is one number for vorticity and divergence together."""
    from atmodist_core.evaluation import scores

    measures = ("rmse", "energy_ratio", "wasserstein")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        result = scores(prediction, truth, factor=question.factor, distance=distance, measures=measures)
    of_field = result.sel(field=question.field)
    return Scores(
        rmse=float(of_field["rmse"]),
        atmodist=float(result["atmodist"]) if "atmodist" in result else float("nan"),
        energy_ratio=float(of_field["energy_ratio"]),
        wasserstein=float(of_field["wasserstein"]),
        note="" if distance is not None else NO_DISTANCE,
    )


def _require_globe(frame: Frame) -> None:
    if not frame.is_global:
        raise ad.UserError(
            "Expected the whole globe for the wind speed, which follows from vorticity and divergence everywhere, found "
            "data of a part of it; choose vorticity or divergence."
        )


def _block_mean_speed(truth: xr.Dataset, factor: int) -> xr.DataArray:
    """Speed of the wind that is averaged over the coarse cells, as the coarse vorticity and divergence are."""
    wind = ad.coarsen(ad.wind(truth["vorticity"], truth["divergence"]), factor=factor)
    speed = np.hypot(wind["u"], wind["v"]).astype(np.float32)
    return speed.assign_attrs(units="m s-1", long_name="speed of the block-mean wind").load()
