"""Many users at once: fair turns, nothing left of a closed tab, nothing outside of the folders."""

import asyncio
import gc
import os
import shutil
import threading
import time
import weakref
from pathlib import Path

import pytest

import atmodist_core as ad
from app.compute.catalogue import list_methods, trusted_cards
from app.compute.control import Control
from app.compute.engine import Engine
from app.compute.fair_scheduler import FairScheduler
from app.session.session import Session
from app.state.state import StudioState
from atmodist_core.figures.numbers.data_sets import list_sources
from tests.app.conftest import small_globe


def nothing():
    """Never cancelled."""


def test_turns_are_taken_in_the_order_of_asking():
    turns, order, gate = FairScheduler(1), [], threading.Event()

    def work(number):
        with turns.slot(nothing):
            order.append(number)
            gate.wait(10)

    threads = []
    for number in range(4):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        end = time.monotonic() + 10
        while turns.waiting + len(order) < number + 1:
            assert time.monotonic() < end
            time.sleep(0.005)
    assert order == [0] and turns.waiting == 3
    gate.set()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3] and turns.waiting == 0


def test_quick_turns_go_before_long_ones_and_have_a_place_of_their_own(monkeypatch):
    monkeypatch.setattr("app.compute.fair_scheduler.LONGEST_WAIT_S", 0.4)
    turns, order, gate = FairScheduler(1), [], threading.Event()

    def work(name, is_quick):
        with turns.slot(nothing, is_quick=is_quick):
            order.append(name)
            gate.wait(10)

    threads = []
    for name, is_quick in (("first", False), ("long", False), ("quick", True), ("late", True)):
        threads.append(threading.Thread(target=work, args=(name, is_quick)))
        if name == "late":
            time.sleep(0.6)  # by now the long one has waited for longer than a quick one is ahead
        threads[-1].start()
        end = time.monotonic() + 10
        while turns.waiting + len(order) < len(threads):
            assert time.monotonic() < end
            time.sleep(0.005)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "quick", "long", "late"]
    two = FairScheduler(2)
    with two.slot(nothing), two.slot(nothing, is_quick=True):
        pass
    control = Control()
    control.cancel()
    with two.slot(nothing), pytest.raises(ad.Cancelled), two.slot(control.check):
        pass  # a second long one has no place beside the first


def test_who_is_cancelled_leaves_the_queue():
    turns, control = FairScheduler(1), Control()
    with turns.slot(nothing):
        control.cancel()
        with pytest.raises(ad.Cancelled), turns.slot(control.check):
            pass
        assert turns.waiting == 0
    with turns.slot(nothing):
        pass


