"""The list of similar times in a real browser: it comes by itself, and a date in it leads there."""

import re

import pytest

import atmodist_core as ad
from tests.app.browsing import seen, served_without_fault, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page on eight days of the demo at two degrees, every 12 hours."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "data").mkdir()
    days = ad.open_demo().isel(time=slice(0, 64, 4)).coarsen(latitude=4, longitude=4).mean()
    days.attrs.pop("grid")
    days.load().to_netcdf(folder / "data" / "week.nc")
    with served_without_fault(folder, data=folder / "data") as url:
        yield url


def test_a_similar_time_is_found_and_visited(watched, address):
    page = watched
    page.goto(f"{address}?view=distances&data=week.nc&time=2001-01-04T12:00&region=Pacific&methods=bicubic")
    seen(page, "to 2001-01-04 12:00 UTC")
    seen(page, "All 16 times of the data were searched.")
    card = page.locator(".distance-similar")
    dates = card.get_by_role("button")
    until(page, lambda: dates.locator("visible=true").count() == 5)
    assert card.get_by_text(re.compile(r"closer pairs \d")).locator("visible=true").count() == 5
    chosen = dates.first.inner_text()
    assert re.fullmatch(r"2001-01-0\d \d\d:00", chosen) and chosen[:10] not in ("2001-01-04",)
    dates.first.click()
    until(page, lambda: f"time={chosen.replace(' ', 'T')}" in page.url)
    seen(page, f"to {chosen} UTC")
    until(page, lambda: dates.locator("visible=true").count() == 5)
    assert watched.faults == []
