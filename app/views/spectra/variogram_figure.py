"""The semivariogram: the library's plot, rendered once and given new data in place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from app.views.shared.axes import fit_page
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.spectrum_plots.curves import (
    MARKS_NAME,
    Lines,
    layer_name,
    semivariogram_columns,
    semivariogram_limits,
)
from atmodist_core.plots.spectrum_plots.layers import show_columns
from atmodist_core.plots.spectrum_plots.semivariograms import VARIANCE, semivariogram_plot
from atmodist_core.plots.spectrum_plots.spectra import RATIO_HEIGHT, SPECTRUM_HEIGHT
from atmodist_core.plots.states import COARSE, TRUTH


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which that of every visitor is a copy."""
    values = np.array([[0.5], [0.6], [0.7]])
    lines = {name: (np.array([50.0]), values) for name in (TRUTH, COARSE)}
    plot = LivePlot(semivariogram_plot(lines), show_legend=False)
    fit_page(plot.figure, height=SPECTRUM_HEIGHT + RATIO_HEIGHT, min_border_right=14)
    for name in lines:
        plot.share_source(layer_name(name, MARKS_NAME), plot.source(layer_name(name)))
    plot.show_only([VARIANCE])
    return plot


class VariogramFigure:
    """Semivariance against distance, relative to the variance of the truth."""

    def __init__(self) -> None:
        self.plot = template().copy()
        self.plot.figure.name = "semivariogram"
        self._theme = "light"

    def draw(self, lines: Lines, *, fit: bool) -> None:
        """Show semivariograms by name; ``fit`` fits the axes to the truth."""
        columns = semivariogram_columns(lines)
        show_columns(self.plot, columns, names=lines, like=COARSE, theme=self._theme, always=[VARIANCE])
        limits = semivariogram_limits(lines) if fit and TRUTH in lines else None
        if limits is not None:
            self.plot.set_range(*limits)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        self._theme = theme
        self.plot.restyle(theme)
