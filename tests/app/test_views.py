"""What the views draw, without a browser: pictures, scales, scores, and figures updated in place."""

import asyncio
from dataclasses import replace
from html import escape

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute.colour_limits import coarse_difference, difference_limit, ends, field_limit
from app.compute.comparison import SCORE_NAMES, Scores, best_of
from app.export.comparison import maps_numbers
from app.session.session import Session
from app.state.state import StudioState
from app.theme.theme import DARK, LIGHT
from app.views.maps import pixels, scores
from app.views.maps.map_figure import MOST_COLUMNS, MOST_ROWS, SharedMap
from app.views.maps.painter import Painter
from app.views.maps.pixels import Viewport, centred_longitude, edges, picture
from app.views.maps.view import MapsView
from app.views.shared.axes import set_range
from app.views.shared.colour_bar import colour_bar_html
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.plots.look.palettes import BALANCE, interpolated
from atmodist_core.plots.look.style import colour_map, theme_of
from atmodist_core.plots.look.units import field_unit
from tests.app.conftest import settled_session

LATITUDE, LONGITUDE = 59.5 - np.arange(20), -9.5 + np.arange(30)
VIEW = Viewport(-10, 20, 40, 60, 300, 200)


def test_native_pixels_are_the_grid_points_from_the_south():
    values = np.arange(600, dtype=np.float32).reshape(20, 30)
    drawn = picture(values, LATITUDE, LONGITUDE, VIEW, "native")
    np.testing.assert_array_equal(drawn.image, values[::-1])
    assert (drawn.west, drawn.south, drawn.width, drawn.height) == (-10, 40, 30, 20)
    assert drawn.statement == "native grid points, 10 screen pixels wide"


def test_too_many_native_points_for_the_screen_are_said():
    values = np.zeros((20, 30), np.float32)
    drawn = picture(values, LATITUDE, LONGITUDE, Viewport(-10, 20, 40, 60, 15, 10), "native")
    assert "2 per screen pixel: not all can be seen" in drawn.statement


def test_the_mean_per_pixel_is_a_mean_and_says_so():
    random = np.random.default_rng(0).normal(size=(200, 300)).astype(np.float32)
    latitude, longitude = 59.95 - 0.1 * np.arange(200), -9.95 + 0.1 * np.arange(300)
    drawn = picture(random, latitude, longitude, Viewport(-10, 20, 40, 60, 30, 20), "mean")
    blocks = random.reshape(20, 10, 30, 10).mean(axis=(1, 3))
    np.testing.assert_allclose(drawn.image, blocks[::-1], atol=1e-5)
    assert "mean of 10 × 10 grid points" in drawn.statement and "hides smaller scales" in drawn.statement


def test_the_mean_says_when_nothing_is_averaged():
    drawn = picture(np.zeros((20, 30), np.float32), LATITUDE, LONGITUDE, VIEW, "mean")
    assert "nothing is averaged" in drawn.statement


def test_a_panel_too_large_for_the_browser_is_averaged_and_says_why(monkeypatch):
    monkeypatch.setattr(pixels, "MOST_NATIVE_POINTS", 100)
    drawn = picture(np.zeros((20, 30), np.float32), LATITUDE, LONGITUDE, VIEW, "native")
    assert "too many points to draw natively" in drawn.statement


def test_uneven_rows_are_put_where_they_lie():
    latitude = np.rad2deg(np.arcsin(np.linspace(0.95, -0.95, 60)))
    values = np.repeat(latitude[:, None], 64, axis=1).astype(np.float32)
    drawn = picture(values, latitude, 5.625 * np.arange(64), Viewport(0, 360, -90, 90), "native")
    rows = drawn.south + (np.arange(len(drawn.image)) + 0.5) * drawn.height / len(drawn.image)
    nearest = latitude[np.abs(rows[:, None] - latitude[None, :]).argmin(axis=1)]
    assert len(rows) > 60
    assert np.abs(drawn.image[:, 0] - nearest).mean() < 0.2


def test_gaussian_rows_of_a_fine_grid_are_even_enough():
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(32)[0][::-1]))
    drawn = picture(np.zeros((32, 64)), latitude, 5.625 * np.arange(64), Viewport(0, 360, -90, 90), "native")
    assert drawn.image.shape == (32, 64)


