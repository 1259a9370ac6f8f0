"""The Spectra view: at which scale each method has the right power."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from html import escape
from typing import Any

import panel as pn
import xarray as xr

from app.compute.comparison import Comparison
from app.session.period_spectra import PeriodSpectra
from app.session.session import Session
from app.state.choices import AVERAGES
from app.theme.theme import COARSE_COLOUR, FITTING, line_sample
from app.views.shared.choice import choice
from app.views.shared.elements import (
    CARD_STYLES,
    HEAD_STYLES,
    TOOL_STYLES,
    Element,
    column,
    figure_pane,
    head_html,
    html,
    row,
)
from app.views.shared.period_control import PeriodControl
from app.views.shared.veil import Veil
from app.views.spectra.spectrum_figure import SpectrumFigure
from app.views.spectra.variogram_figure import VariogramFigure
from atmodist_core.fields.canonical.shown_dates import shown_dates
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree
from atmodist_core.plots.live import batch_model_updates
from atmodist_core.plots.look.style import theme_of
from atmodist_core.plots.spectrum_plots.curves import semivariogram_lines, spectrum_lines

TITLES = {"kinetic_energy": "Kinetic energy", "vorticity": "Vorticity", "divergence": "Divergence"}
EXPLANATION = (
    "Above: power per total wavenumber, the number of waves around the globe; lines nearer to the truth are better. "
    "Below: power divided by the truth's. At 1 a model has as much variance of that size as the truth, below it is too smooth."
)
SEMIVARIANCE = (
    "Half the mean squared difference of two points at a great-circle distance, divided by the variance of the truth: it rises from small values, "
    "where points resemble each other, to about 1, where they no longer do. A curve below the truth is too smooth at that distance."
)
LEGEND = {
    "truth": "The field that the methods should reproduce",
    "coarse": "Means over blocks of points of the truth, which the methods receive; it ends at the coarse Nyquist wavenumber",
}
METHOD = "Made from the coarse input alone; good where it follows the truth to the right of the dashed line"

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
@media (max-width: 900px) { :host { grid-template-columns: minmax(0, 1fr); } }
@media (min-width: 2200px) { :host { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
"""
_CARD_STYLES = CARD_STYLES + ":host { padding: 6px 6px 2px 4px; }"
_TEXT_STYLES = (
    HEAD_STYLES
    + """
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; min-height: 34px; font-size: 13px; color: var(--studio-text); }
.legend .entry { display: flex; align-items: center; gap: 6px; white-space: nowrap; }
.legend svg { width: 26px; height: 6px; }
.legend .what { color: var(--studio-muted); margin-left: auto; font-size: 12px; }
"""
)


