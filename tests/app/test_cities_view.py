"""The view Cities without a browser: what is computed, what is stored, what is shown."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute.catalogue import list_methods
from app.compute.city_values import values_at_cities
from app.compute.comparison import Question
from app.compute.control import Control
from app.page.keyboard import press
from app.session.city_work import chosen_file
from app.session.session import Session
from app.state.city_choices import fit_cities
from app.state.state import StudioState
from app.views.cities.view import MOST_CARDS, CitiesView, city_marks
from atmodist_core.evaluation.results.city_file import write_city_values
from atmodist_core.figures.numbers.cities import sample_of
from atmodist_core.figures.numbers.city_areas import area_around
from atmodist_core.figures.numbers.city_store import stored_files
from tests.app.conftest import TIMES, settled_session

QUESTION = Question("demo", "", "2001-01-05T00:00", "Globe", "vorticity")


@pytest.fixture
def cities(globe, models, engine):
    session = settled_session(engine, view="cities", sample=3)
    session._started = False  # choices made in these tests change what is shown, and need no computing
    return session


def settle(session):
    """Choose again and wait, within an event loop."""

    async def start():
        session._started = True
        session._schedule()
        await session.settled()
        session._started = False

    asyncio.run(start())


def test_series_grow_over_times_spread_over_the_period(cities):
    result = cities.results["cities"]
    assert (result.done, result.wanted, result.stored) == (3, 3, False)
    assert list(result.series["model"].values) == [
        "truth",
        "bilinear",
        "bicubic",
        "srgan-4x-mse",
        "srgan-4x-atmodist",
    ]
    np.testing.assert_array_equal(result.series["time"].values, TIMES[[0, 2, 7]])
    assert result.series.sizes["city"] == 150
    truth = sample_of(result.series, "truth", "Seattle", "vorticity", 1)
    at = ad.open_demo()["vorticity"].sel(latitude=47.61, longitude=237.67, method="nearest")
    np.testing.assert_allclose(truth[:, 0], at.isel(time=[0, 2, 7]).values)
    assert "float32" in cities.activity


def test_only_methods_that_are_shown_or_compared_are_computed(globe, models, engine):
    session = settled_session(engine, view="cities", sample=1, methods=["bicubic"], baseline="bicubic")
    names = ["truth", "bicubic", "srgan-4x-atmodist"]
    assert list(session.results["cities"].series["model"].values) == names
    session._started = False
    session.state.baseline = "srgan-4x-mse"
    settle(session)
    assert list(session.results["cities"].series["model"].values) == [*names[:2], "srgan-4x-mse", names[2]]


def test_around_a_city_the_values_are_those_of_the_whole_globe(globe, models, engine):
    methods = list_methods()[0]
    table = ad.cities()
    some = table[table["name"].isin(["Seattle", "Sydney", "Lima", "Dublin"])]
    whole = values_at_cities(engine, QUESTION, methods, some, Control(), whole=True)
    around = values_at_cities(engine, QUESTION, methods, some.assign(population=0), Control(), whole=False)
    for method in methods:
        if method.family == "network":
            np.testing.assert_allclose(around[method.name], whole[method.name], rtol=2e-3, atol=2e-8)


def test_the_area_around_a_city_crosses_greenwich_and_stops_at_the_pole(globe):
    coarse = ad.coarsen(globe.isel(time=[0]), factor=4)
    row = ad.cities().iloc[[0]]
    west = area_around(coarse, row.assign(latitude=51.0, longitude=359.9))
    assert west.west < 0 < west.east and west.contains(51.0, 359.9)
    assert area_around(coarse, row.assign(latitude=89.0)).north == 90.0


def test_a_stopped_computation_says_so_and_keeps_what_is_there(globe, models, engine):
    control = Control()
    control.cancel()
    with pytest.raises(ad.Cancelled):
        values_at_cities(engine, QUESTION, list_methods()[0], ad.cities(), control, whole=True)


def test_only_the_selected_cities_are_computed_when_asked(globe, models, engine):
    session = settled_session(engine, view="cities", sample=2, reach="selected", cities=["Seattle", "Sydney"])
    result = session.results["cities"]
    assert set(result.series["city"].values) == {"Seattle", "Sydney"}
    assert "selected cities only" in result.basis


def test_stored_values_are_taken_where_they_fit(cities, tmp_path, monkeypatch):
    import shutil
    from pathlib import Path

    folder = tmp_path / "assets"
    (folder / "results").mkdir(parents=True)
    real = Path(ad.__file__).resolve().parents[1] / "assets" / "geography"
    (folder / "geography").symlink_to(real)
    series = cities.results["cities"].series
    write_city_values(series, folder / "results" / "demo_cities.nc")
    (folder / "results" / "other.nc").write_text("nothing of ours")
    monkeypatch.setenv("ATMODIST_ASSETS", str(folder))
    assert list(stored_files()) == ["demo_cities.nc"]
    assert chosen_file(cities.request()).name == "demo_cities.nc"
    settle(cities)
    result = cities.results["cities"]
    assert result.stored and result.done == 3 and "Stored" in result.basis
    view = CitiesView(cities)
    assert view._choices["sample"].widget.disabled
    cities.state.basis = "computed"
    assert chosen_file(cities.request()) is None
    cities.state.param.update(basis="", data_set="other")
    assert chosen_file(cities.request()) is None
    shutil.rmtree(folder)


def test_methods_stand_in_one_order_whatever_that_of_the_file(cities):
    result = cities.results["cities"]
    turned = replace(result, series=result.series.isel(model=slice(None, None, -1)))
    assert turned.methods == result.methods == ["bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"]


def test_the_view_shows_the_selected_city_and_the_table(cities):
    view = CitiesView(cities)
    card = view._cards[0]
    assert (
        "Seattle" in card._head.object
        and "47.6°N 122.3°W" in card._head.object
        and "3 times" in card._head.object
    )
    assert (
        "n = 27<" in card._titles["divergence", 3].object and "n = 3<" in card._titles["vorticity", 1].object
    )
    for figure in card._figures.values():
        shown = {name for name in figure.plot.labels if figure.plot.renderer(name).visible}
        methods = {"truth", "bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"}
        assert shown == {*methods, "2 and 98 % of the truth"}
        source = figure.plot.source("truth").data
        assert np.trapezoid(source["shown"], source["value"]) == pytest.approx(1.0)
        assert (np.asarray(source["density"]) > 0).all(), "a logarithm has no place for zero"
        assert not figure.figure.legend, "lines have their names in the table"
        names = {figure.plot.renderer(name).name for name in methods}
        assert "Bicubic" in names and all(name[0].isupper() for name in names), (
            "tooltips have the page's names"
        )
    assert card._table.object.count("<tr>") == 6 and "98 %" in card._table.object
    assert len(view._table.rows) == 150 and len(view._table.columns) == 7
    seattle = next(row for row in view._table.rows if row[0] == "Seattle")
    assert all(number > 0 for number in seattle[2:6]) and seattle[6] in ("better", "equal", "worse")
    assert "of 150 cities" in view._totals.object and "chance" in view._totals.object


def test_totals_are_those_of_the_table_and_of_the_globe(cities):
    view = CitiesView(cities)
    words = [row[-1] for row in view._table.rows]
    for word in ("better", "equal", "worse"):
        assert f"{words.count(word)} {word}" in view._totals.object
    shapes = [mark[0] for mark in view._globe.globe.marks]
    assert shapes.count("up") == words.count("better") and shapes.count("down") == words.count("worse")


def test_selecting_on_the_globe_in_the_table_or_by_name_is_one_selection(cities):
    view = CitiesView(cities)
    view._globe.globe.selected = ["Sydney"]
    assert (
        cities.state.cities == ["Sydney"]
        and view._search.selected == ["Sydney"]
        and view._table.selected == ["Sydney"]
    )
    assert "Sydney" in view._cards[0]._head.object
    view._search.selected = ["Sydney", "Seattle"]
    assert view._globe.globe.selected == ["Sydney", "Seattle"] and len(view._stack.objects) == 2
    assert view._globe.globe.longitude == pytest.approx(237.67 - 360, abs=0.01), (
        "found by name, it comes to the front"
    )
    cities.state.cities = [row[0] for row in view._table.rows[:6]]
    assert len(view._stack.objects) == MOST_CARDS and "first 4 of 6" in view._note.object
    cities.state.cities = []
    assert "No city is selected" in view._cards[0]._head.object


def test_box_methods_and_marking_change_what_is_shown(cities):
    view = CitiesView(cities)
    first = [row[2] for row in view._table.rows]
    cities.state.box = "3"
    assert [row[2] for row in view._table.rows] != first and "3 × 3" in view._totals.object
    cities.state.param.update(candidate="bicubic", baseline="bicubic")
    assert "same" in view._totals.object or "0 better" in view._totals.object
    cities.state.marking = "wasserstein"
    colours = {mark[1] for mark in view._globe.globe.marks}
    assert colours == set(city_marks.DISTANCE_COLOURS) and "&gt;" in view._globe._legend.object
    cities.state.theme = "dark"
    assert view._globe.globe.theme == "dark"


def test_the_globe_carries_the_field_its_scale_and_the_region(cities):
    view = CitiesView(cities)
    globe = view._globe.globe
    assert len(globe.field) == globe.rows * globe.columns and globe.high == -globe.low > 0
    assert globe.unit == "10⁻⁵ s⁻¹" and globe.region == [30.0, 75.0, -25.0, 45.0]
    assert "Vorticity" in view._globe._bar.object
    globe._handle_msg({"region": [-10.0, 20.0, 170.0, -150.0]})
    assert cities.state.region == "-10,20,170,-150" and globe.region == [-10.0, 20.0, 170.0, -150.0]
    globe._handle_msg({"region": [95.0, 120.0, 0.0, 10.0]})
    assert any(message.key == "region" for message in cities.messages)
    cities.state.region = "Globe"
    assert globe.region == []


def test_a_method_can_lie_over_the_globe(globe, models, engine):
    session = settled_session(engine, view="cities", sample=1, globe_field="bicubic")
    assert session.results["cities"].globe_field.name == "bicubic"
    session = settled_session(engine, view="cities", sample=1, globe_field="coarse", field="wind_speed")
    shown = session.results["cities"].globe_field
    assert shown.values.shape == (18, 36) and shown.field == "wind_speed"
    view = CitiesView(session)
    assert view.field == "vorticity" and "wind speed is shown on the globe only" in view._note.object


def test_a_limited_area_leaves_the_other_cities_out(globe, models, engine, monkeypatch):
    area = globe.isel(latitude=slice(8, 40), longitude=slice(80, 120)).assign_attrs(grid="limited-area")
    monkeypatch.setattr(ad, "open_demo", lambda: area)
    session = settled_session(engine, view="cities", sample=1, cities=["Seattle", "Sydney"])
    view = CitiesView(session)
    assert "is outside" in view._cards[1]._table.object and "47.6°N" in view._cards[0]._head.object
    assert 0 in view._globe.globe.field and max(view._globe.globe.field) >= 128
    known = [row for row in view._table.rows if row[2] is not None]
    assert 5 < len(known) < 60


def test_a_method_that_fails_is_left_out_in_a_sentence(globe, models, engine, monkeypatch):
    real = engine.downscaler

    def failing(method, precision):
        if method.name == "srgan-4x-mse":
            raise ad.UserError("Expected weights that are whole, found none; take another model.")
        return real(method, precision)

    monkeypatch.setattr(engine, "downscaler", failing)
    session = settled_session(engine, view="cities", sample=2)
    result = session.results["cities"]
    assert "srgan-4x-mse" not in result.methods and "srgan-4x-atmodist" in result.methods
    assert "found none" in CitiesView(session)._note.object


def test_unknown_cities_of_a_link_are_said(globe, models):
    state = StudioState(cities=["Atlantis", "Seattle"])
    values, told = fit_cities(state.cities, state.candidate, state.baseline, ["bicubic", "srgan-4x-mse"])
    assert values["cities"] == ["Seattle"] and "Atlantis" in told[0]
    assert values["candidate"] == "srgan-4x-mse" and "baseline" not in values


def test_the_link_restores_the_choices(globe, models):
    state = StudioState(
        view="cities",
        cities=["Sydney", "São Paulo"],
        box="3",
        candidate="bicubic",
        sample=60,
        reach="selected",
    )
    again = StudioState()
    assert again.read_query(state.to_query()) == []
    for name in ("view", "cities", "box", "candidate", "sample", "reach"):
        assert getattr(again, name) == getattr(state, name)


def test_the_slash_finds_a_city(cities):
    cities.state.view = "maps"
    press(cities, "/")
    assert cities.state.view == "cities"
    view = CitiesView(cities)
    before = view._search.focused
    press(cities, "/")
    assert view._search.focused == before + 1 > 0


def test_the_export_holds_what_is_shown_and_draws_it(cities):
    from app.export.cities import cities_numbers
    from atmodist_core.figures import figure_bytes
    from atmodist_core.figures.views import figure_of

    numbers = cities_numbers(cities)
    values = numbers.datasets["values"]
    assert list(values["city"].values) == ["Seattle"] and values.sizes["time"] == 3
    words = [row[-1] for row in CitiesView(cities)._table.rows]
    assert int((numbers.datasets["verdict"]["verdict"] == 1).sum()) == words.count("better")
    assert "10 %" in numbers.caption and "3 times" in numbers.caption and "Computed here" in numbers.caption
    assert figure_bytes(figure_of(numbers), "png")[:4] == b"\x89PNG"
    assert len(numbers.netcdf()) > 10_000 and "Seattle" in "".join(numbers.csv().values())


def test_without_the_page_the_numbers_are_the_same(cities):
    from app.export.cities import cities_numbers
    from atmodist_core.figures.numbers.compute import numbers_of
    from atmodist_core.figures.numbers.request import FigureRequest

    shown = cities_numbers(cities)
    names = tuple(str(name) for name in shown.datasets["distances"]["model"].values)
    request = FigureRequest(
        view="cities", methods=names, cities=("Seattle",), region="Globe", others={"sample": "3"}
    )
    again = numbers_of(request)
    for table in ("values", "distances", "verdict"):
        xr.testing.assert_allclose(again.datasets[table], shown.datasets[table], rtol=1e-4, atol=1e-11)


def test_marks_of_distances_are_classes_of_equal_size():
    own = {f"city {i}": float(i) for i in range(100)}
    limits = city_marks.limits_of(own)
    sizes = np.bincount(np.searchsorted(limits, list(own.values())))
    assert len(sizes) == city_marks.STEPS and sizes.min() >= 19
    table = xr.Dataset()
    assert city_marks.verdict_words(None, "a", "b", "vorticity", 1) == {} and not table.sizes


def test_a_session_without_models_still_compares_interpolations(globe, no_models, engine):
    session = settled_session(engine, view="cities", sample=1)
    assert {session.state.candidate, session.state.baseline} == {"bilinear", "bicubic"}
    assert isinstance(session, Session) and "of 150 cities" in CitiesView(session)._totals.object
