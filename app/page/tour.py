"""The guided tour of a first visit, and the help of each view."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from app.session.session import Session
from app.state.view_registry import VIEW_ENTRIES
from app.views.shared.elements import Element, button, column, html, icon_button

STEPS = (
    (
        "One coarse field, several methods",
        "All panels show the same time and region. Every method receives the coarse input, some models also how sharp the data are; the truth is the field that it should "
        "reproduce. The line above the views says what to notice.",
    ),
    (
        "All views follow your choices",
        "Choose data, date, field and region on the left. The arrow keys step through time, and the play button advances it.",
    ),
    (
        "Read the scores with care",
        "Four scores stand below each panel; a star marks the best. Point at a score for its definition. A small error favours blurred fields.",
    ),
    (
        "Eight questions, eight views",
        "Scorecard: which method is right? Maps: where? Spectra: at which scale? Distances: how different are two times? Cities: is the local "
        "distribution correct? Models: trained on what? Ensemble: what is left open? Features: what does the distance see? Keys 0 to 7 switch views, / finds a city, and the question mark explains the view.",
    ),
    (
        "Share and export",
        "The address is a link to exactly this page, and the back button works. Export gives a figure for a paper, its numbers and the command "
        "that reproduces both.",
    ),
)
_STYLES = """
.help { font-size: 13.5px; line-height: 1.6; color: var(--studio-text); background: var(--studio-surface); border: 1px solid var(--studio-line);
  border-left: 4px solid #0072b2; border-radius: 8px; padding: 10px 14px; max-width: 1100px; }
"""


class Tour(JSComponent):
    """The card of the tour; it appears in browsers in which it was never closed."""

    steps: Any = param.List(default=[list(step) for step in STEPS], doc="Title and text of each step.")
    started = param.Integer(default=0, doc="Incremented to show the tour again.")

    _esm = Path(__file__).parent / "tour.js"


class Help(Element):
    """Button beside the tabs, and the help text that it shows below them with a button for the tour."""

    def __init__(self, session: Session, tour: Tour) -> None:
        super().__init__()
        self._session = session
        self._tour = tour
        self.button = icon_button("help_outline", "How to read this view", align="center")
        self._text = html(css=_STYLES)
        again = button("Show the tour", "tour", variant="text")
        again.on_click(self._begin_tour)
        self._content = column(self._text, again, visible=False, css_classes=["help-text"])
        self.button.on_click(self._toggle)
        session.state.param.watch(self._update, "view")
        self._update()

    def _begin_tour(self, _event: Any) -> None:
        self._tour.started += 1

    def _toggle(self, _event: Any) -> None:
        self._content.visible = not self._content.visible

    def _update(self, *_events: Any) -> None:
        entry = VIEW_ENTRIES[self._session.state.view]
        self._text.object = (
            f'<div class="help" role="note"><b>{escape(entry.label)}.</b> {escape(entry.help)}</div>'
        )
