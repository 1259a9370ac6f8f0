"""Scores by hand, against scipy, and joined from pieces."""

from importlib import import_module

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kurtosis, pearsonr, wasserstein_distance

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import (
    finalise_scores,
    high_wavenumber_energy_ratio,
    sample_statistics,
    scores,
)
from atmodist_core.evaluation.measures import SCORES
from tests.evaluation.mock_fields import area, dataset, globe


class FakeDistance:
    """As an AtmoDist: ten times the mean squared difference."""

    def distance(self, a, b):
        return 10 * ((a - b).vorticity ** 2).mean(("latitude", "longitude"))


@pytest.fixture(scope="module")
def pair():
    truth = area(32, 40, times=5, seed=1, smooth=1.0)
    return truth + 0.5 * area(32, 40, times=5, seed=2), truth


def four_by_four(values):
    latitude = np.array([1.5, 0.5, -0.5, -1.5])
    return dataset({"vorticity": np.array(values, dtype=float).reshape(1, 4, 4)}, latitude, np.arange(4.0))


def test_by_hand():
    truth = four_by_four([1, -1] * 8)
    prediction = four_by_four([2, -1] * 8)
    result = scores(prediction, truth, factor=2, weights="equal")
    # Every second value is off by one: mean absolute and squared error 1/2.
    assert result.mae.values == pytest.approx([0.5])
    assert result.rmse.values == pytest.approx([np.sqrt(0.5)])
    # Sorted: eight times 2 - 1 = 1, eight times 0: 1/2.
    assert result.wasserstein_per_time.values == pytest.approx([0.5])
    # In histograms with bins of 0.7 % of the value.
    assert result.wasserstein.values == pytest.approx([0.5], rel=0.01)
    # Prediction = 0.5 + 1.5 truth
    assert result.correlation.values == pytest.approx([1.0])
    # Two values, equally often: m4 / m2^2 = 1
    assert result.kurtosis.values == pytest.approx([1.0])
    # Blocks of 2 x 2 are 0.5 in the prediction, 0 in the truth: 0.5 / 0 is missing.
    assert np.isnan(result.block_mean_error.values).all()
    # Rows are constant; the variance scales with 1.5^2.
    assert result.energy_ratio.values == pytest.approx([2.25])


def test_block_mean_error_by_hand():
    truth = four_by_four([3, 3, 1, 1] * 4)
    prediction = four_by_four([4, 2, 2, 2] * 4)
    # Blocks 3 and 1 against 3 and 2: squared errors 0 and 1; coarse power 9 and 1.
    assert scores(prediction, truth, factor=2, weights="equal").block_mean_error.values == pytest.approx(
        [np.sqrt(0.5 / 5)]
    )


def test_against_scipy_with_equal_weights(pair):
    prediction, truth = pair
    result = scores(prediction, truth, factor=4, weights="equal")
    for k, name in enumerate(("vorticity", "divergence")):
        p, t = (ds[name].values.astype(np.float64) for ds in (prediction, truth))
        assert float(result.correlation[k]) == pytest.approx(
            pearsonr(p.ravel(), t.ravel()).statistic, rel=1e-9
        )
        assert float(result.kurtosis[k]) == pytest.approx(kurtosis(p.ravel(), fisher=False), rel=1e-9)
        ratio = kurtosis(p.ravel(), fisher=False) / kurtosis(t.ravel(), fisher=False)
        assert float(result.kurtosis_ratio[k]) == pytest.approx(ratio, rel=1e-9)
        assert float(result.rmse[k]) == pytest.approx(np.sqrt(np.mean((p - t) ** 2)), rel=1e-12)
        per_time = [wasserstein_distance(a.ravel(), b.ravel()) for a, b in zip(p, t, strict=True)]
        assert float(result.wasserstein_per_time[k]) == pytest.approx(np.mean(per_time), rel=1e-9)
        pooled = wasserstein_distance(p.ravel(), t.ravel())
        assert float(result.wasserstein[k]) == pytest.approx(pooled, rel=1e-3)


def test_area_weights_count(pair):
    prediction, truth = pair
    weights = np.cos(np.deg2rad(truth.latitude)) * xr.ones_like(truth.longitude)
    given = scores(prediction, truth, factor=4, weights=weights.values)
    by_area = scores(prediction, truth, factor=4)
    for name in ("rmse", "mae", "wasserstein_per_time", "kurtosis", "block_mean_error"):
        # cells weigh as sin(upper) - sin(lower), which is the cosine but for a common factor
        np.testing.assert_allclose(by_area[name], given[name], rtol=1e-7)
        assert not np.allclose(
            by_area[name], scores(prediction, truth, factor=4, weights="equal")[name], rtol=1e-6, atol=0
        )
    expected = wasserstein_distance(
        prediction.vorticity[0].values.ravel(),
        truth.vorticity[0].values.ravel(),
        weights.values.ravel(),
        weights.values.ravel(),
    )
    first = scores(prediction.isel(time=[0]), truth.isel(time=[0]), factor=4)
    assert float(first.wasserstein_per_time[0]) == pytest.approx(expected, rel=1e-6)
    assert float(first.wasserstein[0]) == pytest.approx(expected, rel=2e-3)


