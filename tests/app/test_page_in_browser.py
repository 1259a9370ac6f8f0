"""The page in a real browser: it opens, reacts, says mistakes in a sentence, and asks nobody but this machine."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.app.browsing import READY, opened, seen, served_without_fault, until
from tests.app.conftest import watched_page

pytestmark = pytest.mark.browser


def write_large_globe(file):
    """A globe of 512 x 1024 points, on which a network takes seconds."""
    latitude, longitude = 90 - (np.arange(512) + 0.5) * 180 / 512, np.arange(1024) * 360 / 1024
    wave = np.cos(np.deg2rad(latitude))[:, None] * np.sin(np.deg2rad(7 * longitude))[None, :]
    dims = ("time", "latitude", "longitude")
    field = (dims, (1e-5 * wave[None]).astype(np.float32), {"units": "s-1"})
    coordinates = {"time": [np.datetime64("2020-01-01", "ns")], "latitude": latitude, "longitude": longitude}
    xr.Dataset({"vorticity": field, "divergence": field}, coordinates).to_netcdf(file)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    data = folder / "data"
    data.mkdir()
    (data / "broken.nc").write_text("this is no netCDF")
    write_large_globe(data / "large.nc")
    with served_without_fault(folder, data=data) as url:
        yield url
    shutil.rmtree(data)


def test_the_page_opens_on_the_demo_without_a_fault(watched, address):
    page = opened(watched, address)
    for text in ("Coarse input", "Bicubic", "MSE GAN", "AtmoDist GAN", "Truth", "simulated"):
        seen(page, text, exact=True)
    assert "data=demo" in page.url and "field=vorticity" in page.url
    assert watched.faults == []


def test_keys_step_through_time_and_switch_views(watched, address):
    page = opened(watched, f"{address}?time=2001-01-05T00:00&methods=bicubic")
    seen(page, "2001-01-05 00:00 UTC")
    page.locator("body").click(position={"x": 640, "y": 4})
    page.keyboard.press("ArrowRight")
    page.get_by_text("2001-01-05 03:00 UTC").first.wait_for()
    page.wait_for_url("**time=2001-01-05T03*")
    page.keyboard.press("2")
    page.wait_for_url("**view=spectra*")
    page.get_by_text("Semivariogram", exact=True).wait_for()
    page.keyboard.press("1")
    page.wait_for_url("**view=maps*")
    page.locator(".card-truth").wait_for()
    assert watched.faults == []


def background(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3])


def test_a_pasted_link_restores_the_view_and_the_theme_can_be_changed(watched, address):
    page = opened(watched, f"{address}?view=spectra&field=divergence&region=Pacific&theme=dark")
    assert "region=Pacific" in page.url and "theme=dark" in page.url
    assert background(page) < 200
    page.get_by_role("button", name="Toggle theme").click()
    page.wait_for_function("!location.search.includes('theme=dark')")
    until(page, lambda: background(page) > 600)
    assert watched.faults == []


def test_values_that_do_not_exist_are_said_as_text_and_replaced(watched, address):
    smuggled = "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'x'%22%3E"
    page = opened(watched, f"{address}?region=Atlantis&data=nope&field={smuggled}")
    for text in ("Atlantis", "<img src=x", "The data set 'nope' was not found"):
        seen(page, text)
    until(page, lambda: "region=Europe" in page.url and "data=demo" in page.url)
    assert page.title() == "AtmoDist Studio"
    assert watched.faults == []


def test_a_broken_file_is_one_sentence(watched, address):
    page = watched
    page.goto(f"{address}?data=broken.nc")
    page.get_by_text("Meanwhile the page shows the data set 'demo'").wait_for()
    seen(page, "broken.nc")
    assert page.get_by_text("Traceback").count() == 0
    assert watched.faults == []


MODELS = "[...Bokeh.documents].flatMap((document) => [...document._all_models.values()])"


def ranges(page):
    """Visible longitudes of every map on show."""
    maps = f"{MODELS}.filter((m) => m.type === 'Figure' && (m.name ?? '').startsWith('map of'))"
    return page.evaluate(f"() => {maps}.map((m) => [m.x_range.start, m.x_range.end])")


def middle_of(page, card):
    box = page.locator(f".{card} .bk-Figure").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_region_pointer_and_zoom(watched, address):
    page = opened(watched, address)
    before = page.locator(".card-truth").screenshot()
    page.get_by_role("combobox", name="Region").click()
    page.get_by_role("menuitem", name="Pacific").click()
    page.wait_for_url("**region=Pacific*")
    page.get_by_text(READY).first.wait_for()
    until(page, lambda: page.locator(".card-truth").screenshot() != before)
    until(page, lambda: ranges(page)[0] == pytest.approx([120, 250], abs=2.1))

    page.mouse.move(*middle_of(page, "card-truth"))

    def badges():
        return page.evaluate(
            f"() => {MODELS}.filter((m) => m.type === 'Label' && m.visible).map((m) => m.text)"
        )

    until(page, lambda: len(badges()) >= 4)
    assert all("s⁻¹" in text for text in badges())
    assert sum("°" in text for text in badges()) == 1, "the place is said where the pointer is"

    colours = page.locator(".bar").first.get_attribute("aria-label")
    page.mouse.wheel(0, -400)
    until(page, lambda: all(one[1] - one[0] < 0.9 * 130 for one in ranges(page)))
    until(page, lambda: len({tuple(one) for one in ranges(page)}) == 1)
    assert len(ranges(page)) >= 4
    assert page.locator(".bar").first.get_attribute("aria-label") == colours
    page.get_by_role("button", name="Reset the zoom").click()
    until(page, lambda: ranges(page)[0] == pytest.approx([120, 250], abs=2.1))

    north = page.get_by_label("North [°N]")
    north.click()
    north.press("Control+a")
    north.press_sequentially("-60")
    north.press("Enter")
    page.get_by_text("exchange them").wait_for()
    assert "region=Pacific" in page.url
    assert watched.faults == []


def test_the_curtain_of_the_swipe_follows_the_pointer(watched, address):
    page = opened(watched, f"{address}?layout=swipe&left=coarse&right=truth")
    box = page.locator(".swipe-card .bk-Figure").bounding_box()
    assert min(box["width"], box["height"]) > 400, "one map for the whole screen"
    curtain = f"() => {MODELS}.filter((m) => m.type === 'Span' && m.line_width === 2.5)[0].location"
    edges = []
    for part in (0.3, 0.7):
        before = page.evaluate(curtain)
        page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        until(page, lambda before=before: page.evaluate(curtain) != before)
        edges.append(page.evaluate(curtain))
    assert edges[1] - edges[0] > 15
    assert watched.faults == []


def test_a_long_computation_can_be_cancelled_and_resumed(watched, address):
    page = watched
    page.goto(f"{address}?data=large.nc&region=Globe")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Stopped.").wait_for()
    page.get_by_role("button", name="Compute the rest").click()
    page.get_by_text(READY).first.wait_for()
    assert watched.faults == []


def test_on_a_phone_nothing_lies_over_the_maps_and_all_views_can_be_tapped(browser, address):
    width = 390
    agent = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
    context = browser.new_context(
        viewport={"width": width, "height": 844}, user_agent=agent, has_touch=True, is_mobile=True
    )
    page = opened(watched_page(context), f"{address}?methods=bicubic")
    side_bar = page.get_by_text("Methods", exact=True)
    assert not side_bar.is_visible()
    views = [
        page.get_by_role("tab", name=name) for name in ("Maps", "Spectra", "Distances", "Cities", "Models")
    ]
    for part in (*views, page.get_by_role("button", name="Export: figures and numbers of this view")):
        box = part.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    views[-1].tap()
    page.wait_for_url("**view=models*")
    page.get_by_role("button", name="Open drawer").tap()
    side_bar.wait_for()
    assert page.faults == []
    context.close()


def test_the_pictures_command_knows_its_pictures():
    from app.screenshots import PICTURES

    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    shown = [name for name in PICTURES if f"docs/pictures/{name}.png" in readme]
    assert shown, "the README shows no picture that the committed command makes"
