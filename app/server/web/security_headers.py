"""Security headers of every answer of the server."""

from __future__ import annotations

import os

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

ANCESTORS_VARIABLE = "ATMODIST_FRAME_ANCESTORS"
"""Environment variable with the origins that may show the page in a frame, e.g. ``https://portal.example.org``; by default this server only."""


def content_policy(nonce: str = "") -> str:
    """Return the Content-Security-Policy of an answer; with a nonce, only scripts that carry it may stand in the HTML.

    Bokeh and Panel compile small functions (``unsafe-eval``), import components from ``blob:`` addresses, and put styles into the page.
    """
    inline = f"'nonce-{nonce}'" if nonce else "'unsafe-inline'"
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {inline} 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors 'self' {os.environ.get(ANCESTORS_VARIABLE, '').replace(';', ' ')}".strip(),
        )
    )


class SecurityHeaders(OutputTransform):
    """Adds the headers to each answer; those that a handler has set itself are kept."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers before the first bytes are sent."""
        headers.pop("Server", None)
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = content_policy()
        if not os.environ.get(ANCESTORS_VARIABLE):
            headers["X-Frame-Options"] = "SAMEORIGIN"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        return status_code, headers, chunk
