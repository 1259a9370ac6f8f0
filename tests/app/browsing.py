"""What the browser tests share: a page whose faults are kept, and patient waiting."""

import time
from contextlib import contextmanager

from app.server.local_server import served_page

READY = "All results in float32"
PATIENCE_MS = 180_000


def seen(page, text, **how):
    """Wait until a text is on show: what the server sends arrives in several messages."""
    page.get_by_text(text, **how).locator("visible=true").first.wait_for()


def until(page, holds, seconds=90):
    """Wait until something holds: fixed waits are too short on a busy machine and too long on a quiet one."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not come to hold within {seconds} s"
        page.wait_for_timeout(100)


@contextmanager
def served_without_fault(folder, **options):
    """Serve the page; what it catches at its edge, beyond what a user did, is logged as an error of the app."""
    with served_page(folder / "log", **options) as url:
        yield url
    said = (folder / "log").read_text()
    assert "ERROR:atmodist.app" not in said and "ModuleNotFoundError" not in said


def opened(page, url):
    page.goto(url)
    page.get_by_text(READY).first.wait_for()
    return page
