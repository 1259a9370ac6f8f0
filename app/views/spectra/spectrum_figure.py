"""A spectrum on logarithmic axes with its ratio to the truth below, drawn once and updated in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    Label,
    LogAxis,
    Range1d,
    Span,
)

from app.server.batch_model_updates import add_missing
from app.views.shared.axes import interactive_figure, set_range
from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.plots.look.style import FONT, line_dash, restyle, theme_of

WAVELENGTHS_KM = (40000, 20000, 10000, 5000, 2000, 1000, 500, 300, 200, 100, 70, 50, 30, 20)
DEGREE_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
RATIO_TICKS = (0.1, 0.2, 0.5, 1, 2, 5)
SPECTRUM_HEIGHT, RATIO_HEIGHT = 270, 128
LEFT_BORDER = 62
NOTHING = 1e-11
"""Power relative to the largest that counts as zero."""

GUIDES = {-3.0: "k⁻³", -5.0 / 3.0: "k⁻⁵⁄³"}
"""Slopes of kinetic energy for orientation: quasi-geostrophic turbulence, and the mesoscale (or inverse cascade)."""

_TIP_CODE = "return format === 'km' ? `${Math.round(%.6f / value)} km` : `${Math.round(value)}`"
"""Wavenumber or wavelength in the tooltip."""


def degree_of_wavelength(kilometres: float) -> float:
    """Return the total wavenumber of a wavelength."""
    return 2 * np.pi * EARTH_RADIUS_M / 1000 / kilometres


class SpectrumFigure:
    """Spectrum and ratio to the truth of one quantity.

    ``slope_offset`` is added to the slopes of kinetic energy for the guides: 2 for vorticity and divergence, whose power is that of kinetic
    energy times the square of the wavenumber.
    """

    def __init__(self, label: str, slope_offset: float) -> None:
        self._slope_offset = slope_offset
        self._wavelength = CustomJSHover(code=_TIP_CODE % degree_of_wavelength(1.0))
        self._x_range = Range1d(1, 180)
        self._y_range = Range1d(1e-6, 1e2)
        self.spectrum = _figure(self._x_range, self._y_range, SPECTRUM_HEIGHT, label)
        self.ratio = _figure(self._x_range, Range1d(0.08, 6), RATIO_HEIGHT, "ratio to truth")
        self.ratio.yaxis.ticker = FixedTicker(ticks=list(RATIO_TICKS))
        self.ratio.yaxis.major_label_overrides = {tick: f"{tick:g}" for tick in RATIO_TICKS}
        self.ratio.xaxis.axis_label = "total wavenumber"
        for plot in (self.spectrum, self.ratio):
            plot.xaxis.ticker = FixedTicker(ticks=list(DEGREE_TICKS))
            plot.xgrid.ticker = plot.xaxis[0].ticker
        self.ratio.xaxis.major_label_overrides = {tick: f"{tick:g}" for tick in DEGREE_TICKS}
        # The axis of the ratio below serves both.
        self.spectrum.xaxis.visible = False
        self._top = LogAxis(
            ticker=FixedTicker(ticks=[degree_of_wavelength(km) for km in WAVELENGTHS_KM]),
            axis_label="wavelength [km]",
            minor_tick_line_color=None,
        )
        self._top.major_label_overrides = {degree_of_wavelength(km): f"{km:g}" for km in WAVELENGTHS_KM}
        self.spectrum.add_layout(self._top, "above")
        self._one = Span(location=1, dimension="width", line_width=1)
        self.ratio.add_layout(self._one)
        self._nyquist = [
            Span(dimension="height", line_width=1, line_dash="dashed", visible=False) for _ in range(2)
        ]
        self._nyquist_label = Label(
            x=1,
            y=4,
            y_units="screen",
            x_offset=-4,
            text="coarse Nyquist",
            # Left of its line and at the bottom, far below the spectra.
            text_align="right",
            padding=2,
            background_fill_alpha=0.85,
            text_font=FONT,
            text_font_size="11px",
            visible=False,
        )
        self.spectrum.add_layout(self._nyquist[0])
        self.spectrum.add_layout(self._nyquist_label)
        self.ratio.add_layout(self._nyquist[1])
        self._guides = {slope: _Guide(self.spectrum, text) for slope, text in GUIDES.items()}
        self.lines: dict[str, ColumnDataSource] = {}
        self._renderers: dict[str, list[Any]] = {}
        self._made_of: dict[str, tuple[Any, ...]] = {}
        self._bands: dict[str, tuple[ColumnDataSource, Any]] = {}

    def draw(
        self,
        spectra: Mapping[str, tuple[np.ndarray, np.ndarray]],
        styles: Mapping[str, Any],
        *,
        fit: bool,
        bands: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        """Show spectra by name: total wavenumber and power, with the ends of a band around a mean; all of shape ``(wavenumber,)``.

        ``fit`` fits the axes to the data: for other data, not while more methods arrive.
        """
        add_missing(self.spectrum, spectra, self.lines, lambda name: self._line(name, *styles[name]))
        self._draw_bands(spectra, styles, bands or {})
        truth = spectra.get("truth")
        for name, (degree, power) in spectra.items():
            line = self._line(name, *styles[name])
            # The data of a line are kept, so that no other object can have their identity.
            made_of, before = (spectra[name], truth), self._made_of.get(name, (None, None))
            if made_of[0] is before[0] and made_of[1] is before[1]:
                continue
            self._made_of[name] = made_of
            line.data = _columns(degree, power, truth)
        for name, renderers in self._renderers.items():
            for renderer in renderers:
                renderer.visible = name in spectra
        if truth is not None and fit:
            self._fit(*truth)

    def _draw_bands(
        self,
        spectra: Mapping[str, tuple[np.ndarray, np.ndarray]],
        styles: Mapping[str, Any],
        bands: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ) -> None:
        for name, (low, high) in bands.items():
            if name not in self._bands:
                source = ColumnDataSource({"degree": [], "low": [], "high": []})
                area = self.spectrum.varea(
                    x="degree", y1="low", y2="high", source=source, fill_alpha=0.16, level="underlay"
                )
                self._bands[name] = (source, area)
            source, area = self._bands[name]
            degree = spectra[name][0]
            shown = (low > 0) & (high > 0)
            source.data = {"degree": degree[shown], "low": low[shown], "high": high[shown]}
            area.glyph.fill_color = styles[name][1]
        for name, (_, area) in self._bands.items():
            area.visible = name in bands

    def mark_nyquist(self, degree: float | None) -> None:
        """Mark the largest total wavenumber that the coarse grid resolves."""
        for span in self._nyquist:
            span.update(location=degree, visible=degree is not None)
        # Even hidden it is laid out, and zero has no place on a logarithmic axis.
        self._nyquist_label.update(x=degree or 1.0, visible=degree is not None)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = theme_of(theme)
        for plot in (self.spectrum, self.ratio):
            restyle(plot, theme)
        self._one.line_color = ink.text
        for span in self._nyquist:
            span.line_color = ink.muted
        self._nyquist_label.update(text_color=ink.muted, background_fill_color=ink.surface)
        for guide in self._guides.values():
            guide.use_colour(ink.muted)
        for renderer in self._renderers.get("truth", []):
            renderer.glyph.line_color = ink.text

    def _line(self, name: str, label: str, colour: str) -> ColumnDataSource:
        """Columns of a method's line in both plots; the truth has no ratio to itself."""
        if name not in self.lines:
            source = self.lines[name] = ColumnDataSource(_columns(np.empty(0), np.empty(0), None))
            kinds = [(self.spectrum, "power", "power", "@power{%0.3g}")]
            if name != "truth":
                kinds.append((self.ratio, "ratio", "ratio", "@ratio{0.[000]a}"))
            self._renderers[name] = [
                self._renderer(plot, source, name, label, column, (kind, value))
                for plot, column, kind, value in kinds
            ]
        for renderer in self._renderers[name]:
            renderer.glyph.line_color = colour
        return self.lines[name]

    def _renderer(
        self, plot: Any, source: ColumnDataSource, name: str, label: str, column: str, tip: tuple[str, str]
    ) -> Any:
        width = 2.6 if name == "truth" else 1.9
        renderer = plot.line(
            x="degree",
            y=column,
            source=source,
            name=label,
            line_width=width,
            line_dash=line_dash(name, width),
            level="underlay" if name == "truth" else "glyph",
        )
        tips = [("", "$name"), ("wavenumber", "@degree{1}"), ("wavelength", "@degree{km}"), tip]
        # Computed in the browser from the wavenumber, not sent as a column.
        formatters = {"@degree": self._wavelength, "@power": "printf"}
        plot.add_tools(HoverTool(renderers=[renderer], tooltips=tips, formatters=formatters))
        return renderer

    def _fit(self, degree: np.ndarray, power: np.ndarray) -> None:
        # Beyond the truncation of the data are only rounding errors, which would take most of the axis.
        real = power[power > NOTHING * power.max()]
        if not real.size:
            return
        thirds = np.geomspace(float(degree[0]), float(degree[-1]), 4)
        highest = float(real.max())
        for (slope, guide), (start, stop) in zip(
            self._guides.items(), ((thirds[1], thirds[2] * 1.3), (thirds[2], thirds[3])), strict=True
        ):
            x = np.array([start, stop])
            # Above the truth everywhere, so that neither line nor name overlaps the spectra.
            along = np.geomspace(start, stop, 50)
            steepness = slope + self._slope_offset
            above = np.interp(along, degree, power) / (along / start) ** steepness
            y = 2.5 * float(above.max()) * (x / start) ** steepness
            guide.draw(x, y)
            highest = max(highest, float(y.max()))
        set_range(self._x_range, float(degree[0]) * 0.9, float(degree[-1]) * 1.08)
        # With room for the names of the guides, which stand above their lines.
        set_range(self._y_range, float(real.min()) / 12, highest * 12)


