"""Delivery of all changes of the page to the browser, including the last."""

from __future__ import annotations

from typing import Any

import panel.io.document as library

_NAMES = ("_dispatch_msgs", "_dispatch_write_task", "_WRITE_BLOCK", "_WRITE_MSGS")


def deliver_all() -> None:
    """Let Panel send messages that it queues while it is sending.

    Changes that come while a socket is being written are queued, with a task that sends them. Panel 1.9 forgets them if the writing ends before
    that task begins, because the end of the writing clears the flag that the task checks. They then wait for the next change of the page, and
    after the last step of a computation there is none: on a busy machine some pages showed for ever that they were computing.

    Applied once per process. A Panel without the names used here is left unchanged.
    """
    if not all(hasattr(library, name) for name in _NAMES):
        return
    send: Any = library._dispatch_msgs
    if hasattr(send, "forgetful"):
        return

    async def send_all(document: Any) -> None:
        await send(document)
        if library._WRITE_MSGS.get(document) and document not in library._WRITE_BLOCK:
            library._WRITE_BLOCK[document] = True
            library._dispatch_write_task(document, send_all, document)

    send_all.forgetful = send  # type: ignore[attr-defined]
    library._dispatch_msgs = send_all
