"""Texts above and below each map."""

from __future__ import annotations

from app.compute.comparison import PREVIEW, Answer, Comparison
from app.session.session import Session
from app.theme.theme import COARSE_COLOUR, method_colour
from app.views.maps import scores
from app.views.maps.map_card import MapCard, problem_html
from atmodist_core.fields.canonical.shown_dates import shown_dates
from atmodist_core.plots.look.units import field_unit


def write_card(
    card: MapCard, session: Session, comparison: Comparison | None, best: dict[str, set[str]], statement: str
) -> None:
    """Write title, tags, scores and the meaning of a pixel on a card."""
    state, name = session.state, card.name
    simulated = session.data is not None and session.data.simulated
    field = comparison.question.field if comparison is not None else state.field
    unit = field_unit(field)
    answer = comparison.answers.get(name) if comparison is not None else None
    if name == "truth":
        card.set_header(method_colour(name, "", state.theme), _times(comparison), simulated=simulated)
        row = scores.reference_html(comparison, unit)
    elif name == "coarse":
        card.set_header(COARSE_COLOUR, "", simulated=simulated)
        row = scores.coarse_html(comparison, comparison.question.factor if comparison else 4)
    else:
        method = next(method for method in session.methods if method.name == name)
        detail = "interpolation" if method.family == "interpolation" else name
        card.set_header(method.colour, detail, _tag(method.family, answer))
        found = comparison.scores.get(name) if comparison is not None else None
        row = scores.score_html(found, best, name, unit)
    if answer is not None and answer.problem:
        row = problem_html(answer.problem)
    card.set_foot(row, statement)


def _times(comparison: Comparison | None) -> str:
    return "" if comparison is None else shown_dates(comparison.truth).words(comparison.question.time)


def _tag(family: str, answer: Answer | None) -> str:
    """Quality and precision of a network's field."""
    if family == "interpolation" or answer is None or answer.problem:
        return ""
    return f"preview, {answer.precision}" if answer.quality == PREVIEW else answer.precision
