"""The address bar mirrors the state: the address is a link that restores the page."""

from __future__ import annotations

from typing import Any

from app.session.session import Session
from app.state.choices import HISTORY_PARAMETERS, QUERY_NAMES
from app.state.link import query_of, search_of


class AddressBar:
    """Keeps the state of a session and the address of its tab equal.

    ``history`` is a BrowserHistory or a substitute with its ``address`` and ``on_return``; the page was opened with the search part ``search``.
    """

    def __init__(self, session: Session, history: Any, search: str) -> None:
        self._session = session
        self._history = history
        self._search = search

    @property
    def names_data(self) -> bool:
        """Whether the page was opened with a data set in its address."""
        return QUERY_NAMES["data_set"] in query_of(self._search)

    def begin(self) -> list[str]:
        """Take over the address that the page was opened with, follow changes from now on, and return sentences on faults of the address."""
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
        """Whether the back button should undo a change: only one that the user made."""
        changed = {event.name for event in events if event.old != event.new}
        return bool(changed & set(HISTORY_PARAMETERS)) and self._session.is_fitting_state is False

    def _read(self, search: str) -> None:
        query = query_of(search)
        if query != self._session.state.to_query():
            self._search = search
            self._session.follow_link(query)
