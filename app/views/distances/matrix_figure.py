"""A matrix of distances between times whose cells can be tapped: a copy of the library's plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from bokeh.events import Tap
from bokeh.models import CustomJS, Range1d

from app.theme.theme import LIGHT
from app.views.shared.axes import cross_hair, fit_page, set_range
from app.views.shared.elements import column, figure_pane
from atmodist_core.plots.distance_plots.matrices import (
    CHOSEN,
    distance_matrix,
    mark_columns,
    matrix_columns,
    set_ticks,
    time_ticks,
)
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.look.style import theme_of

_LINK = """
const leaving = cb_obj.event_name === "mouseleave";
for (const panel of panels) {
  panel.vertical.setv({location: cb_obj.x, visible: !leaving}, {sync: false});
  panel.horizontal.setv({location: cb_obj.y, visible: !leaving}, {sync: false});
}
"""
"""The cross hair is Bokeh's own: HoloViews would tell the server of every move of the pointer."""


def square_pane(figure: Any, left: int, bottom: int) -> Any:
    """Return a pane as wide as its container in which the frame of a figure is a square, with room for labels [pixels]."""
    figure.update(
        styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
        **{"min_border_left": left, "min_border_bottom": bottom, "min_border_right": 10, "min_border_top": 4},
    )
    frame = {"position": "relative", "flex": "none", "height": "auto", "box-sizing": "content-box"}
    frame |= {"aspect-ratio": "1", "width": f"calc(100% - {left + 10}px)"}
    return column(figure_pane(figure), styles={**frame, "padding": f"4px 10px {bottom}px {left}px"})


class SharedTimes:
    """The visible part and the times along the axes, shared by all matrices of a view."""

    def __init__(self) -> None:
        self.x_range, self.y_range = Range1d(0, 1), Range1d(0, 1)
        self.texts: tuple[str, ...] = ()
        self.dates: tuple[str, ...] = ()

    def set_times(self, texts: Sequence[str], dates: Sequence[str]) -> None:
        """Show these times, labelled by their dates in ISO format."""
        self.texts, self.dates = tuple(texts), tuple(dates)
        for visible in (self.x_range, self.y_range):
            set_range(visible, 0.0, float(len(texts)))


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which every matrix is a copy."""
    times = np.array(["2001-01-01", "2001-01-02"], "datetime64[m]")
    matrix = xr.DataArray(np.zeros((2, 2)), {"time": times}, ("time", "other_time"), name="distance")
    plot = LivePlot(distance_matrix(matrix, pair=(times[0], times[1]), colour_bar=False))
    fit_page(plot.figure, zoom={"zoom_on_axis": False})
    plot.figure.grid.visible = False
    plot.figure.axis.major_label_standoff = 3
    for line in cross_hair(plot.figure):
        line.line_color = theme_of(LIGHT).text
    return plot


class MatrixFigure:
    """One matrix; times run to the right and upwards. A tap calls ``on_tap`` with row (second time) and column (first time)."""

    def __init__(self, shared: SharedTimes, label: str, on_tap: Callable[[int, int], None]) -> None:
        self._shared, self._label, self._on_tap = shared, label, on_tap
        self.plot = template().copy()
        figure = self.figure = self.plot.figure
        figure.update(x_range=shared.x_range, y_range=shared.y_range, name=f"matrix of {label}")
        self.mapper = self.plot.renderer("distance").glyph.color_mapper
        self._times = self.plot.hover("distance").formatters["$x"].args["times"]
        self.vertical, self.horizontal = figure.center[-2:]
        figure.on_event(Tap, self._tapped)
        self.pane = square_pane(figure, 74, 40)

    def draw(self, matrix: np.ndarray | None, unit: str) -> float:
        """Show a matrix [``unit``], shape ``(time, time)``, or none; returns the end of its colour scale."""
        self.figure.axis.visible = matrix is not None
        if matrix is None:
            self.plot.update("distance", image=[], x=[], y=[], dw=[], dh=[])
            self.plot.show(CHOSEN, False)
            return 1.0
        self.plot.update("distance", **matrix_columns(matrix.astype(np.float32)))
        high = float(np.nanmax(matrix)) or 1.0
        self.mapper.update(low=0.0, high=high)
        dates = self._shared.dates
        self._times.data = {"text": [date.replace("T", " ") for date in dates]}
        set_ticks(self.figure, time_ticks(dates))
        hover = self.plot.hover("distance")
        hover.tooltips = [*hover.tooltips[:2], (self._label, f"@image{{%.3g}} {unit}".rstrip())]
        return high

    def choose(self, first: int, second: int) -> None:
        """Mark the cell of two times."""
        self.plot.update(CHOSEN, **mark_columns(first, second, len(self._shared.texts)))
        self.plot.show(CHOSEN)

    def _tapped(self, event: Any) -> None:
        count = len(self._shared.texts)
        if event.x is None or event.y is None:
            return
        column, row = int(np.floor(event.x)), int(np.floor(event.y))
        if 0 <= column < count and 0 <= row < count:
            self._on_tap(row, column)


def share_cross_hair(matrices: Sequence[MatrixFigure]) -> None:
    """Show the cross hair of the pointer in all matrices."""
    panels = [{"vertical": one.vertical, "horizontal": one.horizontal} for one in matrices]
    for one in matrices:
        for name in ("mousemove", "mouseleave"):
            one.figure.js_on_event(name, CustomJS(args={"panels": panels}, code=_LINK))