def test_perfect_prediction_has_the_ideal_scores():
    truth = area(32, 40, times=2)
    result = scores(truth, truth, factor=4, distance=FakeDistance())
    for name, score in result.data_vars.items():
        if score.attrs["ideal"] == "zero":
            np.testing.assert_allclose(score, 0.0, atol=1e-12)
        elif score.attrs["ideal"] == "one":
            np.testing.assert_allclose(score, 1.0, rtol=1e-9)
        assert score.attrs["long_name"], name
    assert set(result.data_vars) == {*SCORES, "atmodist"}
    assert list(result.field.values) == ["vorticity", "divergence"]
    assert list(result.units.values) == ["s-1", "s-1"]


def test_pieces_joined_in_any_order_are_the_whole(pair):
    prediction, truth = pair
    options = {"factor": 4, "distance": FakeDistance()}
    whole = scores(prediction, truth, **options)
    parts = [
        sample_statistics(prediction.isel(time=part), truth.isel(time=part), **options)
        for part in (slice(3, 5), slice(0, 1), slice(1, 3))
    ]
    joined = finalise_scores(
        xr.concat(parts, "time", data_vars="minimal", coords="minimal", compat="override").sortby("time")
    )
    xr.testing.assert_identical(joined, whole)


def test_small_batches_change_nothing(pair, monkeypatch):
    prediction, truth = pair
    whole = scores(prediction, truth, factor=4)
    # The package exports the function under the name of its module.
    monkeypatch.setattr(import_module("atmodist_core.evaluation.scores"), "POINTS_AT_ONCE", 1)
    xr.testing.assert_allclose(scores(prediction.chunk(time=2), truth, factor=4), whole, rtol=1e-12, atol=0)


def test_energy_ratio_is_that_of_mean_powers():
    truth, prediction = globe(24, times=2, seed=1), globe(24, times=2, seed=2)
    prediction["vorticity"][1] *= 3
    result = scores(prediction, truth, factor=4)
    one_by_one = [
        scores(prediction.isel(time=[k]), truth.isel(time=[k]), factor=4).energy_ratio.values
        for k in range(2)
    ]
    np.testing.assert_allclose(
        high_wavenumber_energy_ratio(prediction, truth, 4).vorticity, [x[0] for x in one_by_one], rtol=1e-5
    )
    assert (
        min(one_by_one[0][0], one_by_one[1][0])
        < float(result.energy_ratio[0])
        < max(one_by_one[0][0], one_by_one[1][0])
    )
    assert result.attrs["transform"] == "spherical harmonics"


def test_atmodist_is_averaged_over_time(pair):
    prediction, truth = pair
    result = scores(prediction, truth, factor=4, distance=FakeDistance())
    assert float(result["atmodist"]) == pytest.approx(
        float(FakeDistance().distance(prediction, truth).mean())
    )
    assert result.attrs["times"] == 5


def test_chosen_fields_and_measures(pair):
    prediction, truth = pair
    result = scores(prediction, truth, factor=4, fields=["divergence"], measures=["rmse", "kurtosis_ratio"])
    assert list(result.data_vars) == ["rmse", "kurtosis_ratio"] and list(result.field.values) == [
        "divergence"
    ]
    whole = scores(prediction, truth, factor=4)
    assert float(result.rmse[0]) == float(whole.rmse[1])


def test_the_truth_may_reach_further_than_the_prediction():
    truth = globe(33, "equiangular-with-poles", times=2)
    prediction = 0.9 * truth.isel(latitude=slice(0, 32))
    cut = truth.isel(latitude=slice(0, 32))
    xr.testing.assert_identical(scores(prediction, truth, factor=4), scores(prediction, cut, factor=4))
    ratio = high_wavenumber_energy_ratio(prediction, truth, 4)
    np.testing.assert_allclose(ratio.vorticity, 0.81, rtol=1e-5)
    # The other way round there would be nothing to compare the last row with.
    with pytest.raises(UserError, match="one grid"):
        scores(truth, cut, factor=4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factor": 1}, "factor of 2 or more"),
        ({"measures": ["rsme"]}, "rsme"),
        ({"fields": ["temperature"]}, "temperature"),
        ({"weights": "cosine"}, "'area', 'equal'"),
        ({"weights": np.ones(3)}, "weights of shape"),
        ({"weights": -np.ones((32, 40))}, "none negative"),
    ],
)
def test_bad_options(pair, options, words):
    with pytest.raises(UserError, match=words):
        scores(*pair, **{"factor": 4, **options})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: ds.assign_coords(longitude=ds.longitude + 1), "one grid"),
        (lambda ds: ds.isel(time=[0]), "as many times"),
        (lambda ds: ds.rename(vorticity="vo", divergence="d"), "share"),
        (lambda ds: ds.where(ds.latitude < -99), "points with values"),
    ],
)
def test_bad_predictions(pair, change, words):
    prediction, truth = pair
    with pytest.raises(UserError, match=words) as error:
        scores(change(prediction), truth, factor=4)
    assert str(error.value).count(". ") == 0
