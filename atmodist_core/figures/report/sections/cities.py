"""Local statistics at cities: where a candidate is better, how sure that is, and densities at some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.cities import city_densities_figure, verdict_maps_figure
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section, Subheading
from atmodist_core.figures.report.reading import (
    DRAWN_CITIES,
    TRUTH,
    Evaluation,
    estimate,
    field_units,
    fields_of,
    methods_of,
)
from atmodist_core.figures.report.sentences import ratio_by_box, ratio_sentence
from atmodist_core.figures.report.tabulating import Column, estimate_tables, plain_table, value_of
from atmodist_core.figures.report.wording import estimate_text, joined

LONG_SENTENCES = 2
"""With more candidates than this the counts are in the table alone."""

FIRST_CITY = "Seattle"
"""The city of the talk; drawn first where the evaluation has it."""


def cities_section(evaluation: Evaluation) -> Section | None:
    """Verdicts on a map with their totals, and densities at some cities."""
    cities, verdicts = evaluation.group("cities"), evaluation.group("verdicts")
    if cities is None and verdicts is None:
        return None
    blocks: list[Block] = [
        Paragraph(
            "At each city the values of the box of grid points around it over all times make one distribution, and the "
            "Wasserstein-1 distance says how far a model's is from the truth's. A city counts as better or worse "
            "where the distances of candidate and reference differ by more than 10 %, and as sure where the sign is the "
            "same in 97.5 % of the resamplings."
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
            "That the weather at a city is right at a given hour: only its distribution over the record is compared.",
            "Independent cases: neighbouring cities share weather, and larger boxes hold the smaller ones. The interval of the odds "
            "resamples days for all cities together and so accounts for the first; the cities themselves are not resampled.",
            "Anything over the oceans: all cities are on land or at a coast.",
        ),
    )


def _totals(evaluation: Evaluation, table: xr.Dataset) -> list[Block]:
    reference = evaluation.name(evaluation.reference or "the reference")
    candidates = [c for c in evaluation.candidates if c in table["candidate"].values]
    if not candidates:
        return [Paragraph("None of the candidates has verdicts at cities.")]
    long: list[str] = []
    short: list[str] = []
    records, rows = [], []
    for candidate in candidates:
        for field in fields_of(table):
            found: dict[str, Estimate] = {}
            for box in map(int, table["box"].values):
                one = table.sel(candidate=candidate, field=field, box=box)
                counts = [int(one[word]) for word in ("better", "equal", "worse")]
                sure = [int(one[f"{word}_sure"]) for word in ("better", "worse")]
                odds = estimate(one, "odds")
                where = f"{field.capitalize()}, {box} x {box} points"
                found[f"{box} x {box} points"] = odds
                long.append(ratio_sentence(evaluation.name(candidate), reference, where, counts, sure, odds))
                records.append(
                    {"candidate": candidate, "field": field, "box": box}
                    | dict(zip(("better", "equal", "worse"), counts, strict=True))
                    | dict(zip(("better_sure", "worse_sure"), sure, strict=True))
                    | {"odds": odds.value, "odds_low": odds.low, "odds_high": odds.high}
                )
                rows.append(
                    (
                        evaluation.name(candidate),
                        field,
                        f"{box} x {box}",
                        *map(str, (*counts, *sure)),
                        estimate_text(odds),
                    )
                )
            short.append(ratio_by_box(evaluation.name(candidate), reference, field, found))
    frame = pd.DataFrame(records)
    heads = dict(
        zip(
            frame.columns,
            ("candidate", "field", "box", "better", "equal", "worse", "surely better", "surely worse"),
            strict=False,
        )
    )
    shown = frame.assign(
        candidate=[row[0] for row in rows], box=[row[2] for row in rows], odds=[row[-1] for row in rows]
    )
    table_block = plain_table(
        "city_totals",
        f"Cities at which a candidate is closer to the truth than {reference}",
        f"Numbers of cities where the Wasserstein-1 distance is smaller (better) or larger (worse) than that of {reference} by more "
        "than 10 %, and of those where the interval agrees (surely). Odds: better over worse, with the 95 % interval; 1 is no "
        "difference, ∞ means that no city is worse.",
        heads | {"odds": "odds"},
        shown,
    )
    # The file keeps numbers, not what is written in the table.
    table_block = type(table_block)(
        table_block.name,
        table_block.title,
        table_block.definition,
        table_block.columns,
        table_block.rows,
        frame,
    )
    maps: list[Block] = [
        Picture(
            f"city_verdicts_{number}",
            f"Where {evaluation.name(candidate)} is closer to the truth than {reference}",
            "Each mark is a city: triangle up where the candidate's distribution is closer to the truth's by more than 10 %, down where it is "
            "further, a dot where neither. Full marks are sure, hollow ones are not.",
            verdict_maps_figure(table, candidate),
            "png",
        )
        for number, candidate in enumerate(candidates, start=1)
        if "latitude" in table.coords
    ]
    return [*maps, Bullets(tuple(long if len(candidates) <= LONG_SENTENCES else short)), table_block]


def drawn_cities(evaluation: Evaluation, table: xr.Dataset) -> tuple[list[str], str]:
    """Cities whose densities are drawn, and how they were chosen.

    Returns
    -------
    cities : list of str
    reason : str
        One sentence.
    """
    if evaluation.cities:
        return list(evaluation.cities), "These cities were asked for."
    names = [str(city) for city in table["city"].values]
    chosen = [FIRST_CITY] if FIRST_CITY in names else []
    reference, candidates = evaluation.reference, evaluation.candidates
    labels = methods_of(table)
    pair = next((c for c in candidates[::-1] if c in labels), None)
    if pair is None or reference not in labels:
        chosen = (chosen + [name for name in names if name not in chosen])[:DRAWN_CITIES]
        return chosen, "There is no pair of models to choose by; these are the first of the list."
    distances = table["wasserstein"].sel(field=fields_of(table)[0]).isel(box=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.log(distances.sel({"method": reference}).values / distances.sel({"method": pair}).values)
    order = [names[k] for k in np.argsort(gain) if np.isfinite(gain[k]) and names[k] not in chosen]
    if order:
        extreme = [order[-1], order[0], order[len(order) // 2]]
        chosen += list(dict.fromkeys(extreme))[: DRAWN_CITIES - len(chosen)]
    return chosen, (
        f"{'Besides ' + FIRST_CITY + ', the' if FIRST_CITY in chosen else 'The'} cities where {evaluation.name(pair)} gains "
        f"most on {evaluation.name(reference)}, where it loses most, and one between: chosen by the Wasserstein-1 distance of "
        f"{fields_of(table)[0]} in the largest box, so they are not typical."
    )


def _densities(evaluation: Evaluation, table: xr.Dataset) -> list[Block]:
    cities, reason = drawn_cities(evaluation, table)
    fields, labels = fields_of(table), methods_of(table)
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
                "Density of the values in the box around the city over all times, on a logarithmic axis; the number of values is "
                "that of times and grid points together.",
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
            "Mean distance by which the values of the model have to be moved to have the distribution of the truth, with 95 % intervals. 0 is "
            "right, but the truth itself would not have 0 in another record.",
            columns,
            [label for label in labels if label != TRUTH],
            fields,
        )
    return blocks
