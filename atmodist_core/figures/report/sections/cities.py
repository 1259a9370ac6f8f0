"""Section on local statistics at cities: where a candidate is better, and densities at selected cities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.cities import city_densities_figure, verdict_maps_figure
from atmodist_core.figures.findings.wording import estimate_text, joined
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section, Subheading
from atmodist_core.figures.report.reading import (
    DRAWN_CITIES,
    TRUTH,
    Evaluation,
    estimate,
    field_units,
    fields_of,
    models_of,
)
from atmodist_core.figures.report.sentences import ratio_by_box, ratio_sentence
from atmodist_core.figures.report.tabulating import Column, estimate_tables, plain_table, value_of

LONG_SENTENCES = 2
"""With more candidates than this, the counts are in the table only."""

FIRST_CITY = "Seattle"
"""City that is drawn first if the evaluation has it."""


def cities_section(evaluation: Evaluation) -> Section | None:
    """Show verdicts on a map, their totals, and densities at selected cities."""
    cities, verdicts = evaluation.group("cities"), evaluation.group("verdicts")
    if cities is None and verdicts is None:
        return None
    blocks: list[Block] = [
        Paragraph(
            "The values of all times and of the grid points in a box around a city form one distribution, compared with the truth's by "
            "the Wasserstein-1 distance. A city is better or worse if the distances of candidate and reference differ by more "
            "than 10 %, and the difference is significant if 97.5 % of the bootstrap samples have the same sign."
        )
    ]
    if verdicts is not None:
        blocks += _totals(evaluation, verdicts)
    if cities is not None:
        blocks += _densities(evaluation, cities)
    return Section(
        "cities",
        "Local statistics at cities",
        tuple(blocks),
        (
            "Accuracy at single times: only distributions over the record are compared.",
            "Independent cases: neighbouring cities share weather, and larger boxes hold the smaller ones. The interval of the ratio "
            "resamples days for all cities together and so accounts for the first; the cities themselves are not resampled.",
            "Oceans: all cities are on land or at a coast.",
        ),
    )


def _totals(evaluation: Evaluation, table: xr.Dataset) -> list[Block]:
    reference = evaluation.name(evaluation.reference or "the reference")
    candidates = [c for c in evaluation.candidates if c in table["candidate"].values]
    if not candidates:
        return [Paragraph("No candidate has verdicts at cities.")]
    long: list[str] = []
    short: list[str] = []
    records, shown = [], []
    for candidate in candidates:
        name = evaluation.name(candidate)
        for field in fields_of(table):
            found: dict[str, Estimate] = {}
            for box in map(int, table["box"].values):
                one = table.sel(candidate=candidate, field=field, box=box)
                counts = {word: int(one[word]) for word in ("better", "equal", "worse")}
                sure = {f"{word}_sure": int(one[f"{word}_sure"]) for word in ("better", "worse")}
                ratio = estimate(one, "improved_to_degraded")
                where = f"{field.capitalize()}, {box} x {box} points"
                found[f"{box} x {box} points"] = ratio
                long.append(
                    ratio_sentence(name, reference, where, [*counts.values()], [*sure.values()], ratio)
                )
                record = {"candidate": candidate, "field": field, "box": box, **counts, **sure}
                ends = {"": ratio.value, "_low": ratio.low, "_high": ratio.high}
                records.append(record | {f"improved_to_degraded{end}": value for end, value in ends.items()})
                words = {"candidate": name, "box": f"{box} x {box}", "ratio": estimate_text(ratio)}
                shown.append(record | words)
            short.append(ratio_by_box(name, reference, field, found))
    table_block = plain_table(
        "city_totals",
        f"Cities at which a candidate is closer to the truth than {reference}",
        f"Numbers of cities where the Wasserstein-1 distance is smaller (better) or larger (worse) than that of {reference} by more "
        "than 10 %, and of those where the interval agrees (surely). Improved-to-degraded ratio: number of better over number of worse cities, with the 95 % interval; 1 is no "
        "difference, ∞ means that no city is worse.",
        {name: name for name in ("candidate", "field", "box", "better", "equal", "worse")}
        | {"better_sure": "significantly better", "worse_sure": "significantly worse"}
        | {"ratio": "improved-to-degraded ratio"},
        pd.DataFrame(shown),
    )
    # The file contains the numbers instead of the formatted text.
    table_block = replace(table_block, records=pd.DataFrame(records))
    maps: list[Block] = [
        Picture(
            f"city_verdicts_{number}",
            f"Where {evaluation.name(candidate)} is closer to the truth than {reference}",
            "Markers are cities: upward triangles where the candidate's distribution is closer to the truth's by more than 10 %, downward "
            "triangles where it is further, dots elsewhere. Filled markers are significant.",
            verdict_maps_figure(table, candidate),
            "png",
        )
        for number, candidate in enumerate(candidates, start=1)
        if "latitude" in table.coords
    ]
    return [*maps, Bullets(tuple(long if len(candidates) <= LONG_SENTENCES else short)), table_block]


def drawn_cities(evaluation: Evaluation, table: xr.Dataset) -> tuple[list[str], str]:
    """Return the cities whose densities are drawn, and the reason as a sentence."""
    if evaluation.cities:
        return list(evaluation.cities), "Selected by the user."
    names = [str(city) for city in table["city"].values]
    chosen = [FIRST_CITY] if FIRST_CITY in names else []
    reference, candidates = evaluation.reference, evaluation.candidates
    labels = models_of(table)
    pair = next((c for c in candidates[::-1] if c in labels), None)
    if pair is None or reference not in labels:
        chosen = (chosen + [name for name in names if name not in chosen])[:DRAWN_CITIES]
        return chosen, "The first cities of the list, because there is no pair of models."
    distances = table["wasserstein"].sel(field=fields_of(table)[0]).isel(box=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.log(distances.sel({"model": reference}).values / distances.sel({"model": pair}).values)
    order = [names[k] for k in np.argsort(gain) if np.isfinite(gain[k]) and names[k] not in chosen]
    if order:
        extreme = [order[-1], order[0], order[len(order) // 2]]
        chosen += list(dict.fromkeys(extreme))[: DRAWN_CITIES - len(chosen)]
    return chosen, (
        f"{FIRST_CITY + ' and the' if FIRST_CITY in chosen else 'The'} cities where {evaluation.name(pair)} improves most on "
        f"{evaluation.name(reference)}, where it degrades most, and the median one, by the Wasserstein-1 distance of "
        f"{fields_of(table)[0]} in the largest box. They are not typical."
    )


def _densities(evaluation: Evaluation, table: xr.Dataset) -> list[Block]:
    cities, reason = drawn_cities(evaluation, table)
    fields, labels = fields_of(table), models_of(table)
    country = (
        dict(zip(table["city"].values, table["country"].values, strict=True))
        if "country" in table.coords
        else {}
    )
    blocks: list[Block] = [Subheading(f"Densities at {joined(cities)}"), Paragraph(reason)]
    for number, city in enumerate(cities, start=1):
        where = f"{city}, {country[city]}" if city in country else city
        blocks.append(
            Picture(
                f"city_densities_{number}",
                f"Densities at {where}",
                "Density of the values in the box around the city at all times, on a logarithmic axis.",
                city_densities_figure(table, city, evaluation.styles),
            )
        )
        columns = [
            Column(
                f"wasserstein_{box}",
                f"{box} x {box} points",
                {f: field_units(table, f) for f in fields},
                value_of(table, "wasserstein", box=box, city=city),
            )
            for box in map(int, table["box"].values)
        ]
        blocks += estimate_tables(
            evaluation,
            f"city_wasserstein_{number}",
            f"Wasserstein-1 distance to the truth at {where}",
            "Mean distance by which the model's values must be moved to match the truth's distribution, with 95 % intervals. Ideal: 0, "
            "although another record of the truth would not reach it.",
            columns,
            [label for label in labels if label != TRUTH],
            fields,
        )
    return blocks
