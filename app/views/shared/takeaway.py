"""The line above each view that says what to notice."""

from __future__ import annotations

from html import escape
from typing import Any

from app.session.session import Session
from app.state.choices import FURTHER_FIELDS
from app.state.view_registry import VIEW_ENTRIES, load
from app.views.shared.elements import Element, html

_STYLES = """
.takeaway { display: flex; align-items: center; min-height: 44px; box-sizing: border-box; padding: 4px 12px; border-left: 4px solid #009e73; border-radius: 6px;
  background: var(--studio-raised); color: var(--studio-text); font-size: 13px; line-height: 1.4; }
@media (max-width: 1000px) { .takeaway { min-height: 64px; } } @media (max-width: 500px) { .takeaway { min-height: 116px; } }
.takeaway.empty { color: var(--studio-muted); }
"""


class Takeaway(Element):
    """One sentence on the results shown; its room is kept while there are none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._content = html(css=_STYLES, min_height=44, css_classes=["takeaway-line"])
        session.param.watch(self._update, ["comparison", "results", "methods", "busy", "data"])
        session.state.param.watch(
            self._update, ["view", "methods", "average", "field", "box", "candidate", "baseline"]
        )
        self._update()

    def _update(self, *_events: Any) -> None:
        reference = VIEW_ENTRIES[self._session.state.view].takeaway
        line = load(reference)(self._session) if reference and self._session.data is not None else ""
        if self._session.state.shows_instead and "field" in VIEW_ENTRIES[self._session.state.view].parameters:
            asked = FURTHER_FIELDS[self._session.state.field].lower()
            line = f"This view has no {asked} and shows vorticity. {line}"
        text = escape(line) if line else "&nbsp;"
        shown = f'<div class="takeaway{"" if line else " empty"}" role="status">{text}</div>'
        if shown != self._content.object:
            self._content.object = shown
