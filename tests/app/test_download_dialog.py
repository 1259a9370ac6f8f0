"""Downloads from the page: only where the server allows them, with the size first, one at a time, within the space."""

import asyncio

import pytest

import atmodist_core as ad
from app.page.dialogs import data_download
from app.page.dialogs.data_download import download_space, name_of, plan_within_space
from app.page.dialogs.download_dialog import COEFFICIENTS, WINDS, DownloadDialog
from app.page.sidebar import SideBar
from app.session.session import Session
from app.state.state import StudioState
from atmodist_core.fields.download.request import DownloadRequest
from tests.app.conftest import settled_session
from tests.fields.archive_server import Fault, serve, stand_in

pytest.importorskip("aiohttp")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    stand_in(folder)
    return folder


@pytest.fixture
def archive(stores, tmp_path, monkeypatch):
    """A server of archives, and a data folder into which downloads are allowed."""
    (tmp_path / "data").mkdir()
    with serve(stores) as running:
        monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("ATMODIST_DOWNLOADS_GB", "1")
        monkeypatch.setenv("ATMODIST_DOWNLOAD_MIRROR", running.address)
        yield running


@pytest.fixture
def dialog(globe, models, engine, archive):
    made = DownloadDialog(settled_session(engine))
    made.days.value = 0.5
    return made


def test_it_is_off_by_default(globe, models, engine, monkeypatch, tmp_path):
    session = Session(StudioState(), engine)
    assert not SideBar(session).dialogs and download_space() == 0
    with pytest.raises(ad.UserError, match="does not allow downloads"):
        plan_within_space(DownloadRequest(start="2020-01-01"))
    for gigabytes in ("-1", "much", "nan", "inf"):
        monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
        monkeypatch.setenv("ATMODIST_DOWNLOADS_GB", gigabytes)
        assert download_space() == 0, gigabytes


def test_the_side_bar_offers_it_where_it_is_allowed(globe, models, engine, archive):
    assert len(SideBar(Session(StudioState(), engine)).dialogs) == 1


def test_a_download_becomes_the_data_set(dialog):
    """Size first; then the data appear in the list and are chosen."""
    assert dialog.start_button.disabled and not dialog._box.visible
    asyncio.run(dialog.show_size())
    assert (
        "4 times from 2020-01-01T00:00" in dialog.text.object
        and "The download is about" in dialog.text.object
    )
    assert not dialog.start_button.disabled
    asyncio.run(dialog.download())
    key = "downloads/arco-era5-2020-01-01-0.5d-modellevel120"
    assert dialog._session.state.data_set == key and "Hersbach" in dialog.text.object
    assert key in dialog._session.engine.sources() and dialog.cancel_button.disabled
    assert dict(dialog._session.engine.describe_and_open(key).sizes) == {
        "time": 4,
        "latitude": 44,
        "longitude": 88,
    }


def test_a_box_of_winds(dialog):
    dialog.kind.value = WINDS
    assert dialog._box.visible and dialog.level.label == "Pressure [hPa]" and dialog.level.value == 850
    for name, edge in (("North", 80), ("West", -60), ("South", -50), ("East", 70)):
        dialog.edges[name].value = edge
    asyncio.run(dialog.show_size())
    assert "winds at 850 hPa, 14 x 14 points" in dialog.text.object
    dialog.globe.value = True
    assert dialog.start_button.disabled, "the size that was shown is of another request"
    asyncio.run(dialog.download())
    assert not data_download._size(data_download._folder()), "nothing is fetched without a size"
    dialog.source.value = "weatherbench2-coarse"
    assert not dialog.kind.visible and dialog.request.box is None and not dialog.request.takes_coefficients
    dialog.source.value, dialog.kind.value = "arco-era5", COEFFICIENTS
    assert dialog.level.value == 120


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (("start", "soon"), "Expected start with a date such as 2020-01-01 (UTC), found &#x27;soon&#x27;"),
        (("days", 0.0), "Expected days above 0"),
        (("level", 7.0), "Expected model level 7 among"),
        (("start", "1999-01-01"), "found no 1999-01-01T00:00 in the archive"),
    ],
)
def test_mistakes_are_sentences(dialog, choice, words):
    getattr(dialog, choice[0]).value = choice[1]
    asyncio.run(dialog.show_size())
    assert words in dialog.text.object and dialog.start_button.disabled


def test_more_than_the_space(dialog, monkeypatch):
    monkeypatch.setenv("ATMODIST_DOWNLOADS_GB", "1e-6")
    asyncio.run(dialog.show_size())
    assert "at most 0.0 MB, the space that this server has left for downloads" in dialog.text.object


def test_one_at_a_time_and_cancelled(dialog, archive, tmp_path):
    """A second download is refused; the first one stops, keeps what it has, and continues later."""
    other = DownloadDialog(dialog._session)
    other.days.value = 0.5
    archive.faults.append(Fault("/vo/2.", "slow", times=1))

    async def steps():
        await dialog.show_size()
        await other.show_size()
        running = asyncio.ensure_future(dialog.download())
        await asyncio.sleep(0.1)
        await other.download()
        assert "Another download is running" in other.text.object
        dialog._control.cancel()
        await running

    asyncio.run(steps())
    assert "Stopped; what has arrived is kept" in dialog.text.object
    assert not dialog.start_button.disabled and dialog.cancel_button.disabled
    asyncio.run(dialog.download())
    assert "Complete" in dialog.text.object and str(tmp_path) not in dialog.text.object


def test_a_server_that_fails_and_a_full_disk(dialog, archive, monkeypatch):
    asyncio.run(dialog.show_size())
    archive.faults.append(Fault("/vo/1.", 403))
    asyncio.run(dialog.download())
    assert "refuses anonymous access" in dialog.text.object
    monkeypatch.setattr("app.page.dialogs.download_dialog.run_download", _full)
    asyncio.run(dialog.download())
    assert "its disk is full or refuses them" in dialog.text.object
    assert not data_download._RUNNING.locked()


def _full(*_):
    raise OSError(28, "No space left on device")


def test_names_hold_no_path():
    request = DownloadRequest(
        start="2020-01-01 06:00", days=2, level=850, box=(60.5, -10, 40, 20), every_hours=6
    )
    assert name_of(request) == "arco-era5-2020-01-010600-2d-850hPa-box60.5_-10_40_20-6h"
    assert "/" not in name_of(DownloadRequest(start="01/02/2020"))
