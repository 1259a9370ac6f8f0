"""The Maps view: coarse input, every method and the truth on one colour scale, with scores."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import LinearColorMapper

import atmodist_core as ad
from app.compute.colour_limits import coarse_difference, difference_limit, ends, field_ends
from app.compute.comparison import Comparison, best_of
from app.session.session import Session
from app.state.choices import FIELD_LABELS
from app.theme.theme import FITTING
from app.views.maps.card_texts import write_card
from app.views.maps.drawing import BOX, Drawing
from app.views.maps.map_card import MapCard
from app.views.maps.map_figure import MapFigure, SharedMap, share_pointer
from app.views.maps.map_toolbar import MapToolbar
from app.views.maps.painter import Painter
from app.views.maps.pixels import centred
from app.views.maps.swipe import SwipeMap
from app.views.maps.transect_card import TransectCard
from app.views.shared import colour_bar
from app.views.shared.elements import Element, column, html
from app.views.shared.size_probe import SizeProbe
from atmodist_core.fields.grid.transects import parse_transect
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit, is_signed

REDRAW_PAUSE_S = 0.15
"""Pause after the last change of the visible area before means are computed again."""

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start; }
:host(.four) { grid-template-columns: repeat(2, minmax(0, 1fr)); }
@media (max-width: 1000px) { :host, :host(.four) { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) { :host, :host(.four) { grid-template-columns: minmax(0, 1fr); } }
@media (min-width: 1600px) { :host(.many) { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
@media (min-width: 2600px) { :host(.four) { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
"""


