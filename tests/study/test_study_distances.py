"""Distances between times and methods against plain loops, and curves whose saturation is known."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.lag_confusion import lag_confusion
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
    embeddings = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    found = time_matrices(ds, "vorticity", embeddings, scale=2.0)["atmodist"].values
    # mean over two features of the squared difference, times two
    np.testing.assert_allclose(found, [[0, 1, 9], [1, 0, 10], [9, 10, 0]], rtol=1e-6)
    assert "atmodist" not in time_matrices(ds, "vorticity")


def test_lag_curves_have_one_scale_and_grow_for_a_random_walk():
    ds = fields(times=16)
    flat = ds["vorticity"].values.reshape(16, -1)
    curves = lag_curves(ds, time_matrices(ds, "vorticity", flat))
    assert list(curves["measure"].values) == [LEARNED, "l2", "l1", "1-SSIM"]
    assert curves["lead"].values[0] == 3 and (np.diff(curves["mean"].sel(measure=LEARNED)) > 0).all()
    upper = curves["mean"].isel(lead=slice(curves.sizes["lead"] // 2, None))
    assert float(abs(upper.sel(measure="l2") / upper.sel(measure=LEARNED) - 1).max()) < 0.3


def test_without_a_network_the_scale_is_that_of_l2():
    ds = fields()
    curves = lag_curves(ds, time_matrices(ds, "vorticity"))
    assert list(curves["measure"].values) == ["l2", "l1", "1-SSIM"]
    assert float(curves["scale"].sel(measure="l2")) == pytest.approx(1)


def test_saturation_is_the_first_lag_with_nine_tenths_of_the_plateau():
    mean = np.array([[0.5, 0.8, 0.95, 1.0, 1.0, 1.0, 1.0, 1.0], np.arange(1.0, 9.0)])
    curves = xr.Dataset(
        {"mean": (("measure", "lead"), mean)}, {"measure": ["a", "b"], "lead": 3.0 * np.arange(1, 9)}
    )
    # the plateau of b is (7 + 8) / 2; nine tenths of it, 6.75, is reached by 7, at 21 h
    assert saturation(curves).values.tolist() == [9.0, 21.0]


def test_methods_are_compared_with_the_truth_and_each_other():
    truth = fields(times=1)
    worse = truth.copy(deep=True)
    worse["vorticity"] = truth["vorticity"] + np.float32(3e-6)
    found = method_distances({"mine": worse, "truth": truth}, "vorticity")
    assert found["rmse"].values == pytest.approx(np.array([[0, 3e-6], [3e-6, 0]]), rel=1e-3)
    assert 0 < float(found["dissimilarity"].sel(state="mine", other_state="truth")) < 2
    with pytest.raises(ad.UserError, match="truth among"):
        method_distances({"mine": worse}, "vorticity")


@pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")
def test_the_confusion_matrix_counts_every_guess(distance):
    size = distance.inference.network.classifier.config.patch_size
    ds = fields(times=6, rows=size, columns=size + 8)
    found = lag_confusion(distance, ds, pairs_per_lead=2)
    counts = found["count"].values
    leads = found["lead"].values
    spacing_h = 3
    for row, lead in zip(counts, leads, strict=True):
        pairs = max(0, min(2, 6 - int(lead) // spacing_h)) if lead % spacing_h == 0 else 0
        assert row.sum() == pairs * found.attrs["patches"]
    direct = distance.predict_lag(ds.isel(time=[0]), ds.isel(time=[1]), per_patch=True)
    later = lag_confusion(distance, ds.isel(time=[0, 1]))
    assert later["count"].values.sum() == direct.sizes["patch"]
    for lead in direct["most_likely"].values.ravel():
        assert int(later["count"].sel(lead=3.0, predicted_lead=lead)) > 0


def test_too_small_a_region_is_one_sentence(distance):
    with pytest.raises(ad.UserError, match="patch size"):
        lag_confusion(distance, fields(rows=8, columns=8))
