"""Read and preview the next time of a user who steps through time, while the page has nothing else to do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import atmodist_core as ad
from app.compute.control import Control
from app.session.request import Request


def prefetch_next_time(request: Request, control: Control) -> None:
    """Fill the caches with the next time in the direction of the last step; any new choice stops it.

    Only what is shown first is computed: exact results cost seconds, and few of them would ever be seen.
    """
    engine, comparison, texts = request.engine, request.comparison, request.data.time_texts
    if not request.heading or comparison is None:
        return
    index = texts.index(comparison.question.time) + request.heading
    if not 0 <= index < len(texts):
        return
    question = replace(comparison.question, time=texts[index])
    with suppress(ad.Cancelled, ad.UserError):
        frame = engine.frame(question, control)
        for method in request.compared_methods:
            control.check()
            if engine.waiting:
                return  # another session needs the processor for what it shows
            if engine.needs_preview(frame, method, question.field):
                engine.preview(frame, method, question.field, control)
            elif method.family == "interpolation":
                engine.answer(frame, method, question.field, control)