class MapsView(Element):
    """Linked maps of one comparison; the view redraws when the comparison of the session or the state changes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._state = session.state
        self._shared = SharedMap()
        self._painter = Painter(self._shared)
        self._field_scale, self._difference_scale = (
            LinearColorMapper(palette=["#888888"], low=-1, high=1, nan_color="#00000000") for _ in range(2)
        )
        self._probe = SizeProbe()
        self._cards: dict[str, MapCard] = {}
        self._pointed = False
        self._area: tuple[Any, ...] | None = None
        self._coloured: tuple[Any, ...] | None = None
        # What each card shows, and the objects it was made from: while they are kept, no other object can have their identity.
        self._drawn: dict[str, tuple[Any, Any]] = {}
        self._redraw_task: asyncio.Task[None] | None = None
        self._swipe: SwipeMap | None = None
        self._bar = html(css=colour_bar.STYLES, height=34, sizing_mode=None)
        self._drawing = Drawing(self._shared.line, self._on_drawn)
        actions = (self._reset_zoom, self._region_from_view, self._drawing.set_mode)
        self._toolbar = MapToolbar(session, self._bar, *actions)
        self._grid = column(css=_GRID_STYLES)
        self._transect = TransectCard(session, self._shared)
        parts = (self._toolbar, self._grid, self._transect)
        self._content = column(*parts, css=FITTING, styles={"gap": "8px"})
        session.param.watch(self._update, ["comparison", "methods", "busy"])
        watched = ["methods", "show", "layout", "left", "right", "pixels", "projection", "transect"]
        self._state.param.watch(self._update, [*watched, "scale", "limit", "theme", "view"])
        for visible in (self._shared.x_range, self._shared.y_range):
            visible.on_change("start", self._on_area)
            visible.on_change("end", self._on_area)
        self._probe.param.watch(lambda _event: self._redraw_soon(), "columns")
        self._update()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        if self._state.view != "maps":
            return
        with pn.io.hold():
            self._arrange()
            self._colour()
            self._draw()

    def _arrange(self) -> None:
        """Show the cards of the methods shown, and make those that are missing."""
        swipe = self._state.layout == "swipe"
        # `visible` alone is not enough: the grid's own style sheet sets its display.
        self._grid.param.update(visible=not swipe, styles={"display": "none"} if swipe else {})
        if swipe and self._swipe is None:
            scale = self._field_scale
            self._swipe = SwipeMap(self._session, self._shared, self._painter, scale, self._drawing)
            self._swipe.probe.param.watch(lambda _event: self._redraw_soon(), "columns")
            self._content.insert(2, self._swipe)
            self._area = None
        if swipe:
            return
        names = self._session.shown_names
        labels = self._session.labels
        for name in names:
            if name not in self._cards:
                card = MapCard(name, labels[name], self._shared, self._field_scale, self._probe)
                self._cards[name] = card
                if name == "coarse":  # always shown, and as large as the others
                    card.map.carry_probe()
                self._area = None
            self._cards[name].label = labels[name]
        wanted = [self._cards[name].view for name in names]
        if list(self._grid.objects) != wanted:
            self._grid.objects = wanted
            self._grid.css_classes = ["four"] if len(names) == 4 else ["many"] if len(names) > 6 else []
            self._pointed = False

    def _share_pointer(self) -> None:
        """Link the pointers of the maps, as late as possible: the script makes all maps one graph of models, which Bokeh then walks through."""
        if not self._pointed and self._session.comparison is not None:
            maps = [self._cards[name].map for name in self._session.shown_names]
            share_pointer(maps, self._shared, self._drawing)
            self._pointed = True

    @property
    def _maps(self) -> list[MapFigure]:
        swipe = [] if self._swipe is None else [self._swipe.map]
        return [*(card.map for card in self._cards.values()), *swipe]

    def _colour(self) -> None:
        """Set palettes, limits and colour bars."""
        comparison, state = self._session.comparison, self._state
        field = comparison.question.field if comparison is not None else state.field
        unit, fixed = field_unit(field), state.limit if state.scale == "fixed" else None
        low, high = ends(fixed or 1.0, field) if comparison is None else field_ends(comparison, fixed)
        two = state.show == "difference" and state.layout == "panels"
        spread = fixed or (1.0 if comparison is None else difference_limit(comparison)) if two else None
        coloured = (field, low, high, spread, state.theme, len(self._maps))
        if coloured == self._coloured:
            return
        self._coloured = coloured
        colours = colour_map(is_signed(field), state.theme)
        self._field_scale.update(palette=list(colours), low=low, high=high)
        level = "" if comparison is None else comparison.truth[field].attrs.get("level", "")
        # A further field of data of wind at 10 m, say, can have another level than the side bar names.
        is_other = level and self._session.data is not None and level != self._session.data.level
        caption = f"{FIELD_LABELS[field]}{f' at {level}' if is_other else ''} [{unit.text}]"
        bars = [(caption, colours, low, high)]
        if spread is not None:
            differences = colour_map(True, state.theme)
            self._difference_scale.update(palette=list(differences), low=-spread, high=spread)
            bars = [
                (f"Method minus truth [{unit.text}]", differences, -spread, spread),
                (f"Truth: {caption}", colours, low, high),
            ]
        room = f"{300 * len(bars)}px"
        self._bar.styles = {"flex": f"1 1 {room}", "min-width": f"min({room}, 100%)"}
        self._bar.object = colour_bar.colour_bar_html(bars)
        self._shared.unit.text = unit.text
        self._toolbar.show_limit(spread or high, unit.text, field)
        for one in self._maps:
            one.use_theme(state.theme)
        if self._swipe is not None:
            self._swipe.use_theme(state.theme)

    def _draw(self) -> None:
        comparison = self._session.comparison
        if comparison is not None:
            self._set_area(comparison)
        self._transect.draw(comparison)
        if self._swipe is not None and self._state.layout == "swipe":
            self._swipe.draw(comparison)
            return
        best = best_of(comparison.scores if comparison is not None else {})
        for name in self._session.shown_names:
            self._draw_card(self._cards[name], comparison, best)
        self._share_pointer()

    def _set_area(self, comparison: Comparison) -> None:
        """Show the region; keep the user's zoom while only the time or the field changes."""
        question = comparison.question
        key = (question.data_set, question.level, question.region, self._state.projection)
        if key == self._area:
            return
        self._area = key
        problem = ""
        try:
            self._shared.show_area(comparison.truth, self._state.projection)
        except ad.UserError as error:
            problem = f"{error} Meanwhile the maps are in plate carree."
        self._session.set_message("projection", "info", problem)
        for card in self._cards.values():
            card.map.fit_area()
        if self._swipe is not None:
            self._swipe.fit_area()

    def _draw_card(self, card: MapCard, comparison: Comparison | None, best: dict[str, set[str]]) -> None:
        state, name = self._state, card.name
        difference = state.show == "difference" and name != "truth"
        card.map.use_mapper(self._difference_scale if difference else self._field_scale)
        answer = comparison.answers.get(name) if comparison is not None else None
        failed = answer is not None and bool(answer.problem)
        empty = comparison is None or comparison.fields_of(name) is None
        waiting = empty and not failed and self._session.busy
        # By identity: comparing fields would take as long as drawing them.
        parts = (None, None) if comparison is None else (comparison.truth, comparison.scores.get(name))
        objects = (*parts, answer, self._session.data)
        drawn = (
            tuple(id(one) for one in objects),
            comparison and comparison.question,
            tuple(name in methods for methods in best.values()),
            (difference, waiting, state.pixels, state.theme, self._painter.viewport(card.map)),
        )
        if self._drawn.get(name, (None, None))[0] == drawn:
            return
        self._drawn[name] = (drawn, objects)
        shown = None if comparison is None else _values(comparison, name, difference=difference)
        statement = ""
        if comparison is not None and shown is not None:
            token = (comparison.question, name, difference, "" if answer is None else answer.quality)
            statement = self._painter.paint(card.map, token, *shown, state.pixels)
        elif failed:
            self._painter.clear(card.map.draw)
        card.set_waiting(waiting)
        write_card(card, self._session, comparison, best, statement)

    def _on_area(self, _attr: str, _old: Any, _new: Any) -> None:
        self._redraw_soon()

    def _redraw_soon(self) -> None:
        """Redraw what depends on the visible area, after its last change."""
        if self._redraw_task is not None:
            self._redraw_task.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # set from outside the server, in a test or a script
            return
        self._redraw_task = loop.create_task(self._redraw())

    async def _redraw(self) -> None:
        await asyncio.sleep(REDRAW_PAUSE_S)
        if self._state.view != "maps":
            return
        with self._session.within(), pn.io.hold():
            self._draw()

    def _reset_zoom(self) -> None:
        for visible in (self._shared.x_range, self._shared.y_range):
            visible.update(start=visible.reset_start, end=visible.reset_end)

    def _region_from_view(self) -> None:
        """Use the visible area as the region."""
        x, y = self._shared.x_range, self._shared.y_range
        self._use_region(float(x.start), float(x.end), float(y.start), float(y.end))

    def _on_drawn(self, kind: str, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Use a box that was drawn as the region, a line as the transect."""
        self._toolbar.begin_drawing("")
        if kind == BOX:
            self._use_region(min(x), max(x), min(y), max(y))
            return
        longitude, latitude = self._shared.projection.inverse(np.array(x), np.array(y))
        ends = np.stack([latitude, (longitude + 180.0) % 360.0 - 180.0], axis=1).ravel()
        text = ",".join(f"{degrees:.2f}" for degrees in ends)
        try:
            parse_transect(text)
        except ad.UserError as error:
            self._session.set_message("transect", "warning", str(error))
        else:
            self._session.set_message("transect", "warning", "")
            self._state.transect = text
        self._transect.redraw_line()

    def _use_region(self, left: float, right: float, lower: float, upper: float) -> None:
        """Use what a rectangle in the plane of the maps covers as the region."""

        def text() -> str:
            covered = self._shared.projection.covered(left, right, lower, upper)
            if covered is None:
                raise ad.UserError("Expected a box on the map, found one beside it; draw it on the map.")
            edges_of_box = (covered.south, covered.north, covered.west, covered.east)
            south, north, west, east = (round(edge, 1) for edge in edges_of_box)
            if east - west >= 360:
                west, east = 0.0, 360.0
            west, east = (edge if -180 <= edge <= 360 else (edge + 180) % 360 - 180 for edge in (west, east))
            ad.Region(south, north, west, east)
            return f"{south:g},{north:g},{west:g},{east:g}"

        self._session.set_region(text)


def _values(
    comparison: Comparison, name: str, *, difference: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Values to draw in the unit of display, latitudes and longitudes; None while they are not computed."""
    values, fields = comparison.values(name), comparison.fields_of(name)
    if values is None or fields is None:
        return None
    if difference:
        truth = comparison.values("truth")
        assert truth is not None  # a comparison begins with it
        values = coarse_difference(comparison) if name == "coarse" else values - truth
        fields = comparison.truth
    return centred(values * np.float32(field_unit(comparison.question.field).factor), fields)
