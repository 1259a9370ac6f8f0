"""What a page needs from the moment its HTML is asked for until the browser's socket has come, which may take long on a slow machine."""

from __future__ import annotations

import asyncio
from typing import Any

import panel as pn
from bokeh.document import Document
from panel.io.resources import LOCAL_DIST

LOOK_S = 0.5
"""Time between two looks whether the browser has come."""
PATIENCE_S = 180.0
"""How long the session that was made with the HTML is kept for the browser; Bokeh alone drops it after fifteen seconds."""


def use_own_files(document: Document) -> None:
    """Let the stylesheets of Panel come from this server.

    Panel itself says so only while it makes the HTML. A session that is made for a socket alone, when a browser comes back to a server that
    no longer knows it, would ask a content delivery network for them.
    """
    prefix = f"{pn.state.rel_path}/" if pn.state.rel_path else ""
    document._template_variables.setdefault("dist_url", prefix + LOCAL_DIST)


def await_browser(document: Document, patience_s: float = PATIENCE_S) -> None:
    """Keep the session of a document until its browser comes, for so long at most.

    Without this the page of a slow browser is thrown away and built a second time when the browser asks for what it has just been told of.
    """
    # The session is not there yet while its document is being built.
    document.add_next_tick_callback(lambda: _keep(document, patience_s))


def _keep(document: Document, patience_s: float) -> None:
    context = document.session_context
    if context is None:
        return
    for session in context.server_context.sessions:
        if session.id == context.id:
            _block(session, patience_s)


def _block(session: Any, patience_s: float) -> None:
    session.block_expiration()
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s

    def look() -> None:
        if session.connection_count or loop.time() > end:
            session.unblock_expiration()
        else:
            loop.call_later(LOOK_S, look)

    look()