class SpectraView(Element):
    """Spectra, their ratio to the truth, and the semivariogram of one comparison."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._fitted: Any = None
        self._themed = ""
        self._drawn: tuple[Any, ...] = ()
        self._layers: set[tuple[str, bool]] = set()
        self._figures = {quantity: SpectrumFigure(quantity) for quantity in TITLES}
        self._variogram = VariogramFigure()
        self._legend = html(css=_TEXT_STYLES, min_height=34)
        self._variogram_title = _title("Semivariogram", SEMIVARIANCE)
        content = [
            *(
                (_title(title, EXPLANATION), figures.spectrum.figure, figures.ratio.figure)
                for figures, title in zip(self._figures.values(), TITLES.values(), strict=True)
            ),
            (self._variogram_title, self._variogram.plot.figure),
        ]
        self._veils = [Veil("40px 18px 30px 70px") for _ in content]
        cards = [_card(veil, *parts) for veil, parts in zip(self._veils, content, strict=True)]
        grid = column(*cards, css=_GRID_STYLES)
        self._period = PeriodControl(session)
        average = choice(
            session.state, "average", AVERAGES, "Spectra of one time, or their mean over the period"
        )
        times = row(average, self._period, css=TOOL_STYLES)
        self._content = column(times, self._legend, grid, css=FITTING, styles={"gap": "6px"})
        session.param.watch(self._update, ["comparison", "methods", "busy", "results"])
        session.state.param.watch(self._update, ["methods", "theme", "view", "average"])
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the plots of which every visitor gets copies."""
        SpectrumFigure("kinetic_energy")
        VariogramFigure()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        if self._session.state.view != "spectra":
            return
        with pn.io.hold():
            styles = self._styles()
            self._write_legend(styles)
            self._use_theme(self._session.state.theme)
            comparison = self._session.comparison
            averaged = self._session.state.average == "period"
            self._period.visible = averaged
            spectra = {} if comparison is None or comparison.spectra is None else dict(comparison.spectra)
            period: PeriodSpectra | None = self._session.results.get("spectra")
            if averaged:
                spectra = {} if period is None else dict(period.spectra)
            if comparison is not None and spectra:
                shown = {name: spectra[name] for name in self._session.shown_names if name in spectra}
                self._draw(comparison, shown)
            waiting = self._session.busy and "truth" not in spectra
            for veil in self._veils:
                veil.show(waiting)

    def _use_theme(self, theme: str) -> None:
        if theme != self._themed:
            self._themed = theme
            figures: list[Any] = [*self._figures.values(), self._variogram]
            for figure in figures:
                figure.use_theme(theme)

    def _draw(self, comparison: Comparison, spectra: Mapping[str, Mapping[str, xr.Dataset]]) -> None:
        question = comparison.question
        averaged = self._session.state.average == "period"
        subject = (question.slice_key[:2], question.region, question.factor, averaged or question.time)
        field = question.field if question.field in ("vorticity", "divergence") else "vorticity"
        drawn = (subject, field, tuple(spectra), *spectra.values())
        if len(drawn) == len(self._drawn) and all(map(_same, drawn, self._drawn)):
            return
        fit = subject != self._fitted
        self._drawn, self._fitted = drawn, subject if "truth" in spectra else None
        nyquist = coarse_nyquist_degree(comparison.truth, question.factor)
        layers = {(name, averaged) for name in spectra}
        # Collecting the models of the page takes a tenth of a second, so it is done once for all plots, and only if they get new lines.
        figure = self._variogram.plot.figure
        with nullcontext() if layers <= self._layers else batch_model_updates(figure):
            self._draw_plots(spectra, field, nyquist, fit)
        self._layers |= layers
        detail = f"{field}: half the mean squared difference between two points"
        self._variogram_title.object = _head("Semivariogram", SEMIVARIANCE, detail)

    def _draw_plots(
        self, spectra: Mapping[str, Mapping[str, xr.Dataset]], field: str, nyquist: float, fit: bool
    ) -> None:
        for quantity, one in self._figures.items():
            known = {n: found["spectrum"] for n, found in spectra.items() if quantity in found["spectrum"]}
            one.draw(spectrum_lines(known, quantity), nyquist=nyquist, fit=fit)
        results = {n: found["semivariogram"] for n, found in spectra.items() if "semivariogram" in found}
        self._variogram.draw(semivariogram_lines(results, field), fit=fit)

    def _styles(self) -> dict[str, tuple[str, str]]:
        methods = {method.name: (method.label, method.colour) for method in self._session.methods}
        truth = theme_of(self._session.state.theme).text
        return {"truth": ("Truth", truth), "coarse": ("Coarse input", COARSE_COLOUR), **methods}

    def _write_legend(self, styles: dict[str, tuple[str, str]]) -> None:
        entries = []
        for name in ["truth", *self._session.shown_names[:-1]]:
            label, colour = styles[name]
            line = line_sample(name, colour, length=26, width=3.2 if name == "truth" else 2.4)
            entries.append(
                f'<span class="entry" title="{escape(LEGEND.get(name, METHOD))}">{line}{escape(label)}</span>'
            )
        data = self._session.data
        if data is not None and data.simulated:
            entries.append('<span class="simulated">simulated</span>')
        self._legend.object = (
            f'<div class="legend">{"".join(entries)}<span class="what">{escape(self._what())}</span></div>'
        )

    def _what(self) -> str:
        comparison = self._session.comparison
        if comparison is None:
            return ""
        question = comparison.question
        place = question.region if "," not in question.region else "typed region"
        time = shown_dates(comparison.truth).words(question.time)
        period: PeriodSpectra | None = self._session.results.get("spectra")
        if self._session.state.average == "period" and period is not None:
            done, wanted = len(period.times), period.wanted
            count = f"{done} times" if done == wanted else f"{done} of {wanted} times so far"
            time = f"mean of {count}, band: 16 to 84 % of them"
        how = "spherical harmonics" if comparison.whole_globe else "cosine transform"
        return " · ".join(part for part in (place, time, how) if part)


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of what is drawn are equal; spectra, if they are the same object."""
    return one is other or (isinstance(one, str | tuple) and one == other)


def _head(title: str, explanation: str, detail: str = "") -> str:
    return f'<div title="{escape(explanation)}">{head_html(title, detail)}</div>'


def _title(title: str, explanation: str) -> Any:
    return html(_head(title, explanation), css=_TEXT_STYLES, height=28)


def _card(veil: Veil, title: Any, *figures: Any) -> Any:
    height = 28 + sum(one.height for one in figures) + 14
    parts = (title, *map(figure_pane, figures), veil.pane)
    return column(*parts, css=_CARD_STYLES, min_height=height, css_classes=["spectrum-card"])
