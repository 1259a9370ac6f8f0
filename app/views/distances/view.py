"""The Distances view: distances between times, by AtmoDist and point by point, and how they grow with the lag."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn

from app.session.distances.distance_work import TimeDistances
from app.session.session import Session
from app.theme.theme import FITTING, LIGHT
from app.views.distances import confusion_figure, lag_figure, matrix_figure
from app.views.distances.confusion_figure import ConfusionFigure, confusion_head_html, confusion_note_html
from app.views.distances.distance_tables import STYLES as TABLE_STYLES
from app.views.distances.distance_tables import methods_html
from app.views.distances.lag_figure import LagFigure
from app.views.distances.matrix_figure import MatrixFigure, SharedTimes, share_cross_hair
from app.views.distances.pair_maps import PairMaps
from app.views.distances.similar_list import SimilarList
from app.views.shared import colour_bar
from app.views.shared.elements import CARD_STYLES, HEAD_STYLES, Element, column, figure_pane, head_html, html
from app.views.shared.period_control import PeriodControl
from app.views.shared.veil import Veil
from atmodist_core.figures.method_styles import distance_style
from atmodist_core.figures.numbers.distances import DEFINITIONS
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start; }
@media (max-width: 1180px) { :host { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) { :host { grid-template-columns: minmax(0, 1fr); } }
"""
_CARD_STYLES = (
    CARD_STYLES
    + """
:host { padding: 6px 8px 8px 8px; height: auto; min-height: max-content; }
:host(.distance-pair) { grid-row: span 2; }
:host(.distance-methods), :host(.distance-similar) { grid-column: 1 / -1; }
"""
)
_TEXT_STYLES = (
    HEAD_STYLES
    + colour_bar.STYLES
    + TABLE_STYLES
    + ".note { padding: 0 6px; } .head { align-items: baseline; }"
)

_LAG_TIP = (
    "Distance of two states of this region against the time between them, mean over pairs of times. l1 and l2: mean absolute and mean squared "
    "difference of both fields, each divided by its standard deviation; 1-SSIM: one minus structural similarity. Every curve is multiplied by a "
    "number that brings it to AtmoDist at long lags."
)


