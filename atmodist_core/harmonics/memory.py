"""Keeping freed memory in the process, which long runs of large transforms gain a lot from."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # from glibc's malloc.h
_LIMIT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory for the next allocation.

    By default glibc hands blocks of some tens of megabytes back to the system when they are freed, and every
    page of the next one costs a fault and is zeroed: on a CPU this adds up to half to the time of batched
    transforms. Programs that transform for hours call this once at their start, for the whole process.

    Returns
    -------
    bool
        True if the setting was made; False where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # Older versions refuse a threshold above 32 MiB; without mapped blocks there is none to give back either.
    kept = mallopt(_M_MMAP_THRESHOLD, _LIMIT_BYTES) or mallopt(_M_MMAP_MAX, 0)
    trimmed = mallopt(_M_TRIM_THRESHOLD, 2 * _LIMIT_BYTES - 1)
    return bool(kept and trimmed)
