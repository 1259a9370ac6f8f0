"""Every control of the page in a real browser: what it is set to is on show in the address, and nothing goes wrong."""

import pytest

from tests.app.browsing import READY, opened, served_without_fault, until

pytestmark = pytest.mark.browser
SMALL = "region=-40,40,150,230&methods=bicubic&time=2001-01-05T03:00"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served_without_fault(tmp_path_factory.mktemp("controls")) as url:
        yield url


def press(name):
    """Press a button, or one of a group, by its name."""
    return lambda page: (
        page.get_by_role("button", name=name, exact=True).locator("visible=true").first.click()
    )


def pick(label, option):
    """Choose from a list."""

    def act(page):
        page.get_by_role("combobox", name=label).locator("visible=true").first.click()
        page.get_by_role("menuitem", name=option, exact=True).first.click()

    return act


def check(label):
    """Tick or untick a box."""
    return lambda page: page.get_by_role("checkbox", name=label, exact=True).first.click()


def type_in(label, text):
    """Type a number."""

    def act(page):
        box = page.get_by_label(label).locator("visible=true").first
        box.click()
        box.press("Control+a")
        box.press_sequentially(text)
        box.press("Enter")

    return act


def follow(page, steps):
    """Do one act after the other; each has to arrive in the address."""
    for number, (act, there) in enumerate(steps):
        act(page)
        try:
            until(page, lambda there=there: _holds(there, page.url))
        except AssertionError as error:
            raise AssertionError(f"step {number}: expected {there!r} in {page.url}") from error


def _holds(there, url):
    return there[1:] not in url if there.startswith("!") else there in url


def test_the_side_bar(watched, address):
    page = opened(watched, f"{address}?{SMALL}")
    steps = [
        (press("Divergence"), "field=divergence"),
        (press("Wind speed"), "field=wind_speed"),
        (press("Vorticity"), "field=vorticity"),
        (press("Next time (right arrow)"), "time=2001-01-05T06"),
        (press("Previous time (left arrow)"), "time=2001-01-05T03"),
        (pick("Hour (UTC)", "12:00"), "time=2001-01-05T12"),
        (check("Bilinear"), "bilinear"),
        (check("Bilinear"), "!bilinear"),
        (pick("Region", "South-East Asia"), "region=South-East"),
        (type_in("North [°N]", "20"), "20,"),
    ]
    follow(page, steps)
    page.get_by_text(READY).first.wait_for()
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, lambda: "T12" not in page.url)
    page.get_by_role("button", name="Play", exact=True).click()
    assert watched.faults == []


def test_the_switches_of_the_maps(watched, address):
    page = opened(watched, f"{address}?{SMALL}")
    steps = [
        (press("Difference"), "show=difference"),
        (press("Field"), "!show=difference"),
        (press("Mean"), "pixels=mean"),
        (press("Native"), "!pixels=mean"),
        (press("Fixed"), "scale=fixed"),
        (type_in("±", "7"), "limit=7"),
        (press("Quantile"), "!limit="),
        (press("Swipe"), "layout=swipe"),
        (pick("Left", "Coarse input"), "left=coarse"),
        (pick("Right", "Bicubic"), "right=bicubic"),
        (press("Panels"), "!layout=swipe"),
    ]
    follow(page, steps)
    page.get_by_role("button", name="Use the visible area as the region").click()
    until(page, lambda: "region=-40,40" in page.url.replace("%2C", ","))
    page.get_by_text(READY).first.wait_for()
    assert watched.faults == []


def test_the_switches_of_spectra_and_cities(watched, address):
    page = opened(watched, f"{address}?view=spectra&{SMALL}&period=2001-01-05T00:00/2001-01-05T09:00")
    steps = [
        (press("Mean over the period"), "average=period"),
        (pick("Every", "every 2 times"), "step=2"),
        (press("This time"), "!average=period"),
    ]
    follow(page, steps)
    opened(page, f"{address}?view=cities&{SMALL}&sample=1&cities=Seattle")
    steps = [
        (press("2 × 2"), "box=2"),
        (press("Wasserstein-1"), "marks=wasserstein"),
        (pick("Is", "Bicubic"), "judged=bicubic"),
        (pick("closer than", "Bilinear"), "baseline=bilinear"),
        (pick("Values", "Computed here"), "basis=computed"),
        (pick("Where", "Selected cities"), "reach=selected"),
        (pick("Field on the globe", "Bicubic"), "globe=bicubic"),
    ]
    follow(page, steps)
    page.get_by_text(READY).first.wait_for()
    assert watched.faults == []
