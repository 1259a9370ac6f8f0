"""Results of the evaluation over a long record as HTML, for the views Cities and Models."""

from __future__ import annotations

import math
from html import escape

from app.session.long_record import CityTotals, Figure, LongRecord
from app.state.choices import FIELDS
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.plots.look.units import field_unit

_FIELDS = ("vorticity", "divergence")
_ROWS = {
    "energy_ratio": ("small-scale power / truth's", False),
    "wasserstein": ("Wasserstein-1", True),
    "quantile_99.9_ratio": ("99.9 % quantile / truth's", False),
    "rmse": ("RMSE", True),
    "ssim": ("SSIM", False),
}
"""Title of each measure, and whether it has the units of the field."""


def model_html(record: LongRecord | None, name: str, created: str) -> str:
    """Return the table of a downscaler's or distance network's scores over the record; empty where there are none."""
    if record is None:
        return ""
    if name == record.network:
        return _network_html(record)
    if not record.fits(name, created):
        return ""
    units = field_unit("vorticity")
    first, _ = record.band()
    rows = []
    for measure, (title, dimensional) in _ROWS.items():
        cells = []
        for field in _FIELDS:
            found = record.score(measure, name, field)
            factor = units.factor if dimensional else 1.0
            cells.append(f"<td>{figure_text(found, factor)}</td>")
        unit = f" [{escape(units.text)}]" if dimensional else ""
        wavenumbers = f" (total wavenumbers from {first})" if measure == "energy_ratio" else ""
        rows.append(
            f'<tr title="{escape(MEASURES[measure].definition)}"><th scope="row">{escape(title)}{wavenumbers}{unit}</th>{"".join(cells)}</tr>'
        )
    heads = "".join(f'<th scope="col">{FIELDS[field]}</th>' for field in _FIELDS)
    return (
        f'<table class="record"><caption>Evaluated on {escape(record.description)}; 95 % intervals</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _network_html(record: LongRecord) -> str:
    scores = record.lag_scores()
    assert scores is not None  # a record names a network only with its scores
    rows = []
    for name, title, factor, unit in (
        ("accuracy", "lag accuracy", 100.0, " %"),
        ("top3", "top-3 lag accuracy", 100.0, " %"),
        ("lag_error", "mean lag error", 1.0, " h"),
        ("loss", "loss", 1.0, " nat"),
    ):
        found, chance = scores[name], scores[f"chance_{name}"]
        assert isinstance(found, Figure) and isinstance(chance, float)
        rows.append(
            f'<tr><th scope="row">{title} [{unit.strip()}]</th><td>{figure_text(found, factor)}</td><td>{number(factor * chance)}</td></tr>'
        )
    return (
        f'<table class="record"><caption>Evaluated on {escape(record.description)}; 95 % intervals</caption>'
        f'<thead><tr><td></td><th scope="col">network</th><th scope="col">chance</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def city_html(
    record: LongRecord | None, candidate: str, baseline: str, field: str, box: int, labels: tuple[str, str]
) -> str:
    """Return a sentence on the totals over the record; empty where there are none."""
    if record is None:
        return ""
    totals = record.city_totals(candidate, baseline, field, box)
    if totals is None:
        return ""
    return (
        f'<div class="record"><b>Over a longer record</b> ({escape(record.city_description)}; {totals.samples} values per city): '
        f"{escape(labels[0])} is closer at {totals.better} cities ({totals.better_sure} significantly), "
        f"{escape(labels[1])} at {totals.worse} ({totals.worse_sure} significantly), {totals.equal} equal. {_ratio_text(totals)} "
        "Significantly: 97.5 % of the resampled records agree.</div>"
    )


def _ratio_text(totals: CityTotals) -> str:
    ratio = totals.ratio
    if not math.isfinite(ratio.value):
        return "None is worse."
    text = f"Improved-to-degraded ratio: {number(ratio.value)}"
    if math.isnan(ratio.low):
        return f"{text}."
    return f"{text} [{number(ratio.low)}, {number(ratio.high)}]."


def figure_text(found: Figure | None, factor: float = 1.0) -> str:
    """Return a value with its interval."""
    if found is None or math.isnan(found.value):
        return "–"
    if math.isnan(found.low):
        return number(factor * found.value)
    return f"{number(factor * found.value)} <small>[{number(factor * found.low)}, {number(factor * found.high)}]</small>"


def number(value: float) -> str:
    """Return a number with three significant digits."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"
