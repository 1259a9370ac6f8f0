"""One lock for the netCDF library, which is not safe in several threads."""

import threading
from typing import Any

from xarray.backends.locks import HDF5_LOCK


class LibraryLock:
    """A lock that a thread may take again while it holds it, and that stays one lock when it is pickled.

    xarray locks the reading of arrays, but neither the reading of metadata nor, therefore, files that it closes in
    another thread while metadata are read: that ends in "HDF error" or a crash. Its own lock cannot be held around
    ``open_dataset``, which takes it, so here is one that can. It takes xarray's as well, for files opened without it.
    """

    def __init__(self) -> None:
        self._own = threading.RLock()
        self._depth = 0  # how often the thread that holds the lock has taken it

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; without blocking, return False where another thread has it."""
        if not self._own.acquire(blocking):
            return False
        if self._depth == 0 and not HDF5_LOCK.acquire(blocking):
            self._own.release()
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        """Give the lock back, once for every time it was taken."""
        self._depth -= 1
        if self._depth == 0:
            HDF5_LOCK.release()
        self._own.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()

    def __reduce__(self) -> str:
        return "NETCDF_LOCK"


NETCDF_LOCK = LibraryLock()
"""Held while a file is opened, read or written by netCDF4; every file that is read later gets it as its ``lock``."""
