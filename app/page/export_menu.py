"""The button "Export" and what it offers."""

from __future__ import annotations

import logging
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

import atmodist_core as ad
from app.compute.engine import Control
from app.export.files import MIME, bundle_of, file_of, numbers_on_show, recipe_of
from app.server.download import Download
from app.session.session import UNEXPECTED, Session
from app.state.view_registry import VIEW_ENTRIES
from app.theme.theme import VARIABLES

logger = logging.getLogger("atmodist.app")
_OFFERS = (
    ("png", "PNG", "Figure as a picture, 200 dots per inch"),
    ("svg", "SVG", "Figure as vectors for the web"),
    ("pdf", "PDF", "Figure as vectors for a paper"),
    ("nc", "NetCDF", "The numbers behind the view"),
    ("csv", "CSV", "The numbers as text tables"),
    (
        "zip",
        "All of this view (zip)",
        "Figures, numbers, link, versions and the command that makes them again",
    ),
    ("all", "All views (zip)", "The same of every view whose results are there"),
)
_STYLES = (
    VARIABLES
    + """
.text { font-size: 13px; line-height: 1.5; color: var(--studio-text); }
.text code { display: block; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--studio-raised); border-radius: 6px; padding: 8px 10px;
  font-size: 11.5px; margin-top: 4px; user-select: all; }
.said { font-size: 12.5px; color: var(--studio-muted); min-height: 20px; }
"""
)


class ExportMenu(pn.viewable.Viewer):
    """Button and dialogue.

    Parameters
    ----------
    session : Session
    href : Callable
        Returns the address of the page.
    """

    def __init__(self, session: Session, href: Any) -> None:
        super().__init__()
        self._session = session
        self._href = href
        self._download = Download(width=0, height=0, margin=0)
        self.button = pmui.Button(
            label="Export",
            icon="download",
            size="small",
            variant="outlined",
            margin=0,
            align="center",
            description="Export: figures and numbers of what is on show",
            sx={"color": "#ffffff", "borderColor": "#4a6684"},
        )
        self._how = pn.pane.HTML("", stylesheets=[_STYLES], margin=0, sizing_mode="stretch_width")
        self._said = pn.pane.HTML("", stylesheets=[_STYLES], margin=0, sizing_mode="stretch_width")
        self._buttons = {kind: self._offer(kind, label, tip) for kind, label, tip in _OFFERS}
        self._dialog = pmui.Dialog(
            pn.Row(
                *self._buttons.values(),
                sizing_mode="stretch_width",
                margin=0,
                styles={"gap": "8px", "flex-wrap": "wrap"},
            ),
            self._said,
            self._how,
            title="Export",
            show_close_button=True,
            width_option="sm",
        )
        self.button.on_click(self._open)

    def __panel__(self) -> Any:
        """Return what is shown."""
        # The dialogue lies over the page, and must take no room in the header.
        return pn.Row(self.button, self._dialog, self._download, margin=0, align="center", width=104)

    def _offer(self, kind: str, label: str, tip: str) -> Any:
        button = pmui.Button(
            label=label,
            size="small",
            variant="outlined",
            margin=0,
            # It is also the name for screen readers, which has to hold what is written on the button.
            description=f"{label}: {tip}",
            css_classes=[f"export-{kind}"],
        )

        async def make(_event: Any) -> None:
            await self.make(kind)

        button.on_click(make)
        return button

    def _open(self, _event: Any) -> None:
        view = VIEW_ENTRIES[self._session.state.view].label
        recipe = recipe_of(self._session, self._href())
        self._said.object = '<div class="said">&nbsp;</div>'
        self._how.object = (
            f'<div class="text">The view “{escape(view)}” as it is set. The same figure without the page, in a checkout of this project:'
            f"<code>{escape(recipe.command)}</code></div>"
        )
        self._dialog.open = True

    async def make(self, kind: str) -> None:
        """Make a file and hand it to the browser; what prevents it is said in the dialogue."""
        button = self._buttons[kind]
        button.loading = True
        self._say("Drawing …" if kind not in ("nc", "csv") else "Writing …")
        try:
            # The address belongs to the tab, which a thread does not know.
            name, content = await self._session.in_thread(Control(), self.file, kind, self._href())
            self._download.give(name, content, MIME[name.rsplit(".", 1)[-1]])
            self._say(f"{name}, {len(content) / 1e6:.2f} MB")
        except ad.UserError as error:
            self._say(str(error))
        except Exception as error:
            logger.exception("an export failed")
            self._say(UNEXPECTED.format(kind=type(error).__name__))
        finally:
            button.loading = False

    def file(self, kind: str, href: str) -> tuple[str, bytes]:
        """Name and content of a file of what is on show."""
        session = self._session
        if kind not in ("zip", "all"):
            return file_of(numbers_on_show(session), kind, recipe=recipe_of(session, href))
        views = [session.state.view] if kind == "zip" else list(VIEW_ENTRIES)
        parts = {}
        for view in views:
            try:
                numbers = numbers_on_show(session, view)
                if numbers.datasets:
                    parts[view] = numbers
            except ad.UserError:
                if kind == "zip":
                    raise
        if not parts:
            raise ad.UserError(
                "The results are still being computed; export them when the line beside the tabs says so."
            )
        return bundle_of(parts, {view: recipe_of(session, href, view=view) for view in parts})

    def _say(self, text: str) -> None:
        self._said.object = f'<div class="said" role="status">{escape(text)}</div>'
