"""Any convention of latitude and longitude ends in the canonical one, with every value at its place."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.coordinates import (
    canonical_axes,
    grid_name,
    is_full_circle,
    name_horizontal_axes,
)


def place_marked(latitude, longitude):
    """A field that holds 1000 latitude + (longitude mod 360): each value identifies its point."""
    values = 1000.0 * np.asarray(latitude)[:, None] + np.asarray(longitude)[None, :] % 360
    return xr.DataArray(
        values, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"), name="u"
    )


def canonical(array, notes=None):
    return canonical_axes(array, "u", (notes if notes is not None else []).append)


def assert_in_place(array):
    latitude, longitude = array.latitude.values, array.longitude.values
    assert np.all(np.diff(latitude) < 0) and np.all(np.diff(longitude) > 0)
    expected = 1000.0 * latitude[:, None] + longitude[None, :] % 360
    np.testing.assert_allclose(array.values, expected, atol=1e-4)


@given(
    start=st.integers(-180, 359),
    count=st.integers(3, 40),
    rows=st.integers(3, 20),
    descending=st.booleans(),
    backwards=st.booleans(),
    shuffle=st.integers(0, 5),
    lazy=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_limited_area_anywhere(start, count, rows, descending, backwards, shuffle, lazy):
    """One piece of 4-degree columns from any meridian, in any order of rows and columns."""
    longitude = start + 4.0 * np.arange(count)
    longitude = np.where(longitude > 359.9, longitude - 360.0, longitude)
    latitude = -35.0 + 3.0 * np.arange(rows)
    array = place_marked(
        latitude[::-1] if descending else latitude, longitude[::-1] if backwards else longitude
    )
    array = array.roll(longitude=shuffle, roll_coords=True)
    result = canonical(array.chunk() if lazy else array)
    assert_in_place(result)
    assert np.allclose(np.diff(result.longitude), 4.0), "in one piece"
    assert result.longitude[0] >= -180 and result.longitude[-1] < 360
    assert result.longitude[0] >= 0 or result.longitude[-1] >= 0


@given(st.sampled_from([36, 48, 72, 90]), st.integers(-180, 180), st.booleans())
@settings(max_examples=50, deadline=None)
def test_full_circle_from_any_meridian(count, start, repeated):
    step = 360.0 / count
    longitude = start + step * np.arange(count + repeated)
    notes = []
    result = canonical(place_marked(np.array([10.0, 0.0, -10.0]), longitude), notes)
    assert_in_place(result)
    assert result.sizes["longitude"] == count
    assert 0 <= result.longitude[0] < step and result.longitude[-1] < 360
    assert any("stored twice" in note for note in notes) == repeated
    assert is_full_circle(result.longitude.values)


def test_float32_coordinates_lose_their_noise():
    latitude = np.float32([5.9, 5.8, 5.7])
    result = canonical(place_marked(latitude, np.float32([0.1, 0.2, 0.3])))
    np.testing.assert_array_equal(result.latitude, [5.9, 5.8, 5.7])
    assert result.latitude.dtype == np.float64


def test_radians_are_understood():
    array = place_marked(np.array([10.0, 0.0, -10.0]), np.arange(0, 50, 10.0))
    array = array.assign_coords(
        latitude=("latitude", np.deg2rad(array.latitude.values), {"units": "radians"}),
        longitude=("longitude", np.deg2rad(array.longitude.values), {"units": "radians"}),
    )
    assert_in_place(canonical(array))


def test_uneven_rows_are_no_gap():
    """A stretched grid changes its spacing slowly."""
    latitude = np.cumsum(1.1 ** np.arange(15))
    assert_in_place(canonical(place_marked(latitude, np.arange(0, 40, 4.0))))


def test_gap_in_uneven_rows_is_found():
    latitude = np.delete(np.cumsum(1.1 ** np.arange(15)), 7)
    with pytest.raises(UserError, match="have a gap of"):
        canonical(place_marked(latitude, np.arange(0, 40, 4.0)))


def test_two_columns_across_greenwich():
    result = canonical(place_marked(np.array([2.0, 1.0, 0.0]), np.array([0.0, 358.0])))
    np.testing.assert_array_equal(result.longitude, [-2.0, 0.0])
    assert_in_place(result)


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [
        (np.linspace(90, -90, 19), np.arange(36) * 10.0, "equiangular-with-poles"),
        (np.linspace(85, -85, 18), np.arange(36) * 10.0, "cell-centred"),
        (np.linspace(90, -80, 18), np.arange(36) * 10.0, "driscoll-healy"),
        (
            np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(16)[0]))[::-1],
            np.arange(32) * 11.25,
            "gaussian",
        ),
        # As GRIB1 rounds them, to a thousandth of a degree.
        (
            np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(48)[0]))[::-1].round(3),
            np.arange(96) * 3.75,
            "gaussian",
        ),
        (np.linspace(60, -60, 13), np.arange(36) * 10.0, "limited-area"),
        (np.linspace(90, -90, 19), np.arange(35) * 10.0, "limited-area"),
        (np.linspace(50, 40, 11), np.arange(11) * 1.0, "limited-area"),
    ],
)
def test_grid_name(latitude, longitude, name):
    assert grid_name(latitude, longitude) == name


@pytest.mark.parametrize("names", [("lat", "lon"), ("Latitude", "Longitude"), ("y", "x"), ("LAT", "LON")])
def test_names_of_axes(names):
    array = place_marked(np.array([2.0, 1.0, 0.0]), np.arange(4.0)).rename(
        latitude=names[0], longitude=names[1]
    )
    assert name_horizontal_axes(array, "u").dims == ("latitude", "longitude")


def test_axes_known_by_their_standard_names():
    array = place_marked(np.array([2.0, 1.0, 0.0]), np.arange(4.0)).rename(latitude="jj", longitude="ii")
    array["jj"].attrs["standard_name"], array["ii"].attrs["standard_name"] = "latitude", "longitude"
    assert name_horizontal_axes(array, "u").dims == ("latitude", "longitude")


def test_auxiliary_coordinates_along_index_dimensions():
    """CF allows dimensions j, i with one-dimensional coordinates lat(j), lon(i)."""
    array = place_marked(np.array([2.0, 1.0, 0.0]), np.arange(4.0))
    array = array.rename(latitude="j", longitude="i").drop_vars(["j", "i"])
    array = array.assign_coords(lat=("j", [2.0, 1.0, 0.0]), lon=("i", np.arange(4.0)))
    assert_in_place(canonical(name_horizontal_axes(array, "u")))
