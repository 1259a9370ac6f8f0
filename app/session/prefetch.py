"""Read and preview the time that a user who steps through time will ask for next, while the page has nothing else to do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import atmodist_core as ad

if TYPE_CHECKING:
    from app.compute.engine import Control
    from app.session.session import Session


async def look_ahead(session: Session, control: Control) -> None:
    """Fill the caches with the next time in the direction of the last step; any new choice stops it.

    Only what is shown first is computed, not the exact results: those cost seconds, and few of them would ever be looked at.
    """
    comparison, data = session.comparison, session.data
    if session.state.view != "maps" or not session.heading or comparison is None or data is None:
        return
    index = data.time_texts.index(comparison.question.time) + session.heading
    if not 0 <= index < len(data.time_texts):
        return
    question = replace(comparison.question, time=data.time_texts[index])
    engine = session.engine
    # The page says that all results are there, and goes on saying so.
    control = control.silent()
    with suppress(ad.Cancelled, ad.UserError):
        frame = await session.in_thread(control, engine.frame, question, control)
        for method in session.compared_methods:
            if engine.waiting:
                return  # somebody wants the processor for what is on show
            quick = engine.needs_preview(frame, method, question.field)
            compute = engine.preview if quick else engine.answer
            if quick or method.family == "interpolation":
                await session.in_thread(control, compute, frame, method, question.field, control)
