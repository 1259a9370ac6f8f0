"""Sections on scores: summary, pointwise errors, grid patterns, conservation, and scores over time."""

from __future__ import annotations

import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.values import SERIES, series_figure
from atmodist_core.figures.report.comparison import Verdict, verdict
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import (
    Evaluation,
    advantages,
    estimate,
    field_units,
    fields_of,
    models_of,
)
from atmodist_core.figures.report.sections.spectra import score_column, score_tables
from atmodist_core.figures.report.sentences import compared, tally
from atmodist_core.figures.report.tabulating import estimate_tables
from atmodist_core.figures.report.wording import estimate_text, joined, things

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
"""Measures of the summary table, if they were computed."""


def _verdicts(
    evaluation: Evaluation, scores: xr.Dataset, candidate: str, reference: str, field: str
) -> dict[str, Verdict]:
    found = {}
    for measure in map(str, scores["measure"].values):
        own, other = (
            estimate(scores, "value", measure=measure, model=label, field=field)
            for label in (candidate, reference)
        )
        ideal = str(scores["ideal"].sel(measure=measure).item())
        found[str(scores["long_name"].sel(measure=measure).item())] = verdict(
            own, other, ideal, advantages(evaluation, measure, field, [candidate]).get(candidate)
        )
    return found


def _tallies(evaluation: Evaluation, scores: xr.Dataset) -> list[list[str]]:
    """Sentences of :func:`tally` for every candidate and field; empty without a pair of models."""
    reference, labels = evaluation.reference, models_of(scores)
    if reference is None or reference not in labels:
        return []
    return [
        tally(
            evaluation.name(candidate),
            evaluation.name(reference),
            field.capitalize(),
            _verdicts(evaluation, scores, candidate, reference, field),
        )
        for candidate in evaluation.candidates
        if candidate in labels
        for field in fields_of(scores)
    ]


def summary_section(evaluation: Evaluation) -> Section | None:
    """Count the measures in which each candidate is closer to the truth than the reference."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    tallies = _tallies(evaluation, scores)
    blocks: list[Block] = [
        Bullets(tuple(sentences[0] for sentences in tallies))
        if tallies
        else Paragraph("There is no pair of models to compare.")
    ]
    shown = [measure for measure in SHORT if measure in scores["measure"].values]
    if shown:
        blocks += estimate_tables(
            evaluation,
            "summary",
            "Selected measures",
            "All other measures are in the sections below.",
            [score_column(scores, measure) for measure in shown],
            models_of(scores),
            fields_of(scores),
        )
    return Section(
        "summary",
        "Summary",
        tuple(blocks),
        (
            "Importance of measures: all count equally, many are correlated, and some (small pointwise errors, a full spectrum) "
            "exclude each other.",
            f"Correction for multiple tests: with {things(scores.sizes['measure'], 'measure')}, some differences are significant by "
            + (
                "chance: one in twenty where there is none."
                if evaluation.is_paired
                else "chance, although intervals that do not overlap are a stricter criterion than 95 %."
            ),
        ),
    )


def measures_section(evaluation: Evaluation) -> Section | None:
    """List the measures in which each candidate is closer to or further from the truth than the reference."""
    scores = evaluation.group("scores")
    tallies = [] if scores is None else _tallies(evaluation, scores)
    if not tallies:
        return None
    sentences = tuple(" ".join(found) for found in tallies)
    return Section(
        "measures",
        "Comparison by measure",
        (Bullets(sentences),),
        ("Sizes of differences, which are in the sections above: a significant difference may be small.",),
    )


def scores_section(evaluation: Evaluation) -> Section | None:
    """Show pointwise errors and patterns of the coarse grid."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    blocks: list[Block] = [
        *score_tables(
            evaluation, scores, "values", "point_scores", "Pointwise errors, and errors of the distribution"
        ),
        *score_tables(evaluation, scores, "grid", "grid_scores", "Patterns of the coarse grid"),
        *score_tables(evaluation, scores, "semivariogram", "semivariogram_scores", "Semivariogram"),
    ]
    sentences = _comparisons(evaluation, scores, ("values", "grid"))
    if not blocks:
        return None
    if sentences:
        blocks.insert(0, Bullets(tuple(sentences)))
    return Section(
        "scores",
        "Pointwise scores",
        tuple(blocks),
        (
            "Realism: pointwise scores penalise a slightly displaced structure twice and reward smooth fields.",
        ),
    )


