"""Counts of what happened since the start of this process, and gauges of what is now, as Prometheus text."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

STARTED = time.time()

_HELP = {
    "pages_served": "Answers with the HTML of the page.",
    "sessions_refused": "Pages that were refused because of a limit.",
    "connections_refused": "Browser connections that were refused or closed: origin, token, protocol, size or rate.",
    "values_refused": "Values from a browser that its control does not allow.",
    "errors": "Errors of the program that were logged.",
}


class Counters:
    """Counters and gauges of one process."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(_HELP, 0)
        self._gauges: dict[str, tuple[str, Callable[[], float | Mapping[str, float]]]] = {}

    def add(self, name: str) -> None:
        """Count one event."""
        self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def gauge(self, name: str, text: str, read: Callable[[], float | Mapping[str, float]]) -> None:
        """Report what ``read`` returns under a name; a mapping gives one value for each ``kind``."""
        self._gauges[name] = (text, read)

    def text(self) -> str:
        """Return all of them in the text format of Prometheus, version 0.0.4."""
        lines: list[str] = []
        for name, count in self._counts.items():
            lines += _metric(f"atmodist_{name}_total", "counter", _HELP[name], count)
        for name, (text, read) in self._gauges.items():
            lines += _metric(f"atmodist_{name}", "gauge", text, read())
        lines += _metric(
            "process_start_time_seconds", "gauge", "Start of the process since the Unix epoch [s].", STARTED
        )
        lines += _metric(
            "process_cpu_seconds_total", "counter", "User and system CPU time [s].", time.process_time()
        )
        resident = _resident_bytes()
        if resident:
            lines += _metric("process_resident_memory_bytes", "gauge", "Resident memory [bytes].", resident)
        return "\n".join(lines) + "\n"


COUNTERS = Counters()


def _metric(name: str, kind: str, text: str, value: float | Mapping[str, float]) -> list[str]:
    values = (
        {f'{{kind="{key}"}}': one for key, one in value.items()}
        if isinstance(value, Mapping)
        else {"": value}
    )
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} {kind}",
        *(f"{name}{label} {one:.17g}" for label, one in values.items()),
    ]


def _resident_bytes() -> int:
    """Resident memory; 0 where the system has no /proc."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
