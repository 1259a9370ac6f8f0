"""Numbers behind the view Ensemble."""

from __future__ import annotations

import atmodist_core as ad
from app.export.captions import session_caption
from app.session.ensemble_work import EnsembleResult
from app.session.session import Session
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.studies.ensemble import ensemble_words


def ensemble_shown(session: Session) -> Numbers:
    """Return the members, their mean, spread and error, and all scores of the time shown."""
    result: EnsembleResult | None = session.results.get("ensemble")
    if result is None or not result.complete:
        raise ad.UserError("The members are still being drawn; export them when they are complete.")
    extra = ensemble_words(result.method.name, result.wanted, result.seed)
    question = result.question
    also = result.method.name
    caption = session_caption(
        session, question.time, question.field, extra=extra, uses_distance=False, also=also
    )
    return Numbers("ensemble", result.tables, caption)
