"""Distances against the lag, with bands and the lag at which each is saturated: a copy of the library's plot."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr

from app.views.shared.axes import fit_page
from atmodist_core.figures.method_styles import DISTANCE_STYLES
from atmodist_core.plots.distance_plots.lags import lag_columns, lag_curves, lag_ends
from atmodist_core.plots.live import LivePlot

HEIGHT = 340


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which every figure is a copy, with all distances."""
    zero = (("measure", "lag"), np.zeros((len(DISTANCE_STYLES), 2)))
    curves = xr.Dataset(
        {"mean": zero, "standard_deviation": zero, "saturation": ("measure", np.ones(len(DISTANCE_STYLES)))},
        {"measure": list(DISTANCE_STYLES), "lag": [0.0, 1.0]},
    )
    plot = LivePlot(lag_curves(curves.assign(pairs=("lag", [0, 0]), scale=1.0)))
    fit_page(plot.figure, name="distance against lag", height=HEIGHT, min_border_left=58, min_border_right=14)
    return plot


class LagFigure:
    """Mean distance against the lag, with a band of one standard deviation on either side."""

    def __init__(self) -> None:
        self.plot = template().copy()
        self.figure = self.plot.figure

    def draw(self, curves: xr.Dataset | None) -> None:
        """Show curves as :func:`atmodist_core.figures.numbers.distances.lag_curves` returns them; None hides all."""
        columns = {} if curves is None else lag_columns(curves)
        self.plot.update_layers(columns)
        self.plot.show_only(columns)
        for item in self.figure.legend[0].items:
            item.visible = item.label.value in columns
        if curves is not None:
            end, high = lag_ends(curves)
            self.plot.set_range((0, end), (0, high))
