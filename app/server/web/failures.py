"""What the log keeps of errors in the callbacks of controls: one line for a refused value, one traceback for each fault of the program."""

from __future__ import annotations

import logging
import time
import traceback

import panel as pn

from app.server.web.counters import COUNTERS

logger = logging.getLogger("atmodist.app")
REPEATED = 100
"""A fault that repeats is logged again, without its traceback, each time that it has occurred this often."""

REFUSALS_AT_ONCE, REFUSAL_INTERVAL_S = 20, 10.0
"""Refused values that are logged at once, and the time after which a further one is [s]; all are counted."""

_OWN = ("/app/", "/atmodist_core/")
_known: dict[tuple[str, str, int], int] = {}
_refusals = [float(REFUSALS_AT_ONCE), time.monotonic()]


def log_failure(error: BaseException) -> None:
    """Log an error that ended a callback of a control.

    Panel checks a value before the page sees it: an error without a line of this program is a value that the control does not allow.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if any(folder in frame.filename for folder in _OWN) and "site-packages" not in frame.filename
    ]
    if isinstance(error, ValueError | TypeError | LookupError | ArithmeticError) and not any(
        "/app/server/web/" not in frame.filename for frame in own
    ):
        log_refusal(f"a value: {one_line(error)}")
        return
    COUNTERS.add("errors")
    last = (own or frames)[-1] if frames else None
    key = (type(error).__name__, last.filename if last else "", (last.lineno or 0) if last else 0)
    _known[key] = count = _known.get(key, 0) + 1
    if count == 1:
        logger.error("a callback of the page failed", exc_info=error)
    elif count % REPEATED == 0:
        logger.error("a callback of the page failed again, %d times now: %s", count, one_line(error))


def log_refusal(text: str) -> None:
    """Count a refused value, and log it in one line unless many were logged within the last minutes."""
    COUNTERS.add("values_refused")
    now = time.monotonic()
    _refusals[0] = min(float(REFUSALS_AT_ONCE), _refusals[0] + (now - _refusals[1]) / REFUSAL_INTERVAL_S)
    _refusals[1] = now
    if _refusals[0] >= 1.0:
        _refusals[0] -= 1.0
        logger.warning("refused %s", text)


def one_line(error: BaseException) -> str:
    """Return kind and text of an error in at most 160 characters."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 160 else text[:157] + '...'}"


class _NotTwice(logging.Filter):
    """Drops Panel's own traceback of an error that :func:`log_failure` is about to log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and str(record.msg).startswith("Callback failed for object"))


def log_failures() -> None:
    """Let Panel hand over the errors of callbacks; applied once per page."""
    pn.config.exception_handler = log_failure
    panel = logging.getLogger("panel.reactive")
    if not any(isinstance(one, _NotTwice) for one in panel.filters):
        panel.addFilter(_NotTwice())
