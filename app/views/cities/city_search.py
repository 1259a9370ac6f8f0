"""A search box over the cities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from app.theme.theme import VARIABLES

_STYLES = (
    VARIABLES
    + """
.search { position: relative; display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; font-size: 13px; color: var(--studio-text); }
.field { display: flex; align-items: center; gap: 6px; height: 32px; width: 210px; padding: 0 9px; box-sizing: border-box; border-radius: 8px;
  border: 1px solid var(--studio-line); background: var(--studio-surface); }
.field:focus-within { border-color: var(--panel-primary-color); box-shadow: 0 0 0 1px var(--panel-primary-color); }
.field svg { width: 17px; height: 17px; flex: none; fill: var(--studio-muted); }
input { border: 0; outline: 0; background: none; color: inherit; font: inherit; min-width: 0; flex: 1; }
input::placeholder { color: var(--studio-muted); opacity: 1; }
ul { position: absolute; top: 36px; left: 0; z-index: 20; width: 290px; max-height: 300px; overflow: auto; margin: 0; padding: 4px; list-style: none;
  border-radius: 8px; border: 1px solid var(--studio-line); background: var(--studio-surface); box-shadow: 0 6px 22px #0004; }
ul[hidden] { display: none; }
li { display: flex; justify-content: space-between; gap: 12px; padding: 5px 8px; border-radius: 5px; cursor: pointer; }
li span { color: var(--studio-muted); font-size: 12px; }
li.none { color: var(--studio-muted); cursor: default; }
li[aria-selected="true"], li:not(.none):hover { background: color-mix(in srgb, var(--panel-primary-color) 16%, var(--studio-surface)); }
.chips { display: flex; flex-wrap: wrap; gap: 5px; }
.chips button { font: inherit; font-size: 12.5px; color: inherit; height: 26px; border-radius: 13px; padding: 0 10px; cursor: pointer;
  border: 1px solid var(--studio-line); background: var(--studio-raised); }
.chips button::after { content: " ×"; color: var(--studio-muted); }
.chips button:hover { border-color: var(--panel-primary-color); }
.chips button:focus-visible { outline: 2px solid var(--panel-primary-color); outline-offset: 1px; }
"""
)


class CitySearch(JSComponent):
    """Type a name, choose with the arrows and Enter; the selected cities are chips, which a click removes."""

    cities: Any = param.List(default=[], doc="Per city: name, country.")
    selected: Any = param.List(default=[], item_type=str, doc="Names of the selected cities; two-way.")
    focused = param.Integer(default=0, doc="Raised to bring the keyboard here.")

    _esm = Path(__file__).parent / "city_search.js"
    _stylesheets = [_STYLES]  # noqa: RUF012 - Panel declares it so
