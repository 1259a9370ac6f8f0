"""Build the report of an evaluation: all sections with results."""

from __future__ import annotations

from atmodist_core.figures.report.document import Report
from atmodist_core.figures.report.reading import Evaluation
from atmodist_core.figures.report.sections.cities import cities_section
from atmodist_core.figures.report.sections.closing import limits_section, making_section
from atmodist_core.figures.report.sections.data import data_section
from atmodist_core.figures.report.sections.distance import distance_section
from atmodist_core.figures.report.sections.ensembles import ensembles_section
from atmodist_core.figures.report.sections.maps import maps_section
from atmodist_core.figures.report.sections.opening import measures_section, summary_section
from atmodist_core.figures.report.sections.scores import (
    conservation_section,
    scores_section,
    series_section,
)
from atmodist_core.figures.report.sections.spectra import semivariogram_section, spectra_section
from atmodist_core.figures.report.sections.values import extremes_section, values_section

SECTIONS = (
    summary_section,
    data_section,
    spectra_section,
    semivariogram_section,
    values_section,
    extremes_section,
    scores_section,
    ensembles_section,
    series_section,
    maps_section,
    conservation_section,
    measures_section,
    cities_section,
    distance_section,
)
"""Sections with results, in order; each returns None without results."""


def report_of(evaluation: Evaluation, *, title: str, command: str) -> Report:
    """Build the report of an evaluation; ``command`` is the command line printed at its end."""
    found = [section for make in SECTIONS if (section := make(evaluation)) is not None]
    names = [evaluation.name(label) for label in evaluation.labels]
    shown = ", ".join(names) if len(names) <= 4 else f"{len(names)} models"
    kinds = ["simulated" if entry.get("simulated") else "not simulated" for entry in evaluation.data]
    data = "; ".join(
        f"{entry.get('label')} ({kind})" for entry, kind in zip(evaluation.data, kinds, strict=True)
    )
    return Report(
        title,
        f"{shown}, evaluated on {data}" if data else shown,
        (*found, limits_section(evaluation), making_section(evaluation, command)),
    )
