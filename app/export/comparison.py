"""Numbers behind the views Maps and Spectra."""

from __future__ import annotations

from contextlib import suppress

import atmodist_core as ad
from app.compute.comparison import SCORE_NAMES, Comparison
from app.export.captions import session_caption
from app.session.period_spectra import PeriodSpectra
from app.session.session import Session
from atmodist_core.fields.canonical.channels import has_own_range, is_further
from atmodist_core.figures.maps.projected_maps import extent_of, map_projection
from atmodist_core.figures.numbers.compute import spectra_results
from atmodist_core.figures.numbers.numbers import (
    Numbers,
    fields_numbers,
    spectra_numbers,
    transect_numbers,
)
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree
from atmodist_core.plots.look.units import field_unit


def complete_comparison(session: Session) -> Comparison:
    """Return the comparison shown, or raise a UserError while it is being computed."""
    comparison = session.comparison
    if comparison is None or not comparison.complete:
        raise ad.UserError("The results are still being computed; export them when they are complete.")
    return comparison


def maps_numbers(session: Session) -> Numbers:
    """Return the fields of the region by every method shown, with their scores."""
    comparison = complete_comparison(session)
    question = comparison.question
    names = ["truth", *session.shown_names[1:-1]]
    states = {name: fields for name in names if (fields := comparison.fields_of(name)) is not None}
    scores = {
        name: {score: getattr(comparison.scores[name], score) for score in SCORE_NAMES}
        for name in names
        if name in comparison.scores
    }
    tables = fields_numbers(states, comparison.coarse, question.field, scores)
    tables |= transect_numbers(states, comparison.coarse, question.field, session.state.transect)
    # Areas that a projection cannot show are in plate carree, as on the page.
    with suppress(ad.UserError):
        extent = extent_of(*(comparison.truth[name].values for name in ("latitude", "longitude")))
        tables["fields"].attrs["projection"] = map_projection(session.state.projection, extent).name
    is_fixed = session.state.scale == "fixed" and not has_own_range(question.field)
    if is_fixed and session.state.limit is not None:
        tables["fields"].attrs["limit"] = session.state.limit / field_unit(question.field).factor
    caption = session_caption(
        session, question.time, question.field, uses_distance=not is_further(question.field)
    )
    return Numbers("maps", tables, caption)


def spectra_numbers_of(session: Session) -> Numbers:
    """Return the spectra and semivariograms of the time or of the period shown."""
    comparison = complete_comparison(session)
    names = ["truth", *session.shown_names[:-1]]
    question = comparison.question
    period: PeriodSpectra | None = session.results.get("spectra")
    spectra, when, count, wanted = comparison.spectra, question.time, 1, 1
    if session.state.average == "period" and period is not None:
        spectra, when = period.spectra, f"{period.times[0]}/{period.times[-1]}"
        count, wanted = len(period.times), period.wanted
    if not spectra or count < wanted:
        raise ad.UserError("The spectra are still being computed; export them when they are complete.")
    tables = spectra_numbers({name: spectra[name] for name in names if name in spectra})
    tables = spectra_results(tables, coarse_nyquist_degree(comparison.truth, question.factor), question.field)
    caption = session_caption(session, when, "", count=count, uses_distance=False)
    return Numbers("spectra", tables, caption)
