"""The HTML of the page: an outline that needs no script, and scripts that do not hold it up."""

import re

from bokeh.core.templates import MACROS

from app.page.loading_page import loading_template
from app.theme.theme import DARK, LIGHT
from atmodist_core.plots.look.style import theme_of

SCRIPTS = (
    '<script type="text/javascript" src="static/js/bokeh.min.js?v=1"></script>\n'
    '<script type="text/javascript">\n  Bokeh.set_log_level("info");\n</script>'
)


def page():
    return loading_template().render(
        macros=MACROS,
        title="A page",
        bokeh_js=SCRIPTS,
        bokeh_css="",
        docs=[],
        dist_url="static/",
        plot_script="",
        roots=[],
    )


def test_scripts_of_the_page_wait_for_its_outline():
    text = page()
    head, body = text.split("<body", 1)
    assert '<script defer type="text/javascript" src="static/js/bokeh.min.js?v=1">' in head
    # a script of a line cannot be deferred; as a module it runs after those that are
    assert re.search(r'<script type="module">\s*Bokeh\.set_log_level', head)
    assert body.index("AtmoDist Studio") < body.index("_origWebSocket")


def test_the_outline_has_the_colours_of_both_themes():
    text = page()
    for theme in (LIGHT, DARK):
        assert theme_of(theme).surface in text
    assert "@light" not in text and "@dark" not in text and "@header" not in text


def test_a_slow_machine_has_two_minutes_to_load_the_scripts():
    text = page()
    assert "timeout > 120000" in text and "timeout > 10000)" not in text
