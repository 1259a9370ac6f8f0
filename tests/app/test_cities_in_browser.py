"""The view Cities in a real browser: turn the globe, tap Seattle, read its densities, draw a region, sort the table."""

import re

import pytest

from tests.app.browsing import seen, served_without_fault, until
from tests.app.conftest import watched_page

pytestmark = pytest.mark.browser
LINK = "view=cities&time=2001-01-05T00:00&sample=1&theme=light"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served_without_fault(tmp_path_factory.mktemp("cities")) as url:
        yield url


@pytest.fixture(scope="module")
def page(profile, address):
    """One page for all these tests: each of them begins with the globe as it is at home."""
    page = watched_page(profile)
    page.goto(f"{address}?{LINK}&cities=Sydney")
    yield page
    page.close()


@pytest.fixture
def globe(page):
    """The canvas of the globe with a field over it."""
    canvas = page.locator("canvas.globe-canvas")
    canvas.wait_for()
    until(page, lambda: canvas.evaluate("canvas => canvas.globe.hasField()"), seconds=170)
    canvas.scroll_into_view_if_needed()
    canvas.focus()
    page.keyboard.press("Home")
    until(page, lambda: view_of(canvas)["zoom"] == 1)
    return canvas


def view_of(globe):
    return globe.evaluate("canvas => canvas.globe.view()")


def point_of(globe, name):
    """Where a city is on the page."""
    box, at = globe.bounding_box(), globe.evaluate("(canvas, name) => canvas.globe.position(name)", name)
    assert at["visible"], f"{name} is on the far side"
    return box["x"] + at["x"], box["y"] + at["y"]


def turn_to(page, globe, longitude, latitude):
    """Turn with the keyboard until a place is in the middle, to half a step."""
    globe.focus()
    step = 12 / view_of(globe)["zoom"]

    def off():
        view = view_of(globe)
        return (longitude - view["longitude"] + 180) % 360 - 180, latitude - view["latitude"]

    for axis, (more, less) in enumerate((("ArrowRight", "ArrowLeft"), ("ArrowUp", "ArrowDown"))):
        for _ in range(40):
            if abs(off()[axis]) <= step / 2 + 0.1:
                break
            page.keyboard.press(more if off()[axis] > 0 else less)
    assert max(map(abs, off())) <= step


def test_turn_the_globe_tap_seattle_and_read_its_densities(page, globe):
    before = view_of(globe)
    turn_to(page, globe, -122.3, 40)
    assert view_of(globe) != before
    assert "time=2001-01-05T00:00" in page.url, "arrows turn the globe and leave the time alone"
    page.mouse.click(*point_of(globe, "Seattle"))
    seen(page, "47.6°N 122.3°W")
    until(page, lambda: page.get_by_role("button", name="Remove Seattle").count() == 1)
    for title in ("Vorticity, 1 × 1", "Divergence, 1 × 1", "Vorticity, 3 × 3", "Divergence, 3 × 3"):
        seen(page, title)
    seen(page, "n = 1080")  # of the values that ship: 120 times of 3 x 3 points
    drawn = "() => [...Bokeh.documents].flatMap((d) => [...d._all_models.values()])" + (
        ".filter((m) => (m.name ?? '').startsWith('density of') && m.name.endsWith('city 1'))"
        ".map((m) => m.renderers.filter((r) => r.visible && r.data_source.data.value?.length > 2).length)"
    )
    until(page, lambda: page.evaluate(drawn) and min(page.evaluate(drawn)) >= 3, seconds=170)
    assert page.faults == []


def test_with_shift_a_second_city_is_added(page, globe):
    turn_to(page, globe, -122.3, 40)
    page.mouse.click(*point_of(globe, "Seattle"))
    until(page, lambda: page.get_by_role("button", name="Remove Seattle").count() == 1)
    page.keyboard.down("Shift")
    page.mouse.click(*point_of(globe, "Chicago"))
    page.keyboard.up("Shift")
    page.wait_for_url(re.compile("cities=Seattle,Chicago"))


def test_a_drawn_box_is_the_region(page, globe):
    page.get_by_role("button", name="Draw a region").click()
    seen(page, "Drag over the globe to draw a region")
    box = globe.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 60, middle[1] - 50)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1], steps=4)
    page.mouse.move(middle[0] + 70, middle[1] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"region=-?[\d.]+,-?[\d.]+,-?[\d.]+,-?[\d.]+"))
    south, north, west, east = (
        float(part) for part in re.search(r"region=([-\d.,]+)", page.url)[1].split(",")
    )
    view = view_of(globe)
    assert south < view["latitude"] < north
    assert 0 < (view["longitude"] - west) % 360 < (east - west) % 360 < 90
    assert page.faults == []


def test_wheel_and_keys_zoom_and_home_goes_back(page, globe):
    home = view_of(globe)
    box = globe.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -240)
    until(page, lambda: view_of(globe)["zoom"] > home["zoom"])
    globe.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    until(page, lambda: view_of(globe) == home)


def test_the_slash_finds_a_city_and_the_table_is_sorted(page, globe):
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 640, "y": 4})
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Find a city")
    until(page, lambda: search.evaluate("input => input.getRootNode().activeElement === input"))
    search.press_sequentially("merida")
    page.get_by_role("option", name="Mérida").wait_for()
    page.keyboard.press("Enter")
    until(page, lambda: page.get_by_role("button", name="Remove Mérida").count() == 1)
    until(page, lambda: globe.evaluate("canvas => canvas.globe.position('Mérida').visible"))
    rows = page.locator(".cities-table tbody tr")
    until(page, lambda: rows.count() == 150)
    names = page.locator(".cities-table tbody th")
    first = names.first.inner_text()
    page.get_by_role("button", name="City", exact=True).click()
    until(page, lambda: names.first.inner_text() != first)
    page.get_by_role("searchbox", name="Filter cities and countries").fill("canada")
    until(page, lambda: 0 < rows.count() < 20)
    seen(page, "of 150 cities")
    assert page.faults == []
