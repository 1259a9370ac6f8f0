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


def line_dash(model: str, width: float) -> list[int]:
    """Return strokes and gaps of a model's lines of a width [pixels]; empty for a solid line.

    Examples
    --------
    >>> line_dash("bicubic", 2.0), line_dash("truth", 2.6)
    ([7, 3], [])
    """
    return [max(1, round(length * width)) for length in method_style(model).dashes]


def line_options(model: str, theme: str, width: float = 1.9) -> dict[str, Any]:
    """Return options of a HoloViews ``Curve`` for a model: colour, dashes and width."""
    width = 2.6 if model == "truth" else width
    dashes = line_dash(model, width) or "solid"
    return {"color": model_colour(model, theme), "line_width": width, "line_dash": dashes}


def axes_hook(theme: str) -> Callable[[Any, Any], None]:
    """Return a hook of HoloViews that gives a figure the look of a theme, see :func:`restyle`."""
    theme_of(theme)
    return lambda plot, _element: restyle(plot.state, theme)


def restyle(figure: Any, theme: str) -> None:
    """Give a Bokeh figure the fonts and the colours of a theme.

    Frame, axes, grid, titles, legends and colour bars take them always; lines, marks, texts and colour maps if they have a colour of another
    theme, so that what has a colour of its own keeps it.

    Parameters
    ----------
    figure : bokeh.plotting.figure
        What to restyle, in place.
    theme : {"light", "dark"}
        Colours.

    Raises
    ------
    UserError
        For another theme.

    Examples
    --------
    >>> from atmodist_core.plots.backend import holoviews
    >>> hv = holoviews()
    >>> figure = hv.render(hv.Curve([1, 2]).opts(color=theme_of("light").text))
    >>> restyle(figure, "dark")
    >>> figure.renderers[0].glyph.line_color == theme_of("dark").text
    True
    """
    chosen = theme_of(theme)
    figure.update(
        background_fill_color=chosen.raised,
        border_fill_color=chosen.surface,
        outline_line_color=chosen.line,
        outline_line_alpha=1,
    )
    figure.toolbar.logo = None
    label = {"text_font": FONT, "text_font_style": "normal", "text_color": chosen.muted}
    for axis in figure.axis:
        axis.update(
            **{f"axis_label_{name}": value for name, value in label.items()},
            axis_label_text_font_size="11.5px",
            axis_label_standoff=4,
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
        grid.update(grid_line_color=chosen.line, grid_line_alpha=0.6)
    if figure.title is not None:
        figure.title.update(**{**label, "text_color": chosen.text}, text_font_size="13px")
    for legend in figure.legend:
        legend.update(
            label_text_font=FONT,
            label_text_font_size="11px",
            label_text_color=chosen.text,
            background_fill_color=chosen.surface,
            background_fill_alpha=0.85,
            border_line_color=None,
        )
    for part in (part for side in (figure.above, figure.below, figure.left, figure.right) for part in side):
        if type(part).__name__ == "ColorBar":
            part.update(
                **{f"title_{name}": value for name, value in label.items()},
                title_text_font_size="11px",
                background_fill_color=None,
                major_label_text_font=FONT,
                major_label_text_color=chosen.muted,
                bar_line_color=None,
            )
    for part in [*figure.renderers, *figure.center]:
        _exchange_colours(part, theme)


_COLOURS = {"line_color", "fill_color", "text_color", "background_fill_color"}
_GLYPHS = ("glyph", "selection_glyph", "nonselection_glyph", "hover_glyph", "muted_glyph")


@lru_cache(maxsize=4)
def _exchanges(theme: str) -> dict[str, str]:
    """Colours of the other themes, with those that take their places."""
    roles = ("text", "muted", "line", "surface", "raised")
    others = [other for name, other in THEMES.items() if name != theme]
    return {getattr(other, role): getattr(THEMES[theme], role) for other in others for role in roles}


def _exchange_colours(part: Any, theme: str) -> None:
    """Exchange the colours of another theme in an annotation, or in the glyphs of a renderer."""
    exchanges = _exchanges(theme)
    # Bokeh looks for similar names when a model has no such property, which takes longer than all the rest.
    glyphs = [getattr(part, name) for name in _GLYPHS if name in part.properties()]
    for one in [part, *(glyph for glyph in glyphs if isinstance(glyph, type(glyphs[0])))]:
        known = one.properties()
        for name in known & _COLOURS:
            present = getattr(one, name)
            present = getattr(present, "value", present)
            if isinstance(present, str) and present in exchanges:
                setattr(one, name, exchanges[present])
        mapper: Any = one.color_mapper if "color_mapper" in known else None
        palette = list(mapper.palette) if mapper is not None else []
        for name in THEMES:
            for signed in (True, False):
                if name != theme and palette == colour_map(signed, name):
                    mapper.palette = colour_map(signed, theme)
