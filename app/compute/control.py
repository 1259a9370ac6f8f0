"""How a caller follows and stops a computation that runs in another thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import atmodist_core as ad

PROGRESS_INTERVAL_S = 0.1
"""Shortest time between two reports of progress within a stage."""

_THREADS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="studio")
"""Threads for all sessions: more than cores, because most of them only wait for their turn and must not delay another user's quick request."""

T = TypeVar("T")


class Control:
    """Stops a computation, and reports the fraction done, 0 to 1, and the present activity in its thread."""

    def __init__(self, report: Callable[[float, str], object] | None = None) -> None:
        self._stop = threading.Event()
        self._report = report or (lambda fraction, activity: None)
        self._low, self._width, self._label, self._last = 0.0, 1.0, "", 0.0

    def cancel(self) -> None:
        """Ask the computation to stop at the next opportunity."""
        self._stop.set()

    def silent(self) -> Control:
        """Return a control that is stopped together with this one and reports nothing."""
        other = Control()
        other._stop = self._stop
        return other

    def cancelled(self) -> bool:
        """Return whether the computation was asked to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise Cancelled if the computation was asked to stop."""
        if self._stop.is_set():
            raise ad.Cancelled("The computation was stopped.")

    def pause(self, seconds: float) -> None:
        """Wait, and raise Cancelled as soon as the computation is asked to stop."""
        self._stop.wait(seconds)
        self.check()

    def announce(self, fraction: float, activity: str) -> None:
        """Report at once."""
        self._report(fraction, activity)

    def begin_stage(self, low: float, width: float, label: str, detail: str = "") -> None:
        """Begin a stage that takes the progress from ``low`` to ``low + width``."""
        self._low, self._width, self._label, self._last = low, width, label, 0.0
        self.announce(low, f"{label}: {detail}" if detail else label)

    def progress(self, fraction: float, message: str) -> None:
        """Report the fraction of the present stage that is done, at most ten times a second."""
        now = time.monotonic()
        if now - self._last >= PROGRESS_INTERVAL_S:
            self._last = now
            label = f"{self._label}: " if self._label else ""
            self.announce(self._low + self._width * fraction, label + message)


async def in_thread(control: Control, work: Callable[..., T], *arguments: Any) -> T:
    """Run blocking work in a thread; raise Cancelled if its computation was stopped meanwhile."""
    result = await asyncio.get_running_loop().run_in_executor(_THREADS, work, *arguments)
    control.check()
    return result
