"""Projections, boxes and transects of the maps in a real browser."""

import re

import numpy as np
import pytest

from atmodist_core.fields.grid.projections import PROJECTIONS, Area, Projection
from tests.app.browsing import READY, opened, seen, served_without_fault, until
from tests.app.test_page_in_browser import MODELS, middle_of

pytestmark = pytest.mark.browser
SMALL = "region=Europe&methods=bicubic&time=2001-01-05T03:00"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served_without_fault(tmp_path_factory.mktemp("tools")) as url:
        yield url


def badge(page):
    """Text at the pointer, with its place."""
    texts = page.evaluate(f"() => {MODELS}.filter((m) => m.type === 'Label' && m.visible).map((m) => m.text)")
    return next((text for text in texts if "°" in text), "")


def colours(page, card):
    """How many colours the middle of a map has: data, and not only lines."""
    return page.evaluate(
        f"""() => {{
  const map = {MODELS}.find((m) => m.type === "Figure" && m.name === "map of {card}");
  const {{canvas, ctx}} = Bokeh.index.find_one(map).canvas_view.primary;
  const {{data}} = ctx.getImageData(canvas.width / 3, canvas.height / 3, canvas.width / 3, canvas.height / 3);
  const found = new Set();
  for (let i = 0; i < data.length; i += 4) {{ found.add(data[i] + 256 * data[i + 1] + 65536 * data[i + 2]); }}
  return found.size;
}}"""
    )


def choose_projection(page, label):
    page.get_by_role("combobox", name="Projection").click()
    page.get_by_role("menuitem", name=label, exact=True).click()


def test_every_projection_is_drawn_and_says_the_place_at_the_pointer(watched, address):
    page = opened(watched, f"{address}?{SMALL}")
    figure = f"{MODELS}.find((m) => m.type === 'Figure' && m.name === 'map of Truth')"
    axes = f"const m = {figure}; return [m.x_range.start, m.x_range.end, m.y_range.start, m.y_range.end]"
    area = Area(*page.evaluate(f"() => {{ {axes} }}"))
    described = f"{MODELS}.some((m) => m.type === 'Div' && m.text.includes(`\"${{name}}\"`))"
    drawn = f"(name) => {described} && {figure}.x_range.end > 1e5"
    for name, label in list(PROJECTIONS.items())[1:]:
        choose_projection(page, label[:1].upper() + label[1:])
        until(page, lambda name=name: f"projection={name}" in page.url)
        page.mouse.move(10, 10)
        until(page, lambda name=name: page.evaluate(drawn, name))
        until(page, lambda: colours(page, "Truth") > 60 and colours(page, "Coarse input") > 20)
        map_ = Projection(name, area)
        x, y = middle_of(page, "card-truth")
        for shift in (0, 40):
            page.mouse.move(x + shift, y + shift)
            page.wait_for_timeout(500)  # the pointer's events and those of a slow paint
            page.mouse.move(x + shift + 1, y + shift)
            until(page, lambda: badge(page))
            cross = page.evaluate(
                f"() => {figure}.center.filter((m) => m.type === 'Span').map((m) => m.location)"
            )
            longitude, latitude = map_.inverse(np.array([cross[0]]), np.array([cross[1]]))
            north, ns, east, ew = re.match(r"([\d.]+)°([NS]) ([\d.]+)°([EW])", badge(page)).groups()
            assert float(north) * (1 if ns == "N" else -1) == pytest.approx(latitude[0], abs=0.06), name
            assert float(east) * (1 if ew == "E" else -1) == pytest.approx(longitude[0], abs=0.06), name
            assert "s⁻¹" in badge(page) and "no value" not in badge(page)
        page.mouse.move(10, 10)
    choose_projection(page, "Plate carree")
    until(page, lambda: "projection" not in page.url)
    assert watched.faults == []


def test_a_projection_comes_with_the_link_and_follows_the_region(watched, address):
    page = opened(watched, f"{address}?{SMALL}&projection=mercator")
    seen(page, "expected plate-carree, robinson")
    opened(page, f"{address}?{SMALL}&projection=lambert&pixels=mean")
    seen(page, "mean: here about every grid point")
    page.get_by_role("combobox", name="Region").click()
    page.get_by_role("menuitem", name="Globe").click()
    seen(page, "Meanwhile the maps are in plate carree.")
    page.get_by_text(READY).first.wait_for()
    choose_projection(page, "Robinson")
    until(page, lambda: page.get_by_text("Meanwhile the maps").locator("visible=true").count() == 0)
    page.mouse.move(*middle_of(page, "card-truth"))
    page.mouse.wheel(0, -600)
    until(page, lambda: colours(page, "Truth") > 60)
    page.get_by_role("button", name="Use the visible area as the region").click()
    until(page, lambda: re.search(r"region=-?[\d.]+,-?[\d.]+,", page.url.replace("%2C", ",")))
    page.get_by_text(READY).first.wait_for()
    assert "projection=robinson" in page.url
    assert watched.faults == []


