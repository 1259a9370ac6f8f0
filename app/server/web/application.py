"""The web application of ``panel serve`` with this page's requests, limits, headers, health and metrics."""

from __future__ import annotations

import gc
import os
from typing import Any

import bokeh.server.server
from bokeh.server.tornado import DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES, BokehTornado
from bokeh.server.urls import per_app_patterns
from bokeh.server.views.ws import WSHandler
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
        if websocket_max_message_size_bytes == DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES:
            websocket_max_message_size_bytes = MOST_MESSAGE_BYTES
        super().__init__(
            applications,
            extra_patterns=[*_machine_patterns(), *(extra_patterns or [])],
            websocket_max_message_size_bytes=websocket_max_message_size_bytes,
            **options,
        )
        self.add_transform(SecurityHeaders)
        _report_sessions(self)


def use_own_requests() -> None:
    """Answer with the requests of this page; applied once per process.

    ``--warm`` and the plugin call this before the server is made. Without either, the first visitor's page calls it while the server runs.
    """
    if bokeh.server.server.BokehTornado is StudioApplication:
        return
    bokeh.server.server.BokehTornado = StudioApplication
    # The page is not embedded in others by a script, which would need a session for each request of it.
    kept = [pattern for pattern in per_app_patterns if pattern[0] == "/metadata"]
    per_app_patterns[:] = [*kept, *_OWN_PATTERNS]
    for one in gc.get_objects():
        if type(one) is BokehTornado:
            _take_over(one)


_OWN_PATTERNS: list[tuple[str, type[Any]]] = [
    (r"/ws", StudioSocket),
    (r"/begin", BeginRequest),
    (r"/?", PageRequest),
]


def _machine_patterns() -> list[tuple[str, type[RequestHandler]]]:
    metrics = os.environ.get(METRICS_VARIABLE, "") == "1"
    return [(r"/health", Health), *([(r"/metrics", Metrics)] if metrics else [])]


def _take_over(application: BokehTornado) -> None:
    """Put the requests of this page before those of a server that runs already."""
    patterns: list[Any] = [(application.prefix + path, handler) for path, handler in _machine_patterns()]
    for key, context in application._applications.items():
        root = application.prefix + ("" if key == "/" else key)
        for path, handler in _OWN_PATTERNS:
            options = {"application_context": context, "bokeh_websocket_path": f"{root}/ws"}
            if issubclass(handler, WSHandler):
                options |= {"compression_level": None, "mem_level": None}
            patterns.append((root + path, handler, options))
    application.add_handlers(".*", patterns)
    application.add_transform(SecurityHeaders)
    _report_sessions(application)
    settings = application.settings
    given = settings.get("websocket_max_message_size", DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES)
    settings["websocket_max_message_size"] = min(given, MOST_MESSAGE_BYTES)


def _report_sessions(application: BokehTornado) -> None:
    text = "Pages: all, and those with a connected browser."
    COUNTERS.gauge("sessions", text, lambda: _sessions(application))


def _sessions(application: Any) -> dict[str, float]:
    sessions = [one for context in application._applications.values() for one in context.sessions]
    return {"all": len(sessions), "connected": sum(one.connection_count > 0 for one in sessions)}