def test_a_globe_begins_at_the_date_line():
    longitude = 0.25 + 0.5 * np.arange(720)
    shifted = centred_longitude(longitude)
    assert shifted[0] == -179.75 and (np.diff(shifted) == 0.5).all()
    values = np.arange(720.0)[None, :].repeat(2, axis=0)
    fields = xr.Dataset(coords={"latitude": [45.0, -45.0], "longitude": longitude})
    rolled, _, again = pixels.centred(values, fields)
    np.testing.assert_array_equal(again, shifted)
    np.testing.assert_allclose(0.25 + 0.5 * rolled[0], shifted % 360)
    np.testing.assert_array_equal(centred_longitude(LONGITUDE), LONGITUDE)


def test_edges_end_at_the_poles():
    latitude = np.linspace(90, -90, 181)
    west, south, width, height = edges(latitude, np.arange(360.0))
    assert (west, south, width, height) == (-0.5, -90, 360, 180)


def test_maps_are_drawn_without_coast_where_the_files_are_missing(monkeypatch, caplog):
    def missing(*_args, **_options):
        raise ad.UserError("Expected the file coastlines.npz, found none; copy it.")

    monkeypatch.setattr("app.views.maps.map_figure.coastline_of", missing)
    shared = SharedMap()
    shared.show_area(xr.Dataset(coords={"latitude": LATITUDE, "longitude": LONGITUDE}))
    assert (shared.x_range.start, shared.y_range.end) == (-10, 60)
    assert len(shared.coast.data["xs"][0]) == 0 and len(shared.cities.data["city"]) == 0
    assert "coastlines.npz" in caplog.text


def test_colours_run_from_end_to_end_through_the_page():
    for theme, background in ((LIGHT, 0xF1), (DARK, 0x1C)):
        colours = colour_map(True, theme)
        middle = int(colours[128][1:3], 16)
        assert len(colours) == 256 and abs(middle - background) < 12
    assert interpolated(BALANCE, 33) == BALANCE


def test_best_is_smallest_and_for_energy_closest_to_one():
    found = best_of(
        {
            "a": Scores(1.0, 0.5, 0.5, 3.0),
            "b": Scores(2.0, 0.1, 1.9, 3.0),
            "c": Scores(3.0, float("nan"), 0.1, 4.0),
        }
    )
    assert found == {"rmse": {"a"}, "atmodist": {"b"}, "energy_ratio": {"b"}, "wasserstein": {"a", "b"}}
    assert best_of({"a": Scores(1, 1, 1, 1)})["rmse"] == set(), "alone, it is best at nothing"


def test_scores_are_shown_in_the_unit_of_display_with_a_definition_each():
    best = {"rmse": {"mine"}, "atmodist": set(), "energy_ratio": set(), "wasserstein": set()}
    row = scores.score_html(
        Scores(1.234e-5, float("nan"), 0.912, 2e-6, note="The region is too small."),
        best,
        "mine",
        field_unit("vorticity"),
    )
    assert ">1.23<" in row and ">0.91<" in row and ">0.2<" in row
    assert "The region is too small." in row and "–" in row
    assert row.count('class="score best"') == 1 and "Best here." in row
    for name in SCORE_NAMES:
        assert escape(MEASURES[name].definition) in row
    assert scores.score_html(None, best, "mine", field_unit("vorticity")).count("…") >= 4


def test_the_colour_bar_names_its_ends():
    bar = colour_bar_html([("Vorticity", colour_map(True, LIGHT), -7.5, 7.5)])
    assert "−7.5" in bar and "7.5" in bar and "linear-gradient" in bar


@pytest.fixture
def compared(globe, models, engine):
    session = settled_session(engine, region="Pacific")
    session._started = False  # choices made in these tests change what is drawn, and need no computing
    return session


