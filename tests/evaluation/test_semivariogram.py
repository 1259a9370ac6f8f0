"""Semivariograms: great-circle geometry, pairs, and fields whose variogram is known."""

import numpy as np
import pytest

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import area_weights, semivariogram
from atmodist_core.evaluation.diagnostics.semivariogram import (
    draw_pairs,
    great_circle_destination,
    great_circle_distance_km,
    pair_semivariance,
    smallest_lag_km,
)
from tests.evaluation.mock_fields import area, globe

RADIUS_KM = EARTH_RADIUS_M / 1000
DEGREE_KM = np.pi / 180 * RADIUS_KM


def test_great_circle_distances_by_hand():
    # A quarter of the equator; over the pole from 60N to 60N on the other side, 60 degrees; across Greenwich.
    assert great_circle_distance_km(0, 0, 0, 90) == pytest.approx(np.pi / 2 * RADIUS_KM)
    assert great_circle_distance_km(60, 10, 60, 190) == pytest.approx(60 * DEGREE_KM)
    assert great_circle_distance_km(0, 359.5, 0, 0.5) == pytest.approx(DEGREE_KM)
    assert great_circle_distance_km(10, 20, 10, 20) == 0


def test_destination_lies_at_the_distance():
    random = np.random.default_rng(0)
    latitude, longitude = random.uniform(-89, 89, 500), random.uniform(0, 360, 500)
    for distance in (1.0, 100.0, 5000.0):
        end = great_circle_destination(latitude, longitude, random.uniform(0, 2 * np.pi, 500), distance)
        np.testing.assert_allclose(great_circle_distance_km(latitude, longitude, *end), distance, rtol=1e-7)
    north = great_circle_destination(np.array(40.0), np.array(10.0), np.array(0.0), DEGREE_KM)
    assert float(north[0]) == pytest.approx(41.0)
    east = great_circle_destination(np.array(0.0), np.array(359.5), np.array(np.pi / 2), DEGREE_KM)
    assert float(east[1]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "make", [lambda: globe(64), lambda: area(60, 80, north=70), lambda: area(60, 60, west=-15)]
)
@pytest.mark.parametrize("lag", [400.0, 1000.0])
def test_pairs_are_as_far_apart_as_asked(make, lag):
    ds = make()
    pairs = draw_pairs(ds, lag, 4000, seed=0)
    rows, columns = np.divmod(np.stack([pairs.first, pairs.second]), ds.sizes["longitude"])
    latitude, longitude = ds.latitude.values[rows], ds.longitude.values[columns]
    distance = great_circle_distance_km(latitude[0], longitude[0], latitude[1], longitude[1])
    # The nearest point is at most half a diagonal of a cell away.
    assert np.abs(distance - lag).max() <= 0.5 * np.sqrt(2) * smallest_lag_km(ds) * 1.01
    assert pairs.mean_distance_km == pytest.approx(distance.mean())
    assert pairs.mean_distance_km == pytest.approx(lag, rel=0.06)
    assert (pairs.first != pairs.second).all()


