"""The HTML of the page, which needs no session, and the request with which its browser asks for one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from bokeh.server.contexts import ApplicationContext
from bokeh.server.views.session_handler import SessionHandler
from bokeh.util.token import (
    check_token_signature,
    generate_jwt_token,
    generate_session_id,
    get_session_id,
    get_token_payload,
)
from panel.config import config
from panel.io.resources import Resources
from panel.io.server import DocHandler, _set_request_route_context, server_html_page_for_session
from panel.io.state import set_curdoc
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, authenticated

from app.server.web.admission import Admission, retry_seconds
from app.server.web.counters import COUNTERS
from app.server.web.security_headers import content_policy

_TOKEN, _NONCE = "@token@", "@nonce@"
OUTLINE = "outline-only"
"""Argument of the session from which the HTML is made: it needs the frame of the page only."""
_HTML: dict[tuple[str, bool], str] = {}
"""HTML by path and theme, with places for the token and the nonce: all else in it is the same for all visitors."""

ADMISSION = Admission()

_FULL = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{seconds}"><title>AtmoDist Studio</title>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<style>body {{ font: 16px/1.6 Roboto, Helvetica, Arial, sans-serif; margin: 0; background: #f3f5f8; color: #1b2733; }}
header {{ background: #0f2438; color: #fff; font-size: 22px; font-weight: 700; padding: 18px 32px; }} p {{ max-width: 36em; margin: 32px; }}</style></head>
<body><header>AtmoDist Studio</header><p role="alert">{sentence}</p></body></html>
"""


def session_ids(context: ApplicationContext) -> set[str]:
    """Return the identifiers of the sessions that exist."""
    return {str(session.id) for session in context.sessions}


def session_of(token: str, application: Any) -> str:
    """Return the identifier of the session that a token is for; raise a ValueError if it is forged, expired or no token."""
    try:
        signed = check_token_signature(
            token, secret_key=application.secret_key, signed=application.sign_sessions
        )
        session_id, expiry = get_session_id(token), int(get_token_payload(token)["session_expiry"])
    except Exception as error:
        raise ValueError("no token of this server") from error
    if not signed or not session_id:
        raise ValueError("a token with a wrong signature")
    if expiry <= time.time():
        raise ValueError("an expired token")
    return str(session_id)


def as_page_request(request: HTTPServerRequest, suffix: str, token: str) -> None:
    """Give a request for a session the address of the page that it is for: the path without ``suffix``, and the search part that the token holds."""
    arguments: Mapping[str, Sequence[Any]] = get_token_payload(token).get("arguments") or {}
    pairs = [
        (str(name), one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one))
        for name, values in arguments.items()
        for one in values
    ]
    request.path = request.path.removesuffix(suffix)
    request.uri = request.path + ("?" + urlencode(pairs, quote_via=quote, safe=",:/") if pairs else "")


class PageRequest(DocHandler):
    """Answers with HTML that holds a token; the session is made once a browser has run the HTML's script, or has connected.

    Crawlers and monitors therefore cost nothing but this answer.
    """

    async def head(self, *args: Any, **kwargs: Any) -> None:
        """Answer as for GET, without the HTML."""
        self.set_header("Content-Type", "text/html")

    @authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Send the HTML, or the reason why there is no room."""
        if config.authorize_callback or config.reuse_sessions:
            answer: Any = super().get(*args, **kwargs)
            await answer
            return
        _set_request_route_context(self, *args, **kwargs)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html")
        address = str(self.request.remote_ip)
        refusal = ADMISSION.refusal(address, session_ids(self.application_context))
        if refusal:
            self._send_refusal(refusal)
            return
        COUNTERS.add("pages_served")
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", content_policy(nonce))
        key = (self.request.path, self.get_query_argument("theme", "") == "dark")
        if key not in _HTML:
            _HTML[key] = await self._outline()
        token = self._new_token(self._generate_token_payload())
        self.write(_HTML[key].replace(_TOKEN, token).replace(_NONCE, nonce))

    def _send_refusal(self, refusal: str) -> None:
        seconds = retry_seconds(refusal)
        self.set_status(503)
        self.set_header("Retry-After", str(seconds))
        self.write(_FULL.format(seconds=seconds, sentence=escape(refusal)))

    async def _outline(self) -> str:
        """Make the HTML from a session without contents, which nobody joins."""
        payload: Any = self._generate_token_payload()
        token = self._new_token({**payload, "arguments": {**payload["arguments"], OUTLINE: ["1"]}})
        session_id: Any = get_session_id(token)
        session = await self.application_context.create_session_if_needed(session_id, self.request, token)
        document = session.document
        # In place: Panel adds the places of style sheets to it while it makes the HTML.
        document.template_variables["announces"] = True
        with set_curdoc(document):
            html = server_html_page_for_session(
                session,
                resources=Resources.from_bokeh(self.application.resources()),
                title=document.title,
                token=_TOKEN,
                template=document.template,
                template_variables=document.template_variables,
            )
        session.request_expiration()
        return html.replace("<script", f'<script nonce="{_NONCE}"')

    def _new_token(self, payload: Any) -> str:
        application = self.application
        security: Any = {"secret_key": application.secret_key, "signed": application.sign_sessions}
        return generate_jwt_token(
            generate_session_id(**security),
            expiration=application.session_token_expiration,
            extra_payload=payload,
            **security,
        )


class BeginRequest(SessionHandler):
    """Makes the session of a page whose browser runs scripts, while that browser still loads the others."""

    def check_xsrf_cookie(self) -> None:
        """Need no cookie: the token in the header is known to the page only."""

    @authenticated
    async def post(self) -> None:
        """Make the session of the token in the header ``Bokeh-Token``."""
        _set_request_route_context(self, suffix="/begin")
        token = self.request.headers.get("Bokeh-Token", "")
        try:
            session_id = session_of(token, self.application)
        except ValueError as error:
            COUNTERS.add("connections_refused")
            raise HTTPError(403, reason="Forbidden") from error
        address, context = str(self.request.remote_ip), self.application_context
        if ADMISSION.admit(session_id, address, session_ids(context)):
            self.set_status(503)
            return
        as_page_request(self.request, "/begin", token)
        await context.create_session_if_needed(session_id, self.request, token)  # type: ignore[arg-type]
        ADMISSION.note_made(session_id)
        self.set_status(204)
