"""Numbers behind the view Scorecard."""

from __future__ import annotations

import atmodist_core as ad
from app.session.scorecard_work import Scorecards
from app.session.session import Session
from atmodist_core.figures.findings.shown_evaluation import scorecard_numbers
from atmodist_core.figures.numbers.numbers import Numbers


def scorecard_shown(session: Session) -> Numbers:
    """Return the scorecards of both fields against the chosen reference."""
    cards: Scorecards | None = session.results.get("scorecard")
    if cards is None:
        raise ad.UserError("The scorecard is not read yet; export it when it is shown.")
    reference = str(next(iter(cards.tables.values())).attrs["reference"])
    return scorecard_numbers(cards.record.tree, reference, session.state.measures)
