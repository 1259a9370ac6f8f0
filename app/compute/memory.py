"""Memory of the process: the limit of its caches, and what is freed when tabs are closed."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import threading

logger = logging.getLogger("atmodist.app")
CACHE_GB = 2.0
"""All caches together; ``ATMODIST_CACHE_GB`` in the environment sets another limit."""
WAIT_S = 5.0
"""Time between the closing of a tab and garbage collection: tabs are often closed together."""


def cache_share() -> float:
    """Return the requested limit of the caches relative to the default, or 1 if the request is invalid."""
    text = os.environ.get("ATMODIST_CACHE_GB", str(CACHE_GB))
    try:
        limit = float(text)
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        logger.warning(
            "Expected ATMODIST_CACHE_GB to be a positive number of gigabytes, found %r; %g is used.",
            text,
            CACHE_GB,
        )
        limit = CACHE_GB
    return limit / CACHE_GB


class Collector:
    """Frees the memory of closed tabs.

    The parts of a page refer to each other, so only Python's garbage collector finds them, and the C library keeps freed memory: without this
    class a server grows with every visitor.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = False

    def collect_soon(self) -> None:
        """Collect once after a short time, for any number of calls until then."""
        with self._lock:
            if self._waiting:
                return
            self._waiting = True
        timer = threading.Timer(WAIT_S, self._collect)
        timer.daemon = True
        timer.start()

    def _collect(self) -> None:
        with self._lock:
            self._waiting = False
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU C library
        if trim is not None:
            trim(0)
