"""Regions: validation, wrapping, and selection that never loses or moves a point."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.regions import REGIONS, Region, as_region


def globe(step=5.0, offset=0.0, lazy=False):
    latitude = np.arange(90 - step / 2, -90, -step)
    longitude = np.arange(offset, 360, step)
    marks = np.arange(latitude.size * longitude.size, dtype=np.float32).reshape(1, latitude.size, -1)
    dataset = xr.Dataset(
        {
            "vorticity": (("time", "latitude", "longitude"), marks),
            "divergence": (("time", "latitude", "longitude"), -marks),
        },
        {"time": np.array(["2020-01-01"], "M8[ns]"), "latitude": latitude, "longitude": longitude},
        {"grid": "cell-centred", "notes": ""},
    )
    return dataset.chunk() if lazy else dataset


latitudes = st.floats(-90, 90, allow_nan=False)
longitudes = st.floats(-180, 360, allow_nan=False)


@st.composite
def regions(draw):
    south, north = sorted((draw(latitudes), draw(latitudes)))
    west, east = draw(longitudes), draw(longitudes)
    assume(north - south > 0.01 and west != east)
    return Region(south, north, west, east)


@given(regions(), latitudes, longitudes)
def test_contains_does_not_depend_on_the_convention(region, latitude, longitude):
    inside = region.contains(latitude, longitude)
    for turn in (-360, 360):
        assert region.contains(latitude, longitude + turn) == inside or _near_an_edge(region, longitude)


def _near_an_edge(region, longitude):
    return min(abs((longitude - edge + 180) % 360 - 180) for edge in (region.west, region.east)) < 1e-5


@given(regions(), st.sampled_from([0.0, 1.25, 4.9]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_select_takes_exactly_the_points_inside(region, offset, lazy):
    dataset = globe(offset=offset, lazy=lazy)
    inside = region.contains(dataset.latitude.values[:, None], dataset.longitude.values[None, :])
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    if rows < 2 or columns < 2:
        with pytest.raises(UserError, match="Expected at least 2 x 2 points"):
            region.select(dataset)
        return
    selected = region.select(dataset)
    marks = dataset.vorticity.values[0][inside]
    assert sorted(selected.vorticity.values.ravel()) == sorted(marks)
    longitude = selected.longitude.values
    assert np.all(np.diff(longitude) > 0)
    assert np.ptp(longitude) <= region.width + 1e-5
    assert longitude[-1] < 360
    assert longitude[0] >= 0 or longitude[-1] >= 0, "below zero only to cross Greenwich in one piece"
    # Every value still stands at its own longitude.
    place = selected.vorticity.values[0, 0] % dataset.sizes["longitude"]
    np.testing.assert_allclose(dataset.longitude.values[place.astype(int)] % 360, longitude % 360, atol=1e-9)
    np.testing.assert_array_equal(selected.divergence.values, -selected.vorticity.values)


@given(regions())
def test_width_and_wraps(region):
    assert 0 < region.width <= 360
    if region.wraps:
        assert region.contains((region.south + region.north) / 2, 0.0)


@pytest.mark.parametrize(
    ("bounds", "what"),
    [
        ((70, 30, 0, 10), "south of a region below its north, found south 70 and north 30"),
        ((30, 30, 0, 10), "south of a region below its north"),
        ((-91, 30, 0, 10), "'south' of a region between -90 and 90 degrees, found -91"),
        ((30, 91, 0, 10), "'north' of a region between -90 and 90"),
        ((30, 70, -181, 10), "'west' of a region between -180 and 360"),
        ((30, 70, 0, 361), "'east' of a region between -180 and 360"),
        ((30, 70, 10, 10), "west and east apart, found 10 for both"),
        ((30, 70, float("nan"), 10), "a finite number of degrees for 'west'"),
        ((float("inf"), 70, 0, 10), "a finite number of degrees for 'south'"),
        (("30", 70, 0, 10), "a number of degrees for 'south' of a region, found '30'"),
        ((30, None, 0, 10), "a number of degrees for 'north' of a region, found None"),
        ((True, 70, 0, 10), "a number of degrees for 'south' of a region, found True"),
    ],
)
def test_validation(bounds, what):
    with pytest.raises(UserError, match=what):
        Region(*bounds)


def test_frozen_and_equal():
    assert Region(30, 70, -15, 40) == Region(30.0, 70.0, -15.0, 40.0)
    assert len({Region(30, 70, 0, 40), Region(30.0, 70, 0, 40)}) == 1
    with pytest.raises(AttributeError):
        Region(30, 70, 0, 40).south = 5


def test_presets():
    assert list(REGIONS) == ["Europe", "North America", "South-East Asia", "Pacific", "Globe"]
    places = {
        "Europe": (50, 8),
        "North America": (40, -100),
        "South-East Asia": (10, 105),
        "Pacific": (0, -170),
    }
    for name, (latitude, longitude) in places.items():
        containing = [other for other in REGIONS if REGIONS[other].contains(latitude, longitude)]
        assert containing == [name, "Globe"]
    assert REGIONS["Europe"].wraps and not REGIONS["Pacific"].wraps and not REGIONS["Globe"].wraps
    with pytest.raises(TypeError):
        REGIONS["Home"] = Region(0, 1, 0, 1)


def test_across_greenwich_is_continued_below_zero():
    selected = Region(30, 60, 350, 40).select(globe())
    np.testing.assert_array_equal(selected.longitude, np.arange(-10, 41, 5))
    assert selected.attrs["grid"] == "limited-area"


def test_across_the_date_line_stays_in_one_piece():
    np.testing.assert_array_equal(
        Region(0, 30, 170, -170).select(globe()).longitude, [170, 175, 180, 185, 190]
    )


def test_globe_is_unchanged():
    dataset = globe()
    xr.testing.assert_identical(REGIONS["Globe"].select(dataset), dataset)


def test_full_circle_of_a_band():
    selected = Region(-30, 30, -180, 180).select(globe())
    assert selected.sizes == {"time": 1, "latitude": 12, "longitude": 72}
    assert selected.attrs["grid"] == "limited-area"


def test_region_of_a_region_across_greenwich():
    europe = Region(30, 70, -20, 40).select(globe())
    np.testing.assert_array_equal(Region(40, 60, 355, 10).select(europe).longitude, [-5, 0, 5, 10])
    np.testing.assert_array_equal(Region(40, 60, 10, 30).select(europe).longitude, [10, 15, 20, 25, 30])
    np.testing.assert_array_equal(Region(40, 60, -15, -5).select(europe).longitude % 360, [345, 350, 355])


def test_region_that_reaches_beyond_the_data_is_noted():
    europe = Region(30, 70, 0, 40).select(globe())
    selected = Region(50, 90, 20, 80).select(europe)
    assert "reaches beyond the data; the common part was taken" in selected.attrs["notes"]
    np.testing.assert_array_equal(selected.longitude, [20, 25, 30, 35, 40])
    assert "beyond" not in Region(40, 60, 5, 30).select(europe).attrs["notes"]


def test_region_over_a_gap_in_the_data_is_refused():
    away = Region(-60, 60, 60, 300).select(globe())
    with pytest.raises(UserError, match="found none between 300 and 60 degrees east"):
        Region(0, 30, 280, 80).select(away)


def test_coordinates_and_other_variables_survive():
    dataset = (
        globe()
        .assign(mean=("time", [1.0]))
        .assign_coords(land=(("latitude", "longitude"), np.ones((36, 72))), member=3)
    )
    selected = Region(30, 60, 350, 40).select(dataset)
    assert selected.land.shape == (6, 11) and int(selected.member) == 3 and float(selected["mean"][0]) == 1.0


@pytest.mark.parametrize(
    "given_region", ["Europe", "europe", " EUROPE ", (30, 75, -25, 45), Region(30, 75, -25, 45)]
)
def test_as_region(given_region):
    assert as_region(given_region) == REGIONS["Europe"]


def test_as_region_of_none():
    assert as_region(None) is None
