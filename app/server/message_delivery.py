"""Every change of the page reaches the browser, the last one too."""

from __future__ import annotations

from typing import Any

import panel.io.document as library

_NAMES = ("_dispatch_msgs", "_dispatch_write_task", "_WRITE_BLOCK", "_WRITE_MSGS")


def deliver_all() -> None:
    """Have Panel send what it queues while it is sending.

    Changes that come while a socket is being written are queued, with a task that sends them. Panel 1.9 forgets them if the writing
    ends before that task begins: the writing takes back the sign that something is queued, and without it the task does nothing. They then
    stay behind until something else changes on the page, and after the last step of a computation nothing does: of twenty pages that had all
    results at hand, on a busy machine, two went on for ever to say that it was computing.

    Done once a process, however often this is called. A Panel without the names used here works otherwise, and is left as it is.
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
