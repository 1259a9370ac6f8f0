"""The table of all cities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from app.theme.theme import VARIABLES

_STYLES = (
    VARIABLES
    + """
.filters { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding-bottom: 8px; font-size: 12.5px; }
.filters input, .filters select { font: inherit; height: 30px; border-radius: 7px; border: 1px solid var(--studio-line); padding: 0 9px;
  background: var(--studio-surface); color: var(--studio-text); }
.filters input { width: 220px; box-sizing: border-box; }
.filters input::placeholder { color: var(--studio-muted); opacity: 1; }
.filters :focus-visible, .scroll:focus-visible, button:focus-visible { outline: 2px solid var(--panel-primary-color); outline-offset: 1px; }
.count, .caption { color: var(--studio-muted); }
.caption { margin-left: auto; }
.scroll { max-height: 430px; overflow: auto; border: 1px solid var(--studio-line); border-radius: 8px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 12.5px; color: var(--studio-text); font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--studio-line); font-weight: 400; }
thead th { position: sticky; top: 0; z-index: 1; background: var(--studio-raised); padding: 0; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
thead button { padding: 7px 12px; font-weight: 600; width: 100%; }
th[aria-sort="ascending"] button::after { content: " ↑" / ""; } th[aria-sort="descending"] button::after { content: " ↓" / ""; }
.number, .number button { text-align: right; }
.least { font-weight: 700; color: var(--studio-best); }
tbody tr { cursor: pointer; }
tbody tr:hover { background: color-mix(in srgb, var(--panel-primary-color) 9%, transparent); }
tr.chosen { background: color-mix(in srgb, var(--panel-primary-color) 20%, transparent); }
tbody th button { font-weight: 500; }
td.better { color: color-mix(in srgb, #009e73 80%, var(--studio-text)); } td.worse { color: color-mix(in srgb, #d55e00 80%, var(--studio-text)); }
td.equal, td.none { color: var(--studio-muted); }
"""
)


class CityTable(JSComponent):
    """Rows of cities, sorted and filtered in the browser."""

    columns: Any = param.List(
        default=[],
        doc="Per column: label, title, and kind: text, number or verdict; the first two are name and country.",
    )
    caption = param.String(default="", doc="What the numbers are.")
    rows: Any = param.List(default=[], doc="Per city: its cells; None for an unknown number.")
    selected: Any = param.List(default=[], item_type=str, doc="Names of the selected cities; two-way.")

    _esm = Path(__file__).parent / "city_table.js"
    _stylesheets = [_STYLES]  # noqa: RUF012 - Panel declares it so
