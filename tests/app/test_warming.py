"""What is done before the first visitor comes must not disturb that visitor."""

import subprocess
import sys
import threading
import time

import atmodist_core as ad
from app.compute.cache_warmup import warm_up
from app.compute.engine import Engine

PROGRAM = """
from bokeh.core.has_props import HasProps

import app.page.page
from app.compute.engine import Engine
from app.state.view_registry import VIEW_ENTRIES, load
from app.compute.cache_warmup import import_views, warm_up

before = set(HasProps.model_class_reverse_map)
import_views()
known = set(HasProps.model_class_reverse_map)
assert known > before, "expected the views to bring components of their own"
warm_up(Engine())
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


def test_a_page_that_nobody_sees_has_its_views_before_its_thread_starts(monkeypatch):
    import app.page.page

    order = []
    monkeypatch.setattr(app.page.page, "import_views", lambda: order.append("views"))
    monkeypatch.setattr(app.page.page, "warm_up", lambda *_arguments: order.append("thread"))
    app.page.page.build_page()
    assert order[0] == "views"


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
    thread = threading.Thread(target=warm_up, args=(engine, lambda: not gone.is_set()))
    thread.start()
    assert engine.asked.wait(60), "what is shown first is made at once"
    time.sleep(0.3)
    assert engine.answered == []
    gone.set()
    thread.join(60)
    assert {"bicubic", "srgan-4x-mse"} <= set(engine.answered)
    monkeypatch.setattr("app.compute.cache_warmup.PATIENCE_S", 0.2)
    forgotten = Patient()
    warm_up(forgotten, lambda: True)
    assert forgotten.answered
    regions = {key[2] for key in forgotten.result_cache._values if key[0] == "spectra"}
    assert regions == set(ad.REGIONS), "the view Spectra finds the truth of every preset"
