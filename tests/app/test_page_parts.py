"""Parts of the page without a browser: the list of views, help, tour, export, new choices in the link."""

import asyncio
import inspect

import pytest

import atmodist_core as ad
from app.page.dialogs.export_menu import ExportMenu
from app.page.page import _fill, _frame
from app.page.sidebar import SideBar
from app.page.tour import STEPS, Help, Tour
from app.server.browser_history import BrowserHistory
from app.session.session import Session
from app.state.link import query_of, search_of
from app.state.period import parse_period, period_text, period_times
from app.state.state import StudioState
from app.state.view_registry import VIEW_ENTRIES, VIEWS, load
from app.views.maps.view import MapsView
from tests.app.conftest import run, settled_session


@pytest.mark.parametrize("name", VIEW_ENTRIES)
def test_everything_that_the_list_of_views_names_exists(name):
    entry = VIEW_ENTRIES[name]
    assert callable(load(entry.view)) and callable(load(entry.numbers)) and callable(load(entry.takeaway))
    assert not entry.work or inspect.isgeneratorfunction(load(entry.work))
    assert not entry.idle_work or callable(load(entry.idle_work))
    assert set(entry.parameters) <= set(StudioState.param)
    assert len(entry.help) > 100


def test_the_order_of_the_views_is_that_of_the_keys():
    assert list(VIEWS)[:6] == ["scorecard", "maps", "spectra", "distances", "cities", "models"]


def test_a_view_that_was_in_front_stays_on_the_page(globe, models, engine):
    state = StudioState()
    session = Session(state, engine)
    page = _frame(state)
    _fill(page, session, BrowserHistory())
    (stage,) = [part for part in page.main[0] if "stage" in part.css_classes]
    (maps,) = stage.objects
    state.view = "spectra"
    first, spectra = stage.objects
    assert first is maps and not maps.visible and spectra.visible
    state.view = "maps"
    assert stage.objects == [maps, spectra] and maps.visible and not spectra.visible


def test_the_help_follows_the_view_and_the_tour_can_be_seen_again(globe, models, engine):
    session = Session(StudioState(), engine)
    tour = Tour()
    help_text = Help(session, tour)
    assert "All panels show the same time" in help_text._text.object and not help_text._content.visible
    session.state.view = "distances"
    assert "How different is the atmosphere at two times" in help_text._text.object
    help_text.button.clicks += 1
    assert help_text._content.visible
    help_text._content.objects[1].clicks += 1
    assert tour.started == 1 and len(tour.steps) == len(STEPS) == 5


def test_the_period_is_a_part_of_the_link():
    state = StudioState()
    state.param.update(
        period="2001-01-05T00:00/2001-01-06T00:00", step=3, pair="2001-01-05T00:00/2001-01-05T03:00"
    )
    state.average = "period"
    again = StudioState()
    assert again.read_query(query_of(search_of(state.to_query()))) == []
    for name in ("period", "step", "pair", "average"):
        assert getattr(again, name) == getattr(state, name)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"period": "yesterday"}, "expected a period first/last"),
        ({"period": "2001-01-06/2001-01-05"}, "two dates in order"),
        ({"step": "0"}, "whole number from 1"),
        ({"step": "many"}, "whole number from 1"),
        ({"average": "never"}, "expected time, period"),
    ],
)
def test_bad_values_are_said_and_replaced(query, words):
    state = StudioState()
    (sentence,) = state.read_query(query)
    assert words in sentence
    assert (state.period, state.step, state.average) == ("", 1, "time")


def test_a_period_that_the_data_do_not_hold_is_said_and_left_out(globe, models, engine):
    state = StudioState(methods=["bicubic"])
    problems = state.read_query(
        {"methods": "bicubic", "period": "1990-01-01/1990-02-01", "pair": "1990-01-01T00:00/1990-01-02T00:00"}
    )
    session = run(Session(state, engine), problems=problems)
    (message,) = [message for message in session.messages if message.key == "link"]
    assert "1990-01-01/1990-02-01" in message.text and "1990-01-02T00:00" in message.text
    assert state.period == "" == state.pair


def test_times_of_a_period(globe, models, engine):
    session = settled_session(engine, methods=["bicubic"])
    data, state = session.data, session.state
    assert period_times(state.period, state.step, data).tolist() == list(range(12))
    state.period, state.step = period_text(data.times[2], data.times[8]), 3
    assert period_times(state.period, state.step, data).tolist() == [2, 5, 8]
    with pytest.raises(ad.UserError, match="two dates in order"):
        parse_period("2001-01-06/2001-01-05")


def test_an_export_reaches_the_browser_and_a_failure_is_one_sentence(globe, models, engine):
    session = settled_session(engine, region="Pacific", methods=["bicubic"])
    menu = ExportMenu(session, lambda: "http://here/main?view=maps")

    async def steps():
        await menu.make("csv")
        assert menu._download.filename == "atmodist-maps-csv.zip" and menu._download.content[:2] == b"PK"
        assert menu._download.serial == 1 and "MB" in menu._result.object
        menu._download._handle_msg({"saved": "atmodist-maps-csv.zip"})
        assert menu._download.content is None
        await menu.make("all")
        assert menu._download.filename.endswith(".zip") and b"README.txt" in menu._download.content
        session.comparison = None
        await menu.make("png")
        assert "still being computed" in menu._result.object and menu._download.serial == 2

    asyncio.run(steps())
    menu._open(None)
    assert menu.dialog.open and "atmodist figure --link" in menu._how.object


def test_a_list_does_not_choose_by_itself_what_a_link_asks_for_in_vain(globe, models, engine):
    session = Session(StudioState(data_set="nope", layout="swipe", left="nothing"), engine)
    session.refresh_catalogue()
    for part in (SideBar(session), MapsView(session)):
        part.__panel__().get_root()
    assert (session.state.data_set, session.state.left) == ("nope", "nothing")
