"""A spectrum with its ratio to the truth below: the library's plots, rendered once and given new data in place."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from bokeh.models import Label

from app.views.shared.axes import fit_page
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.spectrum_plots.curves import (
    NYQUIST,
    Lines,
    layer_name,
    ratio_columns,
    spectrum_columns,
    spectrum_limits,
)
from atmodist_core.plots.spectrum_plots.layers import show_columns
from atmodist_core.plots.spectrum_plots.spectra import (
    QUANTITIES,
    RATIO_HEIGHT,
    SPECTRUM_HEIGHT,
    power_tips,
    ratio_plot,
    spectrum_plot,
)
from atmodist_core.plots.states import COARSE, TRUTH

ONE = layer_name(TRUTH)
"""Label of the line of ratio one."""


@lru_cache(maxsize=1)
def templates() -> tuple[LivePlot, LivePlot]:
    """Return spectrum and ratio of which all are copies: rendering takes HoloViews a tenth of a second each."""
    degree = np.arange(1.0, 90.0)
    power = np.array([[1.0], [2.0], [3.0]]) * degree**-3.0
    # Several times of one model, so that there is a band for others to resemble.
    lines = {TRUTH: (degree, power[:1]), COARSE: (degree, power)}
    spectrum = LivePlot(spectrum_plot(lines, "vorticity", nyquist=20.0, above_ratio=True), show_legend=False)
    ratio = LivePlot(ratio_plot(lines, nyquist=20.0))
    fit_page(spectrum.figure, height=SPECTRUM_HEIGHT, min_border_right=14)
    fit_page(ratio.figure, height=RATIO_HEIGHT, min_border_right=14)
    for label in spectrum.labels:
        if label == layer_name(TRUTH) or label.endswith("%"):
            spectrum.renderer(label).level = "underlay"
    spectrum.show_only([])
    ratio.show_only([ONE])
    _nyquist_label(spectrum).visible = False
    return spectrum, ratio


class SpectrumFigure:
    """Spectrum and ratio to the truth of one of the ``QUANTITIES`` of the library."""

    def __init__(self, quantity: str) -> None:
        self.spectrum, self.ratio = (template.copy() for template in templates())
        self.ratio.figure.x_range = self.spectrum.figure.x_range
        self.set_quantity(quantity)
        self.ratio.share_source(layer_name(COARSE), self.spectrum.source(layer_name(COARSE)))
        self._theme = "light"

    def set_quantity(self, quantity: str) -> None:
        """Draw another of the ``QUANTITIES`` from now on."""
        label, self._slope_offset = QUANTITIES[quantity]
        self.spectrum.figure.name, self.ratio.figure.name = label, f"ratio of {label}"
        self.spectrum.figure.yaxis.axis_label = label
        self.spectrum.hover(layer_name(COARSE)).tooltips = power_tips(quantity)

    def draw(self, lines: Lines, *, nyquist: float | None, fit: bool) -> None:
        """Show spectra by name, with the largest total wavenumber that the coarse grid resolves.

        ``fit`` fits the axes to the truth: for other data, not while more methods arrive.
        """
        columns = spectrum_columns(lines, self._slope_offset, nyquist)
        look: dict[str, Any] = {"names": lines, "like": COARSE, "theme": self._theme}
        show_columns(self.spectrum, columns, **look)
        show_columns(self.ratio, ratio_columns(lines, nyquist), **look, always=[ONE], sources=self.spectrum)
        # Even hidden it is laid out, and zero has no place on a logarithmic axis.
        _nyquist_label(self.spectrum).update(x=nyquist or 1.0, visible=nyquist is not None)
        limits = spectrum_limits(lines, columns) if fit and TRUTH in lines else None
        if limits is not None:
            self.spectrum.set_range(*limits)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        self._theme = theme
        for plot in (self.spectrum, self.ratio):
            plot.restyle(theme)


def _nyquist_label(plot: LivePlot) -> Label:
    return next(part for part in plot.figure.center if part.name == NYQUIST)
