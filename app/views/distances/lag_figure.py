"""Distances against the lag, with bands and the lag at which each is saturated."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Range1d

from app.views.shared.axes import interactive_figure, set_range
from atmodist_core.plots.look.style import FONT, restyle, theme_of

HEIGHT = 340
MEASURE_STYLES = {
    "AtmoDist": ("#009e73", "solid", "circle"),
    "l2": ("#0072b2", "solid", "square"),
    "l1": ("#56b4e9", "dashed", "triangle"),
    "1-SSIM": ("#d55e00", "dotdash", "diamond"),
}
"""Colour, line and mark of each distance, which also differ without colour."""


class LagFigure:
    """Mean distance against the lag, with a band of one standard deviation on either side."""

    def __init__(self) -> None:
        self._x_range, self._y_range = Range1d(0, 72), Range1d(0, 1)
        plot = interactive_figure(
            x_range=self._x_range,
            y_range=self._y_range,
            height=HEIGHT,
            x_axis_label="lag [h]",
            y_axis_label="distance, on a common scale",
            min_border_left=58,
            min_border_right=14,
            name="distance against lag",
        )
        self.figure = plot
        self._parts: dict[str, dict[str, Any]] = {}
        items = []
        for name, (colour, dash, mark) in MEASURE_STYLES.items():
            source = ColumnDataSource({"lag": [], "mean": [], "low": [], "high": [], "name": []})
            chosen = ColumnDataSource({"lag": [], "mean": [], "name": []})
            band = plot.varea(x="lag", y1="low", y2="high", source=source, fill_color=colour, fill_alpha=0.14)
            line = plot.line(
                x="lag", y="mean", source=source, line_color=colour, line_dash=dash, line_width=2.2
            )
            point = plot.scatter(
                x="lag", y="mean", source=chosen, marker=mark, size=12, fill_color=colour, line_width=1.5
            )
            tips = [("", "@name"), ("lag", "@lag{0} h"), ("distance", "@mean{0.000}")]
            plot.add_tools(HoverTool(renderers=[line], tooltips=tips))
            saturated = [("", "@name: 90 % of its plateau"), ("lag", "@lag{0} h")]
            plot.add_tools(HoverTool(renderers=[point], tooltips=saturated))
            self._parts[name] = {
                "source": source,
                "chosen": chosen,
                "renderers": (band, line, point),
                "point": point,
            }
            items.append(LegendItem(label=name, renderers=[line, point]))
        self._legend = Legend(
            items=items,
            location="bottom_right",
            label_text_font=FONT,
            label_text_font_size="11.5px",
            border_line_color=None,
            spacing=0,
            padding=6,
        )
        plot.add_layout(self._legend)

    def draw(self, curves: xr.Dataset | None) -> None:
        """Show curves as :func:`atmodist_core.figures.numbers.distances.lag_curves` returns them; None hides all."""
        shown = [] if curves is None else [str(name) for name in curves["measure"].values]
        for name, parts in self._parts.items():
            for renderer in parts["renderers"]:
                renderer.visible = name in shown
            if curves is None or name not in shown:
                continue
            one = curves.sel(measure=name)
            lag, mean = one["lag"].values.astype(float), one["mean"].values
            spread = one["standard_deviation"].values
            parts["source"].data = {
                "lag": lag,
                "mean": mean,
                "low": mean - spread,
                "high": mean + spread,
                "name": [name] * lag.size,
            }
            at = float(one["saturation"])
            parts["chosen"].data = {"lag": [at], "mean": [float(np.interp(at, lag, mean))], "name": [name]}
        for item in self._legend.items:
            item.visible = item.label.value in shown
        if curves is not None:
            high = float((curves["mean"] + curves["standard_deviation"]).max()) * 1.06
            end = float(curves["lag"].max()) * 1.03
            set_range(self._x_range, 0, end)
            set_range(self._y_range, 0, high)

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink = theme_of(theme)
        restyle(self.figure, theme)
        self._legend.update(
            background_fill_color=ink.surface, background_fill_alpha=0.8, label_text_color=ink.text
        )
        for parts in self._parts.values():
            parts["point"].glyph.line_color = ink.text