def test_scales_are_symmetric_and_do_not_depend_on_the_methods(compared):
    comparison = compared.comparison
    limit = field_limit(comparison)
    values = np.abs(comparison.values("truth")) * 1e5
    assert np.mean(values <= limit) >= 0.99 and np.mean(values <= 0.8 * limit) < 0.99
    assert ends(limit, "vorticity") == (-limit, limit) and ends(limit, "wind_speed") == (0, limit)
    difference = coarse_difference(comparison)
    blocks = difference.reshape(difference.shape[0] // 4, 4, -1, 4).mean(axis=(1, 3))
    assert np.abs(blocks).max() < 0.2 * np.abs(difference).max()
    assert difference_limit(comparison) > 0


def test_maps_show_the_values_of_the_comparison(compared):
    view = MapsView(compared)
    cards = view._cards
    assert list(cards) == ["coarse", "bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist", "truth"]
    for name, card in cards.items():
        drawn = card.map.source.data["image"][0]
        np.testing.assert_allclose(drawn[::-1], compared.comparison.values(name) * 1e5, rtol=1e-6)
        assert "waiting" not in card.view.css_classes
    one, other = cards["truth"].map.figure, cards["bicubic"].map.figure
    assert one.x_range is other.x_range and one.y_range is other.y_range
    assert "float32" in cards["srgan-4x-mse"]._header.object
    assert "simulated" in cards["truth"]._header.object


def test_a_date_changes_the_pictures_and_not_the_figures_or_the_zoom(globe, models, engine):
    async def steps():
        session = Session(StudioState(region="Pacific"), engine)
        view = MapsView(session)
        session.start([])
        await session.settled()
        truth = view._cards["truth"].map
        figure, before = truth.figure, truth.source.data["image"][0].copy()
        truth.figure.x_range.start = 130.0
        session.state.time = "2001-01-06T09:00"
        await session.settled()
        assert truth.figure is figure and truth.figure.x_range.start == 130.0
        assert not np.array_equal(truth.source.data["image"][0], before)
        session.state.region = "Globe"
        await session.settled()
        assert (truth.figure.x_range.start, truth.figure.x_range.end) == (-181.25, 178.75)
        session.close()

    asyncio.run(steps())


def test_the_difference_is_method_minus_truth(compared):
    view = MapsView(compared)
    compared.state.show = "difference"
    comparison = compared.comparison
    drawn = view._cards["bicubic"].map.source.data["image"][0][::-1]
    expected = (comparison.values("bicubic") - comparison.values("truth")) * 1e5
    np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=1e-5)
    truth = view._cards["truth"].map.source.data["image"][0][::-1]
    np.testing.assert_allclose(truth, comparison.values("truth") * 1e5, rtol=1e-6)
    assert view._difference_scale.low == -view._difference_scale.high
    assert view._cards["truth"].map._image.glyph.color_mapper is view._field_scale
    assert view._cards["bicubic"].map._image.glyph.color_mapper is view._difference_scale


def test_a_fixed_scale_begins_with_the_present_one_and_stays(compared):
    view = MapsView(compared)
    high = view._field_scale.high
    compared.state.scale = "fixed"
    assert compared.state.limit == high
    compared.state.limit = 3.0
    assert (view._field_scale.low, view._field_scale.high) == (-3.0, 3.0)
    compared.state.scale = "quantile"
    assert compared.state.limit is None and view._field_scale.high == high


def test_the_swipe_holds_both_fields(compared):
    view = MapsView(compared)
    assert view._swipe is None
    compared.state.param.update(layout="swipe", left="bicubic", right="truth")
    left = view._swipe.map.source.data["image"][0]
    right = view._swipe._full.data["image"][0]
    np.testing.assert_allclose(left[::-1], compared.comparison.values("bicubic") * 1e5, rtol=1e-6)
    np.testing.assert_allclose(right[::-1], compared.comparison.values("truth") * 1e5, rtol=1e-6)
    assert not view._grid.visible and view._grid.styles == {"display": "none"}
    compared.state.layout = "panels"
    assert view._grid.visible and view._grid.styles == {}


def test_the_theme_reaches_the_figures(compared):
    view = MapsView(compared)
    compared.state.theme = DARK
    assert view._cards["truth"].map.figure.border_fill_color == theme_of(DARK).surface
    assert list(view._field_scale.palette) == list(colour_map(True, DARK))


def test_the_visible_area_becomes_the_region(compared):
    view = MapsView(compared)
    set_range(view._shared.x_range, 150.0, 210.04)
    set_range(view._shared.y_range, -20.0, 20.0)
    view._region_from_view()
    assert compared.state.region == "-20,20,150,210"
    set_range(view._shared.x_range, 150.0, 210.0)
    set_range(view._shared.y_range, 95.0, 105.0)
    view._region_from_view()
    assert compared.state.region == "-20,20,150,210"
    assert [message.key for message in compared.messages] == ["region"]


def test_a_picture_is_sent_once(compared, monkeypatch):
    view = MapsView(compared)
    sent = []
    monkeypatch.setattr("app.views.maps.painter.picture", lambda *a: sent.append(1))
    view._update()
    assert sent == []


def test_the_painter_knows_the_size_of_a_map(compared):
    view = MapsView(compared)
    one = view._cards["truth"].map
    assert Painter(view._shared).viewport(one).columns is None
    view._probe.param.update(columns=350, rows=226)
    assert one.pixels == (300, 200)
    assert Painter(view._shared).viewport(one).degrees_per_pixel == pytest.approx(
        (view._shared.x_range.end - view._shared.x_range.start) / 300
    )


