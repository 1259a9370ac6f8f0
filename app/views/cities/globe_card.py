"""The globe of the view Cities, with what lies over it and what its marks mean."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

import atmodist_core as ad
from app.globe.component import Globe, coast_parameters
from app.globe.texture import texture
from app.server.programmatic_update import Filling
from app.session.city_result import Drape
from app.session.session import Session
from app.state.choices import FIELDS, WHOLE
from app.state.city_choices import MARKINGS
from app.state.state import parse_region, region_text
from app.theme.theme import VARIABLES, palette
from app.theme.units import is_signed, unit_of
from app.views.cities import city_marks
from app.views.maps.scaling import ends
from app.views.shared.choice import choice
from app.views.shared.colour_bar import STYLES as BAR_STYLES
from app.views.shared.colour_bar import colour_bar_html

DRAPE_PAUSE_S = 0.05
"""Rest after the last change of the field before its picture is made."""

_CARD_STYLES = (
    VARIABLES
    + """
:host { background: var(--studio-surface); border: 1px solid var(--studio-line); border-radius: 10px; padding: 8px 10px; box-sizing: border-box; min-width: 0;
  display: flex; flex-direction: column; gap: 6px; }
"""
)
_ROW_STYLES = ":host { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; }"
_TEXT_STYLES = (
    VARIABLES
    + BAR_STYLES
    + city_marks.STYLES
    + """
.over { font-size: 12.5px; color: var(--studio-text); min-height: 18px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.over span { color: var(--studio-muted); }
"""
)


class GlobeCard(pn.viewable.Viewer):
    """Globe, colour bar and legend.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._filling = Filling()
        self._shown: Any = None
        self._task: asyncio.Task[None] | None = None
        self.globe = Globe(sizing_mode="stretch_width", margin=0, min_height=320, **_coast())
        self.globe.on_region = self._on_region
        middle = _middle_of(self._state.cities)
        self.globe.param.update(places=_places(), selected=list(self._state.cities), **middle)
        self._drape = pmui.Select(label="Over the globe", options={}, size="small", width=170, margin=0)
        self._drape.param.watch(self._on_drape, "value")
        self._over, self._bar, self._legend = _text(""), _text(""), _text("")
        self._view = pn.Column(
            pn.Row(
                self._drape,
                choice(self._state, "marking", MARKINGS, "What the marks of the cities show"),
                stylesheets=[_ROW_STYLES],
                sizing_mode="stretch_width",
                margin=0,
            ),
            self._over,
            self.globe,
            self._bar,
            self._legend,
            stylesheets=[_CARD_STYLES],
            sizing_mode="stretch_width",
            margin=0,
            css_classes=["globe-card"],
        )
        self.globe.param.watch(self._on_selected, "selected")
        self._state.param.watch(self._on_cities, "cities")
        self._state.param.watch(self._follow_state, ["region", "theme", "drape", "limit", "scale"])
        session.param.watch(self._fill_choices, "methods")
        self._fill_choices()
        self._follow_state()

    def __panel__(self) -> Any:
        """Return what is shown."""
        return self._view

    def show_marks(self, marks: list[Any], legend: str) -> None:
        """Put marks on the cities and say what they mean."""
        self.globe.marks = marks
        self._legend.object = legend

    def show_field(self, drape: Drape | None) -> None:
        """Lay a field over the globe; its picture is made in a thread, and only the last one asked for."""
        if drape is None:
            return
        low, high = ends(self._state.limit or drape.limit, drape.field)
        key = (
            drape.field,
            drape.time,
            drape.name,
            drape.note,
            drape.values.shape,
            low,
            high,
            id(drape.values),
        )
        unit = unit_of(drape.field).text
        colours = palette(is_signed(drape.field), self._state.theme)
        self.globe.palette = list(colours)
        self._bar.object = colour_bar_html([(f"{FIELDS[drape.field]} [{unit}]", colours, low, high)])
        time = "" if drape.time == "undated" else drape.time.replace("T", " ") + " UTC"
        detail = " · ".join(part for part in (FIELDS[drape.field], time, drape.note) if part)
        self._over.object = (
            f'<div class="over"><b>{escape(drape.label)}</b> <span>{escape(detail)}</span></div>'
        )
        self.globe.label = f"Globe with {FIELDS[drape.field].lower()} of {drape.label}, {time}"
        if key == self._shown:
            return
        self._shown = key
        if self._task is not None:
            self._task.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # outside the server, in a test or a script
            self._put(_picture(drape, low, high), low, high, unit)
            return
        self._task = loop.create_task(self._paint(drape, low, high, unit))

    async def _paint(self, drape: Drape, low: float, high: float, unit: str) -> None:
        await asyncio.sleep(DRAPE_PAUSE_S)
        picture = await asyncio.to_thread(_picture, drape, low, high)
        with self._session.within():
            self._put(picture, low, high, unit)

    def _put(self, picture: bytes, low: float, high: float, unit: str) -> None:
        self.globe.param.update(field=picture, low=low, high=high, unit=unit)

    def _fill_choices(self, *_events: Any) -> None:
        options = {"Truth": "truth", "Coarse input": "coarse"}
        options |= {method.label: method.name for method in self._session.methods}
        wanted = self._state.drape if self._state.drape in options.values() else "truth"
        with self._filling():
            self._drape.param.update(options=options, value=wanted)

    def _follow_state(self, *_events: Any) -> None:
        state = self._state
        self.globe.theme = state.theme
        self._fill_choices()
        region = None if state.region == WHOLE else parse_region(state.region)
        edges = [] if region is None else [region.south, region.north, region.west, region.east]
        if self.globe.region != edges:
            self.globe.region = edges
        result = self._session.results.get("cities")
        self.show_field(None if result is None else result.drape)

    def _on_drape(self, event: Any) -> None:
        if not self._filling and event.new:
            self._state.drape = event.new

    def _on_selected(self, event: Any) -> None:
        if list(event.new) != list(self._state.cities):
            self._state.cities = list(event.new)

    def _on_cities(self, event: Any) -> None:
        added = [name for name in event.new if name not in event.old]
        if list(self.globe.selected) != list(event.new):
            self.globe.selected = list(event.new)
            if added:  # found by its name: bring it to the front
                self.globe.param.update(**_middle_of(added[-1:]))

    def _on_region(self, edges: tuple[float, float, float, float]) -> None:
        """Take a box drawn on the globe as the region of all views."""
        south, north, west, east = edges
        try:
            region = ad.Region(south, north, west, east)
        except ad.UserError as error:
            self._session.say("region", "warning", str(error))
            return
        self._session.say("region", "warning", "")
        self._state.region = region_text(region)


def _picture(drape: Drape, low: float, high: float) -> bytes:
    return texture(drape.values, drape.latitude, drape.longitude, low, high)


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
    """Longitude and latitude that bring the first of some cities to the front."""
    table = _table()
    if table is None or not cities or cities[0] not in set(table["name"]):
        return {"longitude": 0.0, "latitude": 20.0}
    row = table[table["name"] == cities[0]].iloc[0]
    # Not right in the middle: more of the inhabited latitudes is seen from a bit further south.
    longitude = (float(row["longitude"]) + 180.0) % 360.0 - 180.0
    return {"longitude": longitude, "latitude": round(0.8 * float(row["latitude"]), 2)}


def _text(html: str) -> Any:
    return pn.pane.HTML(html, stylesheets=[_TEXT_STYLES], margin=0, sizing_mode="stretch_width")
