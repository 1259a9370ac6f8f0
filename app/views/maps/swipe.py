"""Two fields on one map, with a boundary between them that follows the pointer."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.events import MouseMove, Tap
from bokeh.models import ColumnDataSource, CustomJS, LinearColorMapper, Span

from app.compute.comparison import Comparison
from app.session.session import Session
from app.views.maps.drawing import Drawing
from app.views.maps.map_figure import MapFigure, SharedMap, share_pointer
from app.views.maps.painter import Painter
from app.views.maps.pixels import Picture, centred
from app.views.shared.elements import CARD_STYLES, Element, column, html
from app.views.shared.size_probe import SizeProbe
from atmodist_core.plots.look.style import theme_of
from atmodist_core.plots.look.units import field_unit

_CODE = (Path(__file__).parent / "swipe.js").read_text(encoding="utf-8")
_STYLES = """
.sides { display: flex; justify-content: space-between; align-items: baseline; height: 30px; padding: 0 10px 0 48px; }
.side { font-size: 15px; font-weight: 700; color: var(--studio-text); }
.how { font-size: 12px; color: var(--studio-muted); }
"""


class SwipeMap(Element):
    """The map with the curtain."""

    def __init__(
        self,
        session: Session,
        shared: SharedMap,
        painter: Painter,
        mapper: LinearColorMapper,
        drawing: Drawing,
    ) -> None:
        super().__init__()
        self._session = session
        self._shared = shared
        self._painter = painter
        self.probe = SizeProbe()
        self.map = MapFigure(shared, mapper, "two fields", self.probe)
        self.map.carry_probe()
        self._full = ColumnDataSource(MapFigure.data_of(None))
        part = ColumnDataSource(MapFigure.data_of(None))
        plot = self.map.figure
        image = plot.image(image="image", x="x", y="y", dw="dw", dh="dh", source=part, color_mapper=mapper)
        # Beneath coast and cities, which were drawn before it.
        plot.renderers.remove(image)
        plot.renderers.insert(1, image)
        self._curtain = Span(dimension="height", line_width=2.5, visible=False)
        plot.add_layout(self._curtain)
        share_pointer([self.map], shared, drawing)
        models = {"right_full": self._full, "right_part": part, "curtain": self._curtain}
        script = CustomJS(args={**models, "x_range": shared.x_range, "memory": {}}, code=_CODE)
        plot.js_on_event(MouseMove, script)
        plot.js_on_event(Tap, script)
        self._full.js_on_change("data", script)
        self._sides, self._statement = html(css=_STYLES, height=30), html(css=_STYLES, height=22)
        parts = (self._sides, self.map.pane, self._statement)
        self._content = column(
            *parts, css=CARD_STYLES + ":host { padding: 6px; }", css_classes=["swipe-card"]
        )
        session.state.param.watch(self._on_layout, "layout")
        self._on_layout()

    def fit_area(self) -> None:
        """Set the shape of the map, and the width at which all of it fits on the screen."""
        self.map.fit_area()
        self._content.styles = {
            "max-width": f"max(420px, calc((100vh - 300px) * {self._shared.ratio:.4f} + 64px))",
            # Centred on wider screens.
            "width": "100%",
            "margin-inline": "auto",
        }

    def use_theme(self, theme: str) -> None:
        """Set the colour of the boundary in a theme."""
        self._curtain.line_color = theme_of(theme).text

    def draw(self, comparison: Comparison | None) -> None:
        """Show both sides, as far as they are computed."""
        state = self._session.state
        labels = self._session.labels
        left, right = (escape(labels.get(name, name)) for name in (state.left, state.right))
        self._sides.object = (
            f'<div class="sides"><span class="side">◀ {left}</span>'
            f'<span class="how">move the pointer over the map to move the boundary</span>'
            f'<span class="side">{right} ▶</span></div>'
        )
        statement = ""
        for name, draw in ((state.left, self.map.draw), (state.right, self._draw_right)):
            values = None if comparison is None else comparison.values(name)
            if comparison is None or values is None:
                self._painter.clear(draw)
                continue
            answer = comparison.answers.get(name)
            token = (comparison.question, name, "swipe", "" if answer is None else answer.quality)
            shown = values * np.float32(field_unit(comparison.question.field).factor)
            drawn = centred(shown, comparison.fields_of(name))
            statement = self._painter.paint(self.map, token, *drawn, state.pixels, draw)
        self._statement.object = f'<div class="sides"><span class="how">{escape(statement)}</span></div>'

    def _draw_right(self, picture: Picture | None) -> None:
        """Send the right picture, of which the browser shows a part."""
        self._full.data = MapFigure.data_of(picture)

    def _on_layout(self, *_events: Any) -> None:
        self._content.visible = self._session.state.layout == "swipe"
