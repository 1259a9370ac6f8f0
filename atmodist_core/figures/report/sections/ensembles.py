"""Section on ensembles: proper scores of members beside the errors of single fields, and calibration."""

from __future__ import annotations

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.ensembles import calibration_figure, ensembles_of
from atmodist_core.figures.findings.wording import estimate_text
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import Evaluation, estimate, field_units, fields_of
from atmodist_core.figures.report.sections.spectra import score_tables


def ensembles_section(evaluation: Evaluation) -> Section | None:
    """Show rank histograms, spread over error, and proper scores; only with a model that has members."""
    table, scores = evaluation.group("ensembles"), evaluation.group("scores")
    models = [] if table is None else ensembles_of(table)
    if table is None or not models:
        return None
    blocks: list[Block] = [
        Paragraph(
            "An ensemble model draws several members for the same coarse field. Its CRPS is compared with the mean absolute error of a "
            "single field, which is the CRPS of one member without spread."
        ),
        Picture(
            "calibration",
            "Rank histograms and spread over error",
            "Left: share of area and time where so many members lie below the truth, over that of a flat histogram (ideal: 1). Right: root "
            "of the mean variance of M members times (M + 1) / M over the root mean square error of their mean, per total wavenumber "
            "(ideal: 1). Shaded: within 10 % of the ideal.",
            calibration_figure(table, evaluation.styles),
        ),
    ]
    if scores is not None and "crps" in scores["measure"].values:
        blocks.append(Bullets(tuple(_sentence(evaluation, models, field) for field in fields_of(scores))))
        blocks += score_tables(evaluation, scores, "ensemble", "ensemble_scores", "Ensemble scores")
    return Section(
        "ensembles",
        "Ensembles",
        tuple(blocks),
        (
            "Realism of a single member: a calibrated ensemble may have members with wrong spectra or tails; other sections are of the "
            "first member.",
        ),
    )


def _sentence(evaluation: Evaluation, models: list[str], field: str) -> str:
    """CRPS of each ensemble beside the smallest error of a single field."""
    scores = evaluation.group("scores")
    assert scores is not None  # as the caller knows

    def value(measure: str, model: str) -> Estimate:
        return estimate(scores, "value", measure=measure, model=model, field=field)

    units = field_units(scores, field)
    parts = [
        f"{evaluation.name(m)} {estimate_text(value('crps', m), units)}, spread over error "
        f"{estimate_text(value('spread_error_ratio', m))}"
        for m in models
    ]
    single = {m: value("crps", m) for m in evaluation.labels if m not in models}
    text = f"CRPS of {field}: {'; '.join(parts)}."
    if single:
        least = min(single, key=lambda m: single[m].value)
        text += f" Smallest mean absolute error of a single field: {evaluation.name(least)} {estimate_text(single[least], units)}."
    return text