class HeavyEngine(Engine):
    """Networks of one region take until they are let go."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def answer(self, frame, method, field, control):
        if method.family == "network" and frame.region is None:
            while not self.go.wait(0.01):
                control.check()
        return super().answer(frame, method, field, control)


def test_a_heavy_request_of_some_does_not_freeze_another(globe, models):
    engine = HeavyEngine()

    async def steps():
        heavy = [Session(StudioState(region="Globe"), engine) for _ in range(12)]
        for session in heavy:
            session.start([])
        light = Session(StudioState(region="Pacific", methods=["bicubic"]), engine)
        light.start([])
        await asyncio.wait_for(light.settled(), 60)
        assert light.comparison.complete and not any(
            session.comparison is not None and session.comparison.complete for session in heavy
        )
        engine.go.set()
        for session in heavy:
            session.close()

    asyncio.run(steps())


@pytest.mark.parametrize("view", ["maps", "distances"])
def test_nothing_is_left_of_a_closed_session(globe, models, engine, view):
    async def steps():
        session = Session(StudioState(view=view, region="Pacific", methods=["bicubic"]), engine)
        session.start([])
        await session.settled()
        session.close()
        return weakref.ref(session), weakref.ref(session.state)

    session, state = asyncio.run(steps())
    gc.collect()
    assert session() is None and state() is None
    assert len(engine._slices._values) > 0, "what is shared stays"


def test_sessions_do_not_see_each_other(globe, models, engine):
    async def steps():
        one = Session(StudioState(region="Pacific", methods=["bicubic"]), engine)
        other = Session(StudioState(region="Globe", methods=["bilinear"]), engine)
        one.start([])
        other.start([])
        await one.settled()
        await other.settled()
        one.state.field = "divergence"
        await one.settled()
        assert other.state.field == "vorticity" and other.comparison.question.field == "vorticity"
        assert set(other.comparison.answers) == {"bilinear"}
        one.close()
        other.close()

    asyncio.run(steps())


def test_files_outside_of_the_data_folder_cannot_be_opened(tmp_path, monkeypatch, engine):
    inside, outside = tmp_path / "data", tmp_path / "secret"
    inside.mkdir()
    outside.mkdir()
    small_globe().isel(time=[0]).to_netcdf(outside / "secret.nc")
    small_globe().isel(time=[0]).to_netcdf(inside / "open.nc")
    (inside / "link.nc").symlink_to(outside / "secret.nc")
    (inside / "folder").symlink_to(outside)
    monkeypatch.setenv("ATMODIST_DATA", str(inside))
    assert [source.key for source in list_sources()] == ["demo", "open.nc"]
    tries = (
        "../secret/secret.nc",
        str(outside / "secret.nc"),
        "link.nc",
        "folder/secret.nc",
        "open.nc/../../secret/secret.nc",
    )
    for key in (*tries, "file:///etc/passwd", "..", "", ".\\..\\secret\\secret.nc"):
        with pytest.raises(ad.UserError, match="Expected a data set among"):
            engine.describe(key)
    assert engine.describe("open.nc").shape == (72, 144)


def test_models_outside_of_the_folder_are_skipped_and_said(models, tmp_path, monkeypatch):
    inside, outside = tmp_path / "models", tmp_path / "elsewhere"
    inside.mkdir()
    shutil.copytree(models / "srgan-4x-mse", outside / "srgan-4x-mse")
    shutil.copytree(models / "atmodist-23", inside / "atmodist-23")
    (inside / "srgan-4x-mse").symlink_to(outside / "srgan-4x-mse")
    (inside / "half").mkdir()
    monkeypatch.setenv("ATMODIST_MODELS", str(inside))
    problems: list[str] = []
    assert [card.name for card in trusted_cards(problems)] == ["atmodist-23"]
    assert any("leads out of the folder of models" in problem for problem in problems)
    assert all(method.family == "interpolation" for method in list_methods()[0])


def test_weights_that_are_a_link_to_elsewhere_are_skipped(models, tmp_path, monkeypatch):
    inside = tmp_path / "models"
    shutil.copytree(models / "srgan-4x-mse", inside / "srgan-4x-mse")
    weights = inside / "srgan-4x-mse" / "model.safetensors"
    weights.rename(tmp_path / "elsewhere.safetensors")
    weights.symlink_to(tmp_path / "elsewhere.safetensors")
    monkeypatch.setenv("ATMODIST_MODELS", str(inside))
    assert trusted_cards([]) == []


def soon(engine):
    """Forget what was found in the folders a moment ago, as a few seconds would."""
    engine.search_again()


def test_data_and_models_appear_change_and_go_without_a_restart(globe, models, tmp_path, monkeypatch, engine):
    data, found = tmp_path / "data", tmp_path / "models"
    data.mkdir()
    shutil.copytree(models / "atmodist-23", found / "atmodist-23")
    monkeypatch.setenv("ATMODIST_DATA", str(data))
    monkeypatch.setenv("ATMODIST_MODELS", str(found))

    async def steps():
        session = Session(StudioState(region="Pacific"), engine)
        session.start([])
        await session.settled()
        assert [method.family for method in session.methods] == ["interpolation"] * 2
        small_globe(1).isel(time=[0]).to_netcdf(data / "mine.nc")
        shutil.copytree(models / "srgan-4x-mse", found / "srgan-4x-mse")
        soon(engine)
        session.refresh_catalogue()
        await session.settled()
        assert [source.key for source in session.sources] == ["demo", "mine.nc"]
        assert "srgan-4x-mse" in session.comparison.answers
        session.state.data_set = "mine.nc"
        await session.settled()
        before = session.comparison.values("truth").copy()
        small_globe(2).isel(time=[0]).to_netcdf(data / "new.nc")
        os.replace(data / "new.nc", data / "mine.nc")
        soon(engine)
        session.refresh_catalogue()
        await session.settled()
        assert abs(session.comparison.values("truth") - before).max() > 1e-6
        weights = found / "srgan-4x-mse" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
        soon(engine)
        session.refresh_catalogue()
        await session.settled()
        problem = session.comparison.answers["srgan-4x-mse"].problem
        assert problem.count("\n") == 0 and "Expected" in problem
        assert session.comparison.values("bicubic") is not None
        session.close()

    asyncio.run(steps())


def test_the_deployment_text_names_limits_that_are_in_the_code():
    from app.compute import engine
    from app.views.maps import pixels
    from atmodist_core.figures.numbers import times

    text = (Path(__file__).resolve().parents[2] / "docs" / "deploy.md").read_text()
    for module, names in (
        (engine, ("SLICE_CACHE_BYTES", "PREDICTION_CACHE_BYTES", "SERIES_CACHE_BYTES", "NETWORKS_AT_ONCE")),
        (times, ("MOST_VALUES", "MOST_TIMES")),
        (pixels, ("MOST_NATIVE_POINTS",)),
    ):
        for name in names:
            assert name in text and hasattr(module, name)
