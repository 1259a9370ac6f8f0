"""Memory of the process: how much its caches may take, and what is given back when tabs are closed."""

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
"""Between the closing of a tab and the collection of what is left of it: tabs are often closed several at a time."""


def cache_share() -> float:
    """Return the limit of the caches that was asked for, relative to the usual one, which a mistake leaves in place."""
    text = os.environ.get("ATMODIST_CACHE_GB", str(CACHE_GB))
    try:
        limit = float(text)
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        logger.warning(
            "Expected ATMODIST_CACHE_GB to be a positive number of gigabytes, found %r; %g is taken.",
            text,
            CACHE_GB,
        )
        limit = CACHE_GB
    return limit / CACHE_GB


class Collector:
    """Collects what closed tabs leave behind.

    The parts of a page refer to each other in circles, which Python finds when it happens to look, and the C library keeps freed memory for itself: without this a server
    grows with every visitor, up to a point that depends on chance.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = False

    def collect_soon(self) -> None:
        """Collect once, a while from now, however often this is called until then."""
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