def test_the_swipe_is_drawn_in_a_projection(watched, address):
    page = opened(watched, f"{address}?{SMALL}&layout=swipe&left=coarse&right=truth&projection=orthographic")
    box = page.locator(".swipe-card .bk-Figure").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2)
    until(page, lambda: colours(page, "two fields") > 60)
    split = page.evaluate(f"() => {MODELS}.find((m) => m.type === 'Span' && m.line_width === 2.5).location")
    assert -3e6 < split < 3e6 and abs(split) > 1e4, "metres in the plane"
    assert watched.faults == []


def drag(page, card, first, last):
    """Drag over a map between two places given as parts of its width and height."""
    box = page.locator(f".{card} .bk-Figure").bounding_box()

    def at(part):
        return box["x"] + part[0] * box["width"], box["y"] + part[1] * box["height"]

    page.mouse.move(*at(first))
    page.wait_for_timeout(300)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(*at([a + (b - a) * step / 8 for a, b in zip(first, last, strict=True)]))
    page.mouse.up()


def extent(page):
    """Visible part of the maps."""
    figure = f"{MODELS}.find((m) => m.type === 'Figure' && m.name === 'map of Truth')"
    ends = f"const m = {figure}; return [m.x_range.start, m.x_range.end, m.y_range.start, m.y_range.end]"
    return page.evaluate(f"() => {{ {ends} }}")


def transect_in(url):
    found = re.search(r"transect=([-\d.,]+)", url.replace("%2C", ","))
    return [float(part) for part in found.group(1).split(",")] if found else None


def curves(page):
    """Number of finite values of each curve on show, by name."""
    figure = f"{MODELS}.find((m) => m.type === 'Figure' && m.name === 'transect')"
    shown = f"({figure}?.renderers ?? []).filter((r) => r.visible)"
    count = "Array.from(r.data_source.data.value).filter(Number.isFinite).length"
    return page.evaluate(f"() => Object.fromEntries({shown}.map((r) => [r.name, {count}]))")


def test_a_line_drawn_on_a_map_shows_all_fields_along_it(watched, address):
    page = opened(watched, f"{address}?{SMALL}")
    before = extent(page)
    page.get_by_role("button", name="Draw a line").click()
    page.wait_for_timeout(500)
    drag(page, "card-truth", (0.3, 0.3), (0.7, 0.7))
    until(page, lambda: transect_in(page.url))
    assert extent(page) == pytest.approx(before), "the map has not moved"
    south, west, north, east = transect_in(page.url)
    assert 30 < north < south < 76 and -25 < west < east < 46
    seen(page, "bilinear between grid points")
    until(page, lambda: set(curves(page)) == {"truth", "coarse input", "bicubic"})
    assert min(curves(page).values()) > 300
    page.get_by_role("button", name="Next time (right arrow)").click()
    page.get_by_text("2001-01-05 06:00 UTC").first.wait_for()
    assert transect_in(page.url) == [south, west, north, east]
    opened(page, page.url.replace("projection", "p") + "&projection=lambert")
    until(page, lambda: len(curves(page)) == 3)
    # Two taps on two maps, in another projection.
    page.get_by_role("button", name="Draw a line").click()
    page.wait_for_timeout(500)
    for card in ("card-coarse", "card-truth"):
        x, y = middle_of(page, card)
        page.mouse.click(x + (60 if card == "card-truth" else 0), y + 5)
        page.wait_for_timeout(600)
    until(page, lambda: transect_in(page.url)[:2] != [south, west])
    south, west, north, east = transect_in(page.url)
    assert abs(south - north) < 4 and 5 < east - west < 30
    page.get_by_role("button", name="Remove the transect").click()
    until(page, lambda: transect_in(page.url) is None)
    opened(page, f"{address}?{SMALL}&transect=10,0,10,0")
    seen(page, "no transect is shown")
    assert watched.faults == []


def test_a_box_drawn_on_any_map_becomes_the_region(watched, address):
    page = opened(watched, f"{address}?{SMALL}")
    west, east, south, north = extent(page)
    page.keyboard.down("Shift")
    drag(page, "card-coarse", (0.3, 0.3), (0.7, 0.7))
    page.keyboard.up("Shift")
    until(page, lambda: "region=Europe" not in page.url)
    edges = [
        float(part)
        for part in re.search(r"region=([-\d.,]+)", page.url.replace("%2C", ",")).group(1).split(",")
    ]
    assert south < edges[0] < edges[1] < north and west < edges[2] < edges[3] < east
    assert edges[3] - edges[2] == pytest.approx(0.4 * (east - west), rel=0.3)
    page.get_by_text(READY).first.wait_for()
    opened(page, f"{address}?region=Globe&methods=bicubic&projection=polar-stereographic")
    page.get_by_role("button", name="Draw a box").click()
    page.wait_for_timeout(500)
    drag(page, "card-truth", (0.55, 0.6), (0.75, 0.75))
    until(page, lambda: "region=Globe" not in page.url)
    edges = [
        float(part)
        for part in re.search(r"region=([-\d.,]+)", page.url.replace("%2C", ",")).group(1).split(",")
    ]
    assert edges[0] > 20 and edges[1] < 90 and 0 < edges[3] - edges[2] < 90
    page.get_by_text(READY).first.wait_for()
    before = extent(page)
    drag(page, "card-truth", (0.4, 0.4), (0.6, 0.6))
    until(page, lambda: extent(page) != pytest.approx(before))  # dragging moves the map again
    assert watched.faults == []
