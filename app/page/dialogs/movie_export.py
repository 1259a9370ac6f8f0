"""The part of the export dialogue that makes movies of the maps."""

from __future__ import annotations

import asyncio
import logging
from html import escape
from typing import Any

import panel as pn

import atmodist_core as ad
from app.compute.control import Control
from app.compute.public_text import public_text
from app.export.files import MIME
from app.export.movies import DPI, MOST_FRAMES, make_movie, order_movie
from app.server.download import Download
from app.session.session import UNEXPECTED, Session
from app.views.shared.elements import Element, button, column, html, row
from app.views.shared.period_control import PeriodControl

logger = logging.getLogger("atmodist.app")
_STYLES = """
.about { font-size: 13px; line-height: 1.5; color: var(--studio-text); }
.made { display: flex; align-items: center; gap: 10px; min-height: 30px; font-size: 12.5px; color: var(--studio-muted); font-variant-numeric: tabular-nums; }
.bar { flex: none; width: 140px; height: 4px; border-radius: 2px; overflow: hidden; background: var(--studio-line); }
.bar div { height: 100%; background: var(--panel-primary-color); transition: width .2s linear; }
"""
_ABOUT = (
    '<div class="about"><b>Movie of the maps</b> through this period: coarse input, truth and the methods chosen, on one colour scale, '
    f"six times a second. At most {MOST_FRAMES['mp4']} times as MP4, {MOST_FRAMES['gif']} as GIF.</div>"
)


class MovieExport(Element):
    """Period, buttons, progress and cancel; the finished file goes to ``download``."""

    def __init__(self, session: Session, download: Download) -> None:
        super().__init__()
        self._session, self._download = session, download
        self._control = Control()
        self._made = html(css=_STYLES, css_classes=["movie-progress"])
        hidden = {"&.Mui-disabled": {"visibility": "hidden"}}
        self.cancel_button = button(
            "Cancel", "close", disabled=True, sx=hidden, description="Cancel: stop making the movie"
        )
        self.cancel_button.on_click(lambda _event: self._control.cancel())
        self.buttons = {kind: self._offer(kind) for kind in MOST_FRAMES}
        self._content = column(
            html(_ABOUT, css=_STYLES),
            PeriodControl(session),
            row(
                *(*self.buttons.values(), self.cancel_button, self._made),
                styles={"gap": "8px", "align-items": "center"},
            ),
            styles={"gap": "6px"},
        )
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(lambda _context: self._control.cancel())

    def _offer(self, kind: str) -> Any:
        name = kind.upper()
        one = button(
            name, "movie", description=f"{name}: movie of the maps", css_classes=[f"export-{kind}"], width=90
        )

        async def make(_event: Any) -> None:
            await self.make(kind)

        one.on_click(make)
        return one

    @property
    def command_options(self) -> str:
        """Options of the command that makes the same movie."""
        return f"--movie mp4 --dpi {DPI}"

    async def make(self, kind: str) -> None:
        """Make a movie and send it to the browser; an error is shown in the dialogue."""
        session, loop = self._session, asyncio.get_running_loop()
        control = self._control = Control(
            lambda fraction, activity: loop.call_soon_threadsafe(self._show, control, fraction, activity)
        )
        self._running(True)
        try:
            order = order_movie(session, kind)
            name, content = await session.in_thread(control, make_movie, order, control)
            self._download.deliver(name, content, MIME[kind])
            self._tell(f"{name}, {len(order.times)} frames, {len(content) / 1e6:.1f} MB")
        except ad.Cancelled:
            self._tell("Stopped; no movie was made.")
        except ad.UserError as error:
            self._tell(public_text(error))
        except Exception as error:
            logger.exception("a movie failed")
            self._tell(UNEXPECTED.format(kind=type(error).__name__))
        finally:
            self._control = Control()
            self._running(False)

    def _running(self, running: bool) -> None:
        for one in self.buttons.values():
            one.disabled = running
        self.cancel_button.disabled = not running

    def _show(self, control: Control, fraction: float, activity: str) -> None:
        if control is self._control and not control.cancelled():
            with self._session.within():
                percent = round(100 * fraction)
                self._tell(
                    activity,
                    f'<div class="bar" role="progressbar" aria-label="Progress of the movie" aria-valuenow="{percent}" aria-valuemin="0" '
                    f'aria-valuemax="100"><div style="width:{percent}%"></div></div>',
                )

    def _tell(self, text: str, bar: str = "") -> None:
        self._made.object = f'<div class="made">{bar}<span role="status">{escape(text)}</span></div>'
