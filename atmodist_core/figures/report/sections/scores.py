"""Scores point by point, patterns of the grid, conservation, scores over time, and a summary of all of them."""

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
    methods_of,
)
from atmodist_core.figures.report.sections.spectra import score_tables
from atmodist_core.figures.report.sentences import compared, tally
from atmodist_core.figures.report.tabulating import Column, estimate_tables, value_of
from atmodist_core.figures.report.wording import estimate_text, joined, sentence_start, things

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
"""Measures of the table in the summary, as far as they were computed; they need not agree."""


def _column(scores: xr.Dataset, measure: str) -> Column:
    one = scores.sel(measure=measure)
    units = str(one["units"].item())
    right = {"zero": "0", "one": "1"}.get(str(one["ideal"].item()), "")
    return Column(
        measure,
        str(one["long_name"].item()),
        {f: field_units(scores, f) if units == "field" else units for f in fields_of(scores)},
        value_of(scores, "value", measure=measure),
        f"{sentence_start(str(one['long_name'].item()))}: {right} is right." if right else "",
    )


def _verdicts(
    evaluation: Evaluation, scores: xr.Dataset, candidate: str, reference: str, field: str
) -> dict[str, Verdict]:
    found = {}
    for measure in map(str, scores["measure"].values):
        own, other = (
            estimate(scores, "value", measure=measure, method=label, field=field)
            for label in (candidate, reference)
        )
        ideal = str(scores["ideal"].sel(measure=measure).item())
        found[str(scores["long_name"].sel(measure=measure).item())] = verdict(
            own, other, ideal, advantages(evaluation, measure, field, [candidate]).get(candidate)
        )
    return found


def _tallies(evaluation: Evaluation, scores: xr.Dataset) -> list[list[str]]:
    """Of every candidate and field, the sentences of :func:`tally`; none where there is no pair."""
    reference, labels = evaluation.reference, methods_of(scores)
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
    """In how many measures each candidate is closer to the truth than the reference."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    tallies = _tallies(evaluation, scores)
    blocks: list[Block] = [
        Bullets(tuple(sentences[0] for sentences in tallies))
        if tallies
        else Paragraph("There is no pair of models to compare; the table has each by itself.")
    ]
    shown = [measure for measure in SHORT if measure in scores["measure"].values]
    if shown:
        blocks += estimate_tables(
            evaluation,
            "summary",
            "A few of the measures",
            "Definitions, and all other measures, are in the sections below.",
            [_column(scores, measure) for measure in shown],
            methods_of(scores),
            fields_of(scores),
        )
    return Section(
        "summary",
        "Summary",
        tuple(blocks),
        (
            "How much each measure matters: the counts weigh all alike, many of them read the same thing, and some (a small "
            "error point by point, a full spectrum) cannot be had together.",
            f"Correction for their number: with {things(scores.sizes['measure'], 'measure')}, some differences would be called by chance "
            + (
                "alone: of differences that are none, one in twenty."
                if evaluation.is_paired
                else "alone, although intervals that lie apart are a stricter rule than 95 %."
            ),
        ),
    )


def measures_section(evaluation: Evaluation) -> Section | None:
    """In which measures each candidate is closer to the truth than the reference, and in which further."""
    scores = evaluation.group("scores")
    tallies = [] if scores is None else _tallies(evaluation, scores)
    if not tallies:
        return None
    sentences = tuple(" ".join(found) for found in tallies)
    return Section(
        "measures",
        "Comparison by measure",
        (Bullets(sentences),),
        ("How large a difference is: one that is called may be small; the sizes are in the sections above.",),
    )


def scores_section(evaluation: Evaluation) -> Section | None:
    """Errors point by point and patterns of the grid."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    blocks: list[Block] = [
        *score_tables(
            evaluation, scores, "values", "point_scores", "Errors point by point, and of the distribution"
        ),
        *score_tables(evaluation, scores, "grid", "grid_scores", "Patterns locked to the grid"),
        *score_tables(evaluation, scores, "semivariogram", "semivariogram_scores", "Semivariogram"),
    ]
    sentences = _comparisons(evaluation, scores, ("values", "grid"))
    if not blocks:
        return None
    if sentences:
        blocks.insert(0, Bullets(tuple(sentences)))
    return Section(
        "scores",
        "Scores point by point",
        tuple(blocks),
        (
            "Which result looks more like weather: a score point by point punishes a sharp structure twice when it is slightly "
            "displaced, and rewards a blur.",
        ),
    )


