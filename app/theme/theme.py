"""The two themes of the page and the styles that views share; the colours of plots are in ``atmodist_core.plots.look``."""

from __future__ import annotations

from typing import Any

from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.look.style import line_dash, theme_of

LIGHT, DARK = "light", "dark"
COARSE_COLOUR = str(method_style("coarse").colour)
HEADER_COLOUR = "#0f2438"

_TYPOGRAPHY = {"fontSize": 13, "button": {"textTransform": "none"}}
_COMPONENTS = {
    "MuiButtonBase": {"defaultProps": {"disableRipple": True}},
    "MuiTooltip": {"styleOverrides": {"tooltip": {"fontSize": "0.8rem"}}},
}
THEME_CONFIG: dict[str, Any] = {
    LIGHT: {
        "palette": {
            "primary": {"main": "#1d5f8a"},
            "secondary": {"main": "#00795a"},
            "background": {"default": "#f3f5f8", "paper": "#ffffff"},
            "text": {"primary": theme_of(LIGHT).text, "secondary": theme_of(LIGHT).muted},
        },
        "typography": _TYPOGRAPHY,
        "shape": {"borderRadius": 8},
        "components": _COMPONENTS,
    },
    DARK: {
        "palette": {
            "primary": {"main": "#7cc0ee"},
            "secondary": {"main": "#4cd3a5"},
            "background": {"default": "#0c1218", "paper": "#131a22"},
            "text": {"primary": theme_of(DARK).text, "secondary": theme_of(DARK).muted},
            # Icons in fields are hardly visible on dark paper otherwise.
            "default": {"dark": theme_of(DARK).muted},
            "action": {"active": theme_of(DARK).muted, "disabled": "rgba(232, 238, 244, 0.35)"},
        },
        "typography": _TYPOGRAPHY,
        "shape": {"borderRadius": 8},
        "components": _COMPONENTS,
    },
}


def method_colour(name: str, colour: str, theme: str) -> str:
    """Return the colour of a method's lines; that of the truth depends on the theme."""
    return theme_of(theme).text if name == "truth" else colour


def line_sample(name: str, colour: str, *, length: int, width: float) -> str:
    """Return a sample of a method's line as SVG, for legends and tables."""
    dashes = " ".join(str(part) for part in line_dash(name, width)) or "none"
    return (
        f'<svg aria-hidden="true"><line x1="0" y1="3" x2="{length}" y2="3" stroke="{colour}" stroke-width="{width:g}" '
        f'stroke-dasharray="{dashes}"/></svg>'
    )


VARIABLES = """
:host {
  --studio-text: var(--panel-on-surface-color); --studio-muted: var(--panel-on-secondary-color);
  --studio-surface: var(--panel-surface-color); --studio-line: color-mix(in srgb, var(--panel-on-surface-color) 14%, var(--panel-surface-color));
  --studio-raised: color-mix(in srgb, var(--panel-on-surface-color) 5%, var(--panel-surface-color));
  --studio-best: color-mix(in srgb, #00b17d 72%, var(--panel-on-surface-color));
  font-family: Roboto, Helvetica, Arial, sans-serif;
}
"""
"""Names of Material UI's colours for the style sheets of the page."""

PHONE = "@media (max-width: 600px)"
"""Condition of a style for narrow windows, where the side bar covers the page."""

FITTING = "* { min-width: 0; max-width: 100%; }"
"""Style of a column whose parts must not be wider than itself."""
