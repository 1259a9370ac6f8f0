"""The address bar as a mirror of the state: what is on show is in the link, and a link restores it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from app.session.session import Session
from app.state.choices import HISTORY_PARAMETERS, QUERY_NAMES


def query_of(search: str) -> dict[str, str]:
    """Names and values of the search part of an address."""
    return dict(parse_qsl(search.lstrip("?"), keep_blank_values=True))


def search_of(query: dict[str, str]) -> str:
    """Search part of an address, with dates and regions left readable."""
    return "?" + urlencode(query, quote_via=quote, safe=",:/")


class AddressBar:
    """Keeps the state of a session and the address of its tab the same.

    Parameters
    ----------
    session : Session
    history : BrowserHistory
        Or anything with ``address`` to be set, and ``on_return`` that is called with the search part of an address to go back to.
    search : str
        Search part of the address that the page was opened with.
    """

    def __init__(self, session: Session, history: Any, search: str) -> None:
        self._session = session
        self._history = history
        self._search = search

    def begin(self) -> list[str]:
        """Take over the address the page was opened with and keep both the same from now on; returns
        sentences on its faults.
        """
        problems = self._session.state.read_query(query_of(self._search))
        self._session.state.param.watch(self._write, list(QUERY_NAMES))
        self._history.on_return = self._read
        return problems

    def _write(self, *events: Any) -> None:
        query = self._session.state.to_query()
        if query != query_of(self._search):
            self._search = search_of(query)
            self._history.address = {"search": self._search, "push": self._is_step(events)}

    def _is_step(self, events: Any) -> bool:
        """Whether a user would want to come back to what was on show before: not where the page itself settles its state."""
        changed = {event.name for event in events if event.old != event.new}
        return bool(changed & set(HISTORY_PARAMETERS)) and self._session.settling is False

    def _read(self, search: str) -> None:
        query = query_of(search)
        if query != self._session.state.to_query():
            self._search = search
            self._session.follow_link(query)
