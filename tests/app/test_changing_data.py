"""A data set on show that is damaged, removed or replaced: the page says so in one sentence, and returns to it when it is good again."""

import asyncio
import os
import shutil
import warnings

import numpy as np
import pytest

import atmodist_core as ad
from app.compute.catalogue import RecentSearch
from app.session.session import Session
from app.state.state import StudioState
from tests.app.conftest import small_globe

NAMES = ("mine.nc", "mine.zarr")


def write(path, seed):
    """Write fields in place of what is there, in one step as a careful user does."""
    fields = small_globe(seed).isel(time=[0, 1])
    new = path.with_name("." + path.name)
    if path.suffix == ".nc":
        fields.to_netcdf(new)
        os.replace(new, path)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fields.to_zarr(new, mode="w")
    if path.exists():
        shutil.rmtree(path)
    new.rename(path)


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def truncate(path):
    """Cut the file; of a store, its metadata."""
    file = path / "zarr.json" if path.is_dir() else path
    file.write_bytes(file.read_bytes()[:300])


def data_messages(session):
    return [message.text for message in session.messages if message.key in ("data", "failure")]


async def looked(session):
    """Look into the folders, as the page does every few seconds, and wait for what follows."""
    session.engine.search_again()
    session.refresh_catalogue()
    await session.settled()


def truth_of(seed):
    return small_globe(seed).isel(time=1)["vorticity"].values


def shown(session):
    return session.comparison.truth["vorticity"].isel(time=0).values


@pytest.mark.parametrize("harm", [truncate, remove])
@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_that_is_harmed_is_said_and_comes_back(
    globe, models, engine, tmp_path, monkeypatch, name, harm
):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    path = tmp_path / name
    write(path, 1)

    async def steps():
        state = StudioState(data_set=name, region="Globe", methods=["bicubic"])
        session = Session(state, engine)
        session.start([])
        await session.settled()
        state.time = "2001-01-05T03:00"
        await session.settled()
        np.testing.assert_array_equal(shown(session), truth_of(1))
        harm(path)
        await looked(session)
        (sentence,) = data_messages(session)
        assert name in sentence and "the page shows the data set 'demo'" in sentence
        assert "Traceback" not in sentence and str(tmp_path) not in sentence
        assert session.data.key == "demo" and session.comparison.complete
        await looked(session)
        assert data_messages(session) == [sentence], "it is said once, and kept"
        write(path, 2)
        await looked(session)
        assert data_messages(session) == []
        assert session.data.key == name and state.time == "2001-01-05T03:00" and state.region == "Globe"
        np.testing.assert_array_equal(shown(session), truth_of(2))
        session.close()

    asyncio.run(steps())


@pytest.mark.parametrize("name", NAMES)
def test_a_replaced_data_set_never_shows_old_values(globe, models, engine, tmp_path, monkeypatch, name):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    path = tmp_path / name
    write(path, 1)

    async def steps():
        state = StudioState(data_set=name, region="Globe", methods=["bicubic"], time="2001-01-05T03:00")
        session = Session(state, engine)
        session.start([])
        await session.settled()
        for seed in (2, 3):
            write(path, seed)
            await looked(session)
            np.testing.assert_array_equal(shown(session), truth_of(seed))
            state.view = "distances"
            await session.settled()
            state.view = "maps"
            await session.settled()
            np.testing.assert_array_equal(shown(session), truth_of(seed))
            assert data_messages(session) == []
        session.close()

    asyncio.run(steps())


def test_a_file_that_is_written_over_in_place_shows_its_new_values(
    globe, models, engine, tmp_path, monkeypatch
):
    """The same file number: the library of the format must not answer from what it still holds of the old content."""
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    path = tmp_path / "mine.nc"
    write(path, 1)
    small_globe(2).isel(time=[0, 1]).to_netcdf(tmp_path / "other.nc_")
    new = (tmp_path / "other.nc_").read_bytes()

    async def steps():
        state = StudioState(data_set="mine.nc", region="Globe", methods=["bicubic"])
        session = Session(state, engine)
        session.start([])
        await session.settled()
        path.write_bytes(new)
        state.time = "2001-01-05T03:00"  # read before the folder is searched again
        await session.settled()
        (sentence,) = data_messages(session)
        assert "has changed since it was opened" in sentence
        await looked(session)
        assert data_messages(session) == []
        np.testing.assert_array_equal(shown(session), truth_of(2))
        session.close()

    asyncio.run(steps())


def test_a_choice_of_the_user_ends_the_wait_for_a_lost_data_set(globe, models, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    for name, seed in (("mine.nc", 1), ("other.nc", 2)):
        write(tmp_path / name, seed)

    async def steps():
        session = Session(StudioState(data_set="mine.nc", region="Globe", methods=["bicubic"]), engine)
        session.start([])
        await session.settled()
        remove(tmp_path / "mine.nc")
        await looked(session)
        session.state.data_set = "other.nc"
        await session.settled()
        write(tmp_path / "mine.nc", 3)
        await looked(session)
        assert session.data.key == "other.nc" and data_messages(session) == []
        session.close()

    asyncio.run(steps())


def test_folders_are_searched_once_for_all_tabs_and_within_a_share_of_a_core(monkeypatch):
    clock, searches = [100.0], []
    monkeypatch.setattr("app.compute.catalogue.time.monotonic", lambda: clock[0])

    def search():
        searches.append(clock[0])
        clock[0] += 0.5  # a large folder
        return {"a": len(searches) > 2}

    recent = RecentSearch(search)
    first = recent.get()
    for _ in range(300):  # three tabs for five minutes
        clock[0] += 1.0
        assert recent.get() in ({"a": False}, {"a": True})
        if len(searches) == 2:
            assert recent.get() is first, "an equal result is the same object"
    share = 0.5 * len(searches) / (clock[0] - 100.0)
    assert len(searches) >= 3 and share <= 0.025
    assert recent.get() == {"a": True}


def test_a_failed_search_is_repeated(tmp_path, monkeypatch, engine):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "later"))
    with pytest.raises(ad.UserError, match="Expected a folder"):
        engine.sources()
    (tmp_path / "later").mkdir()
    assert list(engine.sources()) == ["demo"]


def test_an_unchanged_folder_costs_a_tab_nothing(globe, models, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    for number in range(50):
        (tmp_path / f"file_{number}.nc").touch()
    session = Session(StudioState(), engine)
    session.refresh_catalogue()
    changes = []
    session.param.watch(lambda *events: changes.extend(events), ["sources", "methods", "models", "messages"])
    before = session.sources
    engine.search_again()
    session.refresh_catalogue()
    assert session.sources is before and changes == []
