"""Projections against published formulas, and index maps against the grid they look up."""

import numpy as np
import pytest

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.index_maps import Window, index_map, nearest_cell
from atmodist_core.fields.grid.projections import (
    PROJECTIONS,
    Area,
    Projection,
    graticule,
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


@pytest.mark.parametrize("name", ["robinson", "orthographic", "polar-stereographic", "lambert"])
def test_a_window_shows_its_part_of_the_map(name):
    latitude, longitude = np.arange(74.5, 30, -1.0), np.arange(-24.5, 45, 1.0)
    map_ = Projection(name, EUROPE)
    x, y = map_.forward(np.array([0.0, 20.0]), np.array([45.0, 55.0]))
    window = Window(*sorted(map(float, x)), *sorted(map(float, y)), 40, 30)
    part = index_map(map_, latitude, longitude, window=window)
    assert part.place.shape == (30, 40) and not part.outside.any()
    back_x, back_y = map_.forward(part.longitude, part.latitude)
    np.testing.assert_allclose(back_x, np.broadcast_to(part.x, (30, 40)), atol=10)
    np.testing.assert_allclose(back_y[:, 0], part.y, atol=10)


def test_the_mean_of_a_pixel_is_that_of_its_grid_points():
    latitude, longitude = np.arange(89.75, -90, -0.5), np.arange(-179.75, 180, 0.5)
    map_ = Projection("robinson", Area(-180, 180, -90, 90))
    lookup = index_map(map_, latitude, longitude, 60)
    values = np.random.default_rng(0).normal(size=(latitude.size, longitude.size))
    picture = lookup.mean(values)
    row, column = 14, 31
    x, y = map_.forward(*np.meshgrid(longitude, latitude))
    half_x, half_y = (0.5 * (axis[1] - axis[0]) for axis in (lookup.x, lookup.y))
    held = (np.abs(x - lookup.x[column]) < half_x) & (np.abs(y - lookup.y[row]) < half_y)
    assert held.sum() > 20
    assert picture[row, column] == pytest.approx(values[held].mean(), rel=1e-4)
    assert np.isnan(picture[lookup.outside]).all()
    fine = index_map(map_, latitude[::8], longitude[::8], 400)
    held_by_none = fine.mean(values[::8, ::8])[200 // 2 - 3 : 200 // 2 + 3, 200]
    assert np.isfinite(held_by_none).all(), "pixels between the grid points show the nearest"


def test_a_rectangle_covers_what_lies_in_it():
    plane = Projection("plate-carree", EUROPE).covered(-10, 5, 40, 50)
    assert plane == Area(-10, 5, 40, 50)
    map_ = Projection("lambert", EUROPE)
    x, y = map_.forward(np.array([0.0, 20.0]), np.array([45.0, 45.0]))
    found = map_.covered(x[0], x[1], y.min(), y.max() + 5e5)
    assert found.west == pytest.approx(0, abs=1.5) and found.east == pytest.approx(20, abs=1.5)
    assert found.south == pytest.approx(45, abs=1) and 49 < found.north < 52
    polar = Projection("polar-stereographic", GLOBE)
    cap = polar.covered(-1e6, 1e6, -1e6, 1e6)
    assert (cap.west, cap.east, cap.north) == (0, 360, 90) and 75 < cap.south < 80
    assert Projection("orthographic", GLOBE).covered(7e6, 8e6, 7e6, 8e6) is None
    robinson = Projection("robinson", Area(-180, 180, -90, 90))
    whole = robinson.covered(-1.8e7, 1.8e7, -9e6, 9e6)
    assert whole.east - whole.west == 360
    # Across the date line of a map of the Pacific.
    pacific = Projection("robinson", Area(120, 250, -40, 50)).covered(-1e6, 1e6, -1e6, 1e6)
    assert pacific.west == pytest.approx(176, abs=3) and pacific.east == pytest.approx(194, abs=3)


def test_a_region_wider_than_half_the_earth_is_a_disc():
    line = Projection("orthographic", Area(-120, 120, -60, 60)).outline()
    np.testing.assert_allclose(np.hypot(*line.T), EARTH_RADIUS_M)


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
