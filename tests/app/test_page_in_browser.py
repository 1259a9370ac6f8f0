"""The page in a real browser: it opens, reacts, says mistakes in a sentence, and asks nobody but this machine."""

import shutil
from pathlib import Path

import pytest

from app.serving import served_page

pytestmark = pytest.mark.browser
READY = "All results in float32"
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    data = folder / "data"
    data.mkdir()
    (data / "broken.nc").write_text("this is no netCDF")
    with served_page(folder / "log", data=data) as url:
        yield url
    said = (folder / "log").read_text()
    shutil.rmtree(data)
    # what the page catches at its edge, beyond what a user did, is logged as an error of the app
    assert "ERROR:atmodist.app" not in said and "ModuleNotFoundError" not in said


@pytest.fixture
def watched(page):
    """A page of which every foreign request, failed request and error in the console is kept."""
    page.set_default_timeout(PATIENCE_MS)
    faults = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("response", lambda r: faults.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def local(url):
        return url.startswith(("http://127.0.0.1", "data:", "blob:"))

    page.on("request", lambda r: None if local(r.url) else faults.append(f"asked {r.url}"))
    page.faults = faults
    return page


def seen(page, text, **how):
    """Wait until a text is on show: what the server sends arrives in several messages."""
    page.get_by_text(text, **how).locator("visible=true").first.wait_for()


def opened(page, url):
    page.goto(url)
    page.get_by_text(READY).first.wait_for()
    return page


def test_the_page_opens_on_the_demo_without_a_fault(watched, address):
    page = opened(watched, address)
    for text in ("Coarse input", "Bicubic", "GAN, MSE", "GAN, AtmoDist", "Truth", "simulated"):
        seen(page, text, exact=True)
    assert "data=demo" in page.url and "field=vorticity" in page.url
    assert watched.faults == []


def test_the_arrow_key_steps_through_time(watched, address):
    page = opened(watched, f"{address}?time=2001-01-05T00:00")
    seen(page, "2001-01-05 00:00 UTC")
    page.locator("body").click(position={"x": 640, "y": 4})
    page.keyboard.press("ArrowRight")
    seen(page, "2001-01-05 03:00 UTC")
    page.wait_for_url("**time=2001-01-05T03*")


def test_a_pasted_link_restores_the_view(watched, address):
    page = opened(watched, f"{address}?view=spectra&field=divergence&region=Pacific&theme=dark")
    assert "region=Pacific" in page.url and "theme=dark" in page.url
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(part) for part in background.split("(")[1].rstrip(")").split(",")[:3])
    assert red + green + blue < 200, background
    assert watched.faults == []


def test_a_value_that_does_not_exist_is_said_and_replaced(watched, address):
    page = opened(watched, f"{address}?region=Atlantis")
    seen(page, "Atlantis")
    page.wait_for_url("**region=Europe*")


def test_a_broken_file_is_one_sentence(watched, address):
    page = watched
    page.goto(f"{address}?data=broken.nc")
    page.get_by_text("broken.nc").first.wait_for()
    page.wait_for_timeout(1000)
    assert page.get_by_text("Traceback").count() == 0


def test_the_pictures_command_knows_its_pictures():
    from app.screenshots import PICTURES

    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    shown = [name for name in PICTURES if f"docs/pictures/{name}.png" in readme]
    assert shown, "the README shows no picture that the committed command makes"
