"""The switches above the maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.server.programmatic_update import Filling
from app.session.session import Session
from app.state.choices import LAYOUTS, PIXELS, SCALES, SHOWS
from app.views.shared.choice import choice

_ROW_STYLES = """
:host { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 14px; min-height: 34px; }
"""


class MapToolbar(pn.viewable.Viewer):
    """Field or difference, panels or swipe, native or mean, quantile or fixed scale, and the visible area.

    Parameters
    ----------
    session : Session
    colour_bar : Viewable
        Takes the rest of the line.
    reset_zoom, region_from_view : Callable
        Called when the buttons of the visible area are pressed.
    """

    def __init__(
        self,
        session: Session,
        colour_bar: Any,
        reset_zoom: Callable[[], None],
        region_from_view: Callable[[], None],
    ) -> None:
        super().__init__()
        self._state = state = session.state
        self._filling = Filling()
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
        reset = pmui.IconButton(icon="zoom_out_map", description="Reset the zoom", size="small", margin=0)
        reset.on_click(lambda _event: reset_zoom())
        crop = pmui.IconButton(
            icon="crop", description="Make the visible area the region", size="small", margin=0
        )
        crop.on_click(lambda _event: region_from_view())
        self._row = pn.Row(
            choice(state, "show", SHOWS, "What the maps show"),
            choice(state, "layout", LAYOUTS, "How maps are compared"),
            self._sides,
            choice(
                state, "pixels", PIXELS, "What a pixel is: native grid points, or Datashader's mean per pixel"
            ),
            choice(state, "scale", SCALES, "Ends of the colour scale: 99 % of the truth, or fixed"),
            self._limit,
            pn.Row(reset, crop, margin=0),
            colour_bar,
            stylesheets=[_ROW_STYLES],
            sizing_mode="stretch_width",
            margin=0,
        )
        state.param.watch(self._on_state, ["scale", "layout", "limit"])
        self._on_state()

    def __panel__(self) -> Any:
        """Return what is shown."""
        return self._row

    def show_limit(self, limit: float, unit: str) -> None:
        """Say which limit the colour scale has now: what "fixed" begins with."""
        self._shown_limit = limit
        self._limit.label = f"± {unit}" if self._state.field != "wind_speed" else f"0 to … {unit}"

    def _side(self, parameter: str, label: str, session: Session) -> Any:
        def options() -> dict[str, str]:
            methods = {method.label: method.name for method in session.methods}
            known = {"Coarse input": "coarse", **methods, "Truth": "truth"}
            asked = getattr(self._state, parameter)
            # A list whose value is not in it takes its first by itself, and that would count as the user's choice.
            return known if asked in known.values() else {**known, asked: asked}

        select = pmui.Select(label=label, options=options(), size="small", width=150, margin=0)
        select.value = getattr(self._state, parameter)

        def on_select(event: Any) -> None:
            if not self._filling and event.new:
                setattr(self._state, parameter, event.new)

        def on_state(_event: Any) -> None:
            with self._filling():
                select.param.update(options=options(), value=getattr(self._state, parameter))

        select.param.watch(on_select, "value")
        self._state.param.watch(on_state, parameter)
        session.param.watch(on_state, "methods")
        return select

    def _on_limit(self, event: Any) -> None:
        if not self._filling and event.new and event.new > 0:
            self._state.limit = float(event.new)

    def _on_state(self, *_events: Any) -> None:
        state = self._state
        self._sides.visible = state.layout == "swipe"
        self._limit.visible = state.scale == "fixed"
        if state.scale == "fixed" and state.limit is None:
            state.limit = self._shown_limit
        elif state.scale == "quantile" and state.limit is not None:
            state.limit = None
        with self._filling():
            self._limit.value = state.limit
