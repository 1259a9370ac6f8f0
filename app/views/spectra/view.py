"""The Spectra view: at which scale each method has the right power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
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
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree
from atmodist_core.plots.look.style import theme_of

QUANTITIES = {
    "kinetic_energy": ("Kinetic energy", "kinetic energy [m² s⁻²]", 0.0),
    "vorticity": ("Vorticity", "vorticity variance [s⁻²]", 2.0),
    "divergence": ("Divergence", "divergence variance [s⁻²]", 2.0),
}

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
@media (max-width: 900px) { :host { grid-template-columns: minmax(0, 1fr); } }
@media (min-width: 2200px) { :host { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
"""
BAND = (0.16, 0.84)
"""Quantiles of the band over times: one standard deviation of a normal distribution."""

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
        self._curves: dict[str, Curves] = {}
        self._figures = {name: SpectrumFigure(label, slope) for name, (_, label, slope) in QUANTITIES.items()}
        self._variogram = VariogramFigure()
        self._legend = html(css=_TEXT_STYLES, min_height=34)
        self._variogram_title = _title("")
        content = [
            *(
                (_title(title), self._figures[name].spectrum, self._figures[name].ratio)
                for name, (title, _, _) in QUANTITIES.items()
            ),
            (self._variogram_title, self._variogram.figure),
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
                self._draw(comparison, shown, styles)
            waiting = self._session.busy and "truth" not in spectra
            for veil in self._veils:
                veil.show(waiting)

    def _use_theme(self, theme: str) -> None:
        if theme != self._themed:
            self._themed = theme
            figures: list[Any] = [*self._figures.values(), self._variogram]
            for figure in figures:
                figure.use_theme(theme)

    def _draw(
        self, comparison: Comparison, spectra: dict[str, Any], styles: dict[str, tuple[str, str]]
    ) -> None:
        question = comparison.question
        averaged = self._session.state.average == "period"
        subject = (question.slice_key[:2], question.region, averaged or question.time)
        fit = subject != self._fitted
        self._fitted = subject if "truth" in spectra else None
        nyquist = coarse_nyquist_degree(comparison.truth, question.factor)
        field = question.field if question.field in ("vorticity", "divergence") else "vorticity"
        curves = {name: self._curves_of(name, found) for name, found in spectra.items()}
        for quantity, one in self._figures.items():
            known = {name: found for name, found in curves.items() if quantity in found.power}
            one.draw(
                {name: found.power[quantity] for name, found in known.items()},
                styles,
                fit=fit,
                bands={
                    name: found.bands[quantity] for name, found in known.items() if quantity in found.bands
                },
            )
            one.mark_nyquist(nyquist)
        variograms = {name: found.variogram[field] for name, found in curves.items() if found.variogram}
        self._variogram.draw(variograms, styles, fit=fit)
        self._variogram_title.object = head_html(
            "Semivariogram", f"{field}: half the mean squared difference between two points"
        )

    def _curves_of(self, name: str, found: Any) -> Curves:
        """Curves of one method: the same objects while its spectra are the same, so that they are sent once."""
        present = self._curves.get(name)
        if present is None or present.found is not found:
            present = self._curves[name] = curves_of(found)
        return present

    def _styles(self) -> dict[str, tuple[str, str]]:
        methods = {method.name: (method.label, method.colour) for method in self._session.methods}
        truth = theme_of(self._session.state.theme).text
        return {"truth": ("Truth", truth), "coarse": ("Coarse input", COARSE_COLOUR), **methods}

    def _write_legend(self, styles: dict[str, tuple[str, str]]) -> None:
        entries = []
        for name in ["truth", *self._session.shown_names[:-1]]:
            label, colour = styles[name]
            line = line_sample(name, colour, length=26, width=3.2 if name == "truth" else 2.4)
            entries.append(f'<span class="entry">{line}{escape(label)}</span>')
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
        time = "" if question.time == "undated" else question.time.replace("T", " ") + " UTC"
        period: PeriodSpectra | None = self._session.results.get("spectra")
        if self._session.state.average == "period" and period is not None:
            done, wanted = len(period.times), period.wanted
            count = f"{done} times" if done == wanted else f"{done} of {wanted} times so far"
            time = f"mean of {count}, band: 16 to 84 % of them"
        how = "spherical harmonics" if comparison.whole_globe else "cosine transform"
        return " · ".join(part for part in (place, time, how) if part)


@dataclass(frozen=True)
class Curves:
    """The curves of one method."""

    found: Mapping[str, xr.Dataset]  # ``spectrum`` and ``semivariogram`` that the curves were made from
    # By quantity: total wavenumber and power, shape ``(wavenumber,)``
    power: Mapping[str, tuple[np.ndarray, np.ndarray]]
    # By quantity: low and high end of the band, shape ``(wavenumber,)``; for several times only
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]]
    # By field: distance [km] and semivariance, shape ``(distance,)``; empty for the coarse input
    variogram: Mapping[str, tuple[np.ndarray, np.ndarray]]


def curves_of(found: Mapping[str, xr.Dataset]) -> Curves:
    """Return the curves of the spectrum and the semivariogram of one method."""
    power, bands, variogram = {}, {}, {}
    degree = found["spectrum"]["total_wavenumber"].values.astype(float)
    for quantity in (name for name in QUANTITIES if name in found["spectrum"]):
        mean, band = mean_and_band(found["spectrum"][quantity])
        power[quantity] = (degree, mean)
        if band is not None:
            bands[quantity] = band
    if "semivariogram" in found:
        lag = np.asarray(found["semivariogram"]["mean_distance_km"].values).reshape(-1)
        for field in ("vorticity", "divergence"):
            value = mean_and_band(found["semivariogram"][field])[0]
            variogram[field] = (lag[: value.size], value)
    return Curves(found, power, bands, variogram)


def mean_and_band(field: xr.DataArray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Return the mean over time and, for more than two times, the 16 and 84 % quantiles; shape ``(wavenumber,)``."""
    if "time" not in field.dims:
        return field.values, None
    values = field.transpose("time", ...).values
    band = np.quantile(values, BAND, axis=0) if len(values) > 2 else None
    return values.mean(axis=0), None if band is None else (band[0], band[1])


def _title(title: str) -> Any:
    return html(head_html(title), css=_TEXT_STYLES, height=28)


def _card(veil: Veil, title: Any, *figures: Any) -> Any:
    height = 28 + sum(one.height for one in figures) + 14
    parts = (title, *map(figure_pane, figures), veil.pane)
    return column(*parts, css=_CARD_STYLES, min_height=height, css_classes=["spectrum-card"])
