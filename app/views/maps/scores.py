"""The scores below a map, as HTML with a definition for every name."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from app.compute.comparison import SCORE_NAMES, Comparison, Scores
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.plots.look.units import DisplayUnit

SHORT_NAMES = {"rmse": "RMSE", "atmodist": "AtmoDist", "energy_ratio": "Energy", "wasserstein": "W₁"}

READING = {
    "rmse": "Favours smooth fields: a small-scale feature in the wrong place counts twice, a missing one once.",
    "atmodist": "Smaller is closer.",
    "energy_ratio": "One is right; below one is too smooth, above one too rough. It does not depend on where the small scales are.",
    "wasserstein": "The mean shift of values that makes the distributions equal; it does not depend on where the values are.",
}
"""How to read each score, beside its definition in the registry of measures."""


def score_html(scores: Scores | None, best: dict[str, set[str]], name: str, unit: DisplayUnit) -> str:
    """Return the row of scores of one method; ``scores`` is None while they are computed, and ``best`` the best methods by score."""
    cells = []
    for key in SCORE_NAMES:
        value = None if scores is None else getattr(scores, key)
        text, missing = _number(key, value, unit), value is not None and not np.isfinite(value)
        is_best = name in best[key]
        tip = (
            f"{MEASURES[key].definition} {READING[key]}"
            + (f" {scores.note}" if scores is not None and missing else "")
            + (" Best here." if is_best else "")
        )
        units = f" [{unit.text}]" if key in ("rmse", "wasserstein") else ""
        cells.append(
            f'<div class="score{" best" if is_best else ""}" tabindex="0" aria-label="{escape(SHORT_NAMES[key])}{escape(units)}: '
            f'{escape(text)}. {escape(tip)}"><span class="name">{SHORT_NAMES[key]}{_small(unit) if units else ""}</span>'
            f'<span class="value">{text}</span><span class="tip" role="tooltip"><b>{SHORT_NAMES[key]}{escape(units)}</b> '
            f"{escape(tip)}</span></div>"
        )
    return f'<div class="scores">{"".join(cells)}</div>'


def reference_html(comparison: Comparison | None, unit: DisplayUnit) -> str:
    """Return the row under the truth: standard deviation and extremes, for comparison with the errors."""
    cells: list[Any] = [("std", None), ("min", None), ("max", None)]
    values = None if comparison is None else comparison.values("truth")
    if values is not None:
        shown = values.astype(np.float64) * unit.factor
        cells = [("std", np.nanstd(shown)), ("min", np.nanmin(shown)), ("max", np.nanmax(shown))]
    return _plain_row(cells, unit)


def coarse_html(comparison: Comparison | None, factor: int) -> str:
    """Return the row under the coarse input: its grid."""
    if comparison is None:
        return _plain_row([("input", None)])
    latitude, longitude = comparison.coarse.sizes["latitude"], comparison.coarse.sizes["longitude"]
    spacing = float(abs(comparison.coarse["latitude"][0] - comparison.coarse["latitude"][1]))
    return (
        '<div class="scores"><div class="score wide"><span class="name">input of every method</span><span class="value">'
        f"{latitude} × {longitude} cells of {spacing:.3g}°, {factor} × {factor} means</span></div></div>"
    )


def _small(unit: DisplayUnit) -> str:
    return f" <small>{escape(unit.text)}</small>"


def _plain_row(cells: list[Any], unit: DisplayUnit | None = None) -> str:
    small = "" if unit is None else _small(unit)
    parts = [
        f'<div class="score"><span class="name">{name}{small}</span><span class="value">{_signed(value)}</span></div>'
        for name, value in cells
    ]
    return f'<div class="scores">{"".join(parts)}</div>'


def _signed(value: Any) -> str:
    return "…" if value is None else f"{value:.2f}".replace("-", "−")


def _number(key: str, value: float | None, unit: DisplayUnit) -> str:
    if value is None:
        return "…"
    if not np.isfinite(value):
        return "–"
    if key in ("rmse", "wasserstein"):
        return f"{value * unit.factor:.3g}"
    return f"{value:.2f}" if key == "energy_ratio" else f"{value:.3g}"


STYLES = """
.scores { display: flex; gap: 2px; height: 40px; }
.score { flex: 1 1 0; min-width: 0; display: flex; flex-direction: column; justify-content: center; padding: 2px 6px; position: relative;
  border-radius: 6px; cursor: default; line-height: 1.25; outline-offset: -2px; }
.score.wide { flex: 1; }
/* Four numbers and a star in a narrow card: longer ones take more space. */
@container (max-width: 290px) { .score { flex: 1 1 auto; padding: 2px 3px; } .score .value { font-size: 12px; } }
.score .name { font-size: 10.5px; color: var(--studio-muted); white-space: nowrap; }
/* The unit stands beside the name where there is room, and in the tip everywhere. */
.score .name small { display: none; font-size: 9.5px; } @container (min-width: 310px) { .score .name small { display: inline; } }
.score .value { font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; color: var(--studio-text); overflow: hidden;
  text-overflow: ellipsis; }
.score.best .value { color: var(--studio-best); font-weight: 700; }
.score.best .value::after { content: " ★"; font-size: 10px; }
.score .tip { visibility: hidden; opacity: 0; transition: opacity .12s .15s; position: absolute; z-index: 40; bottom: calc(100% + 4px);
  left: 50%; transform: translateX(-50%); width: 250px; padding: 8px 10px; border-radius: 8px; font-size: 12px; line-height: 1.4;
  background: var(--studio-text); color: var(--studio-surface); pointer-events: none; white-space: normal; }
.score:first-child .tip { left: 0; transform: none; }
.score:last-child .tip { left: auto; right: 0; transform: none; }
.score:hover .tip, .score:focus .tip { visibility: visible; opacity: 1; }
.score[tabindex]:hover { background: var(--studio-raised); }
"""
