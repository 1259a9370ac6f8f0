"""The dialogue of downloads in a real browser: size first, then the data are in the list, chosen and shown."""

import pytest

import atmodist_core as ad
from tests.app.browsing import READY, opened, seen, served_without_fault, until
from tests.fields.archive_server import serve, stand_in

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.browser
KEY = "downloads/arco-era5-2020-01-01-0.5d-modellevel120"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page that may download, from a stand-in of the archive on this machine."""
    folder = tmp_path_factory.mktemp("studio")
    for name in ("data", "archive"):
        (folder / name).mkdir()
    stand_in(folder / "archive")
    day = ad.open_demo().isel(time=slice(0, 8, 4)).coarsen(latitude=4, longitude=4).mean()
    day.attrs.pop("grid")
    day.load().to_netcdf(folder / "data" / "day.nc")
    with pytest.MonkeyPatch.context() as patch, serve(folder / "archive") as archive:
        patch.setenv("ATMODIST_DOWNLOADS_GB", "1")
        patch.setenv("ATMODIST_DOWNLOAD_MIRROR", archive.address)
        with served_without_fault(folder, data=folder / "data") as url:
            yield url


def test_a_download_is_sized_fetched_and_shown(watched, address):
    page = opened(watched, f"{address}?view=maps&data=day.nc&region=Globe&methods=bicubic")
    page.get_by_role("button", name="Download ERA5").click()
    dialog = page.get_by_role("dialog")
    days = dialog.get_by_label("Days")

    def half_a_day() -> bool:
        """Type it, again where the page was still setting the field up."""
        days.press("ControlOrMeta+a")
        page.keyboard.type("0.5")
        days.press("Tab")
        return days.input_value() == "0.5"

    until(page, half_a_day)
    # Names of buttons say what they do: "Download: fetch the data".
    size, start, cancel = (
        dialog.get_by_role("button", name=f"{name}:") for name in ("Show size", "Download", "Cancel")
    )
    assert start.is_disabled() and cancel.is_disabled() and start.is_visible()
    size.click()
    seen(page, "The download is about")
    until(page, start.is_enabled)
    start.click()
    seen(page, f"Complete: {KEY} is chosen as the data set")
    until(page, lambda: "data=downloads" in page.url)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.get_by_text(READY).first.wait_for()
    data_set = page.get_by_label("Data set")
    assert "arco-era5-2020-01-01" in data_set.inner_text()
    seen(page, "44 × 88 points")
    assert watched.faults == []
