"""Compute what a first visitor sees before that visitor comes."""

from __future__ import annotations

import logging

from app.catalogue import DEMO, list_methods
from app.comparison import Question
from app.engine import Control, Engine
from app.state import StudioState
from app.theme import palette

logger = logging.getLogger("atmodist.app")


def warm_up(engine: Engine) -> None:
    """Fill the caches of an engine; what fails is left to the visitor's own computation."""
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
        for method in list_methods()[0]:
            answer = engine.answer(frame, method, question.field, control)
            if answer.fields is not None:
                engine.scores(question, method.name, answer.fields, truth, answer.stamp)
    except Exception as error:
        logger.warning("the page was not warmed up: %s", error)
