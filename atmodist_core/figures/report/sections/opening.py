"""Which model is best, where, and how certain that is; and the scorecards."""

from __future__ import annotations

import xarray as xr

from atmodist_core.figures.evaluation.scorecard import scorecard_figure
from atmodist_core.figures.findings.measure_groups import headline_of
from atmodist_core.figures.findings.opening import basis_text, opening_sentences
from atmodist_core.figures.findings.scorecard import scorecard_table
from atmodist_core.figures.findings.wording import things
from atmodist_core.figures.report.document import Block, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import Evaluation, fields_of, models_of
from atmodist_core.figures.report.sections.spectra import score_column
from atmodist_core.figures.report.tabulating import estimate_tables

SHORT = (
    "band_power_ratio",
    "semivariance_ratio_100_km",
    "wasserstein",
    "kurtosis_ratio",
    "quantile_99.9_ratio",
    "rmse",
    "ssim",
    "block_mean_error",
)
"""Measures of the table of values, if they were computed."""


def summary_section(evaluation: Evaluation) -> Section | None:
    """Answer which model is best, and show the headline measures against the reference."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    tables = _scorecards(evaluation)
    basis = basis_text(
        evaluation.number_of("times"),
        evaluation.number_of("days"),
        any(entry.get("simulated") for entry in evaluation.data),
        str(evaluation.tree.attrs.get("region", "")),
    )
    names = {label: evaluation.name(label) for label in evaluation.labels}
    blocks: list[Block] = [Paragraph(" ".join(opening_sentences(tables, names, basis)))]
    measures = [str(name) for name in next(iter(tables.values()))["measure"].values]
    blocks += _picture(evaluation, "scorecard", "Scorecard", headline_of(measures))
    values = [measure for measure in SHORT if measure in scores["measure"].values]
    if values:
        blocks += estimate_tables(
            evaluation,
            "summary",
            "Selected measures",
            "All other measures are in the sections below.",
            [score_column(scores, measure) for measure in values],
            models_of(scores),
            fields_of(scores),
        )
    return Section(
        "summary",
        "Which model is best?",
        tuple(blocks),
        (
            "Importance of measures: which of them matters depends on the use; many are correlated, and some (small pointwise errors, a full "
            "spectrum) exclude each other.",
            f"Correction for multiple tests: with {things(scores.sizes['measure'], 'measure')}, some differences are significant by "
            + (
                "chance: one in twenty where there is none."
                if evaluation.is_paired
                else "chance, although intervals that do not overlap are a stricter criterion than 95 %."
            ),
        ),
    )


def measures_section(evaluation: Evaluation) -> Section | None:
    """Show the scorecard of all measures, those of single scales and lags included."""
    if evaluation.group("scores") is None:
        return None
    measures = [str(name) for name in next(iter(_scorecards(evaluation).values()))["measure"].values]
    blocks = _picture(evaluation, "scorecard_of_all_measures", "Scorecard of all measures", measures)
    if not blocks:
        return None
    return Section(
        "measures",
        "Comparison by measure",
        tuple(blocks),
        ("Importance of differences: a significant one may be small.",),
    )


def _scorecards(evaluation: Evaluation) -> dict[str, xr.Dataset]:
    """The scorecards against the reference by field."""
    scores = evaluation.group("scores")
    fields = [] if scores is None else fields_of(scores)
    return {field: scorecard_table(evaluation.tree, field=field) for field in fields}


def _picture(evaluation: Evaluation, name: str, title: str, measures: list[str]) -> list[Picture]:
    """The figure of a scorecard; none with one model only."""
    tables = {field: table.sel(measure=measures) for field, table in _scorecards(evaluation).items()}
    first = next(iter(tables.values()))
    if first.sizes["model"] < 2:
        return []
    reference = evaluation.name(str(first.attrs["reference"]))
    definition = (
        f"Green is closer to the truth than {reference}, brown farther, in share of the distance of {reference} from the ideal value; from "
        "an ideal of 1, distances are those of the logarithms. Cells without colour are undecided: the 95 % interval of the difference "
        "does not exclude equality, or there is none."
    )
    names = {label: evaluation.name(label) for label in evaluation.labels}
    return [Picture(name, title, definition, scorecard_figure(tables, names))]
