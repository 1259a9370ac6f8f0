"""Tables of the Distances view: predicted lags, and distances between methods and truth."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import xarray as xr

from app.session.distance_work import TimeDistances
from app.views.shared.elements import head_html
from atmodist_core.figures.numbers.distances import area_words
from atmodist_core.plots.look.units import field_unit

STYLES = """
table { border-collapse: collapse; font-size: 11.5px; font-variant-numeric: tabular-nums; color: var(--studio-text); width: 100%; table-layout: fixed; }
th { font-weight: 500; color: var(--studio-muted); padding: 2px 4px; text-align: right; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
td { padding: 3px 4px; text-align: right; border: 1px solid var(--studio-surface); }
td.own { color: var(--studio-muted); }
td.best { font-weight: 700; color: var(--studio-best); }
caption { caption-side: top; text-align: left; font-size: 12px; font-weight: 600; color: var(--studio-text); padding: 8px 4px 2px 4px; }
.tables { display: flex; flex-wrap: wrap; gap: 6px 24px; } .tables table { flex: 1 1 300px; width: auto; }
svg text { font-family: Roboto, Helvetica, Arial, sans-serif; font-size: 9px; fill: var(--studio-muted); }
svg .axis { font-size: 10px; }
"""
_SIZE, _LEFT, _BOTTOM = 300, 34, 30
_TABLES = {"atmodist": "AtmoDist", "rmse": "RMSE", "dissimilarity": "1 − SSIM"}


def confusion_html(result: TimeDistances | None) -> str:
    """Return the confusion matrix of the predicted lag, as fractions of each true lag, with its accuracy and mean error."""
    confusion = None if result is None else result.confusion
    if confusion is None:
        text = "" if result is None or not result.complete else "not available for this region and period"
        return head_html("Predicted lag", text)
    count = confusion["count"].transpose("lag", "predicted_lag").values.astype(float)
    total = count.sum(axis=1, keepdims=True)
    share = np.divide(count, total, out=np.zeros_like(count), where=total > 0)
    lags = confusion["lag"].values
    cell = _SIZE / lags.size
    cells = []
    top = share.max() or 1.0
    for i, j in zip(*np.nonzero(share), strict=True):
        tip = f"true {lags[i]:g} h, predicted {lags[j]:g} h: {100 * share[i, j]:.0f} % of {int(total[i, 0])}"
        cells.append(
            f'<rect x="{_LEFT + i * cell:.1f}" y="{_SIZE - (j + 1) * cell:.1f}" width="{cell:.2f}" height="{cell:.2f}" '
            f'fill="#009e73" fill-opacity="{0.06 + 0.94 * share[i, j] / top:.3f}"><title>{tip}</title></rect>'
        )
    ticks = []
    for k in sorted({0, lags.size // 3, 2 * lags.size // 3, lags.size - 1}):
        middle = (k + 0.5) * cell
        ticks.append(
            f'<text x="{_LEFT + middle:.1f}" y="{_SIZE + 12}" text-anchor="middle">{lags[k]:g}</text>'
        )
        ticks.append(
            f'<text x="{_LEFT - 4}" y="{_SIZE - middle + 3:.1f}" text-anchor="end">{lags[k]:g}</text>'
        )
    accuracy, chance = 100 * confusion.attrs["accuracy"], 100 * confusion.attrs["accuracy_by_chance"]
    error = float(np.nanmean(confusion["mean_error"].values))
    label = f"{accuracy:.0f} % correct (chance: {chance:.0f} %), mean error {error:.1f} h"
    chart = (
        f'<svg viewBox="0 0 {_LEFT + _SIZE + 4} {_SIZE + _BOTTOM}" role="img" aria-label="Confusion matrix of the predicted lag: {label}" '
        'style="width:100%;max-width:440px;display:block;margin:auto">'
        f'<rect x="{_LEFT}" y="0" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="currentColor" stroke-opacity=".2"/>'
        f"{''.join(cells)}"
        f'<line x1="{_LEFT}" y1="{_SIZE}" x2="{_LEFT + _SIZE}" y2="0" stroke="currentColor" stroke-opacity=".5" stroke-dasharray="3 3"/>'
        f"{''.join(ticks)}"
        f'<text class="axis" x="{_LEFT + _SIZE / 2}" y="{_SIZE + 26}" text-anchor="middle">true lag [h]</text>'
        f'<text class="axis" transform="translate(10 {_SIZE / 2}) rotate(-90)" text-anchor="middle">predicted lag [h]</text>'
        "</svg>"
    )
    note = (
        f'<div class="note"><b>{label}.</b> {int(count.sum())} predictions on {escape(area_words(confusion))}; '
        "on the dashed line they are correct.</div>"
    )
    return head_html("Predicted lag", str(confusion.attrs["model"])) + chart + note


def methods_html(result: TimeDistances | None, labels: Mapping[str, str]) -> str:
    """Return tables of the distances between truth and methods; the first column is the distance to the truth."""
    if result is None or result.methods is None:
        return head_html("Methods and truth")
    found = result.methods
    when = result.question.time.replace("T", " ")
    unit = field_unit(result.question.field)
    parts = [head_html("Methods and truth", f"{when} UTC, this region")]
    tables = []
    for name, title in _TABLES.items():
        if name not in found or not np.isfinite(found[name].values).any():
            continue
        factor = unit.factor if name == "rmse" else 1.0
        detail = f" of {result.question.field} [{unit.text}]" if name == "rmse" else ""
        tables.append(_table(f"{title}{detail}", found[name] * factor, labels))
    parts.append(f'<div class="tables">{"".join(tables)}</div>')
    parts.append(
        '<div class="note">First column: distance to the truth, the smallest in bold. Two methods can be equally far from the truth '
        "and yet close to each other.</div>"
    )
    return "".join(parts)


def _table(title: str, matrix: xr.DataArray, labels: Mapping[str, str]) -> str:
    names = [str(name) for name in matrix["model"].values]
    values = matrix.transpose("model", "other_model").values
    top = values.max() or 1.0
    to_truth = matrix.sel(other_model="truth").drop_sel(model="truth").values
    heads = "".join(
        f'<th scope="col" title="{escape(labels.get(n, n))}">{escape(labels.get(n, n))}</th>' for n in names
    )
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j, other in enumerate(names):
            if i == j:
                cells.append('<td class="own">–</td>')
                continue
            best = other == "truth" and to_truth.size > 1 and values[i, j] == to_truth.min()
            shade = f"background: color-mix(in srgb, #0072b2 {30 * values[i, j] / top:.0f}%, transparent)"
            cells.append(f'<td{" class=best" if best else ""} style="{shade}">{values[i, j]:.3g}</td>')
        label = escape(labels.get(name, name))
        rows.append(f'<tr><th scope="row" title="{label}">{label}</th>{"".join(cells)}</tr>')
    return f"<table><caption>{escape(title)}</caption><tr><th></th>{heads}</tr>{''.join(rows)}</table>"
