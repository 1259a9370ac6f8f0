"""Choice of the field: buttons for the usual ones, and a list of those that the data hold besides."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.server.programmatic_update import ProgrammaticUpdate
from app.session.session import Session
from app.state.choices import FIELDS, FURTHER_FIELDS
from app.views.shared.elements import Element, select
from atmodist_core.plots.look.units import field_unit


class FieldControl(Element):
    """The field that the maps show; the list is hidden where the data hold no more fields."""

    def __init__(self, session: Session, width: int) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        self._usual = pmui.RadioButtonGroup(
            options={label: name for name, label in FIELDS.items()},
            size="small",
            margin=0,
            width=width,
            button_style="outlined",
        )
        # Without it Panel presses the first button where none is, which would choose that field.
        self._usual._allows_none = True  # type: ignore[misc]
        self._further = select("More fields (maps)", width, options=[], visible=False)
        self._content = pn.Column(self._usual, self._further, margin=0, styles={"gap": "10px"})
        for widget in (self._usual, self._further):
            widget.param.watch(self._on_value, "value")
        session.param.watch(self._update, "data")
        session.state.param.watch(self._update, "field")
        self._update()

    def _update(self, *_events: Any) -> None:
        data, field = self._session.data, self._session.state.field
        held = () if data is None else data.further_fields
        options = {"None of these": ""} | {
            f"{label} [{field_unit(name).text}]": name
            for name, label in FURTHER_FIELDS.items()
            if name in held or name == field
        }
        with self._updating():
            self._usual.value = field if field in FIELDS else None
            value = field if field in FURTHER_FIELDS else ""
            self._further.param.update(options=options, value=value, visible=len(options) > 1)

    def _on_value(self, event: Any) -> None:
        state = self._session.state
        if self._updating or event.new is None:
            return
        chosen = event.new or (state.field if state.field in FIELDS else "vorticity")
        if chosen == state.field:
            return
        # The ends of a fixed colour scale are in the unit of the field before.
        same = field_unit(chosen) == field_unit(state.field)
        state.param.update(field=chosen, **({} if same else {"scale": "quantile", "limit": None}))
