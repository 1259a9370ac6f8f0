"""Which visitor may open a page: limits on the sessions of a process and of an address."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from app.server.web.counters import COUNTERS

logger = logging.getLogger("atmodist.app")

MOST_SESSIONS = 100
"""Pages that one process keeps open; ``ATMODIST_MAX_SESSIONS`` sets another number."""
MOST_PER_ADDRESS = 30
"""Pages of one address; ``ATMODIST_MAX_SESSIONS_PER_ADDRESS`` sets another number."""
REFILL_S = 2.0
"""After as many pages as an address may keep open at once, it may open another one after this time [s]."""
PENDING_S = 30.0
"""An admitted session that does not exist after this time was never made."""

FULL = "The server is full: {count} pages are open, which is its limit. Please close pages that you do not need, or wait; this page tries again by itself."
FULL_ADDRESS = "From your network address {count} pages are open or were opened within the last minutes, which is the limit of this server. Please close some, or wait; this page tries again by itself."


def positive_number(variable: str, default: int) -> int:
    """Return the whole number of an environment variable, or the default if it is missing or not a positive number."""
    text = os.environ.get(variable, "").strip()
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        logger.warning(
            "Expected %s to be a positive whole number, found %r; %d is used.", variable, text, default
        )
        return default
    return int(text) if text else default


@dataclass
class _Admitted:
    address: str
    since: float
    is_made: bool = False


@dataclass
class _Budget:
    left: float
    since: float


class Admission:
    """Counts the sessions of a process by address.

    Addresses of this machine have no limit of their own: they are those of a proxy that does not pass on the addresses of visitors
    (``--use-xheaders``).
    """

    def __init__(self, most: int | None = None, most_per_address: int | None = None) -> None:
        self.most = most or positive_number("ATMODIST_MAX_SESSIONS", MOST_SESSIONS)
        self.most_per_address = most_per_address or positive_number(
            "ATMODIST_MAX_SESSIONS_PER_ADDRESS", MOST_PER_ADDRESS
        )
        self._admitted: dict[str, _Admitted] = {}
        self._budgets: dict[str, _Budget] = {}

    def refusal(self, address: str, existing: Iterable[str]) -> str:
        """Return why a further session of an address cannot be made beside the ``existing`` ones, as a sentence; empty if it can."""
        sessions = self._forget_closed(existing)
        if len(sessions) >= self.most:
            return FULL.format(count=len(sessions))
        if _is_this_machine(address):
            return ""
        count = sum(self._admitted[name].address == address for name in sessions if name in self._admitted)
        if count >= self.most_per_address or self._budget(address).left < 1.0:
            return FULL_ADDRESS.format(count=max(count, self.most_per_address))
        return ""

    def admit(self, session_id: str, address: str, existing: Iterable[str]) -> str:
        """Count a new session, or return why it is refused; a session that exists may always be joined."""
        existing = set(existing)
        if session_id in existing or session_id in self._admitted:
            return ""
        refusal = self.refusal(address, existing)
        if refusal:
            COUNTERS.add("sessions_refused")
            return refusal
        self._admitted[session_id] = _Admitted(address, time.monotonic())
        self._budget(address).left -= 1.0
        return ""

    def note_made(self, session_id: str) -> None:
        """Note that an admitted session exists: it no longer counts once it does not."""
        if session_id in self._admitted:
            self._admitted[session_id].is_made = True

    def _forget_closed(self, existing: Iterable[str]) -> set[str]:
        """The sessions that exist or are about to."""
        known, now = set(existing), time.monotonic()
        for name, one in list(self._admitted.items()):
            if name not in known and (one.is_made or now - one.since > PENDING_S):
                del self._admitted[name]
        return known | set(self._admitted)

    def _budget(self, address: str) -> _Budget:
        """How many pages an address may open now; budgets that are full again are forgotten."""
        now, most = time.monotonic(), float(self.most_per_address)
        for name, one in list(self._budgets.items()):
            one.left, one.since = min(most, one.left + (now - one.since) / REFILL_S), now
            if one.left >= most and name != address:
                del self._budgets[name]
        return self._budgets.setdefault(address, _Budget(most, now))


class MessageBudget:
    """Limits on what one browser sends: messages per second, and bytes of a message in several parts."""

    def __init__(self, per_second: float, at_once: float, most_bytes: int) -> None:
        self._per_second, self._at_once, self._most_bytes = per_second, at_once, most_bytes
        self._left, self._since, self._bytes = at_once, time.monotonic(), 0

    def refusal(self, size: int) -> str:
        """Count a part of a message; return why the connection is to be closed, or nothing."""
        now = time.monotonic()
        self._left = min(self._at_once, self._left + (now - self._since) * self._per_second)
        self._since = now
        self._left -= 1.0
        self._bytes += size
        if self._left < 0:
            return f"more than {self._per_second:g} messages per second"
        return "a message that is too large" if self._bytes > self._most_bytes else ""

    def message_ended(self) -> None:
        """Begin to count the bytes of the next message."""
        self._bytes = 0


def _is_this_machine(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True  # a socket of this machine has no address


def retry_seconds(refusal: str) -> int:
    """Seconds after which the page that shows a refusal tries again."""
    return math.ceil(10 * REFILL_S) if refusal else 0
