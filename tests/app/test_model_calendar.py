"""Data of a calendar of 360 days on the page: its own dates are shown and chosen."""

import asyncio

import numpy as np
import pytest

from app.page.time_control import TimeControl
from app.views.maps.view import MapsView
from app.views.shared.period_control import PeriodControl
from tests.app.conftest import settled_session


@pytest.fixture
def climate_model(tmp_path, monkeypatch, globe):
    """Twelve times, half a day apart, from 27 February to 2 March: this calendar has a 30 February."""
    days = {"units": "days since 2015-02-27 00:00:00", "calendar": "360_day"}
    fields = globe.assign_coords(time=("time", 0.5 * np.arange(12), days)).assign_attrs(simulated=0)
    (tmp_path / "data").mkdir()
    fields.to_netcdf(tmp_path / "data" / "model.nc")
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "data"))


def test_the_30th_of_february_can_be_chosen(climate_model, models, engine):
    session = settled_session(engine, data_set="model.nc", view="maps", region="Europe", methods=["bicubic"])
    control, view, period = TimeControl(session, 260), MapsView(session), PeriodControl(session)
    assert control._model_day.visible and not control._date.visible
    assert control._model_day.options == [f"2015-02-{day}" for day in (27, 28, 29, 30)] + [
        "2015-03-01",
        "2015-03-02",
    ]
    assert control._model_day.value == "2015-02-27" and control._hour.options == ["00:00", "12:00"]
    assert "2015-02-27 00:00 to 2015-03-02 12:00" in period._text.object

    async def choose(widget, value):
        widget.value = value
        await session.settled()

    asyncio.run(choose(control._hour, "12:00"))
    asyncio.run(choose(control._model_day, "2015-02-30"))
    # In the address are times as far apart as in the model: three and a half days after the first.
    assert session.state.time == "2015-03-02T12:00"
    assert session.state.time == session.data.time_texts[7] and control._hour.value == "12:00"
    heads = " ".join(str(card._header.object) for card in view._cards.values())
    assert "2015-02-30 12:00 of the model" in heads and "UTC" not in heads

    async def step():
        session.step(2)
        await session.settled()

    asyncio.run(step())
    assert control._model_day.value == "2015-03-01" and control._hour.value == "12:00"


def test_other_data_keep_the_date_picker(globe, models, engine):
    session = settled_session(engine, view="maps", region="Europe", methods=["bicubic"])
    control = TimeControl(session, 260)
    assert control._date.visible and not control._model_day.visible
    assert session.data.date_texts == session.data.time_texts
    assert control._hour.value == session.state.time[11:]
