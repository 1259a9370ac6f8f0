"""The dialogue that downloads ERA5 into the data folder of the server."""

from __future__ import annotations

import asyncio
import logging
import re
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

import atmodist_core as ad
from app.compute.control import Control
from app.compute.public_text import public_text
from app.page.dialogs.data_download import plan_within_space, run_download
from app.session.session import UNEXPECTED, Session
from app.views.shared.elements import button, column, html, row, select
from atmodist_core.fields.download.archive import DownloadPlan
from atmodist_core.fields.download.request import DownloadRequest
from atmodist_core.fields.download.sources import SOURCES

logger = logging.getLogger("atmodist.app")
WINDS, COEFFICIENTS = "Winds on a pressure level", "Coefficients of a model level, whole globe"
_EDGES = {"North": 72.0, "West": -15.0, "South": 30.0, "East": 40.0}
_STYLES = """
.made { font-size: 13px; line-height: 1.5; color: var(--studio-text); min-height: 60px; }
.bar { height: 4px; border-radius: 2px; overflow: hidden; background: var(--studio-line); margin-bottom: 6px; }
.bar div { height: 100%; background: var(--panel-primary-color); }
"""
_ABOUT = (
    '<div class="made">ERA5 from an open archive, without an account. The size is shown before anything is fetched; a download that was '
    "cancelled continues where it stopped when the same choices are made again.</div>"
)