class DistancesView(Element):
    """Matrices, a pair of fields, curves against the lag, confusion of lags and distances between methods."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shared = SharedTimes()
        self._shown: Any = None
        self._theme = LIGHT
        self._learned = MatrixFigure(self._shared, "AtmoDist", self._choose)
        self._plain = MatrixFigure(self._shared, "RMSE", self._choose)
        share_cross_hair([self._learned, self._plain])
        self._lags = LagFigure()
        self._pair = PairMaps(session)
        self._similar = SimilarList(session)
        self._confusion = ConfusionFigure()
        self._heads = {name: _text(height=28) for name in ("learned", "plain", "lags", "confusion")}
        self._bars = {name: _text(height=34) for name in ("learned", "plain")}
        self._note = _text()
        # With their final size, so that nothing moves when they are filled.
        sizes = (70, 52, 120)
        self._saturation, self._confusion_note, self._methods = (_text(min_height=size) for size in sizes)
        content = {
            "learned": (self._heads["learned"], self._learned.pane, self._bars["learned"]),
            "plain": (self._heads["plain"], self._plain.pane, self._bars["plain"]),
            "pair": (self._pair,),
            "lags": (self._heads["lags"], figure_pane(self._lags.figure), self._saturation),
            "confusion": (self._heads["confusion"], self._confusion.pane, self._confusion_note),
            "similar": (self._similar,),
            "methods": (self._methods,),
        }
        self._veils = {name: Veil("40px 16px 16px 16px") for name in content}
        cards = [_card(name, *parts, self._veils[name].pane) for name, parts in content.items()]
        grid = column(*cards, css=_GRID_STYLES)
        self._content = column(PeriodControl(session), self._note, grid, css=FITTING, styles={"gap": "8px"})
        session.param.watch(self._update, ["results", "busy", "methods"])
        session.state.param.watch(self._update, ["theme", "view", "time"])
        session.state.param.watch(self._on_pair, "pair")
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the figures that every visitor gets copies of."""
        for figure in (matrix_figure, lag_figure, confusion_figure):
            figure.template()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        if self._session.state.view != "distances":
            return
        theme = self._session.state.theme
        result: TimeDistances | None = self._session.results.get("distances")
        time = self._session.state.time
        key = (theme, id(result), self._session.busy, time)
        if key == self._shown:
            return
        self._shown = key
        with pn.io.hold():
            if theme != self._theme:
                self._theme = theme
                for one in (self._learned.plot, self._plain.plot, self._lags.plot, self._confusion):
                    one.restyle(theme)
            self._draw_matrices(result, theme)
            self._draw_curves(result)
            confusion = None if result is None else result.confusion
            self._confusion.draw(confusion)
            self._heads["confusion"].object = confusion_head_html(result)
            self._confusion_note.object = confusion_note_html(confusion)
            self._methods.object = methods_html(result, self._session.labels)
            self._similar.draw(None if result is None else result.similar, time)
            notes = [] if result is None else [result.note, *result.problems]
            self._note.object = "".join(f'<div class="note">{escape(note)}</div>' for note in notes if note)
            self._on_pair()
            self._veil(result)

    def _draw_matrices(self, result: TimeDistances | None, theme: str) -> None:
        matrices = None if result is None else result.matrices
        if result is not None and result.texts != self._shared.texts:
            self._shared.set_times(result.texts, [result.dates.date(text) for text in result.texts])
        learned = None if matrices is None or "atmodist" not in matrices else matrices["atmodist"].values
        high = self._learned.draw(learned, "")
        model = "" if result is None else result.model
        self._heads["learned"].object = head_html(
            "AtmoDist",
            ", ".join(part for part in (model, "vorticity and divergence together") if part),
            DEFINITIONS["atmodist"],
        )
        self._bars["learned"].object = _bar("AtmoDist distance", high, theme)
        field = "vorticity" if result is None else result.question.field
        unit = field_unit(field)
        plain = None if matrices is None else matrices["rmse"].values * unit.factor
        high = self._plain.draw(plain, unit.text)
        self._heads["plain"].object = head_html("RMSE", f"{field}, point by point", DEFINITIONS["rmse"])
        self._bars["plain"].object = _bar(f"RMS difference [{unit.text}]", high, theme)

    def _draw_curves(self, result: TimeDistances | None) -> None:
        curves = None if result is None else result.curves
        self._lags.draw(curves)
        detail = "mean and one standard deviation on either side"
        self._heads["lags"].object = head_html("Distance against lag", detail, _LAG_TIP)
        if curves is None:
            self._saturation.object = '<div class="note">&nbsp;</div>'
            return
        reached = ", ".join(
            f'<b style="color:{distance_style(str(name)).colour}">{escape(str(name))}</b> {float(hours):g} h'
            for name, hours in zip(curves["measure"].values, curves["saturation"].values, strict=True)
        )
        pairs = curves.attrs["pairs_per_lag"]
        self._saturation.object = (
            f'<div class="note">Saturation (marks: 90 % of the plateau) after {reached}. Up to {pairs} pairs per lag; '
            "pairs from one series are not independent.</div>"
        )

    def _veil(self, result: TimeDistances | None) -> None:
        there = {
            "learned": result is not None and (result.complete or "atmodist" in (result.matrices or {})),
            "plain": result is not None,
            "pair": result is not None,
            "lags": result is not None and result.curves is not None,
            "confusion": result is not None and result.confusion is not None,
            "similar": True,  # it says itself that it is being searched
            "methods": result is not None and result.methods is not None,
        }
        for name, veil in self._veils.items():
            veil.show(self._session.busy and not there[name])

    def _choose(self, row: int, column: int) -> None:
        """Choose the pair of a tapped cell, the earlier time first."""
        texts = self._shared.texts
        first, second = sorted((row, column))
        self._session.state.pair = f"{texts[first]}/{texts[second]}"

    def _on_pair(self, *_events: Any) -> None:
        result: TimeDistances | None = self._session.results.get("distances")
        if result is None:
            self._pair.draw(None, 0, 0)
            return
        first, second = pair_of(self._session.state.pair, result.texts)
        for matrix in (self._learned, self._plain):
            matrix.choose(first, second)
        self._pair.draw(result, first, second)


def pair_of(text: str, texts: tuple[str, ...]) -> tuple[int, int]:
    """Return the indices of a pair of times of the period; the first time and one about a day later where they are not in it."""
    asked = text.split("/")
    if len(asked) == 2 and set(asked) <= set(texts):
        return texts.index(asked[0]), texts.index(asked[1])
    return 0, min(8, len(texts) - 1)


def _text(**size: Any) -> Any:
    return html(css=_TEXT_STYLES, **size)


def _bar(caption: str, high: float, theme: str) -> str:
    return colour_bar.colour_bar_html([(caption, colour_map(False, theme), 0.0, float(np.round(high, 6)))])


def _card(name: str, *content: Any) -> Any:
    return column(*content, css=_CARD_STYLES, css_classes=["distance-card", f"distance-{name}"])
