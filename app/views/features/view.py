"""The Features view: what excites a filter of the distance network, where it is active, and what the distance reacts to."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from app.compute.colour_limits import rounded_limit
from app.server.programmatic_update import ProgrammaticUpdate
from app.session.distances.feature_work import FeatureResult
from app.session.session import Session
from app.state.choices import FIELDS
from app.state.state import region_text
from app.theme.theme import FITTING
from app.views.features import patch_sheet, sensitivity_figure
from app.views.features.activation_figure import ActivationFigure
from app.views.features.patch_sheet import PatchSheet
from app.views.features.sensitivity_figure import SensitivityFigure
from app.views.shared import colour_bar
from app.views.shared.choice import Choices
from app.views.shared.elements import (
    CARD_STYLES,
    HEAD_STYLES,
    TOOL_STYLES,
    Element,
    button,
    column,
    figure_pane,
    head_html,
    html,
    row,
)
from app.views.shared.veil import Veil
from atmodist_core.features.patch_regions import region_of_patch
from atmodist_core.fields.canonical.shown_dates import time_text
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import DisplayUnit, display_unit, field_unit

_GRID_STYLES = """
:host { display: grid; gap: 8px; grid-auto-rows: max-content; height: auto; grid-template-columns: minmax(0, 1.15fr) minmax(0, 1.15fr) minmax(0, 1fr); align-items: start; }
@media (max-width: 1400px) { :host { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 1000px) { :host { grid-template-columns: minmax(0, 1fr); } }
"""
# Map and curve stand beside the sheets on a wide page, and below them on a narrow one.
_CARD_STYLES = (
    CARD_STYLES
    + """
:host { height: auto; min-height: max-content; }
:host(.features-patches), :host(.features-changes) { grid-row: span 2; }
@media (max-width: 1400px) { :host(.features-patches), :host(.features-changes) { grid-row: auto; } }
"""
)
PATCHES_TIP = (
    "The nine strongest activations of this filter in the times that were searched, a patch or a day apart. Below each stand its time (month, day "
    "and hour, UTC) and place. All have one colour scale. Tap one to go there."
)
CHANGES_TIP = (
    "The smallest change of the fields that would raise the activation of each patch by a tenth: its gradient, scaled. All have one colour scale, "
    "much finer than that of the patches."
)
MAP_TIP = (
    "The field at this time, with lines at 30, 60 and 90 % of the strongest activation of the filter in this region. A filter is active where its "
    "pattern is."
)
CURVE_TIP = (
    "Fields at this time are changed in one band of total wavenumbers, by a tenth of their own waves with other phases. Gain: the band's share of "
    "the response of the distance, divided by its share of the squared error. 1 is a distance that weighs scales as the squared error does. "
    "Untrained: the same network with random weights."
)


class FeaturesView(Element):
    """Patches, what excites them, a map with activations, and the sensitivity per wavenumber."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._updating = ProgrammaticUpdate()
        self._drawn: Any = None
        self._theme = ""
        self._patches = PatchSheet("strongest patches", self._go)
        self._changes = PatchSheet("what excites the filter", self._go)
        self._map, self._curve = ActivationFigure(), SensitivityFigure()
        self._network = Choices(session.state, "network", "Distance network", 190)
        self._stage = Choices(session.state, "stage", "Stage", 120)
        self._filter = pmui.IntInput(
            label="Filter", value=0, start=0, end=4095, width=96, size="small", margin=0
        )
        self._filter.param.watch(self._on_filter, "value")
        self._next = button("Next filter", "navigate_next", description="Show the next filter of this stage")
        self._next.on_click(lambda _event: self._show_next())
        self._note = html(css=HEAD_STYLES, sizing_mode=None, styles={"flex": "1 1 320px"})
        self._bars = {name: html(css=colour_bar.STYLES, height=34) for name in ("patches", "changes")}
        self._map_head, self._curve_head = html(css=HEAD_STYLES, height=28), html(css=HEAD_STYLES, height=28)
        self._veils = {name: Veil("36px 10px 10px 10px") for name in ("patches", "changes", "map", "curve")}
        tools = row(
            *(self._network.widget, self._stage.widget, self._filter, self._next, self._note),
            css=TOOL_STYLES,
            margin=(6, 0, 0, 0),  # labels of choices stand above their boxes
        )
        cards = {
            "patches": (
                _title("Strongest patches", PATCHES_TIP, "tap one to go there"),
                self._patches.pane,
                self._bars["patches"],
            ),
            "changes": (
                _title("What excites the filter", CHANGES_TIP, "raises it by a tenth"),
                self._changes.pane,
                self._bars["changes"],
            ),
            "map": (self._map_head, self._map.pane, self._map.bar),
            "curve": (
                self._curve_head,
                figure_pane(self._curve.plot.figure),
            ),
        }
        grid = column(
            *(
                column(*parts, self._veils[name].pane, css=_CARD_STYLES, css_classes=[f"features-{name}"])
                for name, parts in cards.items()
            ),
            css=_GRID_STYLES,
        )
        self._content = column(tools, grid, css=FITTING, styles={"gap": "8px"})
        session.param.watch(self._update, ["results", "busy", "data"])
        session.state.param.watch(self._update, ["view", "theme", "network", "stage", "filter"])
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the plots of which every visitor gets copies."""
        patch_sheet.template()
        sensitivity_figure.template()

    def _update(self, *_events: Any) -> None:
        # A hidden view is drawn when it is shown.
        state = self._state
        if state.view != "features":
            return
        result: FeatureResult | None = self._session.results.get("features")
        drawn = (id(result), self._session.busy, state.theme, state.network, state.stage, state.filter)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        with pn.io.hold():
            self._draw(result, busy=self._session.busy)

    def _draw(self, result: FeatureResult | None, *, busy: bool) -> None:
        state = self._state
        if result is not None:
            others = {name: name for name in result.networks if state.network or name != result.network}
            self._network.fill({"": result.network if not state.network else "that of the grid", **others})
            self._stage.fill({layer: f"{layer[:-1].capitalize()} {layer[-1]}" for layer in result.layers})
            self._filter.end = result.filters - 1
        with self._updating():
            self._filter.value = state.filter if result is None else min(state.filter, result.filters - 1)
        if state.theme != self._theme:
            self._theme = state.theme
            for figure in (self._map, self._curve):
                figure.use_theme(state.theme)
            for sheet in (self._patches, self._changes):
                sheet.plot.restyle(state.theme)
        tables = {} if result is None else result.tables
        self._note.object = _note(result)
        self._draw_sheet(self._patches, "patches", tables)
        self._draw_sheet(self._changes, "changes", tables)
        self._map.draw(result, state.theme)
        self._map_head.object = _map_head(result, self._map.strongest)
        self._curve.draw(tables.get("sensitivity"), "" if result is None else result.network)
        missing = result is not None and result.complete and "sensitivity" not in tables
        self._curve_head.object = head_html(
            "Sensitivity of the distance", "needs the whole globe" if missing else "this time", CURVE_TIP
        )
        there = {"patches": "patches", "changes": "changes", "map": "map", "curve": "sensitivity"}
        for name, veil in self._veils.items():
            veil.show(busy and there[name] not in tables)

    def _draw_sheet(self, sheet: PatchSheet, name: str, tables: Any) -> None:
        if name not in tables:
            sheet.draw(None, "vorticity", 1.0, DisplayUnit(1.0, ""))
            self._bars[name].object = ""
            return
        table = tables[name]
        field = str(table.attrs["field"])
        limit = rounded_limit(table[field].values, 1.0)
        # Changes are far smaller than fields.
        unit = (
            field_unit(field)
            if name == "patches"
            else display_unit(str(table[field].attrs.get("units", "")), limit)
        )
        sheet.draw(table, field, limit, unit)
        label = FIELDS[field] if name == "patches" else f"Change of {FIELDS[field].lower()}"
        colours = colour_map(True, self._theme)
        end = limit * unit.factor
        self._bars[name].object = colour_bar.colour_bar_html([(f"{label} [{unit.text}]", colours, -end, end)])

    def _go(self, number: int) -> None:
        """Go to the time and place of a patch."""
        result: FeatureResult | None = self._session.results.get("features")
        if result is None or "patches" not in result.tables:
            return
        place = result.tables["patches"].isel(rank=number)
        if not np.isfinite(float(place["activation"])):
            return
        values: dict[str, Any] = {"region": region_text(region_of_patch(place))}
        if "time" in place.coords:
            text = time_text(np.datetime64(str(place["time"].values), "m"))
            values |= (
                {"time": text}
                if self._session.data is not None and text in self._session.data.time_texts
                else {}
            )
        self._state.param.update(**values)

    def _on_filter(self, event: Any) -> None:
        if not self._updating and event.new is not None and event.new >= 0:
            self._state.filter = int(event.new)

    def _show_next(self) -> None:
        """Show the next filter, and the first after the last."""
        result: FeatureResult | None = self._session.results.get("features")
        if result is not None:
            self._state.filter = (result.filter + 1) % result.filters


def _note(result: FeatureResult | None) -> str:
    if result is None:
        return '<div class="note">&nbsp;</div>'
    text = (
        f"<b>{escape(result.network)}</b>, filter {result.filter} of {result.filters}; searched: {len(result.texts)} times, evenly spaced from "
        f"{escape(result.searched)}, within 60° of the equator."
    )
    return f'<div class="note">{" ".join([text, *map(escape, result.problems)])}</div>'


def _map_head(result: FeatureResult | None, strongest: float) -> str:
    detail = ""
    if result is not None and "activation" in result.tables:
        detail = f"lines at 30, 60 and 90 % of {strongest:.1f}" if strongest > 0 else "silent in this region"
    return head_html("Where it is active", detail, MAP_TIP)


def _title(title: str, tip: str, detail: str) -> Any:
    return html(head_html(title, detail, tip), css=HEAD_STYLES, height=28)
