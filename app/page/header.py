"""The header: data set, device, link and export."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from app.page.dialogs.export_menu import ExportMenu
from app.session.session import Session
from app.theme.theme import PHONE
from app.views.shared.elements import Element, button, row

_COPY = "navigator.clipboard?.writeText(window.location.href)"


class Header(Element):
    """Data set, the label of simulated data, the device, and buttons to copy the link and to export."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._data = pn.pane.HTML(
            "",
            margin=(0, 8),
            align="center",
            styles={"color": "#dbe7f2", "font-size": "14px"},
            # Not on a phone: the side bar shows it too.
            stylesheets=[f"{PHONE} {{ :host {{ display: none; }} }}"],
        )
        self._simulated = pmui.Chip(
            label="simulated",
            size="small",
            margin=(0, 4),
            visible=False,
            align="center",
            sx={"backgroundColor": "#e69f00", "color": "#1b1400", "fontWeight": 700},
        )
        self._device = pmui.Chip(
            label="",
            size="small",
            variant="outlined",
            margin=(0, 4),
            align="center",
            visible=False,
            sx={
                "color": "#dbe7f2",
                "borderColor": "#4a6684",
                "@media (max-width: 1000px)": {"display": "none"},
            },
        )
        self._share = button(
            "Copy link",
            "link",
            margin=(0, 8),
            align="center",
            description="Copy the link to this page",
            # Phones have their own way to share an address.
            sx={"color": "#ffffff", "borderColor": "#4a6684", PHONE: {"display": "none"}},
        )
        self._share.js_on_click(code=_COPY)
        spacer = pn.Spacer(sizing_mode="stretch_width")
        parts = (self._data, self._simulated, spacer, self._device, self._share)
        self.export_menu = ExportMenu(session, _address)
        self._content = row(*parts, self.export_menu, align="center")
        session.param.watch(self._update, ["data", "device"])
        self._update()

    def _update(self, *_events: Any) -> None:
        data = self._session.data
        self._data.object = "" if data is None else escape(data.label)
        self._simulated.visible = data is not None and data.simulated
        self._device.param.update(label=self._session.device, visible=bool(self._session.device))


def _address() -> str:
    location = pn.state.location
    return "" if location is None else str(location.href or "")
