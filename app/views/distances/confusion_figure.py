"""The confusion matrix of the predicted lag: a copy of the library's plot, and a sentence on its accuracy."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import numpy as np
import xarray as xr

from app.session.distances.distance_work import TimeDistances
from app.views.distances.matrix_figure import square_pane
from app.views.shared.axes import fit_page
from app.views.shared.elements import head_html
from atmodist_core.figures.numbers.distances import area_words
from atmodist_core.plots.distance_plots.lags import NEVER, confusion_columns, confusion_matrix, share_colours
from atmodist_core.plots.live import LivePlot

TIP = (
    "For pairs of states whose lag is known: the lag that the distance network finds most probable. "
    "Colours show the share of the pairs of each true lag."
)


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which every figure is a copy."""
    lags = [3.0, 6.0]
    count = xr.DataArray(np.eye(2), {"lag": lags, "predicted_lag": lags}, ("lag", "predicted_lag"))
    plot = LivePlot(confusion_matrix(count.to_dataset(name="count"), colour_bar=False))
    fit_page(plot.figure, zoom={"zoom_on_axis": False}, name="confusion of lags")
    plot.figure.grid.visible = False
    return plot


class ConfusionFigure:
    """Share of each predicted lag among the pairs of a true lag."""

    def __init__(self) -> None:
        self.plot = template().copy()
        self.figure = self.plot.figure
        self.pane = square_pane(self.figure, 56, 44)
        self._mapper = self.plot.renderer("predicted lags").glyph.color_mapper
        self.draw(None)

    def draw(self, confusion: xr.Dataset | None) -> None:
        """Show a confusion matrix, or none."""
        self.figure.axis.visible = confusion is not None
        self.plot.show_only(self.plot.labels if confusion is not None else ())
        if confusion is None:
            return
        columns = confusion_columns(confusion)
        self._mapper.update(low=NEVER, high=columns.pop("high"))
        self.plot.update("predicted lags", **columns)
        ends = columns["x"][0], columns["x"][0] + columns["dw"][0]
        self.plot.update("correct", lag=np.array(ends), predicted_lag=np.array(ends))
        self.plot.set_range(ends, ends)

    def restyle(self, theme: str) -> None:
        """Take the colours of a theme."""
        self.plot.restyle(theme)
        self._mapper.palette = share_colours(theme)


def confusion_head_html(result: TimeDistances | None) -> str:
    """Return the title of the confusion matrix, with the network or why there is none."""
    confusion = None if result is None else result.confusion
    if confusion is not None:
        return head_html("Predicted lag", str(confusion.attrs["model"]), TIP)
    text = "" if result is None or not result.complete else "not available for this region and period"
    return head_html("Predicted lag", text, TIP)


def confusion_note_html(confusion: xr.Dataset | None) -> str:
    """Return accuracy, mean error, number of predictions and their area in a sentence."""
    if confusion is None:
        return ""
    accuracy, chance = 100 * confusion.attrs["accuracy"], 100 * confusion.attrs["accuracy_by_chance"]
    error = float(np.nanmean(confusion["mean_error"].values))
    count = int(confusion["count"].sum())
    return (
        f'<div class="note"><b>{accuracy:.0f} % correct (chance: {chance:.0f} %), mean error {error:.1f} h.</b> '
        f"{count} predictions on {escape(area_words(confusion))}; on the dashed line they are correct.</div>"
    )
