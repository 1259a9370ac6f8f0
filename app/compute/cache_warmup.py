"""Compute what a first visitor sees before that visitor comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import atmodist_core as ad
from app.compute.catalogue import DEMO, list_methods
from app.compute.comparison import Question
from app.compute.engine import Control, Engine
from app.state.state import StudioState, default_methods
from app.state.view_registry import VIEW_ENTRIES, load
from app.theme.theme import palette
from app.views.maps.pixels import Viewport, picture

logger = logging.getLogger("atmodist.app")
PATIENCE_S, LOOK_S = 30.0, 0.1
"""Longest time for which it waits for those who come, and the time between two looks [s]."""


def warm_up(engine: Engine, is_somebody_coming: Callable[[], bool] = lambda: False) -> None:
    """Fill the caches of an engine; what fails is left to the visitor's own computation.

    Parameters
    ----------
    engine : Engine
    is_somebody_coming : Callable, optional
        Whether a browser is building a page: networks, which fill the cores, wait until it has it.
    """
    end = time.monotonic() + PATIENCE_S
    try:
        data = engine.describe(DEMO)
        state = StudioState()
        control = Control()
        palette(signed=True, theme=state.theme)
        question = Question(
            DEMO, state.level, data.time_texts[0], state.region, state.field, stamp=data.stamp
        )
        frame = engine.frame(question, control)
        truth = engine.truth(frame, question.field)
        engine.coarse(frame, question.field)
        methods = list_methods()[0]
        shown = default_methods([method.name for method in methods])
        for method in (one for one in methods if one.name in shown):
            while is_somebody_coming() and time.monotonic() < end:
                time.sleep(LOOK_S)
            answer = engine.answer(frame, method, question.field, control)
            if answer.fields is not None:
                engine.scores(question, method.name, answer.fields, truth, answer.stamp)
        _compile_means()
        for region in ad.REGIONS:
            # The pairs of points of a semivariogram, which depend on the region alone, are most of the work for the view Spectra.
            frame = engine.frame(replace(question, region=region), control)
            truth = engine.truth(frame, question.field)
            engine.spectra(replace(question, region=region), "truth", truth, truth)
    except Exception as error:
        logger.warning("the page was not warmed up: %s", error)


def import_views() -> None:
    """Import what views are made of; who opens them first would wait for it.

    To be called in the thread that serves pages: each component registers its class with Bokeh, which walks through that list, unprotected,
    for every page that it hands out.
    """
    for entry in VIEW_ENTRIES.values():
        load(entry.view)
        if entry.work:
            load(entry.work)


def _compile_means() -> None:
    """Let numba compile the means that pictures are made of."""
    latitude, longitude = np.linspace(10.0, -10.0, 16), np.linspace(0.0, 30.0, 16)
    for edge in (20.0, 5.0):  # all of it, and a part: two different programs
        picture(
            np.zeros((16, 16), np.float32),
            latitude,
            longitude,
            Viewport(0, edge, -edge, edge, 32, 32),
            "mean",
        )
