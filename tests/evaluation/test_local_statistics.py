"""Values around cities: right places in both hemispheres, nested boxes, and the 10 per cent rule."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import wasserstein_distance

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import better_equal_worse, local_statistics, local_wasserstein
from atmodist_core.evaluation.diagnostics.local_statistics import box_indices
from tests.evaluation.mock_fields import area, dataset

CITIES = pd.DataFrame(
    [
        ("Seattle", "United States", 47.61, -122.33),
        ("Tokyo", "Japan", 35.69, 139.69),
        ("London", "United Kingdom", 51.51, -0.13),
        ("Sydney", "Australia", -33.87, 151.21),
        ("Lima", "Peru", -12.05, 282.96),
    ],
    columns=["name", "country", "latitude", "longitude"],
)


def coordinates_as_fields(spacing=0.5, start=0.0, times=1):
    """A globe whose vorticity is the latitude and whose divergence is the longitude of each point."""
    latitude = np.arange(90 - spacing / 2, -90, -spacing)
    longitude = start + np.arange(0, 360, spacing)
    shape = (times, latitude.size, longitude.size)
    fields = {
        "vorticity": np.broadcast_to(latitude[:, None], shape),
        "divergence": np.broadcast_to(longitude, shape),
    }
    return dataset(fields, latitude, longitude)


def distance_in_degrees(a, b):
    return np.abs((a - b + 180) % 360 - 180)


@pytest.mark.parametrize("start", [0.0, 0.25, -180.0])
def test_every_box_surrounds_its_city(start):
    local = local_statistics(coordinates_as_fields(start=start), CITIES)
    for number, city in CITIES.iterrows():
        for size, reach in ((1, 0.25), (2, 0.5), (3, 0.75)):
            inside = local.isel(city=number, time=0, point=np.flatnonzero(local.box == size))
            assert inside.sizes["point"] == size**2
            # No point further from the city than this: the box is centred to within half a cell.
            assert np.abs(inside.vorticity - city.latitude).max() <= reach + 1e-6
            assert distance_in_degrees(inside.divergence, city.longitude).max() <= reach + 1e-6
            assert len(np.unique(inside.vorticity)) == len(np.unique(inside.divergence)) == size


def test_western_cities_are_not_mirrored():
    local = local_statistics(coordinates_as_fields(), CITIES, boxes=(1,))
    seattle = float(local.divergence.sel(city="Seattle")[0, 0])
    assert seattle == 237.5  # 360 - 122.33 = 237.67; 180 + 122.33 or 57.67 would be Asia


def test_a_box_at_greenwich_takes_points_of_both_ends_of_the_axis():
    local = local_statistics(coordinates_as_fields(), CITIES, boxes=(3,))
    london = local.divergence.sel(city="London")[0].values
    # 0.13 W: the nearest longitude is 0, its neighbours are 359.5 and 0.5
    assert set(london) == {359.5, 0.0, 0.5}


def test_boxes_lie_within_each_other():
    local = local_statistics(coordinates_as_fields(), CITIES, boxes=(1, 2, 3, 4, 5))
    for number in range(len(CITIES)):
        points = []
        for size in (1, 2, 3, 4, 5):
            inside = local.isel(city=number, time=0, point=np.flatnonzero(local.box == size))
            points.append(set(zip(inside.vorticity.values, inside.divergence.values, strict=True)))
        assert all(small < large for small, large in pairwise(points))


def test_box_indices_by_hand():
    axis = np.array([10.0, 8.0, 6.0, 4.0])  # falling, as latitude
    assert list(box_indices(axis, 7.1, 1)) == [1]  # nearest 8
    assert list(box_indices(axis, 7.1, 2)) == [1, 2]  # 8 and 6 hold 7.1
    assert list(box_indices(axis, 7.1, 3)) == [0, 1, 2]
    assert box_indices(axis, 7.1, 4).tolist() == [0, 1, 2, 3]
    assert box_indices(axis, 9.8, 3) is None  # would need 12
    assert box_indices(axis, 11.5, 1) is None
    assert list(box_indices(axis, 10.9, 1)) == [0]  # within half a cell


def test_values_of_all_times_lazy_or_not():
    ds = area(60, 90, times=4, north=60, west=-15)
    london = CITIES.iloc[[2]]
    local = local_statistics(ds, london)
    expected = ds.vorticity.sel(latitude=51.5, longitude=0.0).values
    np.testing.assert_array_equal(local.vorticity.sel(city="London").isel(point=0), expected)
    xr.testing.assert_identical(local_statistics(ds.chunk(time=1, latitude=20), london).compute(), local)
    assert local.vorticity.dims == ("city", "time", "point")
    assert local.vorticity.attrs["units"] == "s-1"
    assert str(local.country[0].item()) == "United Kingdom"


def test_cities_outside_are_left_out_and_named():
    local = local_statistics(area(60, 90, north=60, west=-15), CITIES)
    assert list(local.city.values) == ["London"]
    assert "Seattle, Tokyo, Sydney, Lima" in local.attrs["notes"]


def test_a_city_whose_largest_box_leaves_the_area_is_left_out():
    ds = area(60, 90, north=51.5, west=-15)  # London's nearest row is the northernmost
    assert list(local_statistics(ds, CITIES, boxes=(1,)).city.values) == ["London"]
    with pytest.raises(UserError, match="at least one city"):
        local_statistics(ds, CITIES, boxes=(1, 3))


def test_local_wasserstein_is_that_of_the_pooled_values():
    truth, prediction = (area(60, 90, times=6, north=60, west=-15, seed=seed) for seed in (1, 2))
    local = [local_statistics(ds, CITIES) for ds in (prediction, truth)]
    result = local_wasserstein(*local)
    assert dict(result.sizes) == {"city": 1, "box": 3} and result.attrs["times"] == 6
    inside = local[0].box.values == 2
    a, b = (ds.vorticity.values[0][:, inside].ravel() for ds in local)
    assert a.size == 24
    assert float(result.vorticity.sel(city="London", box=2)) == pytest.approx(wasserstein_distance(a, b))
    assert result.vorticity.attrs["units"] == "s-1"


def test_ten_per_cent_rule():
    reference = xr.Dataset({"vorticity": ("city", [1.0, 1.0, 1.0, 1.0, 0.0])})
    candidate = xr.Dataset({"vorticity": ("city", [0.89, 0.91, 1.1, 1.12, 0.0])})
    # |difference| against a tenth of the larger: .11 > .1; .09 < .1; .10 < .11; .12 > .112; 0 = 0
    assert list(better_equal_worse(candidate, reference).vorticity.values) == [1, 0, 0, -1, 0]
    assert list(better_equal_worse(reference, candidate).vorticity.values) == [-1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("cities", "boxes", "words"),
    [
        (CITIES.drop(columns="latitude"), (1,), "latitude"),
        (CITIES, (), "boxes"),
        (CITIES, (0, 1), "boxes"),
        (CITIES, (80,), "larger than the largest box"),
        (CITIES.iloc[[0]], (1,), "at least one city"),
    ],
)
def test_bad_input(cities, boxes, words):
    with pytest.raises(UserError, match=words):
        local_statistics(area(60, 90, north=60, west=-15), cities, boxes)


def test_wasserstein_of_different_selections():
    ds = area(60, 90, times=3, north=60, west=-15)
    local = local_statistics(ds, CITIES)
    with pytest.raises(UserError, match="along time"):
        local_wasserstein(local.isel(time=[0]), local)
    with pytest.raises(UserError, match="same order"):
        local_wasserstein(local.assign_coords(city=["Paris"]), local)
