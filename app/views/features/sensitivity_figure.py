"""Sensitivity of the distance per wavenumber: the library's plot, rendered once and given new data in place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr

from app.views.shared.axes import fit_page
from atmodist_core.plots.feature_plots.sensitivity_curves import LEAST_GAIN, sensitivity
from atmodist_core.plots.live import LivePlot

TRAINED, UNTRAINED = "trained", "untrained"
HEIGHT = 215


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which all are copies."""
    axes = ("time", "band", "layer")
    known = xr.Dataset(
        {"response": (axes, np.ones((1, 2, 1))), "squared_error": (axes[:2], np.ones((1, 2)))},
        {"band": [2.0, 100.0], "layer": ["stage1"]},
        {"by": "wavenumber"},
    )
    plot = LivePlot(sensitivity({TRAINED: known, UNTRAINED: known}))
    fit_page(plot.figure, height=HEIGHT, min_border_right=14)
    for label in (TRAINED, UNTRAINED):
        plot.show(label, False)
    return plot


class SensitivityFigure:
    """Two curves; the line at 1 is the squared error."""

    def __init__(self) -> None:
        self.plot = template().copy()
        self.plot.figure.name = "sensitivity"

    def draw(self, table: xr.Dataset | None, network: str) -> None:
        """Show a table as from :func:`atmodist_core.figures.numbers.studies.features.sensitivity_table`; or none."""
        for label in (TRAINED, UNTRAINED):
            self.plot.show(label, table is not None)
        if table is None:
            return
        band = table["band"].values.astype(float)
        for label, name in ((TRAINED, network), (UNTRAINED, UNTRAINED)):
            one = table.sel(distance=name)
            columns = dict(
                zip(
                    self.plot.source(label).data,
                    (band, one["gain"].values, one["share"].values),
                    strict=False,
                )
            )
            self.plot.update(label, **columns)
        top = 1.5 * max(1.0, float(table["gain"].max()))
        bottom = min(LEAST_GAIN, 0.8 * float(table["gain"].min()))
        ends = float(table["first"].min()), float(table["last"].max())
        self.plot.set_range(ends, (bottom, top))

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        self.plot.restyle(theme)
