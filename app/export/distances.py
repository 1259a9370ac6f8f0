"""Numbers behind the view Distances."""

from __future__ import annotations

import atmodist_core as ad
from app.export.captions import session_caption
from app.session.distances.distance_work import TimeDistances
from app.session.session import Session
from atmodist_core.figures.numbers.compute import distances_tables
from atmodist_core.figures.numbers.distances import area_words
from atmodist_core.figures.numbers.numbers import Numbers


def distances_numbers(session: Session) -> Numbers:
    """Return the distances between times, against the lag and between methods, with the pair of fields shown."""
    result: TimeDistances | None = session.results.get("distances")
    if result is None or not result.complete or result.matrices is None:
        raise ad.UserError("The distances are still being computed; export them when they are complete.")
    field = result.question.field
    tables = distances_tables(
        result.fields,
        result.matrices,
        result.curves,
        result.confusion,
        result.methods,
        field,
        session.state.pair,
    )
    period = f"{result.texts[0]}/{result.texts[-1]}"
    extra = f"Methods at {result.dates.words(result.question.time)}."
    if result.confusion is not None:
        extra += f" Predicted lags on {area_words(result.confusion)}."
    return Numbers(
        "distances", tables, session_caption(session, period, field, count=len(result.texts), extra=extra)
    )
