"""The tables of the scorecard in the browser: cells explain themselves and can be selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from app.theme.theme import VARIABLES

_STYLES = (
    VARIABLES
    + """
.tables { display: flex; flex-wrap: wrap; gap: 14px 22px; align-items: flex-start; }
.card { flex: 1 1 620px; min-width: min(100%, 560px); container-type: inline-size; overflow-x: auto; }
table { border-collapse: separate; border-spacing: 2px; width: 100%; table-layout: fixed; font-size: 12.5px; color: var(--studio-text); font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 14px; font-weight: 700; padding: 0 0 2px 4px; }
thead th { font-size: 11.5px; font-weight: 600; line-height: 1.25; text-align: center; vertical-align: bottom; padding: 2px 3px; overflow-wrap: break-word; hyphens: auto; }
thead th:first-child { text-align: left; width: 25%; } thead svg { display: block; width: 22px; height: 6px; margin: 0 auto 2px; }
tr.group th { text-align: left; font-size: 11.5px; font-weight: 600; color: var(--studio-muted); padding: 7px 4px 1px; }
tbody th { text-align: left; font-weight: 400; line-height: 1.2; padding: 2px 6px 2px 4px; }
tbody th[data-tip] { cursor: help; }
small { display: block; font-size: 10px; font-weight: 400; color: inherit; opacity: .8; white-space: nowrap; }
tbody th small { color: var(--studio-muted); opacity: 1; }
td { padding: 0; border-radius: 5px; }
td button { font: inherit; color: inherit; width: 100%; border: 0; background: none; padding: 3px 2px; border-radius: 5px; cursor: pointer; line-height: 1.2; }
td.sure { background: var(--light); color: var(--light-ink); } .dark td.sure { background: var(--dark); color: var(--dark-ink); }
td.undecided { color: var(--studio-muted); background: repeating-linear-gradient(135deg, transparent 0 5px, var(--studio-line) 5px 6px); }
td.reference { background: var(--studio-raised); }
td button:hover, td button:focus-visible, th:focus-visible { outline: 2px solid var(--panel-primary-color); outline-offset: 0; }
@container (max-width: 560px) { td small { display: none; } thead th { font-size: 10px; } table { font-size: 12px; } }
.tip { position: fixed; z-index: 1300; max-width: 340px; white-space: pre-line; pointer-events: none; background: #0f2438; color: #f4f7fa; border-radius: 8px;
  padding: 8px 11px; font-size: 12px; line-height: 1.45; box-shadow: 0 6px 22px rgba(0, 0, 0, .3); }
.tip::first-line { font-weight: 700; }
"""
)


class ScorecardTables(JSComponent):
    """Tables as HTML; a selected cell is given to ``on_cell`` as measure, model and field."""

    tables: Any = param.List(default=[], item_type=str, doc="HTML of each table.")
    dark = param.Boolean(default=False, doc="Whether the page is dark.")

    _esm = Path(__file__).parent / "scorecard_tables.js"
    _stylesheets = [_STYLES]  # noqa: RUF012 - Panel declares it so

    on_cell: Callable[[str, str, str], None] | None = None

    def _handle_msg(self, data: Any) -> None:
        if self.on_cell is not None and isinstance(data, dict):
            self.on_cell(*(str(data.get(name, "")) for name in ("measure", "model", "field")))
