"""Turns among the networks of a process: who asked first comes first, quick ones before long ones, and whoever is cancelled leaves the queue."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

QUIET_S = 0.6
"""A long turn begins when nobody has asked for a quick one for so long: who steps through times does not wait for what others rest upon."""

LONGEST_WAIT_S = 20.0
"""After this time a long turn waits for no quick one any more."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    due: float
    is_quick: bool


class FairScheduler:
    """At most so many at a time, in the order in which they came, quick ones first; one place is kept for quick turns.

    A long computation asks for a turn at every one of its steps (each time, each method), so that users with one short step come in between.

    Parameters
    ----------
    at_once : int
        Turns that are taken at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._free_for_long = max(1, at_once - 1)
        self._waiting: list[_Ticket] = []
        self._last_quick = -math.inf
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def slot(
        self, check: Callable[[], None], *, is_quick: bool = False, patience_s: float = 0.05
    ) -> Iterator[None]:
        """Wait for a turn and keep it while the context lasts.

        Parameters
        ----------
        check : Callable
            Called now and then while waiting; what it raises ends the waiting.
        is_quick : bool
            Whether somebody looks at the page and waits for a short computation.
        patience_s : float
            Longest time between two calls of ``check``.
        """
        ticket = _Ticket(time.monotonic() + (0.0 if is_quick else LONGEST_WAIT_S), is_quick)
        with self._changed:
            self._note(ticket)
            self._waiting.append(ticket)
            try:
                while self._next() is not ticket:
                    self._changed.wait(patience_s)
                    check()
                self._take(ticket, 1)
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._take(ticket, -1)
                self._note(ticket)
                self._changed.notify_all()

    def _next(self) -> _Ticket | None:
        """Whose turn it is; None while there is no place, or nobody who may have it now."""
        now = time.monotonic()
        is_calm = now - self._last_quick > QUIET_S
        able = [
            ticket
            for ticket in self._waiting
            if ticket.is_quick or (self._free_for_long and (is_calm or ticket.due <= now))
        ]
        return min(able, key=lambda ticket: ticket.due) if able and self._free else None

    def _note(self, ticket: _Ticket) -> None:
        if ticket.is_quick:
            self._last_quick = time.monotonic()

    def _take(self, ticket: _Ticket, places: int) -> None:
        self._free -= places
        if not ticket.is_quick:
            self._free_for_long -= places
