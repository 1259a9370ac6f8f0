"""The guided tour of a first visit, and the help of each view."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import JSComponent

from app.session.session import Session
from app.state.view_registry import VIEW_ENTRIES
from app.theme.theme import VARIABLES

STEPS = (
    (
        "One coarse field, several answers",
        "Every panel shows the same moment and place. The coarse input is all that a method gets; the truth is what it should have found. "
        "Which one is right, where, at which scale, and by which measure?",
    ),
    (
        "Everything reacts",
        "Choose data, date, field and region at the left: all views follow. Left and right arrow step through time, the play button runs on.",
    ),
    (
        "Read the scores with care",
        "Under each panel stand four scores; a star marks the best. Point at one for what it means: a small error rewards a blurred field.",
    ),
    (
        "Five questions, five views",
        "Maps: where? Spectra: at which scale? Distances: how different are two moments? Cities: does the distribution hold at one place? Models: what was learned, from "
        "what? Keys 1 to 5 switch; / finds a city; the question mark beside the tabs explains the view in front.",
    ),
    (
        "Take it with you",
        "The address is a link to exactly this page, and the back button works. Export gives the figure for a paper, the numbers behind it and the command that makes both again.",
    ),
)
_STYLES = (
    VARIABLES
    + """
.help { font-size: 13.5px; line-height: 1.6; color: var(--studio-text); background: var(--studio-surface); border: 1px solid var(--studio-line);
  border-left: 4px solid #0072b2; border-radius: 8px; padding: 10px 14px; max-width: 1100px; }
"""
)


class Tour(JSComponent):
    """The card of the tour; it shows itself where the browser has never closed it."""

    steps: Any = param.List(default=[list(step) for step in STEPS], doc="Title and text of each step.")
    started = param.Integer(default=0, doc="A new number begins the tour again.")

    _esm = Path(__file__).parent / "tour.js"


class Help(pn.viewable.Viewer):
    """Button beside the tabs, and the text it shows below them.

    Parameters
    ----------
    session : Session
    tour : Tour
        Begun anew by the button in the text.
    """

    def __init__(self, session: Session, tour: Tour) -> None:
        super().__init__()
        self._session = session
        self._tour = tour
        self.button = pmui.IconButton(
            icon="help_outline",
            description="What this view shows, and how to read it",
            size="small",
            margin=0,
            align="center",
        )
        self._text = pn.pane.HTML("", stylesheets=[_STYLES], margin=0, sizing_mode="stretch_width")
        again = pmui.Button(label="Show the tour", icon="tour", size="small", variant="text", margin=0)
        again.on_click(self._begin_tour)
        self.text = pn.Column(
            self._text, again, visible=False, sizing_mode="stretch_width", margin=0, css_classes=["help-text"]
        )
        self.button.on_click(self._turn_page)
        session.state.param.watch(self._update, "view")
        self._update()

    def __panel__(self) -> Any:
        """Return what is shown."""
        return self.text

    def _begin_tour(self, _event: Any) -> None:
        self._tour.started += 1

    def _turn_page(self, _event: Any) -> None:
        self.text.visible = not self.text.visible

    def _update(self, *_events: Any) -> None:
        entry = VIEW_ENTRIES[self._session.state.view]
        self._text.object = (
            f'<div class="help" role="note"><b>{escape(entry.label)}.</b> {escape(entry.help)}</div>'
        )