def test_a_transect_shows_the_fields_of_the_comparison(compared):
    view = MapsView(compared)
    card = view._transect
    assert not card._content.visible and view._shared.line.data["xs"] == []
    view._on_drawn("line", (150.0, 170.0), (-20.0, 10.0))
    assert compared.state.transect == "-20.00,150.00,10.00,170.00" and card._content.visible
    names = {"truth", "coarse input", "bilinear", "bicubic", "MSE GAN", "AtmoDist GAN"}
    assert {label for label in card.plot.labels if card.plot.renderer(label).visible} == names
    first = compared.comparison.truth["vorticity"].isel(time=0).interp(latitude=-20.0, longitude=150.0)
    assert card.plot.source("truth").data["value"][0] == pytest.approx(float(first) * 1e5, rel=1e-4)
    (x,), (y,) = (view._shared.line.data[axis] for axis in ("xs", "ys"))
    assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((150, -20, 170, 10))
    figure, before = card.plot.figure, card.plot.source("truth").data["value"]
    compared.comparison = replace(
        compared.comparison, question=replace(compared.comparison.question, field="divergence")
    )
    assert card.plot.figure is figure and not np.array_equal(card.plot.source("truth").data["value"], before)
    assert figure.yaxis.axis_label == "divergence [10⁻⁵ s⁻¹]"
    tables = maps_numbers(compared).datasets["transect"]
    np.testing.assert_allclose(
        tables["value"].sel(model="truth") * 1e5, card.plot.source("truth").data["value"], rtol=1e-5
    )
    view._on_drawn("line", (150.0, 150.0), (0.0, 0.0))
    assert "at least 10 km" in compared.messages[-1].text
    compared.state.transect = "60,0,50,10"
    assert "within the data" in card._head.object and not card._box.visible
    compared.state.transect = ""
    assert not card._content.visible and view._shared.line.data["xs"] == []


def test_a_box_in_a_projection_becomes_the_region_around_it(compared):
    view = MapsView(compared)
    compared.state.projection = "polar-stereographic"
    map_ = view._shared.projection
    assert not map_.is_plane and not view._cards["truth"].map.figure.xaxis.visible
    image = view._cards["truth"].map.source.data["image"][0]
    assert np.isnan(image).any() and np.isfinite(image).mean() > 0.2
    x, y = map_.forward(np.array([160.0, 200.0]), np.array([20.0, 20.0]))
    view._on_drawn("box", (x[0], x[1]), (y.min() - 3e5, y.max() + 3e5))
    south, north, west, east = map(float, compared.state.region.split(","))
    assert west < 163 and east % 360 > 197 and south < 20 < north
    compared.state.projection = "orthographic"
    view._on_drawn("box", (9e7, 9.1e7), (9e7, 9.1e7))
    assert "on the map" in compared.messages[-1].text
    view._drawing.drawn.text = '{"kind": "box", "x": ["no"], "y": [1, 2]}'  # forged: nothing happens
    assert compared.state.region == f"{south:g},{north:g},{west:g},{east:g}"


def test_lambert_is_refused_where_it_cannot_be_drawn(compared):
    view = MapsView(compared)
    compared.state.projection = "lambert"
    assert view._shared.projection.is_plane
    assert "Meanwhile the maps are in plate carree." in compared.messages[-1].text
    compared.state.projection = "robinson"
    assert compared.messages == []


def test_messages_show_what_an_address_says_as_text(compared):
    from app.page.status import Messages

    box = Messages(compared)
    compared.set_message("link", "warning", "The link asks for <img src=x onerror=alert(1)>.")
    (alert,) = box._content.objects
    assert "<img" not in alert.objects[0].object and "&lt;img" in alert.objects[0].object
    alert.closed = True
    assert compared.messages == []


def test_a_small_region_is_refused_in_words(compared):
    assert isinstance(ad.REGIONS["Europe"], ad.Region)
    view = MapsView(compared)
    set_range(view._shared.x_range, -200.0, 300.0)
    set_range(view._shared.y_range, -30.0, 30.0)
    view._region_from_view()
    assert compared.state.region == "-30,30,0,360"


def test_a_forged_size_of_the_browser_draws_no_huge_picture(compared):
    view = MapsView(compared)
    view._probe.param.update(columns=8000, rows=1_000_000)
    columns, rows = view._cards["truth"].map.pixels
    assert 0 < columns <= MOST_COLUMNS and 0 < rows <= MOST_ROWS
