"""Turns among the networks of a process: first come, first served, and whoever is cancelled leaves the queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class FairTurns:
    """At most so many at a time, in the order in which they came.

    A long computation asks for a turn at every one of its steps (each time, each method), so that users with one short step come in between.

    Parameters
    ----------
    at_once : int
        Turns that are taken at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def turn(self, check: Callable[[], None], patience_s: float = 0.05) -> Iterator[None]:
        """Wait for a turn and keep it while the context lasts.

        Parameters
        ----------
        check : Callable
            Called now and then while waiting; what it raises ends the waiting.
        patience_s : float
            Longest time between two calls of it.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not (self._free and self._waiting[0] is ticket):
                    self._changed.wait(patience_s)
                    check()
                self._free -= 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
