"""Numbers behind the view Cities."""

from __future__ import annotations

import atmodist_core as ad
from app.export.captions import session_caption
from app.session.city_result import CityResult
from app.session.session import Session
from app.state.state import shown_methods
from atmodist_core.figures.numbers.cities import FIELDS, city_tables
from atmodist_core.figures.numbers.numbers import Numbers


def cities_numbers(session: Session) -> Numbers:
    """Return the values at the selected cities, and distances and verdicts at all cities."""
    result: CityResult | None = session.results.get("cities")
    if result is None or result.series is None:
        raise ad.UserError("No values at the cities are computed yet; export them when there are some.")
    state = session.state
    field = state.field if state.field in FIELDS else FIELDS[0]
    times = result.series["time"].values
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
    period = "/".join(str(time.astype("datetime64[m]")) for time in (times[0], times[-1]))
    extra = f"{result.basis}. Better or worse: Wasserstein-1 distances differ by more than 10 %."
    return Numbers("cities", tables, session_caption(session, period, field, count=times.size, extra=extra))