def _comparisons(evaluation: Evaluation, scores: xr.Dataset, sections: tuple[str, ...]) -> list[str]:
    reference = evaluation.reference
    labels = methods_of(scores)
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
            found = {m: estimate(scores, "value", measure=measure, method=m, field=field) for m in labels}
            sentences.append(
                compared(
                    f"{one['long_name'].item()!s} of {field}",
                    evaluation.name(reference),
                    found[reference],
                    {evaluation.name(m): found[m] for m in candidates},
                    str(one["ideal"].item()),
                    field_units(scores, field) if units == "field" else units,
                    {
                        evaluation.name(m): each
                        for m, each in advantages(evaluation, measure, field, candidates).items()
                    },
                )
            )
    return sentences


def conservation_section(evaluation: Evaluation) -> Section | None:
    """Whether the results keep the area means that they were given."""
    scores = evaluation.group("scores")
    if scores is None:
        return None
    tables = score_tables(
        evaluation, scores, "conservation", "conservation_scores", "What of the coarse input is kept"
    )
    if not tables:
        return None
    sentences = _comparisons(evaluation, scores, ("conservation",))
    return Section(
        "conservation",
        "Conservation",
        (
            Paragraph(
                "A downscaled field that is averaged over the coarse cells again should give the coarse field that it was made "
                "from."
            ),
            *([Bullets(tuple(sentences))] if sentences else []),
            *tables,
        ),
        ("Whether what is added within a cell is right: a field that adds nothing keeps every mean.",),
    )


_TRAINED_FOR = (
    "That a model is better because its AtmoDist is smaller, where it was trained to make AtmoDist small: whoever is judged by "
    "the measure of its own training has a head start.",
)


def series_section(evaluation: Evaluation) -> Section | None:
    """RMSE, SSIM, PSNR and AtmoDist over time."""
    table = evaluation.group("series")
    if table is None:
        return None
    shown = [name for name in SERIES if name in table]
    definitions = {
        "rmse": "RMSE: square root of the area mean of the squared error.",
        "ssim": "SSIM: structural similarity with the truth, 1 is right.",
        "psnr": "PSNR: peak signal-to-noise ratio, larger is a smaller error.",
        "atmodist": "AtmoDist: distance to the truth by the distance network, 0 is right.",
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
            + " Long records are drawn as means over equal pieces; lines break where times are missing.",
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
            "Independent cases: neighbouring times are much alike, so the share of times in which one model is ahead has no "
            "interval here and is no measure of certainty.",
            *(_TRAINED_FOR if "atmodist" in shown else ()),
        ),
    )


def _over_time(evaluation: Evaluation, table: xr.Dataset, name: str, field: str) -> str:
    """Say how the mean over time compares and how steady the order of the models is; no difference is claimed."""
    values = table[name].sel(field=field) if field else table[name]
    units = field_units(table, field) if name == "rmse" else str(values.attrs.get("units", "1"))
    means = {m: float(values.sel({"method": m}).mean()) for m in methods_of(table)}
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
        other = values.sel({"method": reference})
        parts = []
        for m in candidates:
            own = values.sel({"method": m})
            ahead = (own < other) if low_is_right else (own > other)
            parts.append(f"{evaluation.name(m)} in {100 * float(ahead.mean()):.0f} %")
        text += f" Ahead of {evaluation.name(reference)} (by any amount): {joined(parts)} of the times."
    return text
