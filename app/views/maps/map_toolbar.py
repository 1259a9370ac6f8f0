"""The switches above the maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.server.programmatic_update import ProgrammaticUpdate
from app.session.session import Session
from app.state.choices import LAYOUTS, MAP_PROJECTIONS, PIXELS, SCALES, SHOWS
from app.views.maps.drawing import BOX, LINE
from app.views.shared.choice import Choices, choice
from app.views.shared.elements import TOOL_STYLES, Element, icon_button, row
from atmodist_core.fields.canonical.channels import has_own_range

_BOX_TIP = "Draw a box that becomes the region: drag over a map, or tap two corners. Shift and dragging do so at any time"
_LINE_TIP = "Draw a line and see all fields along it: drag over a map, or tap both ends"


class MapToolbar(Element):
    """Field or difference, panels or swipe, native or mean, quantile or fixed scale, and the visible area.

    ``colour_bar`` takes the rest of the line; ``reset_zoom`` and ``region_from_view`` are called by the buttons of the visible area, ``draw`` with
    what is to be drawn on the maps.
    """

    def __init__(
        self,
        session: Session,
        colour_bar: Any,
        reset_zoom: Callable[[], None],
        region_from_view: Callable[[], None],
        draw: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._state = state = session.state
        self._updating = ProgrammaticUpdate()
        self._shown_limit = 1.0
        self._limit = pmui.FloatInput(
            label="± limit",
            value=None,
            start=0.0,
            width=104,
            size="small",
            margin=0,
            visible=state.scale == "fixed",
        )
        self._limit.param.watch(self._on_limit, "value")
        self._sides = pn.Row(
            self._side("left", "Left", session),
            self._side("right", "Right", session),
            margin=0,
            visible=state.layout == "swipe",
            styles={"gap": "8px"},
        )
        self._projection = Choices(state, "projection", "Projection", 190)
        reset = icon_button("zoom_out_map", "Reset the zoom")
        reset.on_click(lambda _event: reset_zoom())
        crop = icon_button("crop", "Use the visible area as the region")
        crop.on_click(lambda _event: region_from_view())
        self._draw, self._kind = draw, ""
        self._tools = {
            BOX: self._tool(BOX, "highlight_alt", _BOX_TIP),
            LINE: self._tool(LINE, "timeline", _LINE_TIP),
        }
        self._content = row(
            choice(state, "show", SHOWS, "Quantity that the maps show"),
            choice(state, "layout", LAYOUTS, "Layout of the maps"),
            self._sides,
            choice(
                state,
                "pixels",
                PIXELS,
                "One pixel per grid point, or the mean of the grid points in each pixel of the screen",
            ),
            self._projection.widget,
            choice(state, "scale", SCALES, "Ends of the colour scale: 99 % of the truth, or fixed"),
            self._limit,
            pn.Row(reset, crop, *self._tools.values(), margin=0),
            colour_bar,
            css=TOOL_STYLES,
        )
        state.param.watch(self._on_state, ["scale", "layout", "limit", "projection"])
        self._on_state()

    def show_limit(self, limit: float, unit: str, field: str) -> None:
        """Set the present limit of the colour scale of a field, from which "fixed" starts."""
        self._shown_limit = limit
        self._limit.label = f"0 to … {unit}" if field == "wind_speed" else f"± {unit}"
        # A field that keeps its own range has no such limit; only its differences do.
        self._limit.disabled = has_own_range(field) and self._state.show != "difference"

    def begin_drawing(self, kind: str) -> None:
        """Let the user draw a kind of thing; nothing if empty, and then dragging moves the maps."""
        self._kind = kind
        for name, tool in self._tools.items():
            tool.color = "primary" if name == kind else "default"
        self._draw(kind)

    def _tool(self, kind: str, icon: str, description: str) -> Any:
        """Return a button that has a colour while something is being drawn."""
        tool = icon_button(icon, description, color="default", css_classes=[f"draw-{kind}"])
        tool.on_click(lambda _event: self.begin_drawing("" if self._kind == kind else kind))
        return tool

    def _side(self, parameter: str, label: str, session: Session) -> Any:
        choices = Choices(self._state, parameter, label, 150)

        def fill(*_events: Any) -> None:
            choices.fill(session.labels)

        self._state.param.watch(fill, parameter)
        session.param.watch(fill, "methods")
        fill()
        return choices.widget

    def _on_limit(self, event: Any) -> None:
        if not self._updating and event.new and event.new > 0:
            self._state.limit = float(event.new)

    def _on_state(self, *_events: Any) -> None:
        state = self._state
        self._projection.fill(MAP_PROJECTIONS)
        self._sides.visible = state.layout == "swipe"
        self._limit.visible = state.scale == "fixed"
        if state.scale == "fixed" and state.limit is None:
            state.limit = self._shown_limit
        elif state.scale == "quantile" and state.limit is not None:
            state.limit = None
        with self._updating():
            self._limit.value = state.limit