class _Guide:
    """A straight line of known slope, with its name."""

    def __init__(self, plot: Any, text: str) -> None:
        self._source = ColumnDataSource({"x": [], "y": []})
        self._line = plot.line(x="x", y="y", source=self._source, line_width=1.2, line_dash=[2, 4])
        self._label = Label(
            x=1, y=1, x_offset=4, y_offset=1, text=text, text_font=FONT, text_font_size="11px", visible=False
        )
        plot.add_layout(self._label)

    def draw(self, x: np.ndarray, y: np.ndarray) -> None:
        """Draw the line."""
        self._source.data = {"x": x, "y": y}
        middle = np.sqrt(x[0] * x[-1]), np.sqrt(y[0] * y[-1])
        self._label.update(x=float(middle[0]), y=float(middle[1]), visible=True)

    def use_colour(self, colour: str) -> None:
        """Set the colour of a theme."""
        self._line.glyph.line_color = colour
        self._label.text_color = colour


def _figure(x_range: Range1d, y_range: Range1d, height: int, label: str) -> Any:
    return interactive_figure(
        x_axis_type="log",
        y_axis_type="log",
        x_range=x_range,
        y_range=y_range,
        height=height,
        y_axis_label=label,
        min_border_left=LEFT_BORDER,
        min_border_right=14,
        name=label,
    )


def _columns(
    degree: np.ndarray, power: np.ndarray, truth: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, np.ndarray]:
    """Columns of one line: as few as possible, because each is a separate message."""
    ratio = np.full(np.shape(power), np.nan)
    if truth is not None:
        reference = np.interp(degree, *truth)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(reference > 0, power / reference, np.nan)
    # Zero has no place on a logarithmic axis.
    return {
        "degree": degree,
        "power": np.where(power > 0, power, np.nan),
        "ratio": np.where(ratio > 0, ratio, np.nan),
    }
