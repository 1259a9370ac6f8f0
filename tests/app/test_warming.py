"""What is done before the first visitor comes must not disturb that visitor."""

import subprocess
import sys

PROGRAM = """
from bokeh.core.has_props import HasProps

import app.page
from app.engine import Engine
from app.registry import VIEW_ENTRIES, load
from app.warming import import_views, warm_up

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
    import app.page

    order = []
    monkeypatch.setattr(app.page, "import_views", lambda: order.append("views"))
    monkeypatch.setattr(app.page, "warm_up", lambda _engine: order.append("thread"))
    app.page.build_page()
    assert order[0] == "views"
