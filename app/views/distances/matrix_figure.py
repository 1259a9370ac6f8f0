"""A matrix of distances between times as a picture whose cells can be tapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, CustomJS, FixedTicker, HoverTool, LinearColorMapper, Range1d

from app.views.shared.axes import cross_hair, interactive_figure, set_range
from app.views.shared.elements import column, figure_pane
from atmodist_core.plots.look.style import colour_map, restyle, theme_of

LABELS = 4
"""Number of labels along an axis."""

_FRAME = {
    "position": "relative",
    "flex": "none",
    "height": "auto",
    "box-sizing": "content-box",
    "aspect-ratio": "1",
    "width": "calc(100% - 84px)",
    "padding": "4px 10px 40px 74px",
}
_LINK = """
const leaving = cb_obj.event_name === "mouseleave";
for (const panel of panels) {
  panel.vertical.setv({location: cb_obj.x, visible: !leaving}, {sync: false});
  panel.horizontal.setv({location: cb_obj.y, visible: !leaving}, {sync: false});
}
"""


class SharedTimes:
    """The visible part and the times along the axes, shared by all matrices of a view."""

    def __init__(self) -> None:
        self.x_range, self.y_range = Range1d(0, 1), Range1d(0, 1)
        self.texts: tuple[str, ...] = ()

    def set_times(self, texts: Sequence[str]) -> None:
        """Show these times."""
        self.texts = tuple(texts)
        for visible in (self.x_range, self.y_range):
            set_range(visible, 0.0, float(len(texts)))


class MatrixFigure:
    """One matrix; times run to the right and upwards. A tap calls ``on_tap`` with row (second time) and column (first time)."""

    def __init__(self, shared: SharedTimes, label: str, on_tap: Callable[[int, int], None]) -> None:
        self._shared = shared
        self._on_tap = on_tap
        self.source = ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
        self.mapper = LinearColorMapper(palette=["#888888"], low=0, high=1, nan_color="#00000000")
        self._chosen = ColumnDataSource({"x": [], "y": [], "w": []})
        plot = interactive_figure(
            zoom={"zoom_on_axis": False},
            x_range=shared.x_range,
            y_range=shared.y_range,
            styles={"position": "absolute", "inset": "0", "width": "100%", "height": "100%"},
            min_border_left=74,
            min_border_bottom=40,
            min_border_right=10,
            min_border_top=4,
            name=f"matrix of {label}",
        )
        image = plot.image(
            image="image", x="x", y="y", dw="dw", dh="dh", source=self.source, color_mapper=self.mapper
        )
        plot.add_tools(HoverTool(renderers=[image], tooltips=[(label, "@image{0.00}")]))
        self._mark = plot.rect(
            x="x", y="y", width="w", height="w", source=self._chosen, fill_alpha=0, line_width=2.5
        )
        self.vertical, self.horizontal = cross_hair(plot)
        plot.grid.visible = False
        plot.axis.major_label_standoff = 3
        plot.on_event(Tap, self._tapped)
        self.figure = plot
        self.pane = column(figure_pane(plot), styles=_FRAME)

    def draw(self, matrix: np.ndarray | None) -> float:
        """Show a matrix, shape ``(time, time)``, or none; returns the end of its colour scale."""
        self.figure.axis.visible = matrix is not None
        if matrix is None:
            self.source.data = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
            return 1.0
        count = len(matrix)
        image = [matrix.astype(np.float32)]
        self.source.data = {"image": image, "x": [0], "y": [0], "dw": [count], "dh": [count]}
        high = float(np.nanmax(matrix)) or 1.0
        self.mapper.update(low=0.0, high=high)
        self._label_axes()
        return high

    def choose(self, first: int, second: int) -> None:
        """Mark the cell of two times."""
        width = max(1.0, len(self._shared.texts) / 60)
        self._chosen.data = {"x": [first + 0.5], "y": [second + 0.5], "w": [width]}

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = theme_of(theme)
        restyle(self.figure, theme)
        self.mapper.palette = list(colour_map(False, theme))
        self._mark.glyph.line_color = "#d55e00"
        self.vertical.line_color = self.horizontal.line_color = ink.text

    def _label_axes(self) -> None:
        texts = self._shared.texts
        places = np.unique(np.linspace(0, len(texts) - 1, min(LABELS, len(texts))).round().astype(int))
        ticks = (places + 0.5).tolist()
        short = {
            tick: texts[place].replace("T", "\n")[5:]
            for tick, place in zip(ticks, places.tolist(), strict=True)
        }
        for axis in self.figure.axis:
            axis.major_label_overrides = short
        self.figure.xaxis.ticker = FixedTicker(ticks=ticks)
        # Two labels of the same time would overlap in the corner.
        self.figure.yaxis.ticker = FixedTicker(ticks=ticks[1:] or ticks)

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
