"""Section on maps of the moments and of the error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.figures.findings.wording import bracketed
from atmodist_core.figures.maps.field_maps import field_maps
from atmodist_core.figures.report.document import Block, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import TRUTH, Evaluation, field_units, fields_of
from atmodist_core.figures.report.tabulating import plain_table

STATISTICS = {
    "mean": "mean",
    "standard_deviation": "standard deviation",
    "skewness": "skewness",
    "kurtosis": "kurtosis",
    "rmse": "RMSE",
}
_WITH_UNIT = ("mean", "standard_deviation", "rmse")
_LEAST_SPREAD = 1e-9
"""Maps with a smaller relative variation have no pattern to correlate."""


def maps_section(evaluation: Evaluation) -> Section | None:
    """Show mean, standard deviation, skewness, kurtosis and error over time in each coarse cell."""
    table = evaluation.group("maps")
    if table is None:
        return None
    blocks: list[Block] = [
        Paragraph(
            "Moments of all fine points and times within each coarse cell. The panels of a figure share one colour scale, which ends "
            "at the 99.5 % quantile of the absolute values."
        )
    ]
    for field in fields_of(table):
        for name, words in STATISTICS.items():
            picture = _maps(evaluation, table, field, name, words)
            if picture is not None:
                blocks.append(picture)
    frame = _patterns(evaluation, table)
    if not frame.empty:
        blocks.append(
            plain_table(
                "map_patterns",
                "Maps of the models against those of the truth",
                "Area means of the maps, their ratio to the truth, and the correlation with the truth's map over the area (ideal: 1). "
                "There are no intervals, so no difference is claimed.",
                {
                    "shown_as": "model",
                    "field": "field",
                    "statistic": "map",
                    "area_mean": bracketed("area mean", "field units").replace("field units", "own units"),
                    "ratio": "area mean / truth's",
                    "pattern_correlation": "correlation of the maps",
                },
                frame,
            )
        )
    return Section(
        "maps",
        "Maps of the moments",
        tuple(blocks),
        (
            "Significance: maps have no intervals, and neighbouring cells are not independent.",
            "Scales finer than a coarse cell.",
        ),
    )


def _maps(evaluation: Evaluation, table: xr.Dataset, field: str, name: str, words: str) -> Picture | None:
    if name not in table:
        return None
    models = [TRUTH, *evaluation.labels] if name != "rmse" else evaluation.labels
    units = field_units(table, field) if name in _WITH_UNIT else "1"
    panels = {}
    for model in models:
        if model not in table["model"].values:
            continue
        one = table[name].sel({"model": model, "field": field})
        if np.isfinite(one.values).any():
            title = f"{words} of {field}"
            panels[model] = one.assign_attrs(long_name=title, units="" if units == "1" else units)
    if not panels:
        return None
    return Picture(
        f"map_{name}_{field}",
        f"{words[0].upper()}{words[1:]} of {field}",
        f"{words[0].upper()}{words[1:]} in each coarse cell"
        + (f" [{units.replace('s-1', 's⁻¹')}]." if units != "1" else ", a plain number.")
        + (" A normal distribution has a kurtosis of 3." if name == "kurtosis" else ""),
        field_maps(panels),
        "png",
    )


def _patterns(evaluation: Evaluation, table: xr.Dataset) -> pd.DataFrame:
    areas = xr.DataArray(cell_areas(table["latitude"].values), dims="latitude")
    weights = areas * xr.ones_like(table["longitude"], dtype=float)
    if TRUTH not in table["model"].values:
        return pd.DataFrame()
    records = []
    for field in fields_of(table):
        for name, words in STATISTICS.items():
            if name not in table or name == "rmse":
                continue
            truth = table[name].sel({"model": TRUTH, "field": field})
            for label in evaluation.labels:
                if label not in table["model"].values:
                    continue
                own = table[name].sel({"model": label, "field": field})
                area_mean, of_truth = (float(one.weighted(weights).mean()) for one in (own, truth))
                # A global mean of both signs is near zero, and its ratio is not defined.
                usable = abs(of_truth) > 0.1 * float(abs(truth).weighted(weights).mean())
                records.append(
                    {
                        "model": label,
                        "shown_as": evaluation.name(label),
                        "field": field,
                        "statistic": words,
                        "area_mean": area_mean,
                        "ratio": area_mean / of_truth if usable else float("nan"),
                        "pattern_correlation": _correlation(own, truth, weights),
                    }
                )
    return pd.DataFrame(records)


def _correlation(first: xr.DataArray, second: xr.DataArray, weights: xr.DataArray) -> float:
    """Area-weighted correlation of two maps; missing if one of them is constant."""

    def mean(values: xr.DataArray) -> float:
        return float(values.weighted(weights).mean())

    one, other = first - mean(first), second - mean(second)
    spread = [np.sqrt(mean(part**2)) for part in (one, other)]
    sizes = [float(np.abs(part).max()) for part in (first, second)]
    if any(not s > _LEAST_SPREAD * size for s, size in zip(spread, sizes, strict=True)):
        return float("nan")
    return mean(one * other) / (spread[0] * spread[1])