def test_first_points_are_drawn_by_area():
    ds = globe(32)
    pairs = draw_pairs(ds, 1000.0, 40_000, seed=0)
    share = np.bincount(pairs.first // ds.sizes["longitude"], minlength=32) / 40_000
    np.testing.assert_allclose(share, area_weights(ds).sum(axis=1), atol=0.004)


def test_white_noise_has_the_same_semivariance_at_every_lag():
    ds = area(80, 80, times=4)
    result = semivariogram(ds, (100, 300, 1000), pairs=20_000)
    # variance 9e-10; the error of one value is sqrt(2 / 20000) = 1 %, four times averaged half of that
    np.testing.assert_allclose(result.vorticity.mean("time") / (3e-5) ** 2, 1.0, atol=0.03)


def test_linear_field_has_the_quadratic_variogram():
    # x = latitude: (x(p) - x(q))^2 / 2 = (h cos(bearing))^2 / 2, over all bearings h^2 / 4 (h in degrees).
    ds = area(400, 400, spacing=(0.1, 0.1), north=20, west=0)
    ds["vorticity"][0] = ds.latitude.values[:, None] * np.ones(400)
    result = semivariogram(ds, (300,), pairs=50_000).vorticity[0, 0]
    # In a limited area pairs that leave it are drawn again, which favours no direction on a square.
    assert float(result) == pytest.approx((300 / DEGREE_KM) ** 2 / 4, rel=0.03)


def test_wave_on_the_globe():
    # x = sin(latitude) is linear in the Cartesian z. Over random pairs at angle h: mean (z_p - z_q)^2 / 2
    # = (1/3)(1 - cos h): a component of the chord has a third of its square |p - q|^2 = 2 - 2 cos h.
    ds = globe(180)
    ds["vorticity"][0] = np.sin(np.deg2rad(ds.latitude.values))[:, None] * np.ones(360)
    result = semivariogram(ds, (1000, 5000), pairs=60_000).vorticity[0]
    expected = (1 - np.cos(np.array([1000, 5000]) / RADIUS_KM)) / 3
    np.testing.assert_allclose(result, expected, rtol=0.03)


def test_lags_below_the_spacing_are_missing_and_said_so():
    result = semivariogram(area(60, 60, spacing=(0.5, 0.5)), (25, 50, 100), pairs=100)
    assert np.isnan(result.vorticity[0, :2]).all() and np.isfinite(result.vorticity[0, 2])
    assert np.isnan(result.mean_distance_km[:2]).all()
    assert "25 km is below the grid spacing of 55.6 km" in result.attrs["notes"]
    assert result.attrs["notes"].count("\n") == 1


def test_lags_larger_than_the_area_are_missing_and_said_so():
    result = semivariogram(area(20, 20, spacing=(0.5, 0.5)), (200, 5000), pairs=100)
    assert np.isfinite(result.vorticity[0, 0]) and np.isnan(result.vorticity[0, 1])
    assert "too small for the lag of 5000 km" in result.attrs["notes"]


def test_normalised_by_the_variance_of_the_truth():
    truth = area(60, 60, times=3)
    plain = semivariogram(2 * truth, (100, 200), pairs=500)
    scaled = semivariogram(2 * truth, (100, 200), pairs=500, normalise_by=truth)
    weights = area_weights(truth)
    values = truth.vorticity.values.astype(np.float64)
    variance = (
        np.mean((values**2 * weights).sum(axis=(1, 2))) - np.mean((values * weights).sum(axis=(1, 2))) ** 2
    )
    np.testing.assert_allclose(scaled.vorticity, plain.vorticity / variance)
    assert scaled.vorticity.attrs["units"] == "1" and plain.vorticity.attrs["units"] == "s-2"
    assert float(scaled.vorticity.mean()) == pytest.approx(4, rel=0.2)


def test_same_pairs_for_all_and_for_any_choice_of_lags():
    a, b = area(seed=1), area(seed=2)
    whole = semivariogram(a - b, (100, 200), pairs=300)
    assert semivariogram(a - b, (200,), pairs=300).vorticity[0, 0] == whole.vorticity[0, 1]
    assert (semivariogram(a - b, (100, 200), pairs=300, seed=1).vorticity != whole.vorticity).all()
    # gamma(a - b) + gamma(a + b) = 2 gamma(a) + 2 gamma(b) holds pair by pair only.
    parts = [semivariogram(x, (100, 200), pairs=300).vorticity for x in (a + b, a, b)]
    np.testing.assert_allclose(whole.vorticity + parts[0], 2 * parts[1] + 2 * parts[2], rtol=1e-5)


def test_region_across_greenwich_equals_the_same_one_elsewhere():
    here = area(60, 60, west=-15, seed=3)
    there = here.assign_coords(longitude=here.longitude + 100)
    np.testing.assert_allclose(
        semivariogram(here, (100, 500), pairs=200).vorticity,
        semivariogram(there, (100, 500), pairs=200).vorticity,
    )


def test_lazy_data_and_many_times():
    ds = area(times=20)
    np.testing.assert_array_equal(
        semivariogram(ds.chunk(time=7), (100,), pairs=50).vorticity,
        semivariogram(ds, (100,), pairs=50).vorticity,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lags_km": ()}, "positive lags"),
        ({"lags_km": (100, -5)}, "positive lags"),
        ({"lags_km": (np.nan,)}, "positive lags"),
        ({"pairs": 0}, "at least one pair"),
        ({"normalise_by": area() * 0}, "constant"),
        ({"normalise_by": area()[["vorticity"]]}, "divergence"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(UserError, match=words):
        semivariogram(area(), **options)


def test_bad_areas():
    with pytest.raises(UserError, match="2 x 2"):
        semivariogram(area().isel(latitude=[0]))


@pytest.mark.parametrize("offset", [0.0, 280.0])
def test_pairs_in_memory_order_are_the_same_pairs(offset):
    ds = globe(32)
    pairs = draw_pairs(ds, 1000.0, 3000, seed=0)
    ordered = pairs.in_memory_order()
    assert (np.diff(ordered.first) >= 0).all()
    both = [set(zip(p.first.tolist(), p.second.tolist(), strict=True)) for p in (pairs, ordered)]
    assert both[0] == both[1] and ordered.mean_distance_km == pairs.mean_distance_km
    flat = (offset + np.random.default_rng(0).standard_normal((2, 32 * 64))).astype(np.float32)
    exact = flat.astype(float)
    wanted = 0.5 * ((exact[:, pairs.first] - exact[:, pairs.second]) ** 2).mean(axis=1)
    np.testing.assert_allclose(pair_semivariance(flat, ordered), wanted, rtol=1e-8)
    np.testing.assert_allclose(pair_semivariance(exact, pairs), wanted, rtol=1e-13)
    assert np.isnan(pair_semivariance(flat, None)).all()
