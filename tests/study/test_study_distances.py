"""Distances between times and methods against plain loops, and curves whose saturation is known."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.lags.lag_confusion import lag_confusion
from atmodist_core.fields.grid.patches import with_surroundings
from atmodist_core.figures.numbers.distances import (
    LEARNED,
    lag_curves,
    method_distances,
    root_mean_square_matrix,
    saturation,
    time_matrices,
)
from tests.networks.mock_models import saved_distance


@pytest.fixture
def distance(tmp_path):
    return ad.load_distance(saved_distance(tmp_path / "tiny-distance", grid_spacing_deg=1.0))


def fields(times=8, rows=24, columns=32, seed=0):
    random = np.random.default_rng(seed)
    steps = random.normal(size=(2, times, rows, columns)).cumsum(axis=1) * 1e-5
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {
            name: (dims, values.astype(np.float32), {"units": "s-1"})
            for name, values in zip(("vorticity", "divergence"), steps, strict=True)
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + 3 * np.arange(times) * np.timedelta64(1, "h"),
            "latitude": 50.0 - np.arange(rows),
            "longitude": 10.0 + np.arange(columns),
        },
    )


def test_the_matrix_of_rms_differences_is_that_of_a_loop_over_pairs():
    ds = fields()
    weights = np.broadcast_to(area_weights(ds), (24, 32))
    values = ds["divergence"].values.astype(float)
    loop = [[np.sqrt((weights * (a - b) ** 2).sum()) for a in values] for b in values]
    np.testing.assert_allclose(root_mean_square_matrix(ds, "divergence"), loop, rtol=1e-6, atol=1e-12)


def test_small_pieces_give_the_same_matrix(monkeypatch):
    ds = fields()
    whole = root_mean_square_matrix(ds, "vorticity")
    monkeypatch.setattr("atmodist_core.figures.numbers.distances.POINTS_AT_ONCE", 100)
    np.testing.assert_allclose(root_mean_square_matrix(ds, "vorticity"), whole, rtol=1e-9)


def test_time_matrices_scale_the_squared_difference_of_embeddings():
    ds = fields(times=3)
    embeddings = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], dtype=np.float32).reshape(3, 2, 1, 1)
    found = time_matrices(ds, "vorticity", embeddings, scale=2.0)["atmodist"].values
    # mean over two features of the squared difference, times two
    np.testing.assert_allclose(found, [[0, 1, 9], [1, 0, 10], [9, 10, 0]], rtol=1e-6)
    assert "atmodist" not in time_matrices(ds, "vorticity")


def test_lag_curves_have_one_scale_and_grow_for_a_random_walk():
    ds = fields(times=16)
    embeddings = ds["vorticity"].values[:, None]
    curves = lag_curves(ds, time_matrices(ds, "vorticity", embeddings))
    assert list(curves["measure"].values) == [LEARNED, "l2", "l1", "1-SSIM"]
    assert curves["lag"].values[0] == 3 and (np.diff(curves["mean"].sel(measure=LEARNED)) > 0).all()
    upper = curves["mean"].isel(lag=slice(curves.sizes["lag"] // 2, None))
    assert float(abs(upper.sel(measure="l2") / upper.sel(measure=LEARNED) - 1).max()) < 0.3


def test_without_a_network_the_scale_is_that_of_l2():
    ds = fields()
    curves = lag_curves(ds, time_matrices(ds, "vorticity"))
    assert list(curves["measure"].values) == ["l2", "l1", "1-SSIM"]
    assert float(curves["scale"].sel(measure="l2")) == pytest.approx(1)


def test_saturation_is_the_first_lag_with_nine_tenths_of_the_plateau():
    mean = np.array([[0.5, 0.8, 0.95, 1.0, 1.0, 1.0, 1.0, 1.0], np.arange(1.0, 9.0)])
    curves = xr.Dataset(
        {"mean": (("measure", "lag"), mean)}, {"measure": ["a", "b"], "lag": 3.0 * np.arange(1, 9)}
    )
    # the plateau of b is (7 + 8) / 2; nine tenths of it, 6.75, is reached by 7, at 21 h
    assert saturation(curves).values.tolist() == [9.0, 21.0]


def test_methods_are_compared_with_the_truth_and_each_other():
    truth = fields(times=1)
    worse = truth.copy(deep=True)
    worse["vorticity"] = truth["vorticity"] + np.float32(3e-6)
    found = method_distances({"mine": worse, "truth": truth}, "vorticity")
    assert found["rmse"].values == pytest.approx(np.array([[0, 3e-6], [3e-6, 0]]), rel=1e-3)
    assert 0 < float(found["dissimilarity"].sel(model="mine", other_model="truth")) < 2
    with pytest.raises(ad.UserError, match="truth among"):
        method_distances({"mine": worse}, "vorticity")


@pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")
def test_the_confusion_matrix_counts_every_guess(distance):
    size = distance.inference.network.classifier.config.patch_size
    ds = fields(times=6, rows=size, columns=size + 8)
    found = lag_confusion(distance, ds, pairs_per_lag=2)
    counts = found["count"].values
    lags = found["lag"].values
    spacing_h = 3
    for row, lag in zip(counts, lags, strict=True):
        pairs = max(0, min(2, 6 - int(lag) // spacing_h)) if lag % spacing_h == 0 else 0
        assert row.sum() == pairs * found.attrs["patches"]
    direct = distance.predict_lag(ds.isel(time=[0]), ds.isel(time=[1]), per_patch=True)
    later = lag_confusion(distance, ds.isel(time=[0, 1]))
    assert later["count"].values.sum() == direct.sizes["patch"]
    for lag in direct["most_likely"].values.ravel():
        assert int(later["count"].sel(lag=3.0, predicted_lag=lag)) > 0


def test_too_small_a_region_is_one_sentence(distance):
    with pytest.raises(ad.UserError, match="patch size"):
        lag_confusion(distance, fields(rows=8, columns=8))


@pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")
def test_regions_smaller_than_a_patch_are_covered_with_their_surroundings(distance):
    """The patch of the tiny network has 16 points; the region 6 x 8."""
    ds = fields(rows=40, columns=48, times=4)
    region = ad.Region(30, 35, 20, 27)
    found = lag_confusion(distance, ds, region)
    size = found.attrs["patch_size"]
    around = with_surroundings(ds, region, size)
    assert around.sizes["latitude"] == around.sizes["longitude"] == size
    assert around.latitude.min() < 30 and around.latitude.max() > 35
    assert around.longitude.min() < 20 and around.longitude.max() > 27
    xr.testing.assert_identical(found, lag_confusion(distance, around))
    assert "N" in found.attrs["area"] and "E" in found.attrs["area"]
    pair = ds.isel(time=[0]), ds.isel(time=[1])
    xr.testing.assert_equal(
        distance.predict_lag(*pair, region=region),
        distance.predict_lag(*(with_surroundings(each, region, size) for each in pair)),
    )


def test_surroundings_stay_within_the_data_and_cross_greenwich():
    globe = xr.Dataset(
        {"x": (("latitude", "longitude"), np.random.default_rng(0).random((36, 72)))},
        {"latitude": 87.5 - 5.0 * np.arange(36), "longitude": 5.0 * np.arange(72)},
    )
    around = with_surroundings(globe, ad.Region(70, 90, -10, 10), 16)
    assert around.sizes == {"latitude": 16, "longitude": 16}
    assert (
        around.latitude.values[0] == 87.5
        and around.longitude.values.tolist() == (np.arange(-35, 45, 5)).tolist()
    )
    np.testing.assert_array_equal(
        around.x.sel(longitude=slice(-10, -5)), globe.x.isel(latitude=slice(0, 16)).sel(longitude=[350, 355])
    )
    whole = with_surroundings(globe, ad.Region(-30, 30, 100, 120), 100)
    assert whole.sizes == globe.sizes
