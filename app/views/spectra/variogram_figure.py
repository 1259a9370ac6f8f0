"""The semivariogram as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d, Span

from app.server.batch_model_updates import add_missing
from app.views.shared.axes import interactive_figure, set_range
from atmodist_core.plots.look.style import line_dash, restyle, theme_of

TICKS_KM = (20, 50, 100, 200, 500, 1000, 2000)
HEIGHT = 398


class VariogramFigure:
    """Semivariance against distance, relative to the variance of the truth."""

    def __init__(self) -> None:
        self._x_range, self._y_range = Range1d(40, 2200), Range1d(0, 1.25)
        plot = interactive_figure(
            x_axis_type="log",
            x_range=self._x_range,
            y_range=self._y_range,
            height=HEIGHT,
            x_axis_label="distance [km]",
            y_axis_label="semivariance / variance of the truth",
            min_border_left=62,
            min_border_right=14,
            name="semivariogram",
        )
        self.figure = plot
        plot.xaxis.ticker = FixedTicker(ticks=list(TICKS_KM))
        self._one = Span(location=1, dimension="width", line_width=1, line_dash="dotted")
        plot.add_layout(self._one)
        self._lines: dict[str, tuple[ColumnDataSource, Any, Any]] = {}
        self._made_of: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def draw(
        self, curves: Mapping[str, tuple[np.ndarray, np.ndarray]], styles: Mapping[str, Any], *, fit: bool
    ) -> None:
        """Show curves: by name, distance [km] and semivariance, shape ``(distance,)``; those absent are hidden."""
        add_missing(self.figure, curves, self._lines, lambda name: self._line(name, styles[name][0]))
        for name, (distance, value) in curves.items():
            label, colour = styles[name]
            source, line, points = self._line(name, label)
            if self._made_of.get(name) is not curves[name]:
                self._made_of[name] = curves[name]
                known = np.isfinite(value)
                source.data = {"distance": distance[known], "value": value[known]}
            line.glyph.line_color = colour
            points.glyph.update(line_color=colour, fill_color=colour)
        for name, (_, line, points) in self._lines.items():
            line.visible = points.visible = name in curves
        if fit and "truth" in curves:
            distance, value = curves["truth"]
            known = np.isfinite(value)
            if known.any():
                low, high = float(distance[known].min()) * 0.85, float(distance[known].max()) * 1.15
                top = float(max(1.15, 1.15 * value[known].max()))
                set_range(self._x_range, low, high)
                set_range(self._y_range, 0, top)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = theme_of(theme)
        restyle(self.figure, theme)
        self._one.line_color = ink.muted

    def _line(self, name: str, label: str) -> tuple[ColumnDataSource, Any, Any]:
        if name not in self._lines:
            source = ColumnDataSource({"distance": [], "value": []})
            width = 2.6 if name == "truth" else 1.9
            line = self.figure.line(
                x="distance", y="value", source=source, line_width=width, line_dash=line_dash(name, width)
            )
            points = self.figure.scatter(x="distance", y="value", source=source, size=5, name=label)
            tips = [("", "$name"), ("distance", "@distance{0} km"), ("semivariance", "@value{0.000}")]
            self.figure.add_tools(HoverTool(renderers=[points], tooltips=tips))
            self._lines[name] = (source, line, points)
        return self._lines[name]
