"""Sections on scores: pointwise errors, grid patterns, conservation, and scores over time."""

from __future__ import annotations

import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.values import SERIES, series_figure
from atmodist_core.figures.findings.wording import estimate_text, joined
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import (
    Evaluation,
    advantages,
    estimate,
    field_units,
    fields_of,
    models_of,
)
from atmodist_core.figures.report.sections.spectra import score_tables
from atmodist_core.figures.report.sentences import compared


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
