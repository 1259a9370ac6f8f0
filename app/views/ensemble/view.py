"""The Ensemble view: members, their spread and their calibration at one time, and what the evaluation found."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.server.programmatic_update import ProgrammaticUpdate
from app.session.ensemble_work import NO_ENSEMBLE, EnsembleResult, stamps_shown, usual_ensemble
from app.session.long_record import LongRecord, record_of_ensemble
from app.session.session import Session
from app.state.choices import MEMBERS, STAMPS_AT_ONCE
from app.theme.theme import FITTING
from app.views.ensemble.calibration_figures import HEIGHT, CalibrationFigures
from app.views.ensemble.member_maps import MemberMaps
from app.views.ensemble.score_table import STYLES, tables_html
from app.views.shared.choice import Choices, choice
from app.views.shared.elements import (
    CARD_STYLES,
    HEAD_STYLES,
    TOOL_STYLES,
    Element,
    button,
    column,
    figure_pane,
    head_html,
    html,
    row,
)
from app.views.shared.veil import Veil
from app.views.spectra.spectrum_figure import SpectrumFigure
from atmodist_core.figures.numbers.studies.ensemble import spectrum_quantity
from atmodist_core.plots.look.style import theme_of
from atmodist_core.plots.spectrum_plots.spectra import RATIO_HEIGHT, SPECTRUM_HEIGHT

_GRID_STYLES = """
:host { display: grid; gap: 8px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start; }
@media (max-width: 1250px) { :host { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 800px) { :host { grid-template-columns: minmax(0, 1fr); } }
"""
RANKS_TIP = (
    "How often so many members lie below the truth, relative to a flat histogram. Flat: the truth is like another member. U-shaped: too little "
    "spread; a hump: too much; a slope: a bias. The band is 10 % around flat. An evaluation of more or fewer members is drawn over the same width."
)
SPREAD_TIP = (
    "Spread of the members over the error of their mean, by total wavenumber (the number of waves around the globe). 1: calibrated at this scale; "
    "below: too little spread. At scales that the coarse grid resolves, both are small."
)
SPECTRUM_TIP = (
    "Power per total wavenumber of the truth and of the members: line is their mean, band 16 to 84 % of them. Below: the ratio to the truth. To the "
    "right of the dashed line are scales that the coarse grid lacks."
)
_LINES = "solid: this date and region · dashed: evaluation"


class EnsembleView(Element):
    """Maps of members, scores, rank histogram, spread over error, and spectra."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._updating = ProgrammaticUpdate()
        self._drawn: Any = None
        self._fitted: Any = None
        self._theme = ""
        self._maps = MemberMaps()
        self._calibration = CalibrationFigures()
        self._spectrum = SpectrumFigure("vorticity")
        self._model = Choices(session.state, "ensemble", "Ensemble model", 240)
        members = choice(session.state, "members", MEMBERS, "Number of members")
        self._seed = pmui.IntInput(
            label="Seed", value=0, start=0, end=999_999, width=96, size="small", margin=0
        )
        self._seed.param.watch(self._on_seed, "value")
        self._next = button("Next four", "navigate_next", description="Show the next four members")
        self._next.on_click(lambda _event: self._show_next())
        self._note = html(css=HEAD_STYLES)
        self._scores = html(css=HEAD_STYLES + STYLES, min_height=300)
        self._veil = Veil("8px")
        tools = row(
            *(self._model.widget, html('<div class="note">Members</div>', css=HEAD_STYLES, sizing_mode=None)),
            *(members, self._seed, self._next, self._maps.bars),
            css=TOOL_STYLES,
            margin=(6, 0, 0, 0),  # labels of choices stand above their boxes
        )
        heights = {"min_height": 2 * (28 + HEIGHT) + 30}
        calibration = column(
            *(_title("Rank histogram", RANKS_TIP, _LINES), figure_pane(self._calibration.ranks.figure)),
            *(_title("Spread over error", SPREAD_TIP, _LINES), figure_pane(self._calibration.spread.figure)),
            css=CARD_STYLES,
            **heights,
        )
        spectrum = column(
            _title("Spectrum of the members", SPECTRUM_TIP, "band: 16 to 84 % of the members"),
            *(figure_pane(one.figure) for one in (self._spectrum.spectrum, self._spectrum.ratio)),
            css=CARD_STYLES,
            min_height=28 + SPECTRUM_HEIGHT + RATIO_HEIGHT + 20,
        )
        scores = column(
            self._scores, self._veil.pane, css=CARD_STYLES, css_classes=["ensemble-scores"], **heights
        )
        grid = column(scores, calibration, spectrum, css=_GRID_STYLES)
        self._content = column(tools, self._note, self._maps, grid, css=FITTING, styles={"gap": "8px"})
        session.param.watch(self._update, ["results", "busy", "methods", "data"])
        session.state.param.watch(self._update, ["view", "theme", "stamps", "members", "seed", "ensemble"])
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the plots of which every visitor gets copies."""
        CalibrationFigures()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        if self._state.view != "ensemble":
            return
        state, result = self._state, self._session.results.get("ensemble")
        busy = self._session.busy
        drawn = (
            result,
            busy,
            state.theme,
            state.stamps,
            state.members,
            state.seed,
            state.ensemble,
            len(self._session.methods),
        )
        if (
            self._drawn is not None
            and all(a is b or a == b for a, b in zip(drawn[1:], self._drawn[1:], strict=True))
            and result is self._drawn[0]
        ):
            return
        self._drawn = drawn
        with pn.io.hold():
            self._draw(result, busy=busy)

    def _draw(self, result: EnsembleResult | None, *, busy: bool) -> None:
        session, state = self._session, self._state
        found = {
            method.name: method.label.split(",")[0] for method in session.methods if method.draw is not None
        }
        drawing = [method for method in session.methods if method.draw is not None]
        usual = usual_ensemble(state, drawing).name if drawing else ""
        others = {name: label for name, label in found.items() if name != usual}
        self._model.fill({"": found.get(usual, "none"), **others})
        with self._updating():
            self._seed.value = state.seed
        if state.theme != self._theme:
            self._theme = state.theme
            for figure in (self._maps, self._calibration, self._spectrum):
                figure.use_theme(state.theme)
        stamps = stamps_shown(state.stamps, int(state.members))
        self._next.disabled = int(state.members) <= STAMPS_AT_ONCE
        self._maps.draw(result, stamps, state.theme, waiting=busy)
        self._veil.show(busy and (result is None or not result.tables))
        record = None
        if session.data is not None and result is not None:
            record = record_of_ensemble(result.method.name, session.data)
        self._note.object = _note(result, found)
        if result is None:
            self._scores.object = ""
            return
        self._scores.object = tables_html(result, _labels(session), record)
        self._draw_plots(result, record)

    def _draw_plots(self, result: EnsembleResult, record: LongRecord | None) -> None:
        field = result.question.field
        season = None if record is None else record.calibration(result.method.name, field)
        tables = dict(result.tables)
        self._calibration.draw(tables, season, result.method.colour, theme_of(self._theme).muted)
        if "spectra" not in tables:
            return
        spectra = tables["spectra"]
        degree = spectra["total_wavenumber"].values.astype(float)
        lines = {
            "truth": (degree, spectra["truth"].values[None]),
            result.method.name: (degree, spectra["power"].values),
        }
        self._spectrum.set_quantity(spectrum_quantity(field))
        subject = (result.question, result.method.name)
        self._spectrum.draw(lines, nyquist=result.nyquist, fit=subject != self._fitted)
        self._fitted = subject

    def _on_seed(self, event: Any) -> None:
        if not self._updating and event.new is not None and 0 <= event.new <= 999_999:
            self._state.seed = int(event.new)

    def _show_next(self) -> None:
        """Show the four members after those that are shown, and the first after the last."""
        count = int(self._state.members)
        start = stamps_shown(self._state.stamps, count).start + STAMPS_AT_ONCE
        self._state.stamps = str((start if start < count else 0) + 1)


def _labels(session: Session) -> dict[str, str]:
    return {name: escape(label.split(",")[0]) for name, label in session.labels.items()}


def _note(result: EnsembleResult | None, found: dict[str, str]) -> str:
    if not found:
        return f'<div class="note">{escape(NO_ENSEMBLE)}</div>'
    if result is None:
        return '<div class="note">&nbsp;</div>'
    words = (
        f"{result.done} of {result.wanted} members"
        if result.done < result.wanted
        else f"{result.wanted} members"
    )
    return (
        f'<div class="note"><b>{escape(result.method.name)}</b>, {words}, seed {result.seed}. All members follow from the same coarse input; '
        "the seed chooses the noise, and the same seed gives the same members everywhere.</div>"
    )


def _title(title: str, tip: str, detail: str) -> Any:
    return html(head_html(title, detail, tip), css=HEAD_STYLES, height=28)
