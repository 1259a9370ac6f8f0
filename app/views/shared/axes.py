"""One look for the axes of all figures of the page."""

from __future__ import annotations

from typing import Any

from app.theme.theme import Ink

FONT = "Roboto, Helvetica, Arial, sans-serif"


def set_fonts(plot: Any) -> None:
    """Give the axes of a figure the page's type, and short ticks at their labels alone."""
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
    """Give frame and axes of a figure the colours of a theme."""
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
