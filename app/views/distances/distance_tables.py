"""Tables of the Distances view: distances between methods and truth."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import xarray as xr

from app.session.distances.distance_work import TimeDistances
from app.views.shared.elements import head_html
from atmodist_core.figures.numbers.distances import DEFINITIONS
from atmodist_core.plots.look.units import field_unit

STYLES = """
table { border-collapse: collapse; font-size: 11.5px; font-variant-numeric: tabular-nums; color: var(--studio-text); width: 100%; table-layout: fixed; }
th { font-weight: 500; color: var(--studio-muted); padding: 2px 4px; text-align: right; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
td { padding: 3px 4px; text-align: right; border: 1px solid var(--studio-surface); }
td.own { color: var(--studio-muted); }
td.best { font-weight: 700; color: var(--studio-best); }
caption { caption-side: top; text-align: left; font-size: 12px; font-weight: 600; color: var(--studio-text); padding: 8px 4px 2px 4px; }
.tables { display: flex; flex-wrap: wrap; gap: 6px 24px; } .tables table { flex: 1 1 300px; width: auto; }
"""
_TABLES = {"atmodist": "AtmoDist", "rmse": "RMSE", "dissimilarity": "1 − SSIM"}


def methods_html(result: TimeDistances | None, labels: Mapping[str, str]) -> str:
    """Return tables of the distances between truth and methods; the first column is the distance to the truth."""
    if result is None or result.methods is None:
        return head_html("Methods and truth")
    found = result.methods
    when = result.dates.words(result.question.time)
    unit = field_unit(result.question.field)
    parts = [head_html("Methods and truth", f"{when}, this region")]
    tables = []
    for name, title in _TABLES.items():
        if name not in found or not np.isfinite(found[name].values).any():
            continue
        factor = unit.factor if name == "rmse" else 1.0
        detail = f" of {result.question.field} [{unit.text}]" if name == "rmse" else ""
        tables.append(_table(f"{title}{detail}", DEFINITIONS[name], found[name] * factor, labels))
    parts.append(f'<div class="tables">{"".join(tables)}</div>')
    parts.append(
        '<div class="note">First column: distance to the truth, the smallest in bold. Two methods can be equally far from the truth '
        "and yet close to each other.</div>"
    )
    return "".join(parts)


def _table(title: str, tip: str, matrix: xr.DataArray, labels: Mapping[str, str]) -> str:
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
    caption = f'<span class="explained" title="{escape(tip)}">{escape(title)}</span>'
    return f"<table><caption>{caption}</caption><tr><th></th>{heads}</tr>{''.join(rows)}</table>"
