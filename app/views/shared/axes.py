"""Bokeh figures with the page's axes, tools and colours."""

from __future__ import annotations

from typing import Any

from bokeh.models import PanTool, Range1d, ResetTool, Span, WheelZoomTool
from bokeh.plotting import figure

from app.theme.theme import Ink

FONT = "Roboto, Helvetica, Arial, sans-serif"


def interactive_figure(*, zoom: dict[str, Any] | None = None, **options: Any) -> Any:
    """Return a figure with pan, wheel zoom and reset; ``zoom`` are options of the wheel, the others those of the figure."""
    wheel, pan = WheelZoomTool(**(zoom or {})), PanTool()
    plot = figure(
        **{
            "sizing_mode": "stretch_width",
            "tools": [pan, wheel, ResetTool()],
            "active_drag": pan,
            "toolbar_location": None,
            **options,
        }
    )
    set_fonts(plot)
    return plot


def cross_hair(plot: Any) -> tuple[Span, Span]:
    """Add a hidden vertical and horizontal line to a figure and return them."""
    lines = tuple(
        Span(dimension=dimension, line_width=0.8, line_dash="dotted", visible=False)
        for dimension in ("height", "width")
    )
    for line in lines:
        plot.add_layout(line)
    return lines[0], lines[1]


def set_range(visible: Range1d, low: float, high: float) -> None:
    """Show a range of values, also after a reset of the zoom."""
    visible.update(start=low, end=high, reset_start=low, reset_end=high)


def set_fonts(plot: Any) -> None:
    """Set the page's font on all axes, and short ticks at labels only."""
    for axis in plot.axis:
        axis.update(
            axis_label_text_font=FONT,
            axis_label_text_font_size="11.5px",
            axis_label_text_font_style="normal",
            axis_label_standoff=4,
            major_label_text_font=FONT,
            major_label_text_font_size="10.5px",
            minor_tick_line_color=None,
            major_tick_in=0,
            major_tick_out=3,
        )


def style_axes(plot: Any, ink: Ink) -> None:
    """Set the colours of a theme on frame, axes and grid."""
    plot.update(
        background_fill_color=ink.raised,
        border_fill_color=ink.surface,
        outline_line_color=ink.line,
        outline_line_alpha=1,
    )
    for axis in plot.axis:
        axis.update(
            axis_line_color=None,
            major_tick_line_color=ink.line,
            major_label_text_color=ink.muted,
            axis_label_text_color=ink.muted,
        )
    for grid in plot.grid:
        grid.update(grid_line_color=ink.line, grid_line_alpha=0.6)
