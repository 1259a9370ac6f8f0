"""Clients that are no browser: they cost little, and what they send is refused in one line and harms nobody."""

import asyncio
import json
import re
import time
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, websocket_connect

from app.server.local_server import served_page
from benchmarks.visitor import Visitor, close

# Tornado's client warns of connections that the server has ended.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
MOST_SESSIONS = 4
FORGETFUL = ("--check-unused-sessions", "300", "--unused-session-lifetime", "300")
NAN = {"type": "number", "value": "nan"}
FORGED = (
    *(-1, 99, 1e300, True, None, "no such", "x" * 30_000, [], [[1, 2], ["a"]], NAN),
    {"type": "map", "entries": [["a", 1]]},
    {"type": "object", "name": "Div", "id": "forged", "attributes": {}},
    {"id": "p999999"},
)
ATTRIBUTES = (
    "value",
    "value_throttled",
    "active",
    "options",
    "start",
    "inner_width",
    "dark_theme",
    "indices",
)


@pytest.fixture(scope="module")
def server(model_folder, assets_without_models, tmp_path_factory):
    """Address and log of a server with room for a few pages."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATMODIST_MAX_SESSIONS", str(MOST_SESSIONS))
        patch.setenv("ATMODIST_METRICS", "1")
        with served_page(folder / "log", models=model_folder, flags=FORGETFUL) as address:
            yield address, folder / "log"


@pytest.fixture
def address(server):
    """Address of a server without open pages."""
    address, _ = server
    end = time.monotonic() + 120
    while open_pages(address):
        assert time.monotonic() < end, "pages that were left are still there"
        time.sleep(0.5)
    return address


def got(address, path="", **headers):
    """Status, headers and text of an answer."""
    root = address.removesuffix("/main")
    try:
        with urlopen(Request((root + path) if path else address, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers, error.read().decode()


def open_pages(address):
    return json.loads(got(address, "/health")[2])["sessions"]


def metric(address, name):
    (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", got(address, "/metrics")[2], re.M)
    return float(value)


def faults(log):
    """Lines of a log that an operator would have to read."""
    return [line for line in log.read_text().splitlines() if "Traceback" in line or "ERROR" in line]


def test_a_hundred_requests_without_a_browser_cost_no_session_and_no_memory(address):
    got(address)  # the HTML is made once
    time.sleep(1.0)
    before, served = (
        metric(address, "process_resident_memory_bytes"),
        metric(address, "atmodist_pages_served_total"),
    )
    cpu = metric(address, "process_cpu_seconds_total")
    sessions = open_pages(address)
    for _ in range(100):
        status, _, text = got(address)
        assert status == 200 and '"token":"' in text
    urlopen(Request(address, method="HEAD"), timeout=60)
    assert metric(address, "process_cpu_seconds_total") - cpu < 5.0  # one page of them takes about 1 s
    assert open_pages(address) == sessions <= 1
    assert metric(address, "atmodist_pages_served_total") == served + 100
    assert metric(address, "process_resident_memory_bytes") - before < 20e6


def test_a_server_without_flags_is_protected_from_its_first_visitor_on(
    tmp_path, model_folder, assets_without_models
):
    with served_page(tmp_path / "log", models=model_folder, plugin=False, flags=FORGETFUL) as address:
        for _ in range(20):
            with urlopen(address, timeout=100) as answer:
                policy = answer.headers.get("Content-Security-Policy")
        assert "nonce-" in policy
        with urlopen(address.replace("/main", "/health"), timeout=100) as answer:
            assert json.load(answer)["sessions"] <= 1


def test_tokens_differ_and_scripts_carry_the_nonce_of_their_answer(address):
    answers = [got(address) for _ in range(2)]
    tokens = {re.search(r'"token":"([^"]+)"', text)[1] for _, _, text in answers}
    assert len(tokens) == 2
    for _, headers, text in answers:
        assert 'href="static/extensions/panel/images/favicon.ico"' in text, (
            "the place of Panel's files is missing"
        )
        (nonce,) = re.findall(r"'nonce-([^']+)'", headers["Content-Security-Policy"])
        scripts = re.findall(r"<script[^>]*>", text)
        assert scripts and all(f'nonce="{nonce}"' in script for script in scripts)
        assert not re.search(r"<[^>]+\son\w+=", text), "an inline handler would be blocked"


@pytest.mark.parametrize("path", ["", "/health", "/metrics", "/static/js/bokeh.min.js", "/nowhere"])
def test_every_answer_has_the_security_headers(address, path):
    _, headers, _ = got(address, path)
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "object-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "same-origin" and headers["Server"] is None


def test_health_and_metrics_can_be_read_by_machines(address):
    async def visit():
        visitor = Visitor(f"{address}?view=models")
        await visitor.open()
        await visitor.leave()

    asyncio.run(visit())  # what a page loads first has numbers of its own
    status, headers, text = got(address, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    kinds = dict(re.findall(r"^# TYPE (\S+) (counter|gauge)$", text, re.M))
    for line in text.strip().splitlines():
        if not line.startswith("#"):
            name = re.fullmatch(r'([a-z_]+)(\{kind="[a-z ]+"\})? [-+.e\d]+', line)
            assert name and name[1] in kinds, line
            assert name[1].endswith("_total") == (kinds[name[1]] == "counter")
    assert kinds["atmodist_cache_bytes"] == "gauge" and kinds["atmodist_computations_waiting"] == "gauge"


def test_a_full_server_says_so_and_has_room_again(address):
    async def steps():
        visitors = [Visitor(f"{address}?view=models") for _ in range(MOST_SESSIONS)]
        for visitor in visitors:
            await visitor.open()
        status, headers, text = await asyncio.to_thread(got, address)
        assert status == 503 and int(headers["Retry-After"]) > 0
        assert "The server is full: 4 pages are open" in text and 'http-equiv="refresh"' in text
        for visitor in visitors:
            await visitor.leave()

    asyncio.run(steps())
    end = time.monotonic() + 120
    while got(address)[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.5)


async def connected(address, *, token=None, origin=None):
    """A socket with a token of the page, or another one."""
    if token is None:
        text = (await asyncio.to_thread(got, address))[2]
        token = re.search(r'"token":"([^"]+)"', text)[1]
    url = address.replace("http", "ws", 1) + "/ws"
    request = HTTPRequest(url, headers={"Origin": origin or address.removesuffix("/main")})
    return await websocket_connect(request, subprotocols=["bokeh", token], max_message_size=1 << 28)


async def closing_code(socket, *fragments):
    """Send after the greeting, and return the code with which the server closes."""
    for _ in range(3):
        if await asyncio.wait_for(socket.read_message(), 60) is None:
            return socket.close_code
    with suppress(WebSocketClosedError, StreamClosedError):
        for fragment in fragments:
            await socket.write_message(fragment, binary=isinstance(fragment, bytes))
    await close(socket)
    return socket.close_code


HEADER = json.dumps({"msgid": "1", "msgtype": "PATCH-DOC"})
ENDLESS = json.dumps({"msgid": "1", "msgtype": "PATCH-DOC", "num_buffers": 10**9})
QUESTION = json.dumps({"msgid": "1", "msgtype": "SERVER-INFO-REQ"})
BUFFERS = [part for _ in range(40) for part in ('{"id": "a"}', b"x" * 50_000)]


@pytest.mark.parametrize(
    "fragments",
    [
        ("no JSON", "{}", "{}"),
        ("[" * 100_000, "{}", "{}"),
        (HEADER, "{}", "[" * 100_000),
        (b"\x00\x01", "{}", "{}"),
        ("x" * 2_000_000,),
        (ENDLESS, "{}", '{"events": []}', *BUFFERS),
        (QUESTION, "{}", "{}") * 1000,
    ],
    ids=["no JSON", "deep", "deep content", "bytes", "large", "endless", "flood"],
)
def test_what_is_not_of_the_protocol_ends_the_connection_in_one_line(server, address, fragments):
    log = server[1]
    before = len(log.read_text().splitlines())

    async def steps():
        return await closing_code(await connected(address), *fragments)

    assert asyncio.run(steps()) in (1008, 1009, None)
    said = [
        line
        for line in log.read_text().splitlines()[before:]
        if "WebSocket connection" not in line and "ServerConnection" not in line
    ]
    # Bokeh itself has a line on some of them.
    assert len(said) <= 2 and faults(log) == [], said


def test_foreign_origins_and_forged_tokens_are_refused(server, address):
    async def steps():
        with pytest.raises(HTTPClientError) as caught:
            await connected(address, origin="http://elsewhere.example.org")
        assert caught.value.code == 403
        for token in ("nonsense", "e30", "eyJzZXNzaW9uX2lkIjogImEiLCAic2Vzc2lvbl9leHBpcnkiOiAxfQ"):
            assert await closing_code(await connected(address, token=token)) == 1008

    asyncio.run(steps())
    assert not [line for line in server[1].read_text().splitlines() if "Traceback" in line]
    for token in ("", "nonsense"):
        with pytest.raises(HTTPError) as caught:
            urlopen(Request(f"{address}/begin", method="POST", headers={"Bokeh-Token": token}), timeout=30)
        assert caught.value.code == 403


def change(model, attribute, value):
    event = {"kind": "ModelChanged", "model": {"id": model}, "attr": attribute, "new": value}
    return "PATCH-DOC", {"events": [event]}


def test_forged_values_are_refused_and_the_page_goes_on(server, address):
    log = server[1]
    lines = len(log.read_text().splitlines())

    async def steps():
        hostile, other = Visitor(f"{address}?methods=bicubic"), Visitor(f"{address}?methods=bicubic")
        await hostile.open()
        await other.open()
        await hostile.choose("Region", "Pacific")
        seen = {}
        for name, model in list(hostile.models.items()):
            kind = model["name"]
            for attribute in ATTRIBUTES:
                wanted = attribute in model.get("attributes", {}) or kind in (
                    "Tabs1",
                    "IntSlider1",
                    "DatePicker1",
                    "Figure",
                )
                if not wanted or seen.setdefault((kind, attribute), 0) >= 2:
                    continue
                seen[kind, attribute] += 1
                for value in FORGED:
                    await hostile.send(*change(name, attribute, value))
                    await asyncio.sleep(0.06)  # Panel combines what comes within 50 ms
        assert len(seen) > 15
        for kind in ("RootAdded", "RootRemoved", "TitleChanged", "nonsense"):
            await hostile.send("PATCH-DOC", {"events": [{"kind": kind, "model": {"id": "p1"}, "title": "x"}]})
        await hostile.send("PATCH-DOC", {"events": "none"})
        await hostile.send("PUSH-DOC", {"doc": {}})
        assert await other.choose("Region", "Pacific") < 30
        assert other.problems == []
        # What the forger can still choose works too.
        await hostile.choose("Region", "North America")
        await hostile.choose("Region", "Europe")
        await hostile.leave()
        await other.leave()

    asyncio.run(steps())
    said = log.read_text().splitlines()[lines:]
    assert faults(log) == []
    assert metric(address, "atmodist_errors_total") == 0
    assert metric(address, "atmodist_values_refused_total") > 50
    assert len([line for line in said if "refused" in line]) <= 60, "the log is not filled"
    assert all(len(line) < 400 for line in said)
