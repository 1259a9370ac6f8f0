"""The side bar with the choices that all views share."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

import atmodist_core as ad
from app.page.dialogs.data_download import download_space
from app.page.dialogs.download_dialog import DownloadDialog
from app.page.field_control import FieldControl
from app.page.time_control import TimeControl
from app.server.programmatic_update import ProgrammaticUpdate
from app.session.session import Session
from app.state.choices import DRAWS, WHOLE
from app.state.city_choices import BASELINE, CANDIDATE
from app.state.state import default_methods, overlaps, parse_region, region_text, shown_methods
from app.views.shared.choice import Choices
from app.views.shared.elements import Element, html, select

WIDTH = 296
INNER_WIDTH = 264
CUSTOM = "custom"

_STYLES = """
.heading { font-size: 11px; letter-spacing: .08em; text-transform: uppercase; color: var(--studio-muted); font-weight: 700; }
.note { font-size: 12px; line-height: 1.45; color: var(--studio-muted); }
.note b { color: var(--studio-text); font-weight: 500; }
ul.note { margin: 4px 0 0 0; padding-left: 16px; }
summary { cursor: pointer; font-size: 12px; color: var(--studio-muted); }
"""


class SideBar(Element):
    """Data set, level, time, field, region and methods; ``dialogs`` belong to the page."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        download = DownloadDialog(session) if download_space() else None
        self.dialogs = [] if download is None else [download.dialog]
        sections = [
            DataControl(session),
            *([] if download is None else [download.button]),
            TimeControl(session, INNER_WIDTH),
            FieldControl(session, INNER_WIDTH),
            RegionControl(session),
            _section("Methods", FactorControl(session), MethodsControl(session), DrawControl(session)),
        ]
        self._content = pn.Column(
            *sections, margin=(18, 16, 14, 16), styles={"gap": "20px"}, width=INNER_WIDTH
        )


class DataControl(Element):
    """Data set and level, with a description."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        self._set = select("Data set", INNER_WIDTH)
        self._level = select("Level", INNER_WIDTH, options=[], visible=False)
        self._about = html(css=_STYLES, sizing_mode=None, width=INNER_WIDTH, min_height=34)
        self._content = pn.Column(self._set, self._level, self._about, margin=0, styles={"gap": "8px"})
        self._set.param.watch(lambda event: self._choose("data_set", event.new), "value")
        self._level.param.watch(lambda event: self._choose("level", event.new), "value")
        session.param.watch(self._update, ["sources", "data"])
        session.state.param.watch(self._update, ["data_set", "level"])
        self._update()

    def _choose(self, parameter: str, value: Any) -> None:
        if not self._updating and value and value != getattr(self._session.state, parameter):
            self._session.state.param.update(
                **{parameter: value, **({"level": ""} if parameter == "data_set" else {})}
            )

    def _update(self, *_events: Any) -> None:
        session, data = self._session, self._session.data
        options = {source.label: source.key for source in session.sources}
        asked = session.state.data_set
        if asked not in options.values():
            # A list whose value is not among its options selects the first by itself, as if the user had.
            options = {**options, asked: asked}
        with self._updating():
            self._set.param.update(options=options, value=asked)
            if data is not None:
                self._level.param.update(
                    options=list(data.levels), value=session.state.level or None, visible=len(data.levels) > 1
                )
        if data is None:
            self._about.object = '<div class="note">&nbsp;<br>&nbsp;</div>'
            return
        notes = "".join(f"<li>{escape(note)}</li>" for note in data.notes)
        more = f"<details><summary>Notes on opening</summary><ul class='note'>{notes}</ul></details>"
        self._about.object = f'<div class="note">{escape(data.summary)}</div>{more if notes else ""}'


class RegionControl(Element):
    """A preset, or four numbers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        self._preset = select("Region", INNER_WIDTH, options=[])
        names = ("south", "north", "west", "east")
        self._edges = {name: self._edge(name) for name in names}
        grid = pn.Column(
            pn.Row(self._edges["south"], self._edges["north"], margin=0, styles={"gap": "8px"}),
            pn.Row(self._edges["west"], self._edges["east"], margin=0, styles={"gap": "8px"}),
            margin=0,
            styles={"gap": "8px"},
        )
        self._content = pn.Column(self._preset, grid, margin=0, styles={"gap": "10px"})
        self._preset.param.watch(self._on_preset, "value")
        session.param.watch(self._update, "data")
        session.state.param.watch(self._update, "region")
        self._update()

    def _edge(self, name: str) -> Any:
        bounds = (-90, 90) if name in ("south", "north") else (-180, 360)
        widget = pmui.FloatInput(
            label=f"{name.capitalize()} [°{'N' if bounds[0] == -90 else 'E'}]",
            start=bounds[0],
            end=bounds[1],
            step=1.0,
            size="small",
            width=(INNER_WIDTH - 8) // 2,
            margin=0,
        )
        widget.param.watch(self._on_edge, "value")
        return widget

    def _update(self, *_events: Any) -> None:
        data, text = self._session.data, self._session.state.region
        options = {
            ("Whole data set" if name == WHOLE and data is not None and not data.is_global else name): name
            for name, preset in ad.REGIONS.items()
            if name == WHOLE or data is None or data.is_global or overlaps(preset, data.extent)
        }
        with self._updating():
            custom = {} if text in options.values() else {"Typed": CUSTOM}
            self._preset.param.update(options=options | custom, value=CUSTOM if custom else text)
            whole = text == WHOLE and data is not None
            region = data.extent if whole and data is not None else parse_region(text)
            for name, widget in self._edges.items():
                widget.value = float(getattr(region, name))

    def _on_preset(self, event: Any) -> None:
        if not self._updating and event.new and event.new != CUSTOM:
            self._session.state.region = event.new

    def _on_edge(self, _event: Any) -> None:
        values = [widget.value for widget in self._edges.values()]
        if self._updating or any(value is None for value in values):
            return
        self._session.set_region(lambda: region_text(ad.Region(*values)))


