"""Labels of blocking and cyclones, against flows whose height and vorticity are known."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.constants import EARTH_RADIUS_M, EARTH_ROTATION_RATE, GRAVITY
from atmodist_core.evaluation.diagnostics.similar.weather_labels import (
    BLOCKING,
    CYCLONE,
    balanced_height,
    blocked_longitudes,
    longest_run,
    sectors,
    weather_labels,
)
from atmodist_core.harmonics.global_transform import GlobalTransform

GRIDS = {
    "cell-centred": 90 - 2.5 * (np.arange(72) + 0.5),
    "with poles": np.linspace(90, -90, 73),
    "without the south pole": np.linspace(90, -87.5, 72),
    "northwards": np.linspace(-90, 90, 73),
}
LONGITUDE = 2.5 * np.arange(144)


def on_grid(values, latitude):
    grid = np.broadcast_to(values, (latitude.size, LONGITUDE.size)).astype(np.float32)
    return xr.Dataset(
        {"vorticity": (("time", "latitude", "longitude"), grid[None])},
        {
            "time": np.array(["2001-01-01"], "datetime64[ns]"),
            "latitude": latitude,
            "longitude": LONGITUDE,
        },
    )


@pytest.mark.parametrize("grid", GRIDS)
def test_solid_rotation_has_the_known_wind_stream_function_and_height(grid):
    latitude, speed = GRIDS[grid], 20.0
    sine = np.sin(np.deg2rad(latitude))[:, None]
    vorticity = 2 * speed * sine / EARTH_RADIUS_M
    fields = on_grid(vorticity, latitude)
    transform, values = GlobalTransform(fields, 21), fields["vorticity"].values[0]
    eastward, northward = transform.rotational_wind(values)
    np.testing.assert_allclose(
        eastward, np.broadcast_to(speed * np.sqrt(1 - sine**2), eastward.shape), atol=2e-3
    )
    np.testing.assert_allclose(northward, 0.0, atol=2e-3)
    stream = transform.inverse_laplacian(values)
    expected = np.broadcast_to(-speed * EARTH_RADIUS_M * sine, stream.shape)
    np.testing.assert_allclose(stream, expected, atol=1e-4 * abs(expected).max())
    # From dPhi/dy = -f u: Phi = -Omega U a sin^2(latitude), less its mean over the globe.
    height = balanced_height(values, transform, latitude)
    known = -EARTH_ROTATION_RATE * speed * EARTH_RADIUS_M * (sine**2 - 1 / 3) / GRAVITY
    np.testing.assert_allclose(height, np.broadcast_to(known, height.shape), atol=1e-3 * abs(known).max())


def test_degrees_below_are_left_out():
    """cos(latitude)^m cos(m longitude) is a harmonic of total wavenumber m."""
    latitude = GRIDS["cell-centred"]
    low, high = (
        np.cos(np.deg2rad(latitude))[:, None] ** m * np.cos(m * np.deg2rad(LONGITUDE)) for m in (3, 8)
    )
    transform = GlobalTransform(on_grid(low, latitude), 21)
    found = transform.without_degrees_below((low + high).astype(np.float32), 6)
    np.testing.assert_allclose(found, high, atol=1e-5)


def test_a_longitude_is_blocked_by_both_gradients():
    latitude = np.linspace(90, -90, 181)
    places = [36.0, 60.0, 84.0]

    def profile(south, middle, north):
        return np.interp(latitude, places, [south, middle, north])

    height = np.stack(
        [
            profile(0, 120, -60),  # rises by 5 m per degree, falls by 7.5 m per degree: blocked
            profile(0, 120, 24),  # falls by 4 m per degree only
            profile(0, -120, -360),  # falls all the way
            profile(0, 120, 200),  # rises all the way
        ],
        axis=1,
    )
    np.testing.assert_array_equal(blocked_longitudes(height, latitude), [True, False, False, False])
    np.testing.assert_array_equal(blocked_longitudes(height, latitude, -10.0), [False] * 4)
    np.testing.assert_array_equal(blocked_longitudes(height, latitude, -3.0), [True, True, False, False])


def test_runs():
    assert longest_run(np.zeros(5, bool)) == 0 and longest_run(np.ones(5, bool)) == 5
    assert longest_run(np.array([1, 1, 0, 1, 1, 1, 0], bool)) == 3


def test_an_anticyclone_on_the_polar_side_blocks_its_sector_only():
    """Westerlies with a high at 64 N, 30 E, as winds of a stream function by finite differences."""
    latitude, fine = GRIDS["cell-centred"], 1e-3
    speed, high = 8.0, 1.6e7  # m/s, m2/s
    x, y = np.deg2rad(LONGITUDE)[None, :], np.deg2rad(latitude)[:, None]

    def stream(x, y):
        bump = np.exp(-(((np.rad2deg(y) - 64) / 9) ** 2) - ((np.rad2deg(x) - 30) / 18) ** 2)
        return -speed * EARTH_RADIUS_M * np.sin(y) + high * bump

    u = -(stream(x, y + fine) - stream(x, y - fine)) / (2 * fine * EARTH_RADIUS_M)
    v = (stream(x + fine, y) - stream(x - fine, y)) / (2 * fine * EARTH_RADIUS_M * np.cos(y))
    axes = {"latitude": latitude, "longitude": LONGITUDE}
    winds = [xr.DataArray(part, axes, tuple(axes), attrs={"units": "m s-1"}) for part in (u, v)]
    fields = ad.vorticity_divergence(*winds).expand_dims(time=np.array(["2001-01-01"], "datetime64[ns]"))
    labels = weather_labels(fields, sectors(("north",)))
    np.testing.assert_array_equal(labels[BLOCKING][0], [True, False, False, False, False, False])
    # A low instead blocks nothing.
    assert not weather_labels(-fields, sectors(("north",)))[BLOCKING].any()


def test_a_strong_cyclone_is_among_the_largest_quarter_of_its_hemispheres_sign():
    latitude = GRIDS["cell-centred"]
    x, y = LONGITUDE[None, :], latitude[:, None]
    low = np.exp(-(((y - 55) / 6) ** 2) - ((x - 90) / 8) ** 2)
    southern = -np.exp(-(((y + 55) / 6) ** 2) - ((x - 210) / 8) ** 2)
    wrong = np.exp(-(((y + 55) / 6) ** 2) - ((x - 330) / 8) ** 2)  # anticyclonic in the south
    labels = weather_labels(on_grid(1e-4 * (low + southern + wrong), latitude), sectors())
    strong = set(np.flatnonzero(labels[CYCLONE].values[0]))
    assert {1, 9} <= strong and len(strong) == 3  # a quarter of twelve
    largest = labels["maximum_vorticity"].values[0]
    assert np.delete(largest, [1, 9]).max() < 0.4 * largest[1]  # also where the anticyclone is
    assert 0.7e-4 < largest[1] < 1.1e-4 and largest[9] == pytest.approx(largest[1], rel=0.02)
