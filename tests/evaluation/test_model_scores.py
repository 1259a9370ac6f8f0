"""Scores of several downscalers over a period."""

import warnings

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.evaluation import common_points, lag_curve, scores
from atmodist_core.evaluation.model_scores import (
    downscaling_scores,
    downscaling_statistics,
    join_times,
    scores_table,
)
from atmodist_core.fields import coarsen
from atmodist_core.fields.grid.regions import Region
from atmodist_core.inference.atmodist import load_distance
from atmodist_core.inference.downscaler import load_downscaler
from tests.evaluation.mock_fields import area, globe

METHODS = ("bilinear", "bicubic")


class Perfect:
    """Knows the truth, on more points than were asked for and beginning elsewhere."""

    name, factor = "perfect", 4

    def __init__(self, truth):
        self.truth = truth

    def __call__(self, coarse, *, region=None):
        rolled = self.truth.sel(time=coarse.time).roll(longitude=3, roll_coords=True)
        longitude = rolled.longitude.values
        return rolled.assign_coords(longitude=np.where(longitude > longitude[-1], longitude - 360, longitude))


@pytest.fixture(scope="module")
def truth():
    return globe(32, times=3, truncation=15)


@pytest.fixture(scope="module")
def statistics(truth):
    return downscaling_statistics(truth.chunk(time=1), [*map(load_downscaler, METHODS), Perfect(truth)])


def test_they_are_the_scores_of_the_whole_period(truth, statistics):
    result = downscaling_scores(statistics)
    for name in METHODS:
        expected = scores(load_downscaler(name)(coarsen(truth, 4)), truth, factor=4)
        for score in expected.data_vars:
            np.testing.assert_allclose(result[score].sel(model=name), expected[score], rtol=1e-6)
    assert result.attrs["times"] == 3
    assert (result.attrs["first_time"], result.attrs["last_time"]) == ("2001-01-01T00:00", "2001-01-01T06:00")
    assert list(result.model_factor.values) == [4, 4, 4]


def test_a_perfect_model_is_perfect(statistics):
    row = downscaling_scores(statistics).sel(model="perfect")
    np.testing.assert_allclose(row.rmse, 0, atol=1e-12)
    np.testing.assert_allclose(row.energy_ratio, 1, rtol=1e-5)
    np.testing.assert_allclose(row.kurtosis, row.truth_kurtosis)


def test_runs_over_parts_of_the_period_join_to_the_whole(truth, statistics):
    parts = [
        downscaling_statistics(truth.isel(time=part), [load_downscaler("bicubic")])["bicubic"]
        for part in (slice(2, 3), slice(0, 2))
    ]
    xr.testing.assert_identical(join_times(parts), statistics["bicubic"])


def test_a_region_is_scored_with_its_surroundings(truth):
    region = Region(10, 60, -40, 40)
    result = downscaling_scores(downscaling_statistics(truth, [load_downscaler("bicubic")], region=region))
    fine = load_downscaler("bicubic")(coarsen(truth, 4), region=region)
    expected = scores(*common_points(fine, truth), factor=4)
    np.testing.assert_allclose(result.rmse.sel(model="bicubic"), expected.rmse)
    assert result.attrs["transform"] == "discrete cosine transform"


def test_limited_areas_whose_rows_fill_no_block():
    ds = area(42, 63, times=2, smooth=1)
    result = downscaling_scores(downscaling_statistics(ds, [load_downscaler("bilinear")]))
    assert np.isfinite(result.rmse).all() and (result.energy_ratio < 0.5).all()


def test_table(statistics):
    result = downscaling_scores(statistics)
    result["atmodist"] = ("model", [0.1, 0.2, 0.0])
    lines = scores_table(result).splitlines()
    assert lines[0].startswith("| model | field | RMSE [s-1] | energy ratio | Wasserstein-1 [s-1] |")
    assert lines[0].endswith("AtmoDist |")
    assert len(lines) == 2 + 2 * 4 and len({line.count("|") for line in lines}) == 1
    bicubic = next(line for line in lines if line.startswith("| bicubic | divergence |"))
    expected = float(result.rmse.sel(model="bicubic", field="divergence"))
    assert f"| {expected:.3e} |" in bicubic and bicubic.endswith("| 0.2 |")


def test_common_points():
    fine = globe(16)
    shifted = fine.roll(longitude=5, roll_coords=True).assign_coords(longitude=lambda ds: ds.longitude - 360)
    a, b = common_points(shifted.isel(latitude=slice(2, 9)), fine)
    xr.testing.assert_identical(a.coords["longitude"], b.coords["longitude"])
    np.testing.assert_array_equal(a.vorticity, b.vorticity)
    assert a.sizes["latitude"] == 7 and a.sizes["longitude"] == 32
    # Unchanged grids are cut as slices: nothing is copied.
    same = common_points(fine, fine)[0]
    assert np.shares_memory(same.vorticity.values, fine.vorticity.values)


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (lambda: area(north=60.2), "latitude"),
        (lambda: area(west=10.2), "longitude"),
        (lambda: area(west=80), "longitude"),
        (lambda: area().isel(latitude=[0]), "latitude"),
    ],
)
def test_grids_without_common_points(prediction, words):
    with pytest.raises(UserError, match=f"two {words}s"):
        common_points(prediction(), area())


@pytest.mark.parametrize(
    ("make", "models", "words"),
    [
        (lambda: area(times=2), [], "different models"),
        (lambda: area(times=2), ["bicubic", "bicubic"], "different models"),
        (lambda: area(times=2).isel(time=[]), ["bicubic"], "at least one time"),
    ],
)
def test_bad_requests(make, models, words):
    with pytest.raises(UserError, match=words):
        downscaling_statistics(make(), [load_downscaler(name) for name in models])


def test_statistics_of_different_settings_do_not_join(statistics):
    other = statistics["bicubic"].assign_attrs(factor=8)
    with pytest.raises(UserError, match="same fields, factor"):
        join_times([statistics["bicubic"], other])


def test_networks_of_both_kinds_take_part(tmp_path):
    """A tiny generator and a tiny AtmoDist: what is scored is what they give for the same fields."""
    from tests.networks.mock_models import globe as coarse_globe
    from tests.networks.mock_models import saved_distance, saved_downscaler

    truth = coarse_globe(36, 72, times=2)  # 5 degrees, so that coarse fields have 20
    model = load_downscaler(saved_downscaler(tmp_path / "tiny", grid_spacing_deg=20.0))
    distance = load_distance(saved_distance(tmp_path / "distance", grid_spacing_deg=5.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)  # noise downscaled by noise is not like its training
        statistics = downscaling_statistics(truth, [model], distance=distance)
        result = downscaling_scores(statistics)
        fine = model(coarsen(truth, 4))
        expected = float(distance.distance(*common_points(fine, truth)).mean())
        curve = lag_curve(truth, {"learned": distance, "l2": "l2"})
        assert float(result["atmodist"].sel(model=model.name)) == pytest.approx(expected, rel=1e-5)
        between = float(distance.distance(truth.isel(time=[0]), truth.isel(time=[1]))[0])
    assert float(curve["mean"].sel(measure="learned")[0]) == pytest.approx(between, rel=1e-4)
