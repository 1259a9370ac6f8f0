"""The Models view: description, training and scores of each model, and how to add your own."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn

import atmodist_core as ad
from app.compute.control import Control
from app.compute.model_facts import SPEED_KINDS, ModelFacts, facts_of_models, speed_here
from app.compute.public_text import public_text
from app.session.long_record import record_of_model, shown_evaluation
from app.session.session import Session
from app.theme.theme import COARSE_COLOUR
from app.views.models.learning_figure import LearningFigure, template
from app.views.models.model_texts import STYLES, facts_html, own_html
from app.views.shared.elements import CARD_STYLES, Element, button, column, figure_pane, html
from app.views.shared.long_record_texts import model_html
from atmodist_core.figures.findings.shown_evaluation import ShownEvaluation
from atmodist_core.figures.method_styles import method_style

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-template-columns: repeat(2, minmax(0, 1fr)); grid-auto-rows: max-content; align-items: start; height: auto; }
@media (max-width: 900px) { :host { grid-template-columns: minmax(0, 1fr); } }
@media (min-width: 2200px) { :host { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
"""
_CARD_STYLES = CARD_STYLES + ":host { padding-bottom: 10px; height: auto; min-height: max-content; }"


class ModelsView(Element):
    """A card for each model, and one on how to add your own models and data."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: list[str] = []
        self._found: ShownEvaluation | None = None
        self._texts: list[tuple[ModelFacts, Any]] = []
        self._figures: list[LearningFigure] = []
        self._content = column(css=_GRID_STYLES)
        session.param.watch(self._update, ["methods", "models", "data"])
        session.state.param.watch(self._on_theme, "theme")
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the plot of which every model gets a copy."""
        template()

    def _update(self, *_events: Any) -> None:
        facts = facts_of_models(self._session.engine)
        data = self._session.data
        found = None if data is None else shown_evaluation(data)
        key = [f"{one.card.name} {one.stamp}" for one in facts]
        if self._content.objects and key == self._shown:
            if found != self._found:  # other data: the cards stay, with what was measured in them
                self._found = found
                for one, text in self._texts:
                    text.object = self._text(one)
            return
        self._shown, self._found = key, found
        self._figures, self._texts = [], []
        cards = [self._card(one) for one in facts]
        # Before they are in the document: data are opened without its lock, under which alone plots may be changed.
        self._on_theme()
        self._content.objects = [*cards, _box(html(own_html(), css=STYLES))]

    def _text(self, facts: ModelFacts) -> str:
        colour = str(method_style(facts.card.name).colour) if facts.card.downscales else COARSE_COLOUR
        name, created = facts.card.name, facts.card.created
        record = model_html(record_of_model(name, created, self._session.data), name, created)
        return facts_html(facts, colour, record)

    def _card(self, facts: ModelFacts) -> Any:
        text = html(self._text(facts), css=STYLES)
        self._texts.append((facts, text))
        parts: list[Any] = [text]
        if facts.curves is not None:
            one = LearningFigure(facts)
            self._figures.append(one)
            parts.append(figure_pane(one.figure))
        if facts.card.kind not in SPEED_KINDS:
            return _box(*parts, name=facts.card.name)
        speed = html(css=STYLES, margin=(6, 8), sizing_mode=None, css_classes=["speed"])
        label = "Measure the speed here"
        tip = f"{label}: {facts.card.name} on 160 × 160 points, on the machine that serves this page"
        measure_button = button(label, "speed", description=tip)

        async def measure(_event: Any) -> None:
            measure_button.loading = True
            try:
                speed.object = await self._measure(facts)
            finally:
                measure_button.loading = False

        measure_button.on_click(measure)
        parts.append(pn.Row(measure_button, speed, margin=0))
        return _box(*parts, name=facts.card.name)

    async def _measure(self, facts: ModelFacts) -> str:
        try:
            seconds = await self._session.in_thread(
                Control(), speed_here, self._session.engine, facts.card, Control()
            )
        except ad.UserError as error:
            return f'<div class="note" role="alert">{escape(public_text(error))}</div>'
        what = "to embed" if facts.card.kind == "distance" else "for"
        device = self._session.engine.device()
        return f'<div class="note"><b>{1000 * seconds:.0f} ms</b> {what} 160 × 160 points, float32, {escape(device)}</div>'

    def _on_theme(self, *_events: Any) -> None:
        for one in self._figures:
            one.use_theme(self._session.state.theme)


def _box(*parts: Any, name: str = "own") -> Any:
    classes = ["model-card", f"model-{name}"]
    return column(*parts, css=_CARD_STYLES, styles={"gap": "6px"}, css_classes=classes)
