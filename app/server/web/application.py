"""The web application of ``panel serve`` with this page's requests, limits, headers, health and metrics."""

from __future__ import annotations

import os
from typing import Any

import bokeh.server.server
from bokeh.server.tornado import DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES, BokehTornado
from bokeh.server.urls import per_app_patterns
from tornado.web import RequestHandler

from app.server.web.counters import COUNTERS
from app.server.web.page_request import BeginRequest, PageRequest
from app.server.web.security_headers import SecurityHeaders
from app.server.web.socket import MOST_MESSAGE_BYTES, StudioSocket

METRICS_VARIABLE = "ATMODIST_METRICS"
"""Environment variable that makes ``/metrics`` public if it is 1."""


class Health(RequestHandler):
    """Says that the server answers."""

    def get(self) -> None:
        """Answer with the number of open pages."""
        self.set_header("Cache-Control", "no-store")
        self.write({"status": "ok", "sessions": _sessions(self.application)["all"]})

    head = get


class Metrics(RequestHandler):
    """Counts and gauges for Prometheus."""

    def get(self) -> None:
        """Answer with the text format of Prometheus."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.write(COUNTERS.text())


class StudioApplication(BokehTornado):
    """Bokeh's web application for this page."""

    def __init__(
        self,
        applications: Any,
        *,
        extra_patterns: Any = None,
        websocket_max_message_size_bytes: int = DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES,
        **options: Any,
    ) -> None:
        own: list[Any] = [(r"/health", Health)]
        if os.environ.get(METRICS_VARIABLE, "") == "1":
            own.append((r"/metrics", Metrics))
        if websocket_max_message_size_bytes == DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES:
            websocket_max_message_size_bytes = MOST_MESSAGE_BYTES
        super().__init__(
            applications,
            extra_patterns=[*own, *(extra_patterns or [])],
            websocket_max_message_size_bytes=websocket_max_message_size_bytes,
            **options,
        )
        self.add_transform(SecurityHeaders)
        COUNTERS.gauge("sessions", "Pages: all, and those with a connected browser.", lambda: _sessions(self))


def use_own_requests() -> None:
    """Let servers that start from now on answer with the requests of this page; applied once per process.

    ``--warm`` runs the page, and with it this function, before the server is made.
    """
    if bokeh.server.server.BokehTornado is StudioApplication:
        return
    bokeh.server.server.BokehTornado = StudioApplication
    # The page is not embedded in others by a script, which would need a session for each request of it.
    kept = [pattern for pattern in per_app_patterns if pattern[0] == "/metadata"]
    own = [(r"/ws", StudioSocket), (r"/begin", BeginRequest), (r"/?", PageRequest)]
    per_app_patterns[:] = [*kept, *own]


def _sessions(application: Any) -> dict[str, float]:
    sessions = [one for context in application._applications.values() for one in context.sessions]
    return {"all": len(sessions), "connected": sum(one.connection_count > 0 for one in sessions)}
