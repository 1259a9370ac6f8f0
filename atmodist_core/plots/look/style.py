"""How plots look: one set of colours, fonts and line styles for notebooks and the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.look.palettes import BALANCE, BALANCE_DARK, ICE, SPEED, interpolated

FONT = "Roboto, Helvetica, Arial, sans-serif"

LONGITUDE_LABEL = (
    "const l = ((tick + 540) % 360) - 180; const a = Math.abs(l);"
    " return a === 0 || a === 180 ? `${a}°` : `${a}°${l < 0 ? 'W' : 'E'}`"
)
LATITUDE_LABEL = "return tick === 0 ? '0°' : `${Math.abs(tick)}°${tick < 0 ? 'S' : 'N'}`"
"""Scripts that write degrees on the axes of a map, in the browser."""


@dataclass(frozen=True)
class PlotTheme:
    """Colours of one theme.

    Parameters
    ----------
    text, muted, line, surface, raised : str
        Text, labels of axes, frames, the page behind a plot, and the plot itself.
    signed, positive : tuple of str
        Anchors of the colour maps of fields with and without a sign; zero has the colour of the page.
    """

    text: str
    muted: str
    line: str
    surface: str
    raised: str
    signed: tuple[str, ...]
    positive: tuple[str, ...]


THEMES = {
    "light": PlotTheme("#16202c", "#5b6878", "#d8dee6", "#ffffff", "#f7f9fb", BALANCE, SPEED),
    "dark": PlotTheme("#e8eef4", "#97a4b3", "#2a3542", "#131a22", "#18212b", BALANCE_DARK, ICE),
}


def theme_of(name: str) -> PlotTheme:
    """Return a theme by name.

    Raises
    ------
    UserError
        For another name.
    """
    if name not in THEMES:
        raise UserError(f"Expected a theme among {', '.join(THEMES)}, found {name!r}; choose one of these.")
    return THEMES[name]


@lru_cache(maxsize=8)
def colour_map(signed: bool, theme: str) -> list[str]:
    """Return 256 colours from low to high."""
    chosen = theme_of(theme)
    return list(interpolated(chosen.signed if signed else chosen.positive, 256))


def model_colour(model: str, theme: str) -> str:
    """Return the colour of a model's lines and marks; the truth has that of the text."""
    return method_style(model).colour or theme_of(theme).text


def line_options(model: str, theme: str, width: float = 1.9) -> dict[str, Any]:
    """Return options of a HoloViews ``Curve`` for a model: colour, dashes and width."""
    width = 2.6 if model == "truth" else width
    dashes = [max(1, round(length * width)) for length in method_style(model).dashes]
    return {"color": model_colour(model, theme), "line_width": width, "line_dash": dashes or "solid"}


def axes_hook(theme: str) -> Callable[[Any, Any], None]:
    """Return a hook of HoloViews that gives frame, axes, titles and legends the look of a theme."""
    chosen = theme_of(theme)

    def style(plot: Any, _element: Any) -> None:
        figure = plot.state
        figure.update(
            background_fill_color=chosen.raised,
            border_fill_color=chosen.surface,
            outline_line_color=chosen.line,
        )
        figure.toolbar.logo = None
        for axis in figure.axis:
            axis.update(
                axis_label_text_font=FONT,
                axis_label_text_font_size="11.5px",
                axis_label_text_font_style="normal",
                axis_label_text_color=chosen.muted,
                major_label_text_font=FONT,
                major_label_text_font_size="10.5px",
                major_label_text_color=chosen.muted,
                axis_line_color=None,
                major_tick_line_color=chosen.line,
                minor_tick_line_color=None,
                major_tick_in=0,
                major_tick_out=3,
            )
        for grid in figure.grid:
            grid.grid_line_color = chosen.line
        if figure.title is not None:
            figure.title.update(
                text_font=FONT, text_font_size="13px", text_color=chosen.text, text_font_style="normal"
            )
        for legend in figure.legend:
            legend.update(
                label_text_font=FONT,
                label_text_font_size="11px",
                label_text_color=chosen.text,
                background_fill_color=chosen.surface,
                background_fill_alpha=0.85,
                border_line_color=None,
            )
        for side in (figure.above, figure.below, figure.left, figure.right):
            for part in side:
                if type(part).__name__ == "ColorBar":
                    part.update(
                        background_fill_color=None,
                        major_label_text_color=chosen.muted,
                        title_text_color=chosen.muted,
                        title_text_font=FONT,
                        title_text_font_style="normal",
                        title_text_font_size="11px",
                        bar_line_color=None,
                    )

    return style
