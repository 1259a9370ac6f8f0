"""Numbers behind the view Cities."""

from __future__ import annotations

import atmodist_core as ad
from app.export.captions import session_caption
from app.session.city_result import CityResult
from app.session.session import Session
from app.state.state import shown_methods
from atmodist_core.fields.canonical.shown_dates import time_texts
from atmodist_core.figures.numbers.cities import FIELDS, city_tables
from atmodist_core.figures.numbers.numbers import Numbers


def cities_numbers(session: Session) -> Numbers:
    """Return the values at the selected cities, and distances and verdicts at all cities."""
    result: CityResult | None = session.results.get("cities")
    if result is None or result.series is None:
        raise ad.UserError("No values at the cities are computed yet; export them when there are some.")
    state = session.state
    field = state.field if state.field in FIELDS else FIELDS[0]
    tables = city_tables(
        result.series,
        result.distances,
        list(state.cities),
        ["truth", *shown_methods(state, result.methods)],
        field=field,
        box=int(state.box),
        candidate=state.candidate,
        baseline=state.baseline,
    )
    texts = time_texts(result.series)
    period = f"{texts[0]}/{texts[-1]}"
    extra = f"{result.basis}. Better or worse: Wasserstein-1 distances differ by more than 10 %."
    return Numbers("cities", tables, session_caption(session, period, field, count=len(texts), extra=extra))
