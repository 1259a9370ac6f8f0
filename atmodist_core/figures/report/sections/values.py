"""Sections on the distribution of values, its quantiles, and extremes."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from atmodist_core.figures.evaluation.values import (
    densities_figure,
    quantile_ratio,
    quantile_ratios_figure,
    return_ratios_figure,
)
from atmodist_core.figures.findings.wording import bracketed
from atmodist_core.figures.report.document import Block, Bullets, Picture, Section, Subheading
from atmodist_core.figures.report.reading import (
    TRUTH,
    Evaluation,
    described,
    estimate,
    field_units,
    fields_of,
    models_of,
)
from atmodist_core.figures.report.sections.spectra import beside_reference, score_tables
from atmodist_core.figures.report.sentences import frequencies, shares_of_truth
from atmodist_core.figures.report.tabulating import Column, estimate_tables, plain_table, value_of

_NO_PAIRS = "Place and time of values: only their frequency is compared."


def values_section(evaluation: Evaluation) -> Section | None:
    """Show densities and quantiles over area and time."""
    table = evaluation.group("values")
    if table is None:
        return None
    fields, labels = fields_of(table), models_of(table)
    blocks: list[Block] = [
        Picture(
            "densities",
            "Distribution of the values",
            "Area-weighted density of the values at all times, on a logarithmic axis that ends a factor of ten below the truth's "
            "smallest density.",
            densities_figure(table, evaluation.styles),
        )
    ]
    if TRUTH in table["model"].values:
        blocks.append(
            Picture(
                "quantile_ratios",
                "Quantiles relative to the truth's",
                "Ratio of each model's quantile to the truth's (ideal: 1; values below 1 are too small in magnitude). Bars are 95 % "
                "intervals of the model's quantile. Quantiles near zero are omitted, because their ratio is not defined.",
                quantile_ratios_figure(table, evaluation.styles),
            )
        )
        blocks.append(Bullets(tuple(_outer_quantiles(evaluation, table, fields, labels))))
    columns = [
        Column(
            f"quantile_{100 * p:g}",
            f"{100 * p:g} %",
            {f: field_units(table, f) for f in fields},
            value_of(table, "quantile", probability=p),
        )
        for p in map(float, table["probability"].values)
    ]
    blocks += estimate_tables(
        evaluation,
        "quantiles",
        "Quantiles",
        "Values below which the given share of area and time lies, with 95 % intervals.",
        columns,
        models_of(table, truth=True),
        fields,
    )
    return Section(
        "values",
        "Distribution of values and quantiles",
        tuple(blocks),
        (_NO_PAIRS, "Regional differences, which the maps and the cities show."),
    )


def _outer_quantiles(
    evaluation: Evaluation, table: xr.Dataset, fields: list[str], labels: list[str]
) -> list[str]:
    """Sentences on the outermost quantiles of both tails."""
    sentences = []
    for field in fields:
        ratios = quantile_ratio(table, field)
        for place in (0, -1):
            one = ratios.isel(probability=place)
            share = 100 * float(one["probability"])
            found = {m: estimate(one, "value", model=m) for m in labels}
            named = {evaluation.name(m): each for m, each in found.items()}
            said = shares_of_truth(
                f"At the {share:g} % quantile of {field}", "the magnitude of the truth's value", named
            )
            beside = beside_reference(evaluation, found, f"quantile_{share:g}_ratio", field)
            sentences.append(f"{said} {beside}".strip())
    return sentences


def extremes_section(evaluation: Evaluation) -> Section | None:
    """Show how often and by how much the truth's outermost quantiles are exceeded."""
    table = evaluation.group("extremes")
    if table is None:
        return None
    fields, labels = fields_of(table), models_of(table)
    tails = [str(tail) for tail in table["tail"].values]
    words = {"upper": ("rises above", "99.9 %"), "lower": ("falls below", "0.1 %")}
    blocks: list[Block] = [
        Picture(
            "return_ratios",
            "Frequency of extremes relative to the truth",
            "Share of area and time above the truth's 99.9 % quantile (upper tail) or below its 0.1 % quantile (lower tail), "
            "relative to the truth's share (ideal: 1). Bars are 95 % intervals.",
            return_ratios_figure(table, evaluation.styles),
        )
    ]
    sentences = []
    for field in fields:
        for tail in tails:
            verb, quantile = words.get(tail, ("exceeds", "outer"))
            found = {m: estimate(table, "return_ratio", model=m, field=field, tail=tail) for m in labels}
            what = f"How often {field} {verb} the truth's {quantile} quantile"
            said = frequencies(what, {evaluation.name(m): one for m, one in found.items()})
            sentences.append(f"{said} {beside_reference(evaluation, found)}".strip())
    blocks += [Bullets(tuple(sentences)), _return_times(evaluation, table)]
    scores = evaluation.group("scores")
    if scores is not None:
        found_tables = score_tables(
            evaluation, scores, "extremes", "extreme_scores", "Further scores of extremes"
        )
        blocks += [Subheading("Further scores"), *found_tables] if found_tables else []
    return Section(
        "extremes",
        "Extremes",
        tuple(blocks),
        (
            "Timing and duration of single events: all times and grid points count separately.",
            "Events that are rarer than the thresholds, with return times much longer than the record.",
        ),
    )


def _return_times(evaluation: Evaluation, table: xr.Dataset) -> Block:
    records = []
    for field in fields_of(table):
        for tail in map(str, table["tail"].values):
            for label in models_of(table, truth=True):
                place = {"model": label, "field": field, "tail": tail}
                row: dict[str, str | float] = dict(place)
                row["shown_as"] = evaluation.name(label)
                row["threshold"] = float(table["threshold"].sel(field=field, tail=tail))
                for name in ("area_share", "return_time", "mean_excess"):
                    row[name] = float(table[name].sel(place)) if name in table else float("nan")
                records.append(row)
    frame = pd.DataFrame(records)
    units = field_units(table, fields_of(table)[0])
    hours = str(table["return_time"].attrs.get("units", "h"))
    definition = " ".join(
        filter(
            None,
            (
                "Threshold: the truth's 99.9 % (upper) or 0.1 % (lower) quantile. Share: share of area and time beyond it. Return time: "
                "time step divided by the share. Mean excess: mean exceedance of the threshold.",
                described(table, "return_time"),
            ),
        )
    )
    return plain_table(
        "return_times",
        "Thresholds and return times",
        definition,
        {
            "shown_as": "model",
            "field": "field",
            "tail": "tail",
            "threshold": bracketed("threshold", units),
            "area_share": "share",
            "return_time": bracketed("return time", hours),
            "mean_excess": bracketed("mean excess", units),
        },
        frame,
    )
