"""The address bar as a mirror of the state: what is on show is in the link, and a link restores it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from app.session import Session
from app.state import QUERY_NAMES


def query_of(search: str) -> dict[str, str]:
    """Names and values of the search part of an address."""
    return dict(parse_qsl(search.lstrip("?"), keep_blank_values=True))


def search_of(query: dict[str, str]) -> str:
    """Search part of an address, with dates and regions left readable."""
    return "?" + urlencode(query, quote_via=quote, safe=",:")


class AddressBar:
    """Keeps the state of a session and the address of its tab the same.

    Parameters
    ----------
    session : Session
    location : panel.io.location.Location
        The address of the tab, with a parameter ``search``.
    """

    def __init__(self, session: Session, location: Any) -> None:
        self._session = session
        self._location = location
        self._writing = False

    def begin(self) -> list[str]:
        """Take over the address the page was opened with and keep both the same from now on; returns
        sentences on its faults.
        """
        problems = self._session.state.read_query(query_of(self._location.search))
        self._session.state.param.watch(self._write, list(QUERY_NAMES))
        self._location.param.watch(self._read, "search")
        return problems

    def _write(self, *_events: Any) -> None:
        query = self._session.state.to_query()
        if query != query_of(self._location.search):
            self._writing = True
            try:
                self._location.search = search_of(query)
            finally:
                self._writing = False

    def _read(self, _event: Any) -> None:
        query = query_of(self._location.search)
        # The browser reports back what was written; only the back button, or a link, says something new.
        if not self._writing and query != self._session.state.to_query():
            self._session.follow_link(query)
