"""Distances over the time between two states, with bands and the lag at which each is saturated."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    Legend,
    LegendItem,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from app.theme.theme import INKS
from app.views.shared.axes import FONT, set_fonts, style_axes

HEIGHT = 340
LOOKS = {
    "AtmoDist": ("#009e73", "solid", "circle"),
    "l2": ("#0072b2", "solid", "square"),
    "l1": ("#56b4e9", "dashed", "triangle"),
    "1-SSIM": ("#d55e00", "dotdash", "diamond"),
}
"""Colour, line and mark of each distance: they differ without colour too."""


class LagFigure:
    """Mean distance over the lag with a band of one standard deviation on either side."""

    def __init__(self) -> None:
        wheel, pan = WheelZoomTool(), PanTool()
        self._x_range, self._y_range = Range1d(0, 72), Range1d(0, 1)
        plot = figure(
            x_range=self._x_range,
            y_range=self._y_range,
            height=HEIGHT,
            sizing_mode="stretch_width",
            tools=[pan, wheel, ResetTool()],
            active_drag=pan,
            toolbar_location=None,
            x_axis_label="time between the two fields [h]",
            y_axis_label="distance, scaled together",
            min_border_left=58,
            min_border_right=14,
            name="distance over the lag",
        )
        self.figure = plot
        set_fonts(plot)
        self._parts: dict[str, dict[str, Any]] = {}
        items = []
        for name, (colour, dash, mark) in LOOKS.items():
            source = ColumnDataSource({"lead": [], "mean": [], "low": [], "high": [], "name": []})
            chosen = ColumnDataSource({"lead": [], "mean": [], "name": []})
            band = plot.varea(
                x="lead", y1="low", y2="high", source=source, fill_color=colour, fill_alpha=0.14
            )
            line = plot.line(
                x="lead", y="mean", source=source, line_color=colour, line_dash=dash, line_width=2.2
            )
            point = plot.scatter(
                x="lead", y="mean", source=chosen, marker=mark, size=12, fill_color=colour, line_width=1.5
            )
            tips = [("", "@name"), ("lag", "@lead{0} h"), ("distance", "@mean{0.000}")]
            plot.add_tools(HoverTool(renderers=[line], tooltips=tips))
            saturated = [("", "@name: 90 % of its plateau"), ("lag", "@lead{0} h")]
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
        """Show curves as :func:`atmodist_core.figures.numbers.distances.lag_curves` gives them; none hides all."""
        shown = [] if curves is None else [str(name) for name in curves["measure"].values]
        for name, parts in self._parts.items():
            for renderer in parts["renderers"]:
                renderer.visible = name in shown
            if curves is None or name not in shown:
                continue
            one = curves.sel(measure=name)
            lead, mean = one["lead"].values.astype(float), one["mean"].values
            spread = one["standard_deviation"].values
            parts["source"].data = {
                "lead": lead,
                "mean": mean,
                "low": mean - spread,
                "high": mean + spread,
                "name": [name] * lead.size,
            }
            at = float(one["saturation"])
            parts["chosen"].data = {"lead": [at], "mean": [float(np.interp(at, lead, mean))], "name": [name]}
        for item in self._legend.items:
            item.visible = item.label.value in shown
        if curves is not None:
            high = float((curves["mean"] + curves["standard_deviation"]).max()) * 1.06
            end = float(curves["lead"].max()) * 1.03
            self._x_range.update(start=0, end=end, reset_start=0, reset_end=end)
            self._y_range.update(start=0, end=high, reset_start=0, reset_end=high)

    def use_theme(self, theme: str) -> None:
        """Take the colours of a theme."""
        ink = INKS[theme]
        style_axes(self.figure, ink)
        self.figure.grid.grid_line_color = ink.line
        self.figure.grid.grid_line_alpha = 0.6
        self._legend.update(
            background_fill_color=ink.surface, background_fill_alpha=0.8, label_text_color=ink.text
        )
        for parts in self._parts.values():
            parts["point"].glyph.line_color = ink.text
