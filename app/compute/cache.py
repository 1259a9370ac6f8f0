"""A thread-safe cache of results, bounded by their size and shared by all sessions of a process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import xarray as xr


def size_of(value: Any) -> int:
    """Return the bytes of memory that a value holds: ``nbytes`` of arrays, summed over containers, else one kibibyte.

    Lazy arrays count as one kibibyte: an open data set of decades is small.
    """
    if isinstance(value, xr.Dataset):
        return sum(size_of(variable) for variable in value.variables.values()) + 1024
    if isinstance(value, xr.DataArray | xr.Variable):
        return int(value.nbytes) if value.chunks is None else 1024
    nbytes = getattr(value, "nbytes", None)
    if nbytes is not None:
        return int(nbytes)
    if isinstance(value, dict):
        return sum(size_of(item) for item in value.values()) + 1024
    if isinstance(value, list | tuple):
        return sum(size_of(item) for item in value) + 1024
    return 1024


class SharedCache:
    """Results up to ``limit_bytes``, of which the least recently used are dropped; a result that two threads need is computed once."""

    def __init__(self, limit_bytes: float) -> None:
        self.limit_bytes = limit_bytes
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()
        self._being_made: dict[Hashable, _KeyLock] = {}

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._values

    @property
    def held_bytes(self) -> int:
        """Bytes of all cached results."""
        return self._held_bytes

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the result cached under ``key``, or make it in this thread and cache it.

        If ``make`` raises, nothing is cached, and another thread that waits for the same result makes it itself.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
            maker = self._being_made.setdefault(key, _KeyLock())
            maker.users += 1
        try:
            with maker.lock:
                with self._lock:
                    if key in self._values:
                        self._values.move_to_end(key)
                        return self._values[key][0]
                value = make()
                self._keep(key, value)
                return value
        finally:
            with self._lock:
                maker.users -= 1
                if not maker.users:
                    self._being_made.pop(key, None)

    def clear(self) -> None:
        """Drop all results."""
        with self._lock:
            self._values.clear()
            self._held_bytes = 0

    def _keep(self, key: Hashable, value: Any) -> None:
        size = size_of(value)
        if size > self.limit_bytes:
            return
        with self._lock:
            self._values[key] = (value, size)
            self._held_bytes += size
            while self._held_bytes > self.limit_bytes:
                _, (_, dropped) = self._values.popitem(last=False)
                self._held_bytes -= dropped


class _KeyLock:
    """A lock that knows how many threads hold or await it, so that it can be forgotten after the last one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
