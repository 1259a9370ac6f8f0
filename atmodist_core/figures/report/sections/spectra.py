"""Sections on spectra and semivariograms, with their ratio to the truth."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.spectra import (
    evaluation_semivariogram_figure,
    evaluation_spectra_figure,
)
from atmodist_core.figures.findings.wording import sentence_start, units_text
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Picture, Section
from atmodist_core.figures.report.reading import (
    TRUTH,
    Evaluation,
    advantages,
    estimate,
    field_units,
    fields_of,
)
from atmodist_core.figures.report.sentences import against, shares_of_truth
from atmodist_core.figures.report.tabulating import Column, estimate_tables, value_of

BAND_RATIO = "band_power_ratio"


def band(evaluation: Evaluation) -> tuple[int, int] | None:
    """Return the first and last total wavenumber of the evaluated band, or None."""
    first, last = (evaluation.number_of(f"band_{end}") for end in ("first", "last"))
    return None if first is None or last is None else (first, last)


def band_ratio(evaluation: Evaluation, table: xr.Dataset, label: str, field: str) -> Estimate:
    """Return the mean power ratio over the band; without an interval if the scores lack it."""
    scores = evaluation.group("scores")
    if scores is not None and BAND_RATIO in scores["measure"].values:
        return estimate(scores, "value", measure=BAND_RATIO, model=label, field=field)
    limits = band(evaluation)
    if limits is None or "power_ratio" not in table:
        return Estimate(np.nan, np.nan, np.nan)
    part = table["power_ratio"].sel({"model": label, "field": field}).sel(total_wavenumber=slice(*limits))
    return Estimate(float(part.mean()), np.nan, np.nan)


def spectra_section(evaluation: Evaluation) -> Section | None:
    """Show mean spectra, their ratio to the truth, and the share of power beyond the coarse grid."""
    table = evaluation.group("spectra")
    if table is None:
        return None
    fields, limits = fields_of(table), band(evaluation)
    labels = [label for label in evaluation.labels if label in table["model"].values]
    blocks: list[Block] = [
        Picture(
            "spectra",
            "Spectra and their ratio to the truth",
            "Above: power per total wavenumber of each field, and of the kinetic energy per mass from vorticity and "
            "divergence; means over all times, with bands from the 10 to the 90 % quantile of daily means. Below: ratio to the truth "
            "(ideal: 1) on a linear axis, with 95 % intervals (none for kinetic energy)."
            + (
                " Shaded: total wavenumbers that the truth has and the coarse grid does not resolve."
                if limits
                else ""
            ),
            evaluation_spectra_figure(table, evaluation.styles, band=limits),
        )
    ]
    sentences = []
    where = "Beyond the coarse grid's Nyquist wavenumber" + (
        f" (total wavenumbers {limits[0]} to {limits[1]})" if limits else ""
    )
    ratios = {(f, m): band_ratio(evaluation, table, m, f) for f in fields for m in labels}
    if TRUTH in table["model"].values:
        for field in fields:
            shares = {evaluation.name(m): ratios[field, m] for m in labels}
            said = shares_of_truth(where, f"the truth's {field} power", shares)
            sentences.append(
                f"{said} {beside_reference(evaluation, {m: ratios[field, m] for m in labels}, BAND_RATIO, field)}".strip()
            )
    else:
        sentences.append("Without a spectrum of the truth, there is no ratio.")
    blocks.append(Bullets(tuple(sentences)))
    scores = evaluation.group("scores")
    if scores is not None:
        blocks += score_tables(evaluation, scores, "spectra", "spectral_scores", "Spectral scores")
    return Section(
        "spectra",
        "Spectra",
        tuple(blocks),
        (
            "Positions of small scales: a spectrum has no phases, and noise of the correct variance has the correct spectrum.",
            "Regional differences: spectra are averages over the globe.",
        ),
    )


def beside_reference(
    evaluation: Evaluation, found: dict[str, Estimate], measure: str = "", field: str = ""
) -> str:
    """Write which candidates are closer to the truth than the reference in a ratio; empty without a pair.

    ``found`` has the ratio by label; ``measure`` and ``field`` name it among the scores.
    """
    reference = evaluation.reference
    candidates = [m for m in evaluation.candidates if m in found]
    if reference is None or reference not in found or not candidates:
        return ""
    known = advantages(evaluation, measure, field, candidates)
    return against(
        evaluation.name(reference),
        found[reference],
        {evaluation.name(m): found[m] for m in candidates},
        "one",
        {evaluation.name(m): one for m, one in known.items()},
    )


def score_tables(
    evaluation: Evaluation, scores: xr.Dataset, section: str, name: str, title: str
) -> list[Block]:
    """Make tables of all measures of one section of the scores."""
    measures = [
        str(m)
        for m, of in zip(scores["measure"].values, scores["section"].values, strict=True)
        if str(of) == section
    ]
    if not measures:
        return []
    fields = fields_of(scores)
    columns = [score_column(scores, measure) for measure in measures]
    labels = [str(label) for label in scores["model"].values if str(label) != TRUTH]
    return list(estimate_tables(evaluation, name, title, "", columns, labels, fields))


def score_column(scores: xr.Dataset, measure: str) -> Column:
    """Return the column of one measure, with its definition and ideal value."""
    one = scores.sel(measure=measure)
    units, head = str(one["units"].item()), str(one["long_name"].item())
    per_field = {f: field_units(scores, f) if units == "field" else units for f in fields_of(scores)}
    ideal = {"zero": " Ideal: 0.", "one": " Ideal: 1."}.get(str(one["ideal"].item()), "")
    text = str(one["definition"].item()) if "definition" in scores.coords else ""
    definition = f"{sentence_start(head)}: {text}{ideal}".strip()
    return Column(measure, head, per_field, value_of(scores, "value", measure=measure), definition)


def semivariogram_section(evaluation: Evaluation) -> Section | None:
    """Show semivariances over great-circle lag and their ratio to the truth."""
    table = evaluation.group("semivariogram")
    if table is None:
        return None
    fields = fields_of(table)
    labels = [label for label in evaluation.labels if label in table["model"].values]
    blocks: list[Block] = [
        Paragraph(
            "The semivariance is half the mean squared difference of points at a given great-circle distance. A field that is too "
            "smooth has too little semivariance at short lags."
        ),
        Picture(
            "semivariogram",
            "Semivariograms and their ratio to the truth",
            _semivariance_words(table) + "Below: ratio to the truth (ideal: 1), with 95 % intervals.",
            evaluation_semivariogram_figure(table, evaluation.styles),
        ),
    ]
    if "semivariance_ratio" in table:
        blocks += _semivariance_ratios(evaluation, table, labels, fields)
    return Section(
        "semivariogram",
        "Semivariogram",
        tuple(blocks),
        (
            "Information beyond the spectra: for a homogeneous field, the semivariogram follows from the spectrum.",
        ),
    )


def _semivariance_words(table: xr.Dataset) -> str:
    units = units_text(str(table["semivariance"].attrs.get("units", "1")))
    return (
        f"Above: semivariance [{units}]. "
        if units
        else "Above: semivariance over the variance of the truth. "
    )


def _semivariance_ratios(
    evaluation: Evaluation, table: xr.Dataset, labels: list[str], fields: list[str]
) -> list[Block]:
    lags = [float(lag) for lag in table["lag_km"].values]

    def ratio(label: str, field: str, lag: float) -> Estimate:
        return estimate(table, "semivariance_ratio", model=label, field=field, lag_km=lag)

    sentences = []
    for field in fields:
        found = {label: ratio(label, field, lags[0]) for label in labels}
        shares = {evaluation.name(label): one for label, one in found.items()}
        said = shares_of_truth(
            f"At {lags[0]:.0f} km, the shortest lag", f"the truth's semivariance of {field}", shares
        )
        measure = f"semivariance_ratio_{lags[0]:g}_km"
        sentences.append(f"{said} {beside_reference(evaluation, found, measure, field)}".strip())
    columns = [
        Column(
            f"ratio_{lag:.0f}_km",
            f"{lag:.0f} km",
            dict.fromkeys(fields, "1"),
            value_of(table, "semivariance_ratio", lag_km=lag),
        )
        for lag in lags
    ]
    return [
        Bullets(tuple(sentences)),
        *estimate_tables(
            evaluation,
            "semivariance_ratios",
            "Semivariance relative to the truth's",
            "Ratio at each great-circle lag, with 95 % intervals. Ideal: 1.",
            columns,
            labels,
            fields,
        ),
    ]
