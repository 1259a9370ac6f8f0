"""Keep the session of a page from the request of its HTML until the browser connects, which takes long on a slow machine."""

from __future__ import annotations

import asyncio
from typing import Any

import panel as pn
from bokeh.document import Document
from panel.io.resources import LOCAL_DIST

POLL_S = 0.5
"""Time between two checks whether the browser is connected."""
LONGEST_WAIT_S = 180.0
"""How long the session of the HTML is kept for the browser; Bokeh drops it after fifteen seconds."""


def use_own_files(document: Document) -> None:
    """Take the style sheets of Panel from this server.

    Panel does so only while it makes HTML. A session that is made for a socket alone, when a browser returns to a server that does not know it
    any more, would request them from a content delivery network.
    """
    prefix = f"{pn.state.rel_path}/" if pn.state.rel_path else ""
    document._template_variables.setdefault("dist_url", prefix + LOCAL_DIST)


def keep_until_connected(document: Document, longest_wait_s: float = LONGEST_WAIT_S) -> None:
    """Keep the session of a document until its browser connects; otherwise the page of a slow browser is discarded and built again."""
    # The session does not exist yet while its document is being built.
    document.add_next_tick_callback(lambda: _keep(document, longest_wait_s))


def _keep(document: Document, longest_wait_s: float) -> None:
    context = document.session_context
    if context is None:
        return
    for session in context.server_context.sessions:
        if session.id == context.id:
            _block(session, longest_wait_s)


def _block(session: Any, longest_wait_s: float) -> None:
    session.block_expiration()
    loop = asyncio.get_running_loop()
    end = loop.time() + longest_wait_s

    def check() -> None:
        if session.connection_count or loop.time() > end:
            session.unblock_expiration()
        else:
            loop.call_later(POLL_S, check)

    check()
