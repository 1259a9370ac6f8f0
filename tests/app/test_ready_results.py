"""What the browser gets with the page: what is in memory already, and nothing that would have to be computed."""

import asyncio

from app.compute.comparison import EXACT
from app.compute.engine import Engine
from app.page.cache_warmup import show_ready
from app.session.session import Session
from app.state.state import StudioState
from app.views.maps.view import MapsView
from tests.app.conftest import settled_session


class Idle(Engine):
    """An engine that must not read or compute anything new."""

    def _read_slice(self, question, control):
        raise AssertionError("a page reads no fields while it is built")


def test_the_first_page_of_a_server_waits_for_nothing(globe, models):
    session = Session(StudioState(), Idle())
    show_ready(session, ["A sentence about the link."])
    assert session.data is None and session.comparison is None
    assert [message.text for message in session.messages if message.key == "link"] == [
        "A sentence about the link."
    ]


def test_results_in_memory_come_with_the_page_and_are_not_replaced(globe, models, engine):
    first = settled_session(engine, region="Pacific")
    session = Session(StudioState(region="Pacific"), engine)
    show_ready(session, [])
    known = session.comparison
    assert set(known.answers) == set(first.comparison.answers)
    assert all(answer.quality == EXACT for answer in known.answers.values())
    assert session.data is not None and not known.complete and not session.busy
    drawn = MapsView(session)._cards["truth"].map.source.data["image"]

    async def steps():
        session.start()
        await session.settled()
        session.close()

    assert len(drawn) == 1
    asyncio.run(steps())
    assert session.comparison.complete and session.comparison.truth is known.truth
    assert set(session.comparison.scores) == set(known.answers)


def test_a_time_that_is_not_in_memory_is_left_to_the_computation(globe, models, engine):
    settled_session(engine, region="Pacific")
    session = Session(StudioState(time="2001-01-05T06:00"), engine)
    engine._read_slice = None
    show_ready(session, [])
    assert session.data is not None and session.comparison is None


def test_notes_of_a_link_are_kept_when_the_page_starts(globe, models, engine):
    settled_session(engine)
    session = Session(StudioState(time="1999-01-01T00:00"), engine)
    show_ready(session, ["A sentence about the link."])

    async def steps():
        session.start()
        await session.settled()
        session.close()

    asyncio.run(steps())
    (text,) = [message.text for message in session.messages if message.key == "link"]
    assert text.startswith("A sentence about the link.") and "1999" in text
