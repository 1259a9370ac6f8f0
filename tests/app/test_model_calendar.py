"""Data of a calendar of 360 days on the page: its own dates are shown and chosen."""

import asyncio

import numpy as np
import pytest
from PIL import Image

from app.compute.control import Control
from app.export.files import file_of, numbers_shown, recipe_of
from app.export.movies import _frames, order_movie
from app.page.time_control import TimeControl
from app.views.cities.city_card import period_text
from app.views.cities.globe_card import GlobeCard
from app.views.distances.distance_tables import methods_html
from app.views.distances.view import DistancesView
from app.views.maps.view import MapsView
from app.views.shared.period_control import PeriodControl
from app.views.spectra.view import SpectraView
from atmodist_core.features.strongest import patch_text
from atmodist_core.figures.movies.study_movie import write_study_movie
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.request import FigureRequest
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


EXPORTED = ("maps", "spectra", "distances", "cities", "features")


@pytest.fixture
def on_the_30th_of_february(climate_model, models, engine):
    """A session of every view at the seventh time, which is three and a half days after the first."""

    def open_view(view, **choices):
        chosen = {"time": "2015-03-02T12:00", "region": "Globe", "methods": ["bicubic"]}
        return settled_session(engine, data_set="model.nc", view=view, **{**chosen, **choices})

    return open_view


WRONG = "2015-03-02 12:00"
RIGHT = "2015-02-30 12:00 of the model"
WHOLE = "2015-02-27 00:00 of the model to 2015-03-02 12:00 of the model, 12 times"


def test_spectra_and_globe_show_the_date_of_the_model(on_the_30th_of_february):
    session = on_the_30th_of_february("spectra")
    legend = str(SpectraView(session)._legend.object)
    assert RIGHT in legend and WRONG not in legend and "UTC" not in legend
    session = on_the_30th_of_february("cities", cities=["Seattle"])
    card = GlobeCard(session)
    card.show_field(session.results["cities"].globe_field)
    assert RIGHT in card._over.object and RIGHT in card.globe.label
    assert "UTC" not in card._over.object and WRONG not in card._over.object
    series = session.results["cities"].series
    assert period_text(series) == "12 times, 2015-02-27 00:00 to 2015-03-02 12:00 of the model"


def test_distances_and_features_show_the_dates_of_the_model(on_the_30th_of_february):
    session = on_the_30th_of_february("distances")
    result = session.results["distances"]
    assert RIGHT in methods_html(result, {})
    view = DistancesView(session)
    assert "2015-02-30T12:00" in view._shared.dates
    assert f"to {RIGHT}" in view._similar._head.object
    assert view._pair._lists[0].options["02-30 12:00"] == "2015-03-02T12:00"
    session = on_the_30th_of_february("features")
    result = session.results["features"]
    assert result.searched == "2015-02-27 00:00 to 2015-03-02 12:00 of the model"
    patches = result.tables["patches"]
    shown = {patch_text(patches.isel(rank=number))[:5] for number in range(patches.sizes["rank"])}
    assert shown <= {f"02-{day}" for day in (27, 28, 29, 30)} | {"03-01", "03-02"}


@pytest.mark.parametrize("view", EXPORTED)
def test_exports_of_page_and_command_have_the_dates_of_the_model(view, on_the_30th_of_february):
    session = on_the_30th_of_february(view)
    shown = numbers_shown(session)
    assert (RIGHT in shown.caption) is (view != "cities") and "UTC" not in shown.caption
    assert (WHOLE in shown.caption) is (view in ("cities", "distances"))
    again = numbers_of(FigureRequest.from_link(recipe_of(session).search))
    # The views of cities say where the values were computed.
    assert again.caption == shown.caption or (view == "cities" and WHOLE in again.caption)
    for numbers in (shown, again):
        timed = [table for table in numbers.datasets.values() if "time" in table.dims]
        assert all("model_date" in table.coords for table in timed)
        assert bool(timed) is (view not in ("maps", "features"))
        if timed:
            assert "2015-02-30T12:00" in "".join(numbers.csv().values())
        assert numbers.netcdf() and file_of(numbers, "png")


def test_frames_of_a_movie_have_the_dates_of_the_model(on_the_30th_of_february, tmp_path):
    session = on_the_30th_of_february("maps", period="2015-03-02T00:00/2015-03-03T00:00")
    order = order_movie(session, "gif")
    frames = list(_frames(order, Control()))
    assert [frame.title for frame in frames] == [
        "2015-02-30 00:00 of the model",
        RIGHT,
        "2015-03-01 00:00 of the model",
    ]
    assert "2015-02-30 00:00 of the model to 2015-03-01 00:00 of the model, 3 times" in order.caption
    out = tmp_path / "movie.gif"
    request = FigureRequest.from_link(recipe_of(session).search)
    # The period of the link, and one given by dates of the model.
    for dates, count in (({}, 3), ({"start": "2015-02-30", "end": "2015-02-30"}, 2)):
        write_study_movie(request, out, **dates)
        with Image.open(out) as file:
            assert file.n_frames == count
