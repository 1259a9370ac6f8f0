"""Maps hold the values of the fields, on one scale, at their places."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.projections import Area, Projection
from atmodist_core.plots.look.units import DisplayUnit
from atmodist_core.plots.map_plots.geography import cities_of, coastline_of
from atmodist_core.plots.map_plots.panels import map_image, maps
from tests.evaluation.mock_fields import area


@pytest.fixture(scope="module")
def demo():
    return ad.open_demo().isel(time=slice(0, 2)).load()


def image_of(panel):
    return next(layer for layer in panel if isinstance(layer, hv.Image | hv.QuadMesh))


def test_all_maps_share_one_scale_and_show_the_values(demo):
    layout = maps(demo, ["bicubic", "bilinear"], region="Europe", time=1)
    assert [panel.label for panel in layout] == ["coarse input", "bicubic", "bilinear", "truth"]
    scales = {hv.Store.lookup_options("bokeh", image_of(panel), "plot").kwargs["clim"] for panel in layout}
    assert len(scales) == 1
    low, high = scales.pop()
    assert low == -high
    truth = ad.REGIONS["Europe"].select(demo.isel(time=1))["vorticity"]
    shown = image_of(list(layout)[-1])
    values = shown.dimension_values("value", flat=False)
    np.testing.assert_allclose(values, truth.values[::-1] * 1e4, rtol=1e-5)  # rows from south to north


def test_differences_are_taken_at_the_same_points(demo):
    panel = maps(demo, {"interpolated": "bicubic"}, region="Pacific", difference=True)
    image = image_of(panel)
    coarse = ad.coarsen(demo.isel(time=[0]), factor=4)
    fine = ad.load_downscaler("bicubic")(coarse)
    longitude, latitude = (
        image.dimension_values("longitude", expanded=False),
        image.dimension_values("latitude", expanded=False),
    )
    expected = (fine - demo.isel(time=[0]))["vorticity"][0].sel(
        latitude=latitude, longitude=longitude % 360, method="nearest", tolerance=1e-3
    )
    unit = float(np.nanmax(np.abs(image.dimension_values("value"))) / np.abs(expected.values).max())
    np.testing.assert_allclose(image.dimension_values("value", flat=False), expected.values * unit, atol=1e-3)


def test_wind_speed_of_a_region_is_that_of_the_globe(demo):
    panel = maps(demo, field="wind_speed", region="Europe")
    expected = ad.evaluation.wind_speed(demo.isel(time=[0])).to_dataset(name="speed")
    expected = ad.REGIONS["Europe"].select(expected)["speed"][0]
    np.testing.assert_allclose(
        image_of(panel).dimension_values("value", flat=False), expected.values[::-1], rtol=1e-5
    )


@pytest.mark.parametrize("projection", ["robinson", "orthographic", "polar-stereographic"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_projection_renders(demo, projection, theme):
    panel = maps(demo, projection=projection, theme=theme, cities=True)
    figure = hv.render(panel)
    assert figure.renderers and figure.frame_width == 330


def test_uneven_latitudes_are_drawn_where_they_lie():
    latitude = np.array([10.0, 6.0, 1.0])
    field = xr.DataArray(
        np.arange(6.0).reshape(3, 2),
        coords={"latitude": latitude, "longitude": [0.0, 2.0]},
        dims=("latitude", "longitude"),
    )
    image = map_image(field, Projection("plate-carree", Area(-1, 3, -1.5, 12)), DisplayUnit(1.0, ""))
    assert isinstance(image, hv.QuadMesh)
    assert image.dimension_values("latitude", expanded=False).tolist() == [1.0, 6.0, 10.0]


def test_coastlines_and_cities_lie_on_the_map():
    west, east, south, north = -25.0, 45.0, 30.0, 75.0
    coast = coastline_of(Projection("plate-carree", Area(west, east, south, north)))
    gaps = np.isnan(coast)
    assert gaps[:, 0].sum() > 20 and (gaps[:, 0] == gaps[:, 1]).all()

    def inside(points):
        return int(((points > [west, south]) & (points < [east, north])).all(axis=1).sum())

    everywhere = np.concatenate(ad.coastlines("50m", west=west))
    assert inside(coast) == inside(everywhere) > 0.7 * len(coast), "all that is on the map, and little else"
    x, _, names = cities_of(Projection("plate-carree", Area(120.0, 250.0, -40.0, 50.0)))
    assert x[[name.startswith("Seattle") for name in names]] == pytest.approx(237.67, abs=0.1)


def test_a_wide_map_has_the_coast_of_its_own_turn_of_longitude():
    coast = coastline_of(Projection("plate-carree", Area(-179.75, 180.25, -90.0, 90.0)))
    assert -180 <= np.nanmin(coast[:, 0]) < -170 and 170 < np.nanmax(coast[:, 0]) <= 180.25


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"field": "temperature"}, "Expected a field among vorticity, divergence"),
        ({"time": 99}, "Expected a position below 2"),
        ({"time": "yesterday"}, "Expected a time such as"),
        ({"difference": True}, "Expected at least one model"),
        ({"theme": "neon"}, "Expected a theme among light, dark"),
        ({"region": "Atlantis"}, "Expected the name of a region"),
        ({"models": ["bicubic"], "factor": 8}, "Expected models of one factor"),
    ],
)
def test_mistakes_get_one_sentence(demo, options, sentence):
    with pytest.raises(UserError, match=sentence):
        maps(demo, **options)


def test_a_map_keeps_its_frame_when_a_layer_is_added():
    field = area(32, 48, north=60, west=-15)
    for projection, visible in (("plate-carree", True), ("robinson", False)):
        alone = ad.plots.maps(field, projection=projection, width=410)
        axes = next(iter(alone)).kdims
        figure = hv.render(alone * hv.Points([(0.0, 50.0)], axes))
        again = hv.render(alone)
        assert (figure.frame_width, figure.frame_height) == (again.frame_width, again.frame_height)
        assert figure.frame_width == 410 and len(figure.renderers) == len(again.renderers) + 1
        assert figure.xaxis[0].visible == again.xaxis[0].visible == visible
        assert type(figure.xaxis[0].formatter) is type(again.xaxis[0].formatter)
