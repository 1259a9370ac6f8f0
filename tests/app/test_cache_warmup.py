"""What runs before the first visit must not disturb it."""

import subprocess
import sys
import threading
import time
import types
from urllib.request import urlopen

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.reload import record_modules
from panel.io.state import set_curdoc

import atmodist_core as ad
from app.compute.engine import Engine
from app.page.address import AddressBar
from app.page.cache_warmup import opening_data_set, warm_caches
from app.page.page import build_page, start_cache_warmup
from app.server.local_server import served_page

PROGRAM = """
from bokeh.core.has_props import HasProps

import app.page.page
from app.compute.engine import Engine
from app.state.view_registry import VIEW_ENTRIES, load
from app.page.cache_warmup import import_views, warm_caches

before = set(HasProps.model_class_reverse_map)
import_views()
known = set(HasProps.model_class_reverse_map)
assert known > before, "expected the views to bring components of their own"
warm_caches(Engine())
for entry in VIEW_ENTRIES.values():
    load(entry.view)
late = set(HasProps.model_class_reverse_map) - known
assert not late, f"registered while pages may be handed out: {late}"
"""


def test_no_component_is_registered_while_the_caches_are_filled_in_a_thread_beside_the_pages(repository):
    # Bokeh walks through the register of components for every page: one that comes meanwhile from a thread ends that page with error 500.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


class Fleeting(types.ModuleType):
    """A module that removes another one from ``sys.modules`` when its origin is read, as optional modules remove themselves."""

    def __init__(self, name, other):
        super().__init__(name)
        self.__dict__["other"] = other

    def __getattribute__(self, name):
        if name == "__spec__":
            sys.modules.pop(object.__getattribute__(self, "other"), None)
        return super().__getattribute__(name)


class ImmediateThread:
    """A thread whose work is done as soon as it is started."""

    def __init__(self, target, args=(), **_options):
        self.start = lambda: target(*args)


@pytest.fixture
def started(monkeypatch):
    """The order in which views are imported and the warm-up runs; the latter leaves modules that vanish while Panel looks at them."""
    import app.page.page as page

    order = []

    def warm_caches(*_arguments):
        order.append("warm-up")
        for name, other in (("fleeting_a", "fleeting_b"), ("fleeting_b", "fleeting_a")):
            sys.modules[name] = Fleeting(name, other)

    monkeypatch.setattr(page, "import_views", lambda: order.append("views"))
    monkeypatch.setattr(page, "warm_caches", warm_caches)
    monkeypatch.setattr(page, "threading", types.SimpleNamespace(Thread=ImmediateThread))
    yield order
    for name in ("fleeting_a", "fleeting_b"):
        sys.modules.pop(name, None)


def test_the_warm_up_begins_after_panel_has_recorded_the_modules_of_the_page(started, monkeypatch):
    document = Document()
    monkeypatch.setitem(pn.state._loaded, document, False)
    with set_curdoc(document):
        with record_modules():  # as `panel serve` builds a page
            build_page()
            assert started == ["views"]
        pn.state._on_load(document)
    assert started == ["views", "warm-up"]


def test_modules_that_vanish_would_end_the_building_of_a_page(started):
    with pytest.raises(KeyError, match="fleeting"), record_modules():
        start_cache_warmup()


VANISHING = """
import importlib.util, sys

asked = set()
sys.addaudithook(lambda event, arguments: asked.add(arguments[0]) if event == "import" else None)
from app.page.cache_warmup import import_views, warm_caches
from app.compute.engine import Engine

import_views()
before = set(asked)
warm_caches(Engine())


def vanished(name):
    parent = name.rpartition(".")[0]
    if name in sys.modules or (parent and parent not in sys.modules):
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


print(sorted(name for name in asked - before if vanished(name)))
"""


def test_no_module_appears_and_vanishes_while_the_caches_are_filled(repository):
    done = subprocess.run(
        [sys.executable, "-c", VANISHING], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.slow
def test_ten_cold_starts(tmp_path, monkeypatch):
    """Without any bytecode, so that every import takes long; visitors come while the caches are filled."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for number in range(10):
        monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / f"empty-{number}"))
        log = tmp_path / f"log-{number}"
        with served_page(log, warm=True) as url:
            pages = [urlopen(url, timeout=120).read() for _ in range(3)]
        assert all(b"AtmoDist Studio" in page for page in pages)
        text = log.read_text()
        assert "KeyError" not in text and "Traceback" not in text, text


class Patient(Engine):
    """Notes when it is asked for a field of a method."""

    def __init__(self):
        super().__init__()
        self.asked, self.answered = threading.Event(), []

    def answer(self, frame, method, field, control):
        self.answered.append(method.name)
        return super().answer(frame, method, field, control)

    def coarse(self, frame, field):
        self.asked.set()
        return super().coarse(frame, field)


def test_networks_wait_for_who_is_coming_and_not_for_ever(globe, models, monkeypatch):
    engine, gone = Patient(), threading.Event()
    thread = threading.Thread(target=warm_caches, args=(engine, lambda: not gone.is_set()))
    thread.start()
    assert engine.asked.wait(60), "what is shown first is made at once"
    time.sleep(0.3)
    assert "bicubic" in engine.answered and "srgan-4x-mse" not in engine.answered
    gone.set()
    thread.join(60)
    assert {"bicubic", "srgan-4x-mse"} <= set(engine.answered)
    monkeypatch.setattr("app.page.cache_warmup.LONGEST_WAIT_S", 0.2)
    forgotten = Patient()
    warm_caches(forgotten, lambda: True)
    assert forgotten.answered
    regions = {key[2] for key in forgotten.result_cache._values if key[0] == "spectra"}
    assert regions == set(ad.REGIONS), "the view Spectra finds the truth of every preset"


def test_the_page_opens_on_the_data_of_its_folder(globe, engine, tmp_path, monkeypatch):
    assert opening_data_set(engine) == "demo"
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    globe.to_netcdf(tmp_path / "analyses.nc")
    assert opening_data_set(Engine()) == "analyses.nc"
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "nowhere"))
    assert opening_data_set(Engine()) == "demo"


@pytest.mark.parametrize(("search", "named"), [("", False), ("?view=maps", False), ("?data=demo", True)])
def test_a_link_that_names_its_data_is_kept(search, named):
    assert AddressBar(None, None, search).names_data is named
