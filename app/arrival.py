"""What a page needs from the moment its HTML is asked for until the browser's socket has come, which may take long on a slow machine."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import panel as pn
from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from panel.io.resources import LOCAL_DIST
from panel.io.state import set_curdoc

LOOK_S = 0.5
"""Time between two looks whether the browser has come."""
PATIENCE_S = 180.0
"""How long the session that was made with the HTML is kept for the browser; Bokeh alone drops it after fifteen seconds."""

BUILDING_S = 60.0
"""Longest time for which what changes is held back while the browser builds the page."""
_TAKEN: weakref.WeakKeyDictionary[Document, set[str]] = weakref.WeakKeyDictionary()
"""Parts of a page that its browser has been told of."""
_SENDING: set[asyncio.Future[None]] = set()
"""What is being sent: the loop itself holds no more than a weak reference to it."""


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


def hold_back_while_built(document: Document, longest_s: float = BUILDING_S) -> None:
    """Hold back what changes in a document from the moment when the browser takes it until :func:`release`, or for so long at most.

    Else it would be lost: Panel drops what changes before the browser says that the page is there, taking it to be in the document, and the browser
    makes its views one after the other, of which none listens before all are there.
    """
    write = document.to_json
    taken = False

    def take(*arguments: Any, **options: Any) -> Any:
        nonlocal taken
        written = write(*arguments, **options)
        if not taken:  # a browser that comes back has its views
            taken = True
            _TAKEN[document] = {model.id for model in document.models}
            document.hold("combine")
            asyncio.get_running_loop().call_later(longest_s, release, document)
        return written

    document.to_json = take  # type: ignore[method-assign]


def release(document: Document) -> None:
    """Send what was held back: the browser has built the page."""
    session = getattr(document.session_context, "session", None)
    if session is not None and document.callbacks.hold_value:
        sending = asyncio.ensure_future(session.with_document_locked(_send, document, session))
        _SENDING.add(sending)
        sending.add_done_callback(_SENDING.discard)


async def _send(document: Document, session: Any) -> None:
    """Send all that was held back as one message.

    Several would wait for each other on their way, and be overtaken by what refers to a part that only one of them brings.
    """
    changes = [event for event in _let_go(document) if isinstance(event, DocumentPatchedEvent)]
    for connection in list(session._subscribed_connections) if changes else []:
        await connection._socket.send_message(connection.protocol.create("PATCH-DOC", changes))


def _let_go(document: Document) -> list[Any]:
    """End the hold of a document; returns what was held back, after telling the server's own listeners of it."""
    callbacks = document.callbacks
    events, callbacks._held_events, callbacks._hold = list(callbacks._held_events), [], None
    # Whatever a browser sends meanwhile makes Bokeh believe that it knows all parts.
    taken = _TAKEN.pop(document, set())
    document.models._new_models.update(model for model in document.models if model.id not in taken)
    for event in events:
        if not isinstance(event, DocumentPatchedEvent):
            callbacks.trigger_on_change(event)
        elif event.callback_invoker is not None:
            with set_curdoc(document):
                event.callback_invoker()
    return events
