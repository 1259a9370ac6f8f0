"""A session without a browser: results, newer choices, stopping, and failures as sentences."""

import asyncio
import threading
import time

import pytest

import atmodist_core as ad
from app.compute.comparison import EXACT
from app.compute.engine import Engine
from app.page.address import AddressBar
from app.page.keyboard import press
from app.session import session as session_module
from app.session.messages import joined_warnings
from app.session.session import Session
from app.state.state import StudioState
from tests.app.conftest import run, settled_session


def texts(session, key=None):
    return [message.text for message in session.messages if key in (None, message.key)]


def test_a_session_compares_all_methods_with_the_truth(globe, models, engine):
    session = settled_session(engine, time="2001-01-05T06:00", region="Pacific")
    comparison = session.comparison
    assert comparison.complete and comparison.simulated and not comparison.whole_globe
    assert set(comparison.answers) == {"bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"}
    assert all(answer.quality == EXACT and not answer.problem for answer in comparison.answers.values())
    assert set(comparison.scores) == set(comparison.answers)
    for name in comparison.answers:
        assert comparison.values(name).shape == comparison.values("truth").shape
    assert not session.busy and session.activity.startswith("All results in float32")
    assert comparison.spectra is None and session.messages == []


def test_spectra_are_computed_when_looked_at(globe, models, engine):
    session = settled_session(engine, view="spectra", region="Globe")
    assert session.comparison.whole_globe
    assert set(session.comparison.spectra) == {"truth", "coarse", *session.comparison.answers}


def test_without_models_interpolation_is_compared_and_the_page_says_so(globe, no_models, engine):
    session = settled_session(engine)
    assert set(session.comparison.answers) == {"bilinear", "bicubic"}
    assert any("No trained model was found" in text for text in texts(session, "models"))


def test_only_what_is_on_show_is_computed(globe, models, engine):
    session = settled_session(engine, methods=["bicubic"])
    assert set(session.comparison.answers) == {"bicubic"}
    session = settled_session(engine, layout="swipe", left="coarse", right="srgan-4x-mse")
    assert set(session.comparison.answers) == {"srgan-4x-mse"}


