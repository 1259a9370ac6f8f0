"""Numbers behind the views Maps and Spectra."""

from __future__ import annotations

import atmodist_core as ad
from app.compute.comparison import SCORE_NAMES, Comparison
from app.export.captions import session_caption
from app.session.period_spectra import PeriodSpectra
from app.session.session import Session
from app.theme.units import unit_of
from app.views.maps.card_texts import names_on_show
from atmodist_core.figures.numbers.compute import spectra_results
from atmodist_core.figures.numbers.numbers import Numbers, fields_numbers, spectra_numbers
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree


def finished_comparison(session: Session) -> Comparison:
    """The comparison on show; a UserError while it is being computed."""
    comparison = session.comparison
    if comparison is None or not comparison.complete:
        raise ad.UserError(
            "The results are still being computed; export them when the line beside the tabs says so."
        )
    return comparison


def maps_numbers(session: Session) -> Numbers:
    """Fields of the region by every method on show, with their scores."""
    comparison = finished_comparison(session)
    question = comparison.question
    names = ["truth", *[name for name in names_on_show(session) if name not in ("coarse", "truth")]]
    states = {name: fields for name in names if (fields := comparison.fields_of(name)) is not None}
    scores = {
        name: {score: getattr(comparison.scores[name], score) for score in SCORE_NAMES}
        for name in names
        if name in comparison.scores
    }
    tables = fields_numbers(states, comparison.coarse, question.field, scores)
    if session.state.scale == "fixed" and session.state.limit is not None:
        tables["fields"].attrs["limit"] = session.state.limit / unit_of(question.field).factor
    return Numbers("maps", tables, session_caption(session, question.time, question.field))


def spectra_numbers_of(session: Session) -> Numbers:
    """Spectra and semivariograms of the time or of the period on show."""
    comparison = finished_comparison(session)
    names = names_on_show(session)
    names = ["truth", *[name for name in names if name != "truth"]]
    period: PeriodSpectra | None = session.results.get("spectra")
    averaged = session.state.average == "period" and period is not None
    found = period.spectra if averaged and period is not None else comparison.spectra
    if not found or (averaged and period is not None and len(period.times) < period.wanted):
        raise ad.UserError("The spectra are still being computed; export them when they are all there.")
    tables = spectra_numbers({name: found[name] for name in names if name in found})
    nyquist = coarse_nyquist_degree(comparison.truth, comparison.question.factor)
    tables = spectra_results(tables, nyquist, comparison.question.field)
    when = (
        f"{period.times[0]}/{period.times[-1]}"
        if averaged and period is not None
        else comparison.question.time
    )
    count = len(period.times) if averaged and period is not None else 1
    return Numbers("spectra", tables, session_caption(session, when, "", count=count, judged=False))