class FactorControl(Element):
    """The factor of the models, where there are models of several."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        self._content = select("Factor", INNER_WIDTH, options=[], visible=False)
        self._content.param.watch(self._on_value, "value")
        session.param.watch(self._update, ["factors", "data"])
        session.state.param.watch(self._update, "factor")
        self._update()

    def _update(self, *_events: Any) -> None:
        data, factor = self._session.data, self._session.state.factor
        spacing = 0.0 if data is None else data.spacing_deg
        options = {
            f"{one}×{f' ({one * spacing:.3g}° to {spacing:.3g}°)' if spacing else ''}": one
            for one in sorted({factor, *self._session.factors})
        }
        with self._updating():
            self._content.param.update(options=options, value=factor, visible=len(options) > 1)

    def _on_value(self, event: Any) -> None:
        if not self._updating and event.new and event.new != self._session.state.factor:
            # The methods of one factor are not those of another.
            others = {"methods": None, "candidate": CANDIDATE, "baseline": BASELINE}
            self._session.state.param.update(factor=event.new, **others)


class DrawControl(Element):
    """What ensemble models show outside the view Ensemble, where there are such models."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._choices = Choices(session.state, "draw", "Ensemble models show", INNER_WIDTH)
        self._content = self._choices.widget
        session.param.watch(self._update, "methods")
        session.state.param.watch(self._update, "draw")
        self._update()

    def _update(self, *_events: Any) -> None:
        self._choices.fill(DRAWS)
        self._content.visible = any(method.draw is not None for method in self._session.methods)


class MethodsControl(Element):
    """A check box per method, in its colour, with the version of each model."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._boxes: dict[str, Any] = {}
        self._updating = ProgrammaticUpdate()
        self._content = pn.Column(margin=0, styles={"gap": "2px"}, width=INNER_WIDTH)
        session.param.watch(self._build, "methods")
        session.state.param.watch(self._update, ["methods", "suggested"])
        self._build()

    def _build(self, *_events: Any) -> None:
        shown = shown_methods(self._session.state, [method.name for method in self._session.methods])
        self._boxes = {}
        rows: list[Any] = []
        for method in self._session.methods:
            box = pmui.Checkbox(
                label=method.label,
                value=method.name in shown,
                size="small",
                margin=0,
                sx={
                    "& .MuiCheckbox-root": {"padding": "4px"},
                    "& .MuiSvgIcon-root": {"color": method.colour},
                },
            )
            box.param.watch(self._on_box, "value")
            self._boxes[method.name] = box
            rows.append(box)
            if method.card is not None:
                version = f"{method.name}, {str(method.card.created)[:10]}"
                text = f'<div class="note">{escape(version)}</div>'
                rows.append(html(text, css=_STYLES, sizing_mode=None, margin=(-4, 0, 2, 28)))
        self._content.objects = rows

    def _update(self, *_events: Any) -> None:
        shown = shown_methods(self._session.state, list(self._boxes))
        with self._updating():
            for name, box in self._boxes.items():
                box.value = name in shown

    def _on_box(self, _event: Any) -> None:
        chosen = [name for name, box in self._boxes.items() if box.value]
        if not self._updating and chosen != shown_methods(self._session.state, list(self._boxes)):
            default = default_methods(list(self._boxes), self._session.state.suggested)
            self._session.state.methods = None if chosen == default else chosen


def _section(title: str, *content: Any) -> Any:
    heading = html(f'<div class="heading">{title}</div>', css=_STYLES, sizing_mode=None)
    return pn.Column(heading, *content, margin=0, styles={"gap": "8px"})