class SlowEngine(Engine):
    """Answers of networks take until they are let go, and count how often they were asked for."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.asked: list[str] = []

    def needs_preview(self, frame, method, field):
        return False

    def answer(self, frame, method, field, control):
        if method.family == "network":
            self.asked.append(frame.slice_key[2])
            control.progress(0.5, "half way")
            while not self.go.wait(0.01):
                control.check()
        return super().answer(frame, method, field, control)


async def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)


def test_a_newer_choice_drops_the_older_computation(globe, models):
    engine = SlowEngine()

    async def steps():
        session = Session(StudioState(), engine)
        session.start([])
        await until(lambda: engine.asked)
        session.state.time = "2001-01-05T09:00"
        await until(lambda: "2001-01-05T09:00" in engine.asked)
        assert session.comparison.question.time == "2001-01-05T09:00"
        engine.go.set()
        await session.settled()
        return session

    session = asyncio.run(steps())
    assert session.comparison.complete and session.comparison.question.time == "2001-01-05T09:00"
    assert engine.asked.count("2001-01-05T00:00") == 1, "the older one was given up at its first network"
    assert not session.stopped and texts(session, "failure") == []


def test_interpolation_and_truth_are_there_while_networks_compute(globe, models):
    engine = SlowEngine()

    async def steps():
        session = Session(StudioState(), engine)
        session.start([])
        await until(lambda: engine.asked and session.progress > 0.2)
        assert session.busy and session.comparison.values("bicubic") is not None
        assert session.comparison.values("srgan-4x-mse") is None
        assert "MSE GAN" in session.activity
        session.close()
        await asyncio.sleep(0.05)

    asyncio.run(steps())


def test_what_is_at_hand_comes_at_once_and_spectra_come_together(globe, models, engine):
    async def steps():
        session = Session(StudioState(region="Pacific"), engine)
        session.start([])
        await session.settled()
        published = []
        session.param.watch(lambda event: published.append(event.new), "comparison")
        session.state.region = "Europe"  # the networks have run on the whole globe
        await session.settled()
        assert len(published[0].answers) == 4, "one drawing of all maps"
        published.clear()
        session.state.view = "spectra"
        await session.settled()
        assert [len(one.spectra) for one in published if one.spectra] == [6] * sum(
            bool(one.spectra) for one in published
        )
        session.close()

    asyncio.run(steps())


def test_cancel_keeps_what_is_there_and_resume_computes_the_rest(globe, models):
    engine = SlowEngine()

    async def steps():
        session = Session(StudioState(), engine)
        session.start([])
        await until(lambda: engine.asked)
        session.cancel()
        await session.settled()
        assert session.stopped and not session.busy and session.activity.startswith("Stopped")
        assert session.comparison.values("bicubic") is not None and not session.comparison.complete
        engine.go.set()
        session.resume()
        await session.settled()
        assert session.comparison.complete and not session.stopped

    asyncio.run(steps())


def test_a_mistake_is_one_sentence_and_goes_away_with_the_next_choice(globe, models, engine):
    async def steps():
        session = Session(StudioState(region="40,45,0,5"), engine)
        session.start([])
        await session.settled()
        (sentence,) = texts(session, "failure")
        assert "choose a larger region" in sentence and session.comparison is None and not session.busy
        session.state.region = "Pacific"
        await session.settled()
        assert texts(session, "failure") == [] and session.comparison.complete

    asyncio.run(steps())


def test_an_unexpected_failure_is_a_sentence_and_a_traceback_in_the_log(
    globe, models, engine, monkeypatch, caplog
):
    monkeypatch.setattr(engine, "truth", lambda *a: (_ for _ in ()).throw(KeyError("secret detail")))
    session = settled_session(engine)
    (sentence,) = texts(session, "failure")
    assert "KeyError" in sentence and "secret detail" not in sentence
    assert "Traceback" in caplog.text and "secret detail" in caplog.text
    assert not session.busy


def test_a_method_that_fails_says_so_and_the_others_go_on(globe, models, engine, monkeypatch):
    load = ad.load_downscaler

    def broken(name, **options):
        if name == "srgan-4x-mse":
            raise ad.UserError("Expected readable weights, found a torn file; copy the model again.")
        return load(name, **options)

    monkeypatch.setattr(ad, "load_downscaler", broken)
    session = settled_session(engine)
    assert "torn file" in session.comparison.answers["srgan-4x-mse"].problem
    assert session.comparison.complete
    assert set(session.comparison.scores) == {"bilinear", "bicubic", "srgan-4x-atmodist"}


def test_a_data_set_that_cannot_be_opened_is_said_and_replaced(globe, models, engine, tmp_path, monkeypatch):
    (tmp_path / "broken.nc").write_text("no netCDF")
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    session = settled_session(engine, data_set="broken.nc")
    (sentence,) = texts(session, "data")
    assert "broken.nc" in sentence and "'demo'" in sentence
    assert session.state.data_set == "demo" and session.comparison.complete


def test_a_data_set_that_does_not_exist_is_said_and_replaced(globe, models, engine):
    session = settled_session(engine, data_set="../../etc/passwd")
    (sentence,) = texts(session, "link")
    assert "was not found" in sentence and session.state.data_set == "demo" and session.comparison.complete


def test_wind_speed_of_a_limited_area_is_a_sentence(models, engine, monkeypatch, globe):
    area = ad.Region(-40, 40, 100, 200).select(globe)
    monkeypatch.setattr(ad, "open_demo", lambda: area)
    session = settled_session(engine, field="wind_speed", region="Globe")
    (sentence,) = texts(session, "failure")
    assert "choose vorticity or divergence" in sentence


def test_steps_stop_at_the_ends(globe, models, engine):
    async def steps():
        session = Session(StudioState(), engine)
        session.start([])
        await session.settled()
        press(session, "ArrowLeft")
        assert session.state.time == "2001-01-05T00:00"
        press(session, "ArrowRight")
        assert session.state.time == "2001-01-05T03:00"
        session.step(1000)
        assert session.state.time == "2001-01-06T09:00"
        press(session, "2")
        assert session.state.view == "spectra"
        press(session, "9")
        press(session, "x")
        assert session.state.view == "spectra"
        session.close()

    asyncio.run(steps())


def test_playing_goes_on_and_starts_again_at_the_end(globe, no_models, engine, monkeypatch):
    monkeypatch.setattr(session_module, "PLAY_INTERVAL_S", 0.0)

    async def steps():
        session = Session(StudioState(time="2001-01-06T06:00"), engine)
        session.start([])
        await session.settled()
        seen = []
        session.state.param.watch(lambda event: seen.append(event.new), "time")
        session.playing = True
        await until(lambda: len(seen) >= 3)
        session.playing = False
        assert seen[:3] == ["2001-01-06T09:00", "2001-01-05T00:00", "2001-01-05T03:00"]
        session.close()

    asyncio.run(steps())


def test_warnings_of_several_methods_are_told_once():
    sentence = (
        "These fields differ from those that {} was trained on (level 10 m), so read its result with care."
    )
    told = joined_warnings({name: [sentence.format(name)] for name in ("a-model", "b-model")})
    assert told == (
        "These fields differ from those that a-model and b-model were trained on (level 10 m), so read their "
        "results with care."
    )
    assert joined_warnings({"a-model": [sentence.format("a-model")], "b": []}) == sentence.format("a-model")


def test_data_far_from_the_training_data_are_said(globe, models, engine, monkeypatch):
    far = (globe * 100).assign_attrs(globe.attrs | {"level": "10 m"})
    monkeypatch.setattr(ad, "open_demo", lambda: far)
    session = settled_session(engine)
    (sentence,) = texts(session, "applicability")
    assert "srgan-4x-mse and srgan-4x-atmodist" in sentence and "10 m" in sentence


class History:
    """An address bar and a history without a browser."""

    def __init__(self):
        self.entries = []
        self.on_return = None

    @property
    def search(self):
        return self.entries[-1] if self.entries else ""

    @property
    def address(self):
        raise AssertionError("only the browser reads it")

    @address.setter
    def address(self, value):
        if not value["push"] and self.entries:
            self.entries.pop()
        self.entries.append(value["search"])

    def back(self):
        self.entries.pop()
        self.on_return(self.entries[-1])


def test_the_address_and_the_state_follow_each_other(globe, models, engine):
    bar = History()

    async def steps():
        session = Session(StudioState(), engine)
        problems = AddressBar(session, bar, "?region=Pacific&field=nonsense").begin()
        assert len(problems) == 1 and bar.search == "", "nothing is written yet"
        session.start(problems)
        await session.settled()
        assert bar.entries == ["?view=maps&data=demo&time=2001-01-05T00:00&field=vorticity&region=Pacific"]
        assert "nonsense" in texts(session, "link")[0]
        before = bar.search
        session.state.field = "divergence"
        assert "field=divergence" in bar.search and len(bar.entries) == 2
        await session.settled()
        session.state.time = "2001-01-05T03:00"
        assert len(bar.entries) == 2, "steps through time do not bury what was before"
        await session.settled()
        bar.back()
        assert session.state.field == "vorticity"
        await session.settled()
        assert session.comparison.question.field == "vorticity" and bar.entries == [before]
        assert texts(session, "link") == []
        session.close()

    asyncio.run(steps())


def test_closing_a_tab_stops_its_work(globe, models):
    engine = SlowEngine()

    async def steps():
        session = Session(StudioState(), engine)
        session.start([])
        await until(lambda: engine.asked)
        session.close()
        await asyncio.sleep(0.05)
        assert session._task.done()

    asyncio.run(steps())


def test_results_are_shared_between_sessions(globe, models, engine, monkeypatch):
    settled_session(engine)
    monkeypatch.setattr(ad, "coarsen", lambda *a, **k: pytest.fail("computed again"))
    session = run(Session(StudioState(), engine))
    assert session.comparison.complete
