"""What the processor of this machine tells of itself."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


def processor_name() -> str:
    """Name of the processor, or of its kind where the system does not tell it."""
    return _told().get("model name") or platform.processor() or platform.machine()


def processor_flags() -> frozenset[str]:
    """Instructions that it knows, as Linux calls them; none on other systems."""
    return frozenset(_told().get("flags", _told().get("features", "")).split())


def is_made_by_amd() -> bool:
    """Whether it is AMD's."""
    return "AuthenticAMD" in (_told().get("vendor_id") or platform.processor())


@cache
def _told() -> dict[str, str]:
    """Entries of the first processor in ``/proc/cpuinfo``, by their names in small letters."""
    try:
        first = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0]
    except OSError:  # not Linux
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
