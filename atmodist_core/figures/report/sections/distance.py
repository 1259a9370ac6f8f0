"""Section on the distance network: lag classification, and its distance over the lag."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import xarray as xr

from atmodist_core.figures.evaluation.distance import (
    METRICS,
    confusion_figure,
    lag_curves_figure,
    lag_error_map_figure,
)
from atmodist_core.figures.findings.wording import bracketed, estimate_text, joined, number, things
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section, Table
from atmodist_core.figures.report.reading import Evaluation, estimate
from atmodist_core.figures.report.sentences import above_chance

SCORES = {
    # name: (words, larger is better)
    "loss": ("cross-entropy loss", False),
    "accuracy": ("accuracy", True),
    "top3": ("top-3 accuracy", True),
    "lag_error": ("mean lag error", False),
}
SATURATION = 0.9
"""A curve is saturated where it reaches this share of its value at the last lag."""


def distance_section(evaluation: Evaluation) -> Section | None:
    """Show loss, accuracy, confusion, curves over the lag, and the map of lag errors."""
    table = evaluation.group("distance")
    if table is None:
        return None
    pairs = f" on {things(int(table['pairs']), 'pair')} of fields" if "pairs" in table else ""
    network = (
        str(table.attrs.get("network", evaluation.tree["distance"].attrs.get("network", ""))) or "The network"
    )
    blocks: list[Block] = [
        Paragraph(
            f"{network} predicts the time lag between two fields of the same place{pairs}. Scores by chance are those of a random class "
            "with all lags equally frequent."
        )
    ]
    known = [name for name in SCORES if name in table]
    sentences = [_score(table, name) for name in known]
    if known:
        blocks += [Bullets(tuple(sentences)), _table(table, known)]
    if "confusion" in table:
        blocks.append(
            Picture(
                "confusion",
                "Predicted lag against true lag",
                "Share of each predicted (most likely) lag among the pairs of a true lag; columns sum to 1. Predictions on the dotted line are correct.",
                confusion_figure(table),
            )
        )
    if "curve_mean" in table:
        blocks += [
            Picture(
                "lag_curves",
                "Distance over the time lag",
                "Mean distance of two fields of the same place over their time lag, scaled to 1 at the last lags; bands are one standard "
                "deviation of single pairs.",
                lag_curves_figure(table),
            ),
            Bullets((_saturation(table),)),
        ]
    if "lag_error_map" in table and bool(table["lag_error_map"].notnull().any()):
        blocks.append(
            Picture(
                "lag_error_map",
                "Map of the lag error",
                "Mean absolute error [h] of the median of the predicted distribution, at the centre of the patch. The colour scale starts at "
                "the smallest error.",
                lag_error_map_figure(table),
                "png",
            )
        )
    return Section(
        "distance",
        "The distance network",
        tuple(blocks),
        (
            "Quality of the distance as a loss function, which the sections above show.",
            "Causes of regional differences: the number of pairs varies between places, and the map has no intervals.",
        ),
    )


def _units(table: xr.Dataset, name: str) -> str:
    return str(table[name].attrs.get("units", "1"))


def _chance(table: xr.Dataset, name: str) -> float:
    return float(table[f"chance_{name}"]) if f"chance_{name}" in table else float("nan")


def _score(table: xr.Dataset, name: str) -> str:
    words, larger = SCORES[name]
    own, chance, units = estimate(table, name), _chance(table, name), _units(table, name)
    return above_chance(words.capitalize(), own, chance, units=units, larger=larger)


def _table(table: xr.Dataset, known: list[str]) -> Table:
    rows, records = [], []
    for name in known:
        own, chance, units = estimate(table, name), _chance(table, name), _units(table, name)
        rows.append((bracketed(SCORES[name][0], units), estimate_text(own), number(chance)))
        records.append({"score": name, **asdict(own), "chance": chance, "units": units})
    return Table(
        "distance_scores",
        "Scores of the distance network",
        "Loss: mean negative logarithm of the probability of the true lag. Accuracy: share of pairs whose most likely lag is the true one. "
        "Top-3: share of pairs whose true lag is among the three most likely. Lag error: mean absolute difference between the median of "
        "the predicted distribution and the true lag. Brackets: 95 % intervals.",
        ("score", "network", "chance"),
        tuple(rows),
        pd.DataFrame(records),
    )


def _saturation(table: xr.Dataset) -> str:
    parts = []
    for metric in map(str, table["metric"].values):
        mean = table["curve_mean"].sel(metric=metric).values
        reached = (mean >= SATURATION * mean[-1]).nonzero()[0]
        if reached.size:
            parts.append(f"{METRICS.get(metric, metric)} after {float(table['lag'].values[reached[0]]):g} h")
    if not parts:
        return "No curve is defined at the last lag."
    return (
        f"{100 * SATURATION:.0f} % of the mean distance at the last lag is reached by {joined(parts)} (from the means, without intervals). Beyond "
        "this lag, a distance hardly distinguishes lags."
    )
