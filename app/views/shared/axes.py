"""Sizes, tools and ranges of rendered plots on the page."""

from __future__ import annotations

from typing import Any

from bokeh.models import HoverTool, Legend, PanTool, Range1d, ResetTool, Span, WheelZoomTool


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


def fit_page(plot: Any, *, zoom: dict[str, Any] | None = None, **options: Any) -> None:
    """Give a rendered figure the width of its container and pan, wheel zoom and reset, beside its tooltips."""
    wheel, pan = WheelZoomTool(**(zoom or {})), PanTool()
    tooltips = [tool for tool in plot.tools if isinstance(tool, HoverTool)]
    plot.toolbar.update(tools=[pan, wheel, ResetTool(), *tooltips], active_drag=pan, active_scroll="auto")
    # Empty where the page has a legend of its own, but a model all the same.
    plot.center = [part for part in plot.center if not isinstance(part, Legend) or part.items]
    size = {"frame_width": None, "frame_height": None, "width": None, "sizing_mode": "stretch_width"}
    plot.update(**{**size, "title": None, "toolbar_location": None, "output_backend": "canvas", **options})
