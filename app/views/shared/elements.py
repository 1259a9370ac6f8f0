"""Panel elements with the page's margins, sizes and styles."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.theme.theme import VARIABLES

CARD_STYLES = """
:host { background: var(--studio-surface); border: 1px solid var(--studio-line); border-radius: 10px; padding: 8px 10px; box-sizing: border-box;
  min-width: 0; position: relative; }
"""
TOOL_STYLES = (
    ":host { display: flex; flex-wrap: wrap; align-items: center; gap: 9px 14px; min-height: 34px; }"
)
HEAD_STYLES = """
.head { min-height: 28px; padding: 0 6px; display: flex; align-items: center; gap: 8px; overflow: hidden; }
.title { font-size: 14px; font-weight: 700; color: var(--studio-text); white-space: nowrap; }
.explained { text-decoration: underline dotted var(--studio-muted); text-underline-offset: 3px; cursor: help; }
.detail { font-size: 11.5px; color: var(--studio-muted); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.swatch { width: 14px; height: 4px; border-radius: 2px; flex: none; }
.note { font-size: 12px; line-height: 1.45; color: var(--studio-muted); }
.note b { color: var(--studio-text); font-weight: 600; }
.simulated { font-size: 10.5px; padding: 1px 7px; border-radius: 9px; background: color-mix(in srgb, #e69f00 24%, transparent); }
"""


class Element(pn.viewable.Viewer):
    """A part of the page, which shows its ``_content``."""

    _content: Any

    def __panel__(self) -> Any:
        """Return the content."""
        return self._content


def html(text: str = "", css: str = "", **options: Any) -> Any:
    """Return a pane of HTML as wide as its container; ``options`` are those of the pane."""
    return pn.pane.HTML(text, **{**_layout(css), **options})


def column(*parts: Any, css: str = "", **options: Any) -> Any:
    """Return a column as wide as its container; ``css`` is a style sheet."""
    return pn.Column(*parts, **{**_layout(css), **options})


def row(*parts: Any, css: str = "", **options: Any) -> Any:
    """Return a row as wide as its container; ``css`` is a style sheet."""
    return pn.Row(*parts, **{**_layout(css), **options})


def figure_pane(figure: Any) -> Any:
    """Return a pane of a Bokeh figure as wide as its container."""
    return pn.pane.Bokeh(figure, margin=0, sizing_mode="stretch_width")


def select(label: str, width: int | None, **options: Any) -> Any:
    """Return a list to choose from."""
    return pmui.Select(**{"label": label, "options": {}, "width": width, **_SMALL, **options})


def button(label: str, icon: str | None = None, **options: Any) -> Any:
    """Return a small outlined button."""
    return pmui.Button(**{"label": label, "icon": icon, "variant": "outlined", **_SMALL, **options})


def icon_button(icon: str, description: str, **options: Any) -> Any:
    """Return a button with an icon and a tooltip."""
    return pmui.IconButton(**{"icon": icon, "description": description, **_SMALL, **options})


def head_html(title: str, detail: str = "", tip: str = "") -> str:
    """Return the title of a card and a detail beside it; ``tip`` explains the title on hover."""
    explained = f' explained" title="{escape(tip)}' if tip else ""
    return f'<div class="head"><span class="title{explained}">{escape(title)}</span><span class="detail">{escape(detail)}</span></div>'


_SMALL: dict[str, Any] = {"size": "small", "margin": 0}


def _layout(css: str) -> dict[str, Any]:
    stylesheets = [VARIABLES + css] if css else []
    return {"stylesheets": stylesheets, "sizing_mode": "stretch_width", "margin": 0}
