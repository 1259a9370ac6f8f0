"""Scores of the members beside the errors of single fields, as HTML: of this date and region, and of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import xarray as xr

from app.session.ensemble_work import EnsembleResult
from app.session.long_record import Figure, LongRecord
from app.views.shared.long_record_texts import figure_text, number
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.plots.look.units import field_unit

STYLES = """
table { border-collapse: collapse; width: 100%; font-size: 12.5px; color: var(--studio-text); font-variant-numeric: tabular-nums; }
th, td { padding: 3px 6px; text-align: right; border-bottom: 1px solid var(--studio-line); } th:first-child { text-align: left; font-weight: 400; }
thead th { font-size: 11px; font-weight: 600; color: var(--studio-muted); vertical-align: bottom; }
tbody th[title], thead th[title] { cursor: help; } td small { color: var(--studio-muted); white-space: nowrap; }
tr.own th, tr.own td { font-weight: 700; } tr.best td:nth-child(2)::before { content: "★ "; color: #009e73; }
h4 { margin: 6px 6px 2px; font-size: 12.5px; } .under { margin: 4px 6px; font-size: 11.5px; color: var(--studio-muted); line-height: 1.4; }
"""
_CRPS_TIP = (
    "Continuous ranked probability score: the mean absolute error of the members minus half their mean absolute difference. Of a single field "
    "it is the mean absolute error, so both can be compared. Smaller is better."
)
_LIVE_TIP = (
    "Mean over the points of this region at this time; one time decides nothing, so there is no interval."
)
_ROWS = {
    "spread": ("spread", "Root of the mean variance of M members times (M + 1) / M"),
    "error": ("error of the mean", "Root mean square difference of the mean from the truth"),
}
_RATIO_TIP = "Spread divided by the error of the mean: 1 if the truth is like another member; below 1 the spread is too small."
_RANK_TIP = "Largest departure of a bar of the rank histogram from a flat one, relative to it. Ideal: 0. Neighbouring points resemble each other, so one time departs by chance."
_POWER_TIP = f"{MEASURES['energy_ratio'].definition} Of one member, mean over the members. Ideal: 1; below 1 the members are too smooth."


def tables_html(result: EnsembleResult, labels: Mapping[str, str], record: LongRecord | None) -> str:
    """Return both tables; empty before there are scores."""
    if "scores" not in result.tables:
        return ""
    scores, field = result.tables["scores"], result.question.field
    unit, own = field_unit(field), result.method.name
    names = [str(name) for name in scores["model"].values]
    least = min(names, key=lambda name: float(scores["crps"].sel(model=name)))
    rows = []
    for name in names:
        kind = f"CRPS of {result.done} members" if name == own else "absolute error"
        classes = " ".join(part for part, holds in (("own", name == own), ("best", name == least)) if holds)
        live = number(float(scores["crps"].sel(model=name)) * unit.factor)
        title = f"{labels.get(name, name)} <small>{kind}</small>"
        rows.append(
            f'<tr class="{classes}"><th scope="row" title="{escape(_CRPS_TIP)}">{title}</th><td>{live}</td>{_season(record, result, name, "crps", unit.factor)}</tr>'
        )
    head = _head(result, record, f"[{escape(unit.text)}]")
    calibration = [
        _row(title, tip, number(float(scores[key]) * unit.factor), f"[{unit.text}]", "<td>–</td>")
        for key, (title, tip) in _ROWS.items()
    ]
    for title, tip, value, measure in (
        ("spread / error", _RATIO_TIP, float(scores["ratio"]), "spread_error_ratio"),
        ("rank deviation", _RANK_TIP, float(scores["rank_deviation"]), "rank_deviation"),
        ("small-scale power / truth's", _POWER_TIP, float(scores["energy_ratio"]), "energy_ratio"),
    ):
        calibration.append(_row(title, tip, number(value), "", _season(record, result, own, measure, 1.0)))
    belts = _belts(result.tables.get("latitudes"))
    return (
        f"<h4>Members against single fields</h4><table>{head}<tbody>{''.join(rows)}</tbody></table>"
        f"<h4>Calibration</h4><table>{_head(result, record, '')}<tbody>{''.join(calibration)}{belts}</tbody></table>{_basis(record, result)}"
    )


def _head(result: EnsembleResult, record: LongRecord | None, unit: str) -> str:
    title = "" if record is None else record.description
    return (
        f'<thead><tr><th>{unit}</th><th title="{escape(_LIVE_TIP)}">this date<br>and region</th>'
        f'<th title="{escape(title)}">evaluation<br>[95 % interval]</th></tr></thead>'
    )


def _row(title: str, tip: str, live: str, unit: str, season: str) -> str:
    return f'<tr><th scope="row" title="{escape(tip)}">{escape(title)} <small>{escape(unit)}</small></th><td>{live}</td>{season}</tr>'


def _season(record: LongRecord | None, result: EnsembleResult, name: str, measure: str, factor: float) -> str:
    """Cell of the evaluation: a single field that was not scored as an ensemble has its mean absolute error."""
    found: Figure | None = None
    if record is not None and result.question.field in record.fields:
        found = record.score(measure, name, result.question.field)
        if found is None and measure == "crps" and name != result.method.name:
            found = record.score("mae", name, result.question.field)
    tip = escape(MEASURES[measure].definition) if measure in MEASURES else ""
    return f'<td title="{tip}">{figure_text(found, factor)}</td>'


def _belts(latitudes: xr.Dataset | None) -> str:
    """Spread over error by latitude, both hemispheres together."""
    if latitudes is None:
        return ""
    rows = []
    for belt in range(latitudes.sizes["belt"]):
        one = latitudes.isel(belt=belt)
        title = f"spread / error, {float(one['belt_edge']):g}° to {float(one['belt_end']):g}°"
        rows.append(
            _row(
                title,
                f"{_RATIO_TIP} Both hemispheres together.",
                number(float(one["ratio"])),
                "",
                "<td>–</td>",
            )
        )
    return "".join(rows)


def _basis(record: LongRecord | None, result: EnsembleResult) -> str:
    if record is None:
        return '<div class="under">There is no evaluation with intervals of data like those shown.</div>'
    if record.score("crps", result.method.name, "vorticity") is None:
        return (
            f'<div class="under">The evaluation ({escape(record.description)}) does not hold this ensemble: '
            "make one with atmodist evaluate --members 8.</div>"
        )
    return f'<div class="under">Evaluation: {escape(record.description)}.</div>'
