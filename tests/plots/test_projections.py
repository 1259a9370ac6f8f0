"""Projections against published formulas, and index maps against the grid they look up."""

import numpy as np
import pytest

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.plots.map_plots.projections import (
    PROJECTIONS,
    Area,
    Projection,
    graticule,
    index_map,
    nearest_cell,
)

GLOBE = Area(-0.5, 359.5, -90.0, 90.0)
EUROPE = Area(-25.0, 45.0, 30.0, 75.0)


def test_polar_stereographic_is_that_of_snyder():
    # Snyder (1987), equations 21-5 to 21-8 with k0 = (1 + sin 60) / 2 on the sphere.
    map_ = Projection("polar-stereographic", GLOBE)
    latitude, longitude = np.array([50.0, 75.0]), np.array([0.0, 90.0])
    radius = EARTH_RADIUS_M * (1 + np.sin(np.deg2rad(60))) * np.tan(np.pi / 4 - np.deg2rad(latitude) / 2)
    x, y = map_.forward(longitude, latitude)
    np.testing.assert_allclose(x, radius * np.sin(np.deg2rad(longitude)), atol=1e-3)
    np.testing.assert_allclose(y, -radius * np.cos(np.deg2rad(longitude)), atol=1e-3)


def test_orthographic_hides_the_far_side():
    map_ = Projection("orthographic", Area(-180, 180, -90, 90))
    x, y = map_.forward(np.array([0.0, 180.0]), np.array([20.0, -20.0]))
    assert np.hypot(x[0], y[0]) < 1 and not np.isfinite(x[1])


def test_robinson_has_its_table():
    # Robinson's table at 45 degrees: X = 0.8962, Y = 0.5571; x = 0.8487 R X lambda, y = 1.3523 R Y.
    map_ = Projection("robinson", Area(-180, 180, -90, 90))
    x, y = map_.forward(np.array([90.0]), np.array([45.0]))
    assert x[0] == pytest.approx(0.8487 * EARTH_RADIUS_M * 0.8962 * np.pi / 2, rel=1e-4)
    assert y[0] == pytest.approx(1.3523 * EARTH_RADIUS_M * 0.5571, rel=1e-4)


def test_lambert_is_conformal():
    map_ = Projection("lambert", EUROPE)
    step = 1e-4
    for latitude in (35.0, 50.0, 70.0):
        x, y = map_.forward(np.array([5, 5 + step, 5]), np.array([latitude, latitude, latitude + step]))
        east = np.hypot(x[1] - x[0], y[1] - y[0]) / np.cos(np.deg2rad(latitude))
        north = np.hypot(x[2] - x[0], y[2] - y[0])
        assert east == pytest.approx(north, rel=1e-3)


@pytest.mark.parametrize("name", [name for name in PROJECTIONS if name != "plate-carree"])
@pytest.mark.parametrize("area", [GLOBE, EUROPE], ids=["globe", "Europe"])
def test_every_pixel_shows_the_grid_point_it_lies_in(name, area):
    if name == "lambert" and area is GLOBE:
        pytest.skip("a cone cannot hold the globe")
    latitude = np.arange(89.5, -90, -1.0) if area is GLOBE else np.arange(74.5, 30, -1.0)
    longitude = np.arange(0.0, 360.0) if area is GLOBE else np.arange(-24.5, 45, 1.0)
    grid_latitude, grid_longitude = np.meshgrid(latitude, longitude, indexing="ij")
    lookup = index_map(Projection(name, area), latitude, longitude, 300)
    found_latitude, found_longitude = lookup(grid_latitude), lookup(grid_longitude)
    seen = ~lookup.outside
    assert 0.4 < seen.mean() < 0.95
    assert np.abs(found_latitude - lookup.latitude)[seen].max() <= 0.51
    turned = (found_longitude - lookup.longitude + 180) % 360 - 180
    assert np.abs(turned[seen]).max() <= 0.51
    assert np.isnan(found_latitude[~seen]).all()


def test_the_index_map_of_a_grid_is_made_once():
    map_ = Projection("robinson", GLOBE)
    latitude, longitude = np.linspace(89, -89, 90), np.arange(0, 360, 2.0)
    assert index_map(map_, latitude, longitude) is index_map(map_, latitude.copy(), longitude)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_no_line_runs_across_the_map(name):
    from atmodist_core.fields.grid.geography import coastlines

    area = EUROPE if name == "lambert" else GLOBE
    map_ = Projection(name, area)
    lines = map_.lines(coastlines("110m", west=map_.central_longitude - 180))
    assert len(lines) > 10
    width = np.ptp(map_.outline()[:, 0])
    assert max(np.abs(np.diff(line, axis=0)).max() for line in lines) < 0.1 * width
    for line in graticule(map_):
        assert np.isfinite(line).all() and np.abs(np.diff(line, axis=0)).max() < 0.1 * width


def test_the_nearest_cell_of_uneven_axes():
    centres = np.array([10.0, 4.0, 1.0])  # cells end at 13, 7, 2.5 and -0.5
    index, inside = nearest_cell(centres, np.array([12.9, 6.9, 7.1, 2.4, -0.6, 13.1]))
    assert index.tolist() == [0, 1, 0, 2, 2, 0]
    assert inside.tolist() == [True, True, True, True, False, False]


def test_mistakes_get_one_sentence():
    with pytest.raises(UserError, match="Expected a projection among plate-carree, robinson"):
        Projection("mercator", GLOBE)
    with pytest.raises(UserError, match="choose Robinson"):
        Projection("lambert", GLOBE)
