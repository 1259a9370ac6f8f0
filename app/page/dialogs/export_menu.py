"""The export button and its dialogue."""

from __future__ import annotations

import logging
from functools import cached_property
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

import atmodist_core as ad
from app.compute.control import Control
from app.compute.public_text import public_text
from app.export.files import MIME, bundle_of, file_of, numbers_shown, recipe_of
from app.page.dialogs.movie_export import MovieExport
from app.server.download import Download
from app.session.session import UNEXPECTED, Session
from app.state.view_registry import VIEW_ENTRIES
from app.views.shared.elements import button, html, row

logger = logging.getLogger("atmodist.app")
_OFFERS = (
    ("png", "PNG", "Figure as an image, 200 dots per inch"),
    ("svg", "SVG", "Vector figure for the web"),
    ("pdf", "PDF", "Vector figure for a paper"),
    ("nc", "NetCDF", "Numbers of the view"),
    ("csv", "CSV", "Numbers as text tables"),
    (
        "zip",
        "All of this view (zip)",
        "Figures, numbers, link, versions and the command that reproduces them",
    ),
    ("all", "All views (zip)", "The same for every view whose results are complete"),
)
_STYLES = """
.text { font-size: 13px; line-height: 1.5; color: var(--studio-text); }
.text code { display: block; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--studio-raised); border-radius: 6px; padding: 8px 10px;
  font-size: 11.5px; margin-top: 4px; user-select: all; }
.result { font-size: 12.5px; color: var(--studio-muted); min-height: 20px; }
"""


class ExportMenu(pn.viewable.Viewer):
    """Button, and the ``dialog`` that the page holds; ``href`` returns the address of the page."""

    def __init__(self, session: Session, href: Any) -> None:
        super().__init__()
        self._session = session
        self._href = href
        self._download = Download(width=0, height=0, margin=0)
        self.button = button(
            "Export",
            "download",
            align="center",
            description="Export: figures and numbers of this view",
            sx={"color": "#ffffff", "borderColor": "#4a6684"},
        )
        self._how, self._result = html(css=_STYLES), html(css=_STYLES)
        # Filled when it is first opened: a third of the widgets of a page that is being opened would be in it.
        self.dialog = pmui.Dialog(title="Export", show_close_button=True, width_option="sm")
        self.button.on_click(self._open)

    @cached_property
    def _buttons(self) -> dict[str, Any]:
        return {kind: self._offer(kind, label, tip) for kind, label, tip in _OFFERS}

    @cached_property
    def movie(self) -> MovieExport:
        """The part that makes movies."""
        return MovieExport(self._session, self._download)

    def __panel__(self) -> Any:
        """Return what is shown."""
        # The dialogue belongs to the page: within the header it would have the header's colours.
        return pn.Row(self.button, self._download, margin=0, align="center", width=104)

    def _offer(self, kind: str, label: str, tip: str) -> Any:
        # The description is also the name for screen readers, which must contain the label.
        one = button(label, description=f"{label}: {tip}", css_classes=[f"export-{kind}"])

        async def make(_event: Any) -> None:
            await self.make(kind)

        one.on_click(make)
        return one

    def _open(self, _event: Any) -> None:
        view = VIEW_ENTRIES[self._session.state.view].label
        recipe = recipe_of(self._session, self._href())
        self._result.object = '<div class="result">&nbsp;</div>'
        self._how.object = (
            f'<div class="text">The view “{escape(view)}” with the present settings. This command draws the same figure without the page, in a checkout of this project:'
            f"<code>{escape(recipe.command)}</code>For the movie, replace <i>--out</i> and its file by <i>{self.movie.command_options}</i>.</div>"
        )
        if not self.dialog.objects:
            buttons = row(*self._buttons.values(), styles={"gap": "8px", "flex-wrap": "wrap"})
            self.dialog.objects = [buttons, self._result, self.movie, self._how]
        self.dialog.open = True

    async def make(self, kind: str) -> None:
        """Make a file and send it to the browser; an error is shown in the dialogue."""
        pressed = self._buttons[kind]
        pressed.loading = True
        self._report("Drawing …" if kind not in ("nc", "csv") else "Writing …")
        try:
            # Read here: a thread does not know the address of the tab.
            name, content = await self._session.in_thread(Control(), self.file, kind, self._href())
            self._download.deliver(name, content, MIME[name.rsplit(".", 1)[-1]])
            self._report(f"{name}, {len(content) / 1e6:.2f} MB")
        except ad.UserError as error:
            self._report(public_text(error))
        except Exception as error:
            logger.exception("an export failed")
            self._report(UNEXPECTED.format(kind=type(error).__name__))
        finally:
            pressed.loading = False

    def file(self, kind: str, href: str) -> tuple[str, bytes]:
        """Return name and content of a file of the present view, or of all views."""
        session = self._session
        if kind not in ("zip", "all"):
            return file_of(numbers_shown(session), kind, recipe=recipe_of(session, href))
        views = [session.state.view] if kind == "zip" else list(VIEW_ENTRIES)
        parts = {}
        for view in views:
            try:
                numbers = numbers_shown(session, view)
                if numbers.datasets:
                    parts[view] = numbers
            except ad.UserError:
                if kind == "zip":
                    raise
        if not parts:
            raise ad.UserError("The results are still being computed; export them when they are complete.")
        return bundle_of(parts, {view: recipe_of(session, href, view=view) for view in parts})

    def _report(self, text: str) -> None:
        self._result.object = f'<div class="result" role="status">{escape(text)}</div>'
