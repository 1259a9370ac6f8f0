"""Drawing on the maps: a box that becomes the region, a line that becomes the transect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.events import MouseMove, Pan, PanEnd, PanStart, Tap
from bokeh.models import ColumnDataSource, CustomJS, Div

_CODE = (Path(__file__).parent / "drawing.js").read_text(encoding="utf-8")
EVENTS = tuple(event.event_name for event in (PanStart, Pan, PanEnd, Tap, MouseMove))
"""Events of a map that draw."""

LINE, BOX = "line", "box"

Drawn = Callable[[str, tuple[float, float], tuple[float, float]], None]
"""Called with the kind of drawing and its extent: x and y of both ends, in the plane of the maps."""


class Drawing:
    """What is drawn on the maps of a view, by dragging or by two taps: ``script`` shows it in ``sketch``, ``on_drawn`` is called with the result.

    The browser draws by itself, in Bokeh's events: a stream of HoloViews would ask the server at every move of the pointer.
    """

    def __init__(self, sketch: ColumnDataSource, on_drawn: Drawn) -> None:
        self._on_drawn = on_drawn
        # Models of the document, through which browser and server tell each other what to draw and what was drawn.
        self._mode, self.drawn = Div(text="", visible=False), Div(text="", visible=False)
        self.drawn.on_change("text", self._on_text)
        self._models = {"mode": self._mode, "sketch": sketch, "drawn": self.drawn, "memory": {}}
        self.script = CustomJS(args={**self._models, "pans": []}, code=_CODE)
        self._mode.js_on_change("text", self.script)

    def set_mode(self, kind: str) -> None:
        """Draw a kind of thing at the next drag or taps; nothing if empty."""
        self._mode.text = kind

    def set_maps(self, figures: Sequence[Any]) -> None:
        """Let these figures be drawn on; their callbacks for :data:`EVENTS` are the script."""
        self.script.args = {**self._models, "pans": [figure.toolbar.active_drag for figure in figures]}

    def _on_text(self, _attr: str, _old: str, new: str) -> None:
        try:
            found = json.loads(new)
            x, y = (tuple(map(float, found[axis])) for axis in "xy")
        except (ValueError, KeyError, TypeError):  # not from this page's script
            return
        if found.get("kind") in (LINE, BOX) and len(x) == len(y) == 2 and np.isfinite([x, y]).all():
            self._on_drawn(found["kind"], x, y)
