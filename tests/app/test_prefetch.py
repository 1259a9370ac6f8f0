"""The time that a user who steps on will ask for next is read before it is asked for, and only then."""

import asyncio

import pytest

from app.compute.engine import Engine
from app.session.session import Session
from app.state.state import StudioState


class Remembering(Engine):
    """Remembers which times were asked for, and which fields were previewed."""

    def __init__(self):
        super().__init__()
        self.times, self.previewed = [], []

    def frame(self, question, control):
        self.times.append(question.time)
        return super().frame(question, control)

    def needs_preview(self, frame, method, field):
        return method.family == "network"

    def preview(self, frame, method, field, control):
        self.previewed.append((frame.slice_key[2], method.name))
        control.progress(0.5, "a preview")
        return super().preview(frame, method, field, control)


def stepped(engine, steps, **choices):
    """Session that has taken some steps and come to rest."""
    session = Session(StudioState(time="2001-01-05T06:00", region="Pacific", **choices), engine)

    async def act():
        session.start([])
        await session.settled()
        for step in steps:
            session.step(step)
            await session.settled()

    asyncio.run(act())
    return session


def test_nothing_is_read_before_the_first_step(globe, models):
    engine = Remembering()
    stepped(engine, [])
    assert set(engine.times) == {"2001-01-05T06:00"}


@pytest.mark.parametrize(("step", "following"), [(1, "2001-01-05T12:00"), (-1, "2001-01-05T00:00")])
def test_the_next_time_is_read_and_previewed_in_the_direction_of_the_step(globe, models, step, following):
    engine = Remembering()
    session = stepped(engine, [step])
    assert engine.times[-1] == following
    ahead = {name for time, name in engine.previewed if time == following}
    assert ahead == {"srgan-4x-mse", "srgan-4x-atmodist"}
    assert session.comparison.question.time != following, "what is on show is what was asked for"


def test_the_page_goes_on_saying_that_all_results_are_there(globe, models, monkeypatch):
    monkeypatch.setattr("app.compute.control.PROGRESS_INTERVAL_S", 0.0)
    engine = Remembering()
    session = stepped(engine, [1])
    assert any(time == "2001-01-05T12:00" for time, _ in engine.previewed)
    assert session.activity.startswith("All results in float32")


def test_other_views_do_not_look_ahead(globe, models):
    engine = Remembering()
    stepped(engine, [1], view="spectra")
    assert engine.times[-1] == "2001-01-05T09:00"


def test_nobody_is_kept_waiting_by_it(globe, models, monkeypatch):
    engine = Remembering()
    monkeypatch.setattr(Remembering, "waiting", 1)
    stepped(engine, [1])
    assert not {name for time, name in engine.previewed if time == "2001-01-05T12:00"}


def test_at_the_end_there_is_no_next_time(globe, models):
    engine = Remembering()
    session = stepped(engine, [100])
    assert engine.times[-1] == session.data.time_texts[-1]
