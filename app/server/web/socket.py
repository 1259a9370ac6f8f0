"""The socket of a browser: what it may send, and one line in the log for what is refused."""

from __future__ import annotations

import logging
from typing import Any

from bokeh.core.serialization import DeserializationError
from panel.io.server import WSHandler

from app.server.web.admission import MessageBudget
from app.server.web.counters import COUNTERS
from app.server.web.failures import log_failure, log_refusal, one_line
from app.server.web.page_request import ADMISSION, as_page_request, session_ids, session_of
from app.server.web.patches import RefusedChangeError, check_patch

logger = logging.getLogger("atmodist.app")

MESSAGES_PER_SECOND, MESSAGES_AT_ONCE = 200.0, 2000.0
"""What a browser may send: a pan of four linked maps sends some 60 messages per second, each in three parts."""
MOST_MESSAGE_BYTES = 1 << 20
"""Largest message of a browser, with all its parts; the page accepts no uploads."""

_TAKEN = ("PULL-DOC-REQ", "PATCH-DOC", "SERVER-INFO-REQ")


class StudioSocket(WSHandler):
    """Bokeh's socket with limits; an unexpected message is answered with an error instead of a traceback in the log."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._budget = MessageBudget(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE, MOST_MESSAGE_BYTES)
        self._refused = False

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Connect a browser whose token is valid, if there is room for its session."""
        token = str(self._token or "")
        try:
            if self.selected_subprotocol != "bokeh":
                raise ValueError("no Bokeh protocol")
            session_id = session_of(token, self.application)
        except ValueError as error:
            self._close_because(str(error))
            return
        existing = session_ids(self.application_context)
        refusal = ADMISSION.admit(session_id, str(self.request.remote_ip), existing)
        if refusal:
            self._close_because("no room", 1013)
            return
        super().open(*args, **kwargs)

    async def _async_open(self, token: str) -> None:
        as_page_request(self.request, "/ws", token)
        try:
            await super()._async_open(token)
            ADMISSION.note_made(session_of(token, self.application))
        except Exception as error:
            self._close_because(f"{type(error).__name__} while its page was made")
            if not isinstance(error, ValueError):
                raise

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a part of a message."""
        if self.close_code is not None or self._refused:
            return  # what was on its way when the connection was closed
        if self.receiver is None or self.connection is None:
            self._close_because("a message before the greeting")
            return
        problem = self._budget.refusal(len(fragment))
        if problem:
            self._close_because(problem)
            return
        try:
            message = await self.receiver.consume(fragment)
        except Exception as error:
            self._close_because(f"{type(error).__name__} in a message that is not of the protocol")
            return
        if message:
            self._budget.message_ended()
            await self.send_message(await self._answer(message))

    async def _answer(self, message: Any) -> Any:
        """The reply to a message, which is an error if the message is refused."""
        kind = str(message.msgtype)
        try:
            if kind not in _TAKEN:
                raise RefusedChangeError(f"a message of the kind {kind[:40]!r}")
            assert self.handler is not None and self.connection is not None
            if kind == "PATCH-DOC":
                check_patch(message.content, self.connection.session.document)
            return await self.handler._handlers[kind](message, self.connection)
        except (RefusedChangeError, DeserializationError) as error:
            text = str(error) if isinstance(error, RefusedChangeError) else one_line(error)
            log_refusal(f"{text}, from {self.request.remote_ip}")
        except Exception as error:
            log_failure(error)
        assert self.connection is not None
        return self.connection.error(message, "The server did not take this change.")

    def _close_because(self, reason: str, code: int = 1008) -> None:
        self._refused = True
        COUNTERS.add("connections_refused")
        logger.warning("closed the connection of %s: %s", self.request.remote_ip, reason)
        self.close(code, reason[:100])
