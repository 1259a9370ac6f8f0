"""A map with its title above and its scores below; its size does not change while it is computed."""

from __future__ import annotations

from html import escape

from bokeh.models import LinearColorMapper

from app.views.maps import scores
from app.views.maps.map_figure import MapFigure, SharedMap
from app.views.shared.elements import CARD_STYLES, HEAD_STYLES, column, html
from app.views.shared.size_probe import SizeProbe
from app.views.shared.veil import Veil

_HEADER_STYLES = (
    HEAD_STYLES
    + """
.head { height: 28px; }
.tag { margin-left: auto; font-size: 10.5px; padding: 1px 7px; border-radius: 9px; color: var(--studio-muted); flex: none;
  border: 1px solid var(--studio-line); }
.tag.simulated { color: var(--studio-text); background: color-mix(in srgb, #e69f00 24%, transparent); border-color: transparent; }
"""
)
_FOOT_STYLES = (
    scores.STYLES
    + """
:host { container-type: inline-size; }
.pixels { font-size: 10.5px; height: 15px; color: var(--studio-muted); padding-left: 6px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.problem { height: 40px; overflow: auto; font-size: 12px; line-height: 1.3; color: var(--studio-text); padding: 2px 6px; }
"""
)

_CARD_STYLES = CARD_STYLES + ":host { padding: 6px 8px 4px 6px; }"


class MapCard:
    """One panel of the Maps view, of ``truth``, ``coarse`` or a method; ``label`` is its title."""

    def __init__(
        self, name: str, label: str, shared: SharedMap, mapper: LinearColorMapper, probe: SizeProbe
    ) -> None:
        self.name = name
        self.label = label
        self.map = MapFigure(shared, mapper, label, probe)
        self._header = html(css=_HEADER_STYLES, height=28)
        self._foot = html(css=_FOOT_STYLES, height=57)
        self._veil = Veil("36px 14px 82px 48px")
        parts = (self._header, self.map.pane, self._foot, self._veil.pane)
        self.view = column(*parts, css=_CARD_STYLES, css_classes=["map-card", f"card-{name}"])
        self.set_waiting(True)

    def set_header(self, colour: str, detail: str, tag: str = "", *, simulated: bool = False) -> None:
        """Set the line above the map: colour of the method's lines, its kind, and how it was computed."""
        tags = f'<span class="tag">{escape(tag)}</span>' if tag else ""
        if simulated:
            tags += '<span class="tag simulated">simulated</span>'
        self._header.object = (
            f'<div class="head"><span class="swatch" style="background:{colour}"></span>'
            f'<span class="title">{escape(self.label)}</span><span class="detail">{escape(detail)}</span>{tags}</div>'
        )

    def set_foot(self, row: str, statement: str) -> None:
        """Set the row of scores (HTML) and the meaning of a pixel below the map."""
        self._foot.object = f'<div class="pixels" title="{escape(statement)}">{escape(statement)}</div>{row}'

    def set_waiting(self, waiting: bool) -> None:
        """Veil the map while it is out of date."""
        self._veil.show(waiting)


def problem_html(sentence: str) -> str:
    """Return the row of a method that failed."""
    return f'<div class="problem" role="alert">{escape(sentence)}</div>'
