"""Results in memory: compute what a first visitor sees before the visit, and show it with the page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

import numpy as np

import atmodist_core as ad
from app.compute.catalogue import Draw, Method, list_methods, methods_for
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.session.session import Session
from app.state.state import StudioState, default_methods
from app.state.view_registry import VIEW_ENTRIES, load
from app.views.maps.pixels import Viewport, picture
from atmodist_core.figures.numbers.data_sets import DEMO
from atmodist_core.inference.downscaler import DEFAULT_FACTOR
from atmodist_core.plots.look.style import colour_map

logger = logging.getLogger("atmodist.app")
LONGEST_WAIT_S, POLL_S = 30.0, 0.1
"""Longest time to wait for pages that are loading, and the time between two checks [s]."""
OPTIONAL_MODULES = ("zarr", "torch", "scipy.stats", "distributed", "datashader", "scoringrules")
"""Packages that try optional modules, which appear in ``sys.modules`` and disappear again (zarr: ``numcodecs.pcodec``)."""


def import_views() -> None:
    """Import the views and what their computations import, and render their plots; call this in the thread that builds pages.

    While Panel builds a page it walks over new entries of ``sys.modules``, and for each page that it serves Bokeh walks over the register of
    components. Both fail if another thread imports meanwhile.
    """
    for module in OPTIONAL_MODULES:
        import_module(module)
    for entry in VIEW_ENTRIES.values():
        # Some views copy figures, of which the first is rendered here.
        getattr(load(entry.view), "prepare", lambda: None)()
        if entry.work:
            load(entry.work)


def warm_caches(engine: Engine, is_page_loading: Callable[[], bool] = lambda: False) -> None:
    """Compute what a first visitor sees; what fails is left to the visitor's own computation. All but the first fields waits while ``is_page_loading``."""
    end = time.monotonic() + LONGEST_WAIT_S

    def wait() -> None:
        while is_page_loading() and time.monotonic() < end:
            time.sleep(POLL_S)

    try:
        state, control = StudioState(), Control()
        colour_map(signed=True, theme=state.theme)
        question = warm_fields(engine)
        frame = engine.frame(question, control)
        truth = engine.truth(frame, question.field)
        for method in _shown_methods():
            wait()
            answer = engine.answer(frame, method, question.field, control)
            if answer.fields is not None:
                engine.scores(question, method.name, answer.fields, truth, answer.stamp)
        wait()
        _compile_means()
        for region in ad.REGIONS:
            wait()
            # The pairs of points of a semivariogram depend on the region only and are most of the work for the view Spectra.
            regional = replace(question, region=region)
            truth = engine.truth(engine.frame(regional, control), question.field)
            engine.spectra(regional, "truth", truth, truth)
    except Exception as error:
        logger.warning("the caches were not filled: %s", error)


def opening_data_set(engine: Engine) -> str:
    """Key of the data set that the page opens on: the first of the server's folder, or the demo."""
    with suppress(ad.UserError):  # the page says what is wrong with the folder
        return next((key for key in engine.sources() if key != DEMO), DEMO)
    return DEMO


def warm_fields(engine: Engine) -> Question:
    """Read the fields that a first visitor sees and interpolate them; return the question that they answer."""
    key, state, control = opening_data_set(engine), StudioState(), Control()
    data = engine.describe(key, state.level)
    question = Question(key, state.level, data.time_texts[0], state.region, state.field, stamp=data.stamp)
    frame = engine.frame(question, control)
    engine.truth(frame, question.field)
    engine.coarse(frame, question.field)
    for method in _shown_methods():
        if engine.is_ready(frame, method, question.field):
            engine.answer(frame, method, question.field, control)
    return question


def _shown_methods() -> list[Method]:
    methods = methods_for(list_methods()[0], DEFAULT_FACTOR, Draw())
    shown = default_methods([method.name for method in methods])
    return [method for method in methods if method.name in shown]


def _compile_means() -> None:
    """Let numba compile the means of pictures, of a whole field and of a part of it."""
    latitude, longitude = np.linspace(10.0, -10.0, 16), np.linspace(0.0, 30.0, 16)
    for edge in (20.0, 5.0):
        viewport = Viewport(0, edge, -edge, edge, 32, 32)
        picture(np.zeros((16, 16), np.float32), latitude, longitude, viewport, "mean")


def show_ready(session: Session, problems: Sequence[str]) -> None:
    """Show the data set of a link and its maps, as far as they are in memory; ``problems`` are sentences about the link."""
    state, engine = session.state, session.engine
    session.set_message("link", "warning", " ".join(problems))
    session.refresh_catalogue()
    data = engine.described(state.data_set, state.level)
    if (
        data is None or not data.simulated
    ):  # the models that fit analyses are chosen when the data set is opened
        return
    session.take_data(data, [])
    request = session.request()
    if state.view == "maps" and engine.has_read(request.question()):
        with suppress(ad.UserError):
            session.publish(next(load(VIEW_ENTRIES["maps"].work)(request, Control())))
