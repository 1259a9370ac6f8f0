"""A browser that is slow to come, or comes back: its page is still there, and asks this server alone for its files."""

import asyncio
import gc
import socket
import subprocess
import sys
import time
import weakref
from urllib.request import urlopen

import panel as pn
import pytest
from bokeh.client import pull_session
from bokeh.models import ImportedStyleSheet
from tornado.ioloop import IOLoop

import app.server.session_keepalive
from app.page.page import _frame, build_page
from app.state.state import StudioState


@pytest.fixture
def server(globe, models, monkeypatch):
    """The page on a server that forgets at once those who do not come, but for the patience of the page."""
    monkeypatch.setattr(app.server.session_keepalive.keep_until_connected, "__defaults__", (3.0,))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pn.serve(
        {"main": build_page},
        port=port,
        address="127.0.0.1",
        threaded=True,
        show=False,
        verbose=False,
        check_unused_sessions_milliseconds=100,
        unused_session_lifetime_milliseconds=100,
    )
    end = time.monotonic() + 60
    while not listens(port):
        assert time.monotonic() < end
        time.sleep(0.05)
    try:
        yield f"127.0.0.1:{port}/main"
    finally:
        pn.state.kill_all_servers()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def sessions():
    (server, *_), *_ = pn.state._servers.values()
    return server.get_sessions("/main")


def test_a_page_waits_for_its_browser_and_not_for_ever(server):
    assert b"AtmoDist Studio" in urlopen(f"http://{server}", timeout=60).read()
    asked = time.monotonic()
    while time.monotonic() - asked < 1.5:
        assert len(sessions()) == 1, "the page was thrown away before the browser could come"
        time.sleep(0.1)
    while sessions():
        assert time.monotonic() - asked < 30, "the page of a browser that never came was kept"
        time.sleep(0.1)


PROGRAM = """
import gc, socket, time, weakref
from urllib.request import urlopen
import panel as pn
import app.server.session_keepalive
from app.page.page import build_page

app.server.session_keepalive.keep_until_connected.__defaults__ = (3.0,)
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = pn.serve(
    {"main": build_page}, port=port, address="127.0.0.1", threaded=True, show=False, verbose=False,
    check_unused_sessions_milliseconds=100, unused_session_lifetime_milliseconds=100,
)
documents, begun = weakref.WeakSet(), time.monotonic()
while len(documents) < 3:
    assert time.monotonic() - begun < 120
    try:
        urlopen(f"http://127.0.0.1:{port}/main", timeout=60).read()
    except OSError:
        time.sleep(0.1)
        continue
    (running, *_), *_ = pn.state._servers.values()
    documents.update(session.document for session in running.get_sessions("/main"))
# The timer with which Panel cleans up its counters keeps the first page of a process, and no other.
while len(documents) > 1:
    assert time.monotonic() - begun < 180, f"{len(documents)} pages stay in memory for ever"
    gc.collect()
    time.sleep(0.1)
pn.state.kill_all_servers()
"""


def test_nothing_is_kept_of_a_page_whose_browser_never_came(repository):
    # In a process of its own: pytest keeps what was logged, and what was logged holds pages.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=repository, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def client_loop():
    """A current event loop for Bokeh's client: without one asyncio warns from Python 3.12 on."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield IOLoop.current()
    asyncio.set_event_loop(None)
    loop.close()


def test_a_page_made_for_a_socket_alone_asks_nobody_else_for_its_files(server, client_loop):
    session = pull_session(url=f"http://{server}", io_loop=client_loop)
    try:
        sheets = list(session.document.select({"type": ImportedStyleSheet}))
        assert sheets
        assert [sheet.url for sheet in sheets if "://" in sheet.url] == []
    finally:
        session.close()


def test_a_page_is_not_kept_by_what_outlives_it():
    """Material UI's page watches Panel's busy counter, which would keep every page that was ever opened."""
    page = weakref.ref(_frame(StudioState()))
    watchers = pn.state.param.watchers.get("busy", {}).get("value", [])
    assert not [one for one in watchers if getattr(getattr(one.fn, "__self__", None), "self", None) is page()]
    gc.collect()
    assert page() is None
