"""Queue for the networks of a process: first come, first served, but quick computations before long ones."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

QUIET_S = 0.6
"""A long computation starts when no quick one was requested for this time, so that stepping through time stays fast."""

LONGEST_WAIT_S = 20.0
"""After this time a long computation no longer waits for quick ones."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    due: float
    is_quick: bool


class FairScheduler:
    """Lets ``at_once`` computations run at a time, in the order of their requests, quick ones first; one slot is reserved for quick ones.

    A long computation requests a slot for each of its steps (time, method), so that short computations of other users come in between.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._free_for_long = max(1, at_once - 1)
        self._waiting: list[_Ticket] = []
        self._last_quick = -math.inf
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """Number of waiting computations."""
        return len(self._waiting)

    @contextmanager
    def slot(
        self, check: Callable[[], None], *, is_quick: bool = False, patience_s: float = 0.05
    ) -> Iterator[None]:
        """Wait for a slot and hold it while the context lasts.

        While waiting, ``check`` is called every ``patience_s`` at least; its exception ends the waiting.
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
        """The ticket that may run next, or None."""
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