def _comparisons(evaluation: Evaluation, scores: xr.Dataset, sections: tuple[str, ...]) -> list[str]:
    reference = evaluation.reference
    labels = models_of(scores)
    candidates = [label for label in evaluation.candidates if label in labels]
    if reference not in labels or not candidates:
        return []
    sentences = []
    for measure in map(str, scores["measure"].values):
        one = scores.sel(measure=measure)
        if str(one["section"].item()) not in sections:
            continue
        for field in fields_of(scores):
            units = str(one["units"].item())
            found = {m: estimate(scores, "value", measure=measure, model=m, field=field) for m in labels}
            known = advantages(evaluation, measure, field, candidates)
            sentences.append(
                compared(
                    f"{one['long_name'].item()!s} of {field}",
                    evaluation.name(reference),
                    found[reference],
                    {evaluation.name(m): found[m] for m in candidates},
                    str(one["ideal"].item()),
                    field_units(scores, field) if units == "field" else units,
                    {evaluation.name(m): each for m, each in known.items()},
                )
            )
    return sentences


def conservation_section(evaluation: Evaluation) -> Section | None:
    """Show whether block means of the output equal the input."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    tables = score_tables(
        evaluation, scores, "conservation", "conservation_scores", "Conservation of the coarse input"
    )
    if not tables:
        return None
    sentences = _comparisons(evaluation, scores, ("conservation",))
    return Section(
        "conservation",
        "Conservation",
        (
            Paragraph(
                "The block means of a downscaled field over the coarse cells should equal the coarse input."
            ),
            *([Bullets(tuple(sentences))] if sentences else []),
            *tables,
        ),
        ("Correctness of the added scales: a field without any also conserves all means.",),
    )


_TRAINED_FOR = ("An independent comparison by AtmoDist, where a model was trained to minimise it.",)


def series_section(evaluation: Evaluation) -> Section | None:
    """Show RMSE, SSIM, PSNR and AtmoDist over time."""
    table = evaluation.group("series")
    if table is None:
        return None
    shown = [name for name in SERIES if name in table]
    definitions = {
        "rmse": "RMSE: square root of the area mean of the squared error.",
        "ssim": "SSIM: structural similarity to the truth (ideal: 1).",
        "psnr": "PSNR: peak signal-to-noise ratio (larger is better).",
        "atmodist": "AtmoDist: learned distance to the truth (ideal: 0).",
    }
    sentences = []
    for name in shown:
        for field in fields_of(table) if "field" in table[name].dims else [""]:
            sentences.append(_over_time(evaluation, table, name, field))
    blocks: list[Block] = [
        Picture(
            "series",
            "Scores over time",
            " ".join(definitions[name] for name in shown)
            + " Long records are drawn as means over equal periods; lines break where times are missing.",
            series_figure(table, evaluation.styles),
        ),
        Bullets(tuple(sentences)),
    ]
    scores = evaluation.group("scores")
    if scores is not None:
        sentences = _comparisons(evaluation, scores, ("series",))
        blocks += [Bullets(tuple(sentences))] if sentences else []
        blocks += score_tables(evaluation, scores, "series", "series_scores", "Means over time")
    return Section(
        "series",
        "Scores over time",
        tuple(blocks),
        (
            "Independent samples: neighbouring times are correlated, so the share of times in which one model is better has no "
            "interval.",
            *(_TRAINED_FOR if "atmodist" in shown else ()),
        ),
    )


def _over_time(evaluation: Evaluation, table: xr.Dataset, name: str, field: str) -> str:
    """Compare means over time, and count how often each model is better; no difference is claimed."""
    values = table[name].sel(field=field) if field else table[name]
    units = field_units(table, field) if name == "rmse" else str(values.attrs.get("units", "1"))
    means = {m: float(values.sel({"model": m}).mean()) for m in models_of(table)}
    low_is_right = name in ("rmse", "atmodist")
    reference = evaluation.reference
    listed = joined(
        [
            f"{evaluation.name(m)} {estimate_text(Estimate(v, float('nan'), float('nan')), units)}"
            for m, v in means.items()
        ]
    )
    text = f"{SERIES[name]}{f' of {field}' if field else ''}, mean over the times: {listed}."
    candidates = [m for m in evaluation.candidates if m in means]
    if reference in means and candidates:
        other = values.sel({"model": reference})
        parts = []
        for m in candidates:
            own = values.sel({"model": m})
            ahead = (own < other) if low_is_right else (own > other)
            parts.append(f"{evaluation.name(m)} in {100 * float(ahead.mean()):.0f} %")
        text += f" Better than {evaluation.name(reference)} by any amount: {joined(parts)} of the times."
    return text
