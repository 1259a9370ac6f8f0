"""Numbers behind the view Features."""

from __future__ import annotations

import atmodist_core as ad
from app.export.captions import session_caption
from app.session.distances.feature_work import FeatureResult
from app.session.session import Session
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.studies.features import features_words


def features_shown(session: Session) -> Numbers:
    """Return patches, what excites them, the activation at this time, and the sensitivity of the distance."""
    result: FeatureResult | None = session.results.get("features")
    if result is None or not result.complete or "changes" not in result.tables:
        raise ad.UserError("The patches are still being searched; export them when they are complete.")
    question = result.question
    extra = features_words(result.tables)
    caption = session_caption(session, question.time, question.field, extra=extra, network=result.network)
    return Numbers("features", dict(result.tables), caption)
