"""The globe of the view Cities, with its field, colour bar and legend."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

import pandas as pd

import atmodist_core as ad
from app.compute.colour_limits import ends
from app.globe.component import Globe, coast_parameters
from app.globe.texture import texture
from app.session.city_result import GlobeField
from app.session.session import Session
from app.state.choices import FIELDS, WHOLE
from app.state.city_choices import MARKINGS
from app.state.state import parse_region, region_text
from app.views.cities import city_marks
from app.views.shared.choice import Choices, choice
from app.views.shared.colour_bar import STYLES as BAR_STYLES
from app.views.shared.colour_bar import colour_bar_html
from app.views.shared.elements import CARD_STYLES, TOOL_STYLES, Element, column, html, row
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit, is_signed

DRAWING_PAUSE_S = 0.05
"""Pause after the last change of the field before its picture is made."""

_CARD_STYLES = CARD_STYLES + ":host { display: flex; flex-direction: column; gap: 6px; }"
_TEXT_STYLES = (
    BAR_STYLES
    + city_marks.STYLES
    + """
.over { font-size: 12.5px; color: var(--studio-text); min-height: 18px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.over span { color: var(--studio-muted); }
"""
)


class GlobeCard(Element):
    """Globe, colour bar and legend."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._shown: Any = None
        self._task: asyncio.Task[None] | None = None
        self.globe = Globe(sizing_mode="stretch_width", margin=0, min_height=320, **_coast())
        self.globe.on_region = self._on_region
        middle = _middle_of(self._state.cities)
        self.globe.param.update(places=_places(), selected=list(self._state.cities), **middle)
        self._field = Choices(self._state, "globe_field", "Field on the globe", 170)
        self._over, self._bar, self._legend = (html(css=_TEXT_STYLES) for _ in range(3))
        marking = choice(self._state, "marking", MARKINGS, "Quantity that the marks of the cities show")
        self._content = column(
            row(self._field.widget, marking, css=TOOL_STYLES),
            self._over,
            self.globe,
            self._bar,
            self._legend,
            css=_CARD_STYLES,
            css_classes=["globe-card"],
        )
        self.globe.param.watch(self._on_selected, "selected")
        self._state.param.watch(self._on_cities, "cities")
        self._state.param.watch(self._follow_state, ["region", "theme", "globe_field", "limit", "scale"])
        session.param.watch(self._follow_state, "methods")
        self._follow_state()

    def show_marks(self, marks: list[Any], legend: str) -> None:
        """Show the marks of the cities and their legend."""
        self.globe.marks = marks
        self._legend.object = legend

    def show_field(self, shown: GlobeField | None) -> None:
        """Show a field on the globe; its picture is made in a thread, and only for the latest request."""
        if shown is None:
            return
        low, high = ends(self._state.limit or shown.limit, shown.field)
        parts = (shown.field, shown.time, shown.name, shown.note, shown.values.shape)
        key = (*parts, low, high, id(shown.values))
        unit = field_unit(shown.field).text
        colours = colour_map(is_signed(shown.field), self._state.theme)
        self.globe.palette = list(colours)
        self._bar.object = colour_bar_html([(f"{FIELDS[shown.field]} [{unit}]", colours, low, high)])
        time = shown.date
        detail = " · ".join(part for part in (FIELDS[shown.field], time, shown.note) if part)
        self._over.object = (
            f'<div class="over"><b>{escape(shown.label)}</b> <span>{escape(detail)}</span></div>'
        )
        self.globe.label = f"Globe with {FIELDS[shown.field].lower()} of {shown.label}, {time}"
        if key == self._shown:
            return
        self._shown = key
        if self._task is not None:
            self._task.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # outside the server, in a test or a script
            self._put(_picture(shown, low, high), low, high, unit)
            return
        self._task = loop.create_task(self._paint(shown, low, high, unit))

    async def _paint(self, shown: GlobeField, low: float, high: float, unit: str) -> None:
        await asyncio.sleep(DRAWING_PAUSE_S)
        picture = await asyncio.to_thread(_picture, shown, low, high)
        with self._session.within():
            self._put(picture, low, high, unit)

    def _put(self, picture: bytes, low: float, high: float, unit: str) -> None:
        self.globe.param.update(field=picture, low=low, high=high, unit=unit)

    def _follow_state(self, *_events: Any) -> None:
        state = self._state
        self.globe.theme = state.theme
        self._field.fill(self._session.labels)
        region = None if state.region == WHOLE else parse_region(state.region)
        edges = [] if region is None else [region.south, region.north, region.west, region.east]
        if self.globe.region != edges:
            self.globe.region = edges
        result = self._session.results.get("cities")
        self.show_field(None if result is None else result.globe_field)

    def _on_selected(self, event: Any) -> None:
        if list(event.new) != list(self._state.cities):
            self._state.cities = list(event.new)

    def _on_cities(self, event: Any) -> None:
        added = [name for name in event.new if name not in event.old]
        if list(self.globe.selected) != list(event.new):
            self.globe.selected = list(event.new)
            if added:  # found by its name: turn the globe to it
                self.globe.param.update(**_middle_of(added[-1:]))

    def _on_region(self, edges: tuple[float, float, float, float]) -> None:
        """Use a box drawn on the globe as the region of all views."""
        self._session.set_region(lambda: region_text(ad.Region(*edges)))


def _picture(shown: GlobeField, low: float, high: float) -> bytes:
    return texture(shown.values, shown.latitude, shown.longitude, low, high)


def _coast() -> dict[str, bytes]:
    try:
        return coast_parameters()
    except ad.UserError:
        return {}


def _table() -> pd.DataFrame | None:
    try:
        return ad.cities()
    except ad.UserError:
        return None


def _places() -> list[Any]:
    table = _table()
    if table is None:
        return []
    columns = ["name", "country", "latitude", "longitude"]
    return [
        [name, country, float(y), float(x)] for name, country, y, x in table[columns].itertuples(index=False)
    ]


def _middle_of(cities: list[str]) -> dict[str, float]:
    """Longitude and latitude of the view centred near the first of some cities."""
    table = _table()
    if table is None or not cities or cities[0] not in set(table["name"]):
        return {"longitude": 0.0, "latitude": 20.0}
    row = table[table["name"] == cities[0]].iloc[0]
    # Closer to the equator, to show more of the inhabited latitudes.
    longitude = (float(row["longitude"]) + 180.0) % 360.0 - 180.0
    return {"longitude": longitude, "latitude": round(0.8 * float(row["latitude"]), 2)}
