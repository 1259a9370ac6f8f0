"""The Scorecard view: every model by every measure, and how much closer to the truth than a reference."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn

from app.session.long_record import Figure
from app.session.scorecard_work import Scorecards
from app.session.session import Session
from app.state.choices import MEASURES
from app.state.state import shown_methods
from app.state.view_registry import VIEWS
from app.theme.theme import DARK, FITTING
from app.views.scorecard.scorecard_html import legend_html, table_html, view_of
from app.views.scorecard.scorecard_tables import ScorecardTables
from app.views.shared.choice import Choices, choice
from app.views.shared.elements import (
    CARD_STYLES,
    HEAD_STYLES,
    TOOL_STYLES,
    Element,
    button,
    column,
    html,
    row,
)
from app.views.shared.veil import Veil
from atmodist_core.figures.findings.measure_groups import CITY_PREFIX, headline_of

_STYLES = (
    HEAD_STYLES
    + """
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; font-size: 12px; color: var(--studio-text); min-height: 24px; }
.legend .scale { width: 150px; height: 12px; border-radius: 4px; border: 1px solid var(--studio-line); } .legend .mid { color: var(--studio-muted); margin-right: 10px; }
.legend .swatch { width: 22px; height: 12px; border: 1px solid var(--studio-line); background: repeating-linear-gradient(135deg, transparent 0 5px, var(--studio-line) 5px 6px); }
.answer { font-size: 13px; line-height: 1.55; color: var(--studio-text); max-width: 1100px; }
.answer p { margin: 2px 0; }
"""
)
_WAITING = '<table><caption>&nbsp;</caption></table><div style="height:560px"></div>'
"""A table of nearly the final size, so that nothing moves when it is filled."""


class ScorecardView(Element):
    """Tables of both fields, their legend, and the paragraph that says which model is best."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._shown: Any = None
        self._reference = Choices(session.state, "reference", "Compare with", 220)
        self._legend, self._answer, self._basis = (
            html(css=_STYLES, min_height=24),
            html(css=_STYLES),
            html(css=_STYLES, min_height=20),
        )
        self._legend.sizing_mode = None
        self._tables = ScorecardTables(tables=[_WAITING, _WAITING], sizing_mode="stretch_width", margin=0)
        self._tables.on_cell = self._open
        self._lags = button(
            "", "timeline", variant="text", visible=False, description="Open the view Distances"
        )
        self._lags.on_click(lambda _event: self._state.param.update(view="distances"))
        self._veil = Veil("16px")
        which = choice(
            session.state, "measures", MEASURES, "Headline measures, or also those of single scales and lags"
        )
        tools = row(self._reference.widget, which, self._legend, css=TOOL_STYLES)
        card = column(
            self._tables, self._lags, self._veil.pane, css=CARD_STYLES, css_classes=["scorecard-card"]
        )
        answer = column(self._answer, css=CARD_STYLES, css_classes=["scorecard-answer"])
        self._content = column(tools, self._basis, card, answer, css=FITTING, styles={"gap": "8px"})
        session.param.watch(self._update, ["results", "busy", "methods"])
        session.state.param.watch(self._update, ["view", "theme", "measures", "reference"])
        self._update()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        if self._state.view != "scorecard":
            return
        cards: Scorecards | None = self._session.results.get("scorecard")
        key = (
            id(cards),
            self._state.measures,
            self._state.theme,
            self._state.reference,
            len(self._session.methods),
        )
        self._veil.show(self._session.busy and cards is None)
        if cards is None or key == self._shown:
            return
        self._shown = key
        with pn.io.hold():
            self._draw(cards)

    def _draw(self, cards: Scorecards) -> None:
        state, first = self._state, next(iter(cards.tables.values()))
        reference, stored = str(first.attrs["reference"]), str(cards.record.tree.attrs.get("reference", ""))
        self._reference.fill({"" if label == stored else label: name for label, name in cards.names.items()})
        measures = [str(name) for name in first["measure"].values]
        chosen = measures if state.measures == "all" else headline_of(measures)
        cost = {
            one.name: one.card.parameters / 1e6 if one.card is not None else 0.0
            for one in self._session.methods
        }
        other = [
            one.name
            for one in self._session.methods
            if one.card is not None
            and one.name in cards.names
            and not cards.record.fits(one.name, one.card.created)
        ]
        tables = [
            table_html(
                table.sel(measure=chosen),
                cards.names,
                VIEWS,
                {name: cost[name] for name in cards.names if name in cost},
                other,
            )
            for table in cards.tables.values()
        ]
        self._tables.param.update(tables=tables, dark=state.theme == DARK)
        self._legend.object = legend_html(state.theme, cards.names[reference])
        if cards.is_own:
            whose = "An evaluation of the data shown"
        elif cards.differences:
            whose = f"No evaluation is of data like those shown. The nearest one has {'; '.join(cards.differences)}"
        else:
            whose = "The evaluation that ships for data like these, not of the time and region shown"
        self._basis.object = f'<div class="note"><b>{escape(whose)}:</b> {escape(cards.basis)}.</div>'
        self._answer.object = (
            '<div class="answer">' + "".join(f"<p>{escape(one)}</p>" for one in cards.sentences) + "</div>"
        )
        self._show_lags(cards)

    def _show_lags(self, cards: Scorecards) -> None:
        """The distance network, which is no downscaling model and has measures of its own."""
        scores = cards.record.lag_scores()
        found = None if scores is None else scores["accuracy"]
        self._lags.visible = isinstance(found, Figure)
        if isinstance(found, Figure) and scores is not None:
            ends = f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
            chance = 100 * float(scores["chance_accuracy"])  # type: ignore[arg-type]
            self._lags.label = f"Distance network {cards.record.network}: lag accuracy {100 * found.value:.1f}{ends} %, by chance {chance:.1f} %"

    def _open(self, measure: str, model: str, field: str) -> None:
        """Open the view that explains a cell, with the model and the reference in it."""
        session, state = self._session, self._state
        cards: Scorecards | None = session.results.get("scorecard")
        if cards is None:
            return
        first = next(iter(cards.tables.values()))
        if measure == "cost":
            state.view = "models"
            return
        if measure not in first["measure"].values or model not in cards.names or field not in cards.tables:
            return  # a forged message
        reference = str(first.attrs["reference"])
        found = [method.name for method in session.methods]
        wanted = [*shown_methods(state, found), *(name for name in (model, reference) if name in found)]
        changes: dict[str, Any] = {
            "field": field,
            "view": view_of(measure, str(first["group"].sel(measure=measure).item())),
        }
        if set(wanted) != set(shown_methods(state, found)):
            changes["methods"] = [name for name in found if name in wanted]
        if changes["view"] == "cities" and {model, reference} <= set(found) and model != reference:
            changes |= {"candidate": model, "baseline": reference}
            box = measure.removeprefix(CITY_PREFIX)
            changes |= {"box": box} if box in state.param["box"].objects else {}
        state.param.update(**changes)
