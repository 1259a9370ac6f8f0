"""CPU detection: name, instruction sets and maker."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


def processor_name() -> str:
    """Return the name of the CPU, or its architecture where the system has no name."""
    return _cpu_entries().get("model name") or platform.processor() or platform.machine()


def processor_flags() -> frozenset[str]:
    """Return the instruction sets under their Linux names; none on other systems."""
    return frozenset(_cpu_entries().get("flags", _cpu_entries().get("features", "")).split())


def is_made_by_amd() -> bool:
    """Return whether AMD made the CPU."""
    return "AuthenticAMD" in (_cpu_entries().get("vendor_id") or platform.processor())


@cache
def _cpu_entries() -> dict[str, str]:
    """Entries of the first CPU in ``/proc/cpuinfo`` by lower-case name."""
    try:
        first = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0]
    except OSError:  # not Linux
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
