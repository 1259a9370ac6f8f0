"""The view Features without a browser: what it computes is what the library finds, and a tap goes to the patch."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

import atmodist_core as ad
from app.export.files import file_of, numbers_shown, recipe_of
from app.page.keyboard import press
from app.session.takeaways import features_line
from app.state.link import query_of
from app.state.state import StudioState
from app.views.features.patch_sheet import PATCHES, TEXTS
from app.views.features.sensitivity_figure import TRAINED
from app.views.features.view import FeaturesView
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.request import FigureRequest
from tests.app.browsing import opened, seen, served_without_fault, until
from tests.app.conftest import settled_session


def changed(session, **choices):
    async def change():
        session.state.param.update(**choices)
        await session.settled()

    asyncio.run(change())


@pytest.fixture
def session(globe, models, engine):
    return settled_session(engine, view="features", region="Europe", stage="stage1", filter=1)


def test_the_view_finds_what_the_library_finds(session, globe):
    result = session.results["features"]
    assert (
        result.complete
        and result.network == "atmodist-23"
        and result.filters == 4
        and len(result.texts) == 12
    )
    distance = ad.load_distance("atmodist-23")
    patches = ad.features.strongest_patches(distance, globe, filters=[1], layer="stage1")
    np.testing.assert_array_equal(result.tables["patches"]["vorticity"], patches["vorticity"][0])
    places = ad.features.strongest_places(distance, globe, layer="stage1").isel(filter=[1])
    changes = ad.features.exciting_change(distance, globe, places)
    np.testing.assert_array_equal(result.tables["changes"]["divergence"], changes["divergence"][0])
    active = ad.features.activation_map(distance, globe.isel(time=[0]), layer="stage1")
    np.testing.assert_array_equal(result.tables["activation"]["activation"], active[0, 1])
    table = result.tables["sensitivity"]
    gain = ad.features.sensitivity(distance, globe.isel(time=[0]))["gain"].sel(layer="stage1")[0]
    np.testing.assert_allclose(table["gain"].sel(distance="atmodist-23"), gain, rtol=1e-6)
    line = features_line(session)
    assert line.startswith("Filter 1 of stage1: ") and "total wavenumbers below" in line


def test_only_the_map_is_computed_again_at_another_time(session):
    first = session.results["features"]
    changed(session, time="2001-01-05T12:00")
    second = session.results["features"]
    assert second.tables["patches"].identical(first.tables["patches"])
    a, b = (one.tables["activation"]["activation"].values for one in (first, second))
    assert np.abs(a - b).max() > 0
    changed(session, filter=2)
    third = session.results["features"].tables["patches"]
    assert not np.array_equal(third["latitude"], second.tables["patches"]["latitude"])


def test_the_view_shows_what_was_found_and_a_tap_goes_there(session):
    view = FeaturesView(session)
    tables = session.results["features"].tables
    image = view._patches.plot.source(PATCHES).data["image"][0]
    largest = float(np.abs(tables["patches"]["vorticity"]).max())
    assert np.nanmax(np.abs(image)) == pytest.approx(1e5 * largest, rel=1e-5)
    assert "Vorticity [10⁻⁵ s⁻¹]" in view._bars["patches"].object
    assert "Change of vorticity [10⁻" in view._bars["changes"].object
    assert sum(bool(text) for text in view._patches.plot.source(TEXTS).data["text"]) == int(
        np.isfinite(tables["patches"]["activation"]).sum()
    )
    gain = list(view._curve.plot.source(TRAINED).data.values())[1]
    np.testing.assert_allclose(gain, tables["sensitivity"]["gain"].sel(distance="atmodist-23"))
    assert "filter 1 of 4" in view._note.object and "lines at 30, 60 and 90 %" in view._map_head.object
    second = tables["patches"].isel(rank=1)
    session.close()
    view._patches._tapped(SimpleNamespace(x=1.5, y=3.0))
    assert session.state.time == str(second["time"].values.astype("datetime64[m]"))
    south, north, west, east = (float(edge) for edge in session.state.region.split(","))
    assert south < float(second["latitude"]) < north
    assert west < (float(second["longitude"]) - west) % 360 + west < east
    before = session.state.region
    view._patches._tapped(SimpleNamespace(x=None, y=None))
    assert session.state.region == before
    view._show_next()
    assert session.state.filter == 2


def test_choices_are_in_the_link_and_unknown_ones_are_said(session, engine):
    chosen = {"view": "features", "network": "atmodist-23", "stage": "stage3", "filter": 3}
    again = StudioState()
    query = StudioState(**chosen).to_query()
    assert again.read_query(query_of("?" + "&".join(f"{key}={value}" for key, value in query.items()))) == []
    assert {name: getattr(again, name) for name in chosen} == chosen
    assert StudioState().read_query({"filter": "-1"})
    lost = settled_session(engine, view="features", network="other", stage="stage9", filter=99)
    assert any("'other' was not found" in message.text for message in lost.messages)
    assert lost.results["features"].filter == 3 and lost.results["features"].layer == "stage2"


def test_figure_and_numbers_are_those_of_the_command(session):
    numbers = numbers_shown(session)
    by_link = numbers_of(FigureRequest.from_link(recipe_of(session).search))
    assert by_link.caption == numbers.caption and "Filter 1 of stage1 of atmodist-23" in numbers.caption
    assert set(by_link.datasets) == set(numbers.datasets)
    for table in ("patches", "activation", "sensitivity"):
        for name, one in numbers.datasets[table].data_vars.items():
            np.testing.assert_allclose(by_link.datasets[table][name], one, rtol=1e-4)
    for kind in ("png", "pdf", "nc", "csv"):
        assert file_of(numbers, kind)[1]


def test_without_a_network_the_view_says_what_to_do(globe, no_models, engine):
    session = settled_session(engine, view="features")
    assert any("Expected a distance network" in message.text for message in session.messages)
    FeaturesView(session)
    with pytest.raises(ad.UserError, match="still being searched"):
        numbers_shown(session)
    session.close()
    press(session, "1")
    press(session, "7")
    assert session.state.view == "features"


@pytest.mark.browser
def test_a_tapped_patch_is_gone_to_in_the_browser(watched, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    (folder / "models").mkdir()
    with served_without_fault(folder, models=folder / "models") as address:
        page = opened(
            watched, f"{address}?view=maps&region=-40,40,150,230&methods=bicubic&time=2001-01-05T00:00"
        )
        page.get_by_role("tab", name="Maps").focus()
        page.keyboard.press("7")
        page.get_by_text("All patches of 24 times").first.wait_for()
        for text in (
            "Strongest patches",
            "What excites the filter",
            "Where it is active",
            "Sensitivity of the distance",
        ):
            seen(page, text)
        seen(page, "Half of the response of the distance")
        before = page.url
        box = page.locator(".features-patches .bk-Figure").bounding_box()
        page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.15 * box["height"])
        until(
            page, lambda: "region=" in page.url and page.url.split("region=")[1] != before.split("region=")[1]
        )
        assert "view=features" in page.url
        page.get_by_role("button", name="Next filter").click()
        until(page, lambda: "filter=1" in page.url)
        assert watched.faults == []
