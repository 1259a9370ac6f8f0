"""The outline of the page that is shown until its scripts are loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from panel_material_ui.base import _env

from app.page.sidebar import WIDTH
from app.theme.theme import DARK, HEADER_COLOUR, LIGHT, THEME_CONFIG
from atmodist_core.plots.look.style import theme_of


@cache
def loading_template() -> Any:
    """Return the template of the page's HTML: that of Material UI, with the outline in place of its spinner."""
    text = (Path(__file__).parent / "loading_page.html").read_text(encoding="utf-8")
    colours = {
        "@header": HEADER_COLOUR,
        "@sidebar": str(WIDTH),
        **_colours("light", LIGHT),
        **_colours("dark", DARK),
    }
    for name, value in colours.items():
        text = text.replace(f"{name}@", value)
    return _env.from_string(text)


def _colours(prefix: str, theme: str) -> dict[str, str]:
    ink = theme_of(theme)
    return {
        f"@{prefix}_page": THEME_CONFIG[theme]["palette"]["background"]["default"],
        f"@{prefix}_surface": ink.surface,
        f"@{prefix}_line": ink.line,
        f"@{prefix}_muted": ink.muted,
    }
