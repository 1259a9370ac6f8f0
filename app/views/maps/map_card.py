"""A map with its name above and its scores below, of a size that does not change while it is computed."""

from __future__ import annotations

from html import escape

import panel as pn
from bokeh.models import LinearColorMapper

from app.theme.theme import VARIABLES
from app.views.maps import scores
from app.views.maps.map_figure import MapFigure, SharedMap
from app.views.shared.size_probe import SizeProbe
from app.views.shared.veil import Veil

_CARD_STYLES = (
    VARIABLES
    + """
:host { background: var(--studio-surface); border: 1px solid var(--studio-line); border-radius: 10px; padding: 6px 8px 4px 6px;
  position: relative; box-sizing: border-box; min-width: 0; }
"""
)

_HEADER_STYLES = (
    VARIABLES
    + """
.head { display: flex; align-items: center; gap: 8px; height: 28px; padding-left: 6px; overflow: hidden; }
.swatch { width: 14px; height: 4px; border-radius: 2px; flex: none; }
.title { font-size: 14px; font-weight: 700; color: var(--studio-text); white-space: nowrap; }
.detail { font-size: 11.5px; color: var(--studio-muted); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tag { margin-left: auto; font-size: 10.5px; padding: 1px 7px; border-radius: 9px; color: var(--studio-muted); flex: none;
  border: 1px solid var(--studio-line); }
.tag.simulated { color: var(--studio-text); background: color-mix(in srgb, #e69f00 24%, transparent); border-color: transparent; }
"""
)
_FOOT_STYLES = (
    VARIABLES
    + scores.STYLES
    + """
:host { container-type: inline-size; }
.pixels { font-size: 10.5px; height: 15px; color: var(--studio-muted); padding-left: 6px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.problem { height: 40px; overflow: auto; font-size: 12px; line-height: 1.3; color: var(--studio-text); padding: 2px 6px; }
"""
)


class MapCard:
    """One panel of the Maps view.

    Parameters
    ----------
    name : str
        ``truth``, ``coarse`` or a method.
    label : str
        Title.
    shared : SharedMap
    mapper : LinearColorMapper
    probe : SizeProbe
        As of :class:`app.views.maps.map_figure.MapFigure`.
    """

    def __init__(
        self, name: str, label: str, shared: SharedMap, mapper: LinearColorMapper, probe: SizeProbe
    ) -> None:
        self.name = name
        self.label = label
        self.map = MapFigure(shared, mapper, label, probe)
        self._header = pn.pane.HTML(
            "", stylesheets=[_HEADER_STYLES], margin=0, sizing_mode="stretch_width", height=28
        )
        self._foot = pn.pane.HTML(
            "", stylesheets=[_FOOT_STYLES], margin=0, sizing_mode="stretch_width", height=57
        )
        self._veil = Veil("36px 14px 82px 48px")
        self.view = pn.Column(
            self._header,
            self.map.pane,
            self._foot,
            self._veil.pane,
            stylesheets=[_CARD_STYLES],
            sizing_mode="stretch_width",
            margin=0,
            css_classes=["map-card", f"card-{name}"],
        )
        self.set_waiting(True)

    def set_header(self, colour: str, detail: str, tag: str = "", *, simulated: bool = False) -> None:
        """Set the line above the map: colour of the method's lines, what it is, and how it was computed."""
        tags = f'<span class="tag">{escape(tag)}</span>' if tag else ""
        if simulated:
            tags += '<span class="tag simulated">simulated</span>'
        self._header.object = (
            f'<div class="head"><span class="swatch" style="background:{colour}"></span>'
            f'<span class="title">{escape(self.label)}</span><span class="detail">{escape(detail)}</span>{tags}</div>'
        )

    def set_foot(self, row: str, statement: str) -> None:
        """Set what stands under the map: a row of scores, as HTML, and what a pixel is."""
        self._foot.object = f'<div class="pixels" title="{escape(statement)}">{escape(statement)}</div>{row}'

    def set_waiting(self, waiting: bool) -> None:
        """Veil the map while what it shows is out of date."""
        self._veil.show(waiting)


def problem_html(sentence: str) -> str:
    """Row of a method that failed."""
    return f'<div class="problem" role="alert">{escape(sentence)}</div>'