class DownloadDialog:
    """The ``button`` that opens it and the ``dialog`` that the page holds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._control = Control()
        self._plan: DownloadPlan | None = None
        number = {"size": "small", "margin": 0, "width": 116}
        self.source = select("Archive", 420, options={one.title: name for name, one in SOURCES.items()})
        self.kind = select("Content", 420, options=[COEFFICIENTS, WINDS])
        self.start = pmui.TextInput(label="Start (UTC)", value="2020-01-01", **number)
        self.days = pmui.FloatInput(label="Days", value=1.0, start=0.05, end=366.0, step=1.0, **number)
        self.level = pmui.FloatInput(label="Model level", value=120.0, step=1.0, **number)
        self.edges = {
            name: pmui.FloatInput(label=f"{name} [°]", value=value, step=1.0, **{**number, "width": 96})
            for name, value in _EDGES.items()
        }
        self.globe = pmui.Checkbox(label="Whole globe", value=False, size="small", margin=0)
        self.size_button = button(
            "Show size", description="Show size: ask the archive how large the download is"
        )
        self.start_button = button(
            "Download", "download", disabled=True, description="Download: fetch the data"
        )
        self.cancel_button = button("Cancel", "close", disabled=True, description="Cancel: stop the download")
        self.text = html(_ABOUT, css=_STYLES)
        gap = {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}
        self._box = column(row(*self.edges.values(), styles=gap), self.globe, styles={"gap": "4px"})
        self.dialog = pmui.Dialog(
            column(
                self.source,
                self.kind,
                row(self.start, self.days, self.level, styles=gap),
                self._box,
                row(self.size_button, self.start_button, self.cancel_button, styles=gap),
                self.text,
                styles={"gap": "14px", "padding-top": "8px"},
            ),
            title="Download ERA5",
            show_close_button=True,
            close_on_click=True,  # and on Escape; a download goes on
            width_option="sm",
        )
        self.button = button(
            "Download ERA5", "download", description="Download ERA5: into the data of this server"
        )
        self.button.on_click(lambda _event: setattr(self.dialog, "open", True))
        self.size_button.on_click(self._on_size)
        self.start_button.on_click(self._on_start)
        self.cancel_button.on_click(lambda _event: self._control.cancel())
        for widget in (
            self.source,
            self.kind,
            self.start,
            self.days,
            self.level,
            self.globe,
            *self.edges.values(),
        ):
            widget.param.watch(self._changed, "value")
        self._changed()
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(lambda _context: self._control.cancel())

    @property
    def request(self) -> DownloadRequest:
        """Return what the choices ask for."""
        common = {
            "source": self.source.value,
            "start": self.start.value.strip(),
            "days": self.days.value or 0.0,
        }
        if self._of_winds:
            north, west, south, east = (float(edge.value or 0.0) for edge in self.edges.values())
            box = None if self.globe.value else (north, west, south, east)
            return DownloadRequest(**common, level=self.level.value, box=box)
        return DownloadRequest(**common, model_level=round(self.level.value or 0))

    @property
    def _of_winds(self) -> bool:
        return self.kind.value == WINDS or SOURCES[self.source.value].coefficients is None

    def _changed(self, *events: Any) -> None:
        """A size that was shown holds for the choices of that moment only."""
        self._plan = None
        self.start_button.disabled = True
        self.kind.visible = SOURCES[self.source.value].coefficients is not None
        self._box.visible = self._of_winds
        for edge in self.edges.values():
            edge.disabled = bool(self.globe.value)
        label = "Pressure [hPa]" if self._of_winds else "Model level"
        if label != self.level.label:
            self.level.param.update(label=label, value=850.0 if self._of_winds else 120.0)

    async def _on_size(self, _event: Any) -> None:
        await self.show_size()

    async def _on_start(self, _event: Any) -> None:
        await self.download()

    async def show_size(self) -> None:
        """Ask the archive, and say how large the download is."""
        self._tell("Asking the archive …")
        self.size_button.disabled = True
        try:
            request = self.request
            plan = await self._session.in_thread(Control(), plan_within_space, request)
            if request == self.request:
                self._plan = plan
                self.start_button.disabled = False
                self._tell(plan.sentence())
        except Exception as error:
            self._fail(error)
        finally:
            self.size_button.disabled = False

    async def download(self) -> None:
        """Fetch what was planned and choose it as the data set; an error is shown in the dialogue."""
        plan, loop = self._plan, asyncio.get_running_loop()
        if plan is None:
            return
        control = self._control = Control(
            lambda fraction, activity: loop.call_soon_threadsafe(self._show, control, fraction, activity)
        )
        self._running(True)
        self._tell("Downloading …")
        try:
            key = await self._session.in_thread(control, run_download, plan, control)
            self._session.engine.search_again()
            self._session.refresh_catalogue()
            self._session.state.param.update(data_set=key, level="")
            self._tell(f"Complete: {key} is chosen as the data set. {plan.request.archive.citation}")
        except ad.Cancelled:
            self._tell("Stopped; what has arrived is kept for the same choices.")
        except Exception as error:
            self._fail(error)
        finally:
            self._control = Control()
            self._running(False)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ad.UserError):
            self._tell(re.sub(r"--([a-z-]+)", lambda flag: flag[1].replace("-", " "), public_text(error)))
        elif isinstance(error, OSError):
            logger.error("a download failed: %s", error)
            self._tell(
                "The server could not write the data: its disk is full or refuses them. What has arrived is kept."
            )
        else:
            logger.error("a download failed", exc_info=error)
            self._tell(UNEXPECTED.format(kind=type(error).__name__))

    def _running(self, running: bool) -> None:
        self.start_button.disabled = self.size_button.disabled = running
        self.cancel_button.disabled = not running

    def _show(self, control: Control, fraction: float, activity: str) -> None:
        if control is self._control and not control.cancelled():
            with self._session.within():
                percent = round(100 * fraction)
                bar = (
                    f'<div class="bar" role="progressbar" aria-label="Progress of the download" aria-valuenow="{percent}" '
                    f'aria-valuemin="0" aria-valuemax="100"><div style="width:{percent}%"></div></div>'
                )
                self._tell(activity, bar)

    def _tell(self, text: str, bar: str = "") -> None:
        self.text.object = f'<div class="made">{bar}<span role="status">{escape(text)}</span></div>'
