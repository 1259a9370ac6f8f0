"""Models at a web address: fetched once, used without the server, and servers that mean no good."""

import http.server
import json
import shutil
import threading
from contextlib import contextmanager

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.models import hub
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE, read_card
from tests.networks import mock_models


class Server:
    """Answers by path: bytes, a status, or the address to which it leads."""

    def __init__(self, folder):
        self.answers = {f"/m/{name}": (folder / name).read_bytes() for name in (CARD_FILE, TENSOR_FILE)}
        self.asked = []
        self.address = ""


@contextmanager
def running(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            answer = server.answers.get(self.path, 404)
            if isinstance(answer, int):
                self.send_error(answer)
            elif isinstance(answer, str):
                self.send_response(302)
                self.send_header("Location", answer)
                self.end_headers()
            else:
                content, length = answer if isinstance(answer, tuple) else (answer, len(answer))
                self.send_response(200)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                try:
                    for start in range(0, len(content), 2**16):
                        self.wfile.write(content[start : start + 2**16])
                except OSError:
                    pass

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        server.address = f"http://127.0.0.1:{web.server_address[1]}/m"
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        yield server
        web.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache."""
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "models"


@pytest.fixture
def model(tmp_path):
    return mock_models.saved_downscaler(tmp_path / "tiny")


@pytest.fixture
def server(model):
    with running(Server(model)) as started:
        yield started


def test_it_is_the_model_of_the_server(server, model):
    """The same output as from the folder; later without the server; fetched again when it is forgotten."""
    coarse = mock_models.fields(np.linspace(35, -35, 8), np.arange(8) * 10.0)
    fetched = ad.load_downscaler(f"{server.address}/")
    np.testing.assert_array_equal(fetched(coarse).vorticity, ad.load_downscaler(model)(coarse).vorticity)
    assert server.asked == ["/m/card.json", "/m/model.safetensors"]
    server.answers.clear()
    assert ad.load_downscaler(server.address).card == fetched.card and len(server.asked) == 2
    hub.forget_model(server.address)
    with pytest.raises(UserError, match=r"Expected a model at http.*card\.json, found the answer 404"):
        ad.load_downscaler(server.address)


def test_a_distance(tmp_path):
    with running(Server(mock_models.saved_distance(tmp_path / "tiny-distance"))) as server:
        assert ad.load_distance(server.address).name == "tiny-distance"
        with pytest.raises(UserError, match="Expected a model of kind 'downscaler'"):
            ad.load_downscaler(server.address)


def test_a_pinned_hash(server, model):
    right = read_card(model).weights_sha256
    assert hub.fetch_model(f"{server.address}#sha256={right}").is_dir()
    for _ in range(2):  # in the cache, and from the server
        with pytest.raises(
            UserError, match=f"Expected weights with the SHA-256 {'0' * 64} at .* found {right}"
        ):
            hub.fetch_model(f"{server.address}#sha256={'0' * 64}")
        hub.forget_model(server.address)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://example.org/model", "https"),
        ("ftp://example.org/model", "https"),
        ("file:///etc/passwd", "https"),
        ("http://127.0.0.1.example.org/model", "https"),
        ("https://user:secret@example.org/model", "without user"),
        ("https://example.org/model?x=1", "query"),
        ("https:///model", "a host"),
        ("https://example.org/a/../../model", r"without \. and \.\."),
        ("https://example.org/a/%2e%2e/model", r"without \. and \.\."),
        ("https://example.org/a\\b", r"without \. and \.\."),
        ("https://example.org/model#sha256=12", "64 hexadecimal"),
        ("https://example.org:port/model", "https"),
    ],
)
def test_addresses_that_are_refused(address, what, monkeypatch):
    monkeypatch.setattr(hub, "_download", lambda *_: pytest.fail("nothing may be fetched"))
    with pytest.raises(UserError, match=f"Expected the web address of a model with .*{what}"):
        ad.load_downscaler(address)


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://example.org/card.json", "data:,x", "gopher://x/"],
)
def test_redirects_that_are_not_followed(server, target):
    server.answers["/m/card.json"] = target
    with pytest.raises(UserError, match=r"it was not followed|is not allowed"):
        hub.fetch_model(server.address)


def test_redirects_that_are_followed(server):
    """Within this machine; a circle ends."""
    server.answers["/elsewhere"] = server.answers["/m/card.json"]
    server.answers["/m/card.json"] = "/elsewhere"
    assert hub.fetch_model(server.address).is_dir()
    hub.forget_model(server.address)
    server.answers["/m/card.json"] = "/m/card.json"
    with pytest.raises(UserError, match="found the answer 302"):
        hub.fetch_model(server.address)


def _with_card(server, **changes):
    card = json.loads(server.answers["/m/card.json"])
    server.answers["/m/card.json"] = json.dumps({**card, **changes}).encode()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s.answers.update({"/m/card.json": b"x" * (5 * 2**20)}), r"at most 4\.0 MiB at .*card\.json"),
        (lambda s: s.answers.update({"/m/model.safetensors": (b"x" * 2**24, None)}), r"at most 1\.\d MiB at .*model"),
        (lambda s: s.answers.update({"/m/model.safetensors": b"x" * 1000}), r"found other bytes \(SHA-256\)"),
        (
            lambda s: s.answers.update({"/m/model.safetensors": (s.answers["/m/model.safetensors"][:99], 10**5)}),
            r"cannot be read \(IncompleteRead",
        ),
        (lambda s: s.answers.update({"/m/card.json": b"<html>"}), "does not hold a model: .*card.json to be a readable"),
        (lambda s: _with_card(s, name="../../evil"), "does not hold a model: .*'name' of the model card"),
        (lambda s: _with_card(s, run="rm -rf"), "does not hold a model: .*unknown key 'run'"),
        (lambda s: _with_card(s, weights_sha256=""), "Expected the SHA-256 of the weights"),
        (lambda s: _with_card(s, weights_sha256="0" * 64), r"found other bytes \(SHA-256\)"),
        (lambda s: s.answers.update({"/m/model.safetensors": 500}), "found the answer 500"),
    ],
    ids=["huge card", "huge weights", "wrong weights", "cut", "page", "path", "key", "no hash", "wrong hash", "500"],
)  # fmt: skip
def test_what_a_server_may_not_send(server, cache, spoil, message):
    spoil(server)
    with pytest.raises(UserError, match=message) as caught:
        ad.load_downscaler(server.address)
    assert str(cache) not in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_changed_copy_is_noticed(server, model):
    folder = hub.fetch_model(server.address)
    content = bytearray((folder / TENSOR_FILE).read_bytes())
    content[-1] ^= 1
    (folder / TENSOR_FILE).write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"intact safetensors|SHA-256"):
        ad.load_downscaler(server.address)


def test_two_processes_at_once(server, monkeypatch):
    """The copy of the one that ends first is used."""
    original = hub._fetch

    def slower(base, folder, pinned):
        original(base, folder, pinned)
        shutil.copytree(folder, folder.parents[1] / hub.hashlib.sha256(base.encode()).hexdigest()[:32])

    monkeypatch.setattr(hub, "_fetch", slower)
    assert sorted(path.name for path in hub.fetch_model(server.address).iterdir()) == [CARD_FILE, TENSOR_FILE]


def test_nobody_listens():
    with pytest.raises(UserError, match=r"cannot be read \(URLError"):
        hub.fetch_model("http://127.0.0.1:9/model")
