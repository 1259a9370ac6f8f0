"""Scores of fields with gaps: those of the points that are there, power from the largest rectangle of them."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.evaluation import regional_spectrum, scores, semivariogram
from atmodist_core.evaluation.diagnostics.semivariogram import draw_pairs
from atmodist_core.evaluation.geometry import area_weights, without_gaps
from atmodist_core.evaluation.lags.lag_curves import lag_curve
from atmodist_core.figures.numbers.distances import method_distances, root_mean_square_matrix
from tests.evaluation.mock_fields import area


@pytest.fixture
def gappy():
    """Prediction, truth, and the mask of points that both have: corners and a notch are missing."""
    truth = area(32, 40, times=3, smooth=1.0)
    prediction = truth.copy(deep=True)
    noise = np.random.default_rng(1)
    for name in truth.data_vars:
        prediction[name] = 0.8 * truth[name] + 2e-6 * noise.standard_normal(truth[name].shape)
    mask = np.add.outer(np.arange(32), np.arange(40)) > 11
    mask[20:22, 36:] = False
    there = xr.DataArray(mask, dims=("latitude", "longitude"))
    return prediction.where(there), truth.where(there), mask


def test_scores_are_those_of_the_valid_points(gappy):
    prediction, truth, mask = gappy
    found = scores(prediction, truth, factor=4).sel(field="vorticity")
    weights = np.where(mask, area_weights(truth), 0.0)
    weights /= weights.sum()
    a, b = (np.where(mask, ds.vorticity.values.astype(float), 0.0) for ds in (prediction, truth))
    error = a - b
    np.testing.assert_allclose(found.rmse, np.sqrt((error**2 * weights).sum(axis=(1, 2)).mean()), rtol=1e-6)
    np.testing.assert_allclose(found.mae, (np.abs(error) * weights).sum(axis=(1, 2)).mean(), rtol=1e-6)
    exact = [_wasserstein(x[mask], y[mask], weights[mask]) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found.wasserstein_per_time, np.mean(exact), rtol=1e-6)
    cut = scores(without_gaps(prediction), without_gaps(truth), factor=4).sel(field="vorticity")
    np.testing.assert_allclose(found.energy_ratio, cut.energy_ratio, rtol=1e-12)
    assert found.attrs["share_of_area"] == pytest.approx(area_weights(truth)[mask].sum())


def _wasserstein(a, b, weights):
    """Distance of two weighted samples by SciPy."""
    from scipy.stats import wasserstein_distance

    return wasserstein_distance(a, b, weights, weights)


def test_what_lies_in_the_gaps_does_not_matter(gappy):
    """A prediction may hold anything where the truth has nothing."""
    prediction, truth, mask = gappy
    wild = prediction.where(xr.DataArray(mask, dims=("latitude", "longitude")), 1.0)
    xr.testing.assert_allclose(scores(prediction, truth, factor=4), scores(wild, truth, factor=4))


def test_spectra_are_those_of_the_largest_rectangle(gappy):
    _, truth, _ = gappy
    cut = without_gaps(truth)
    assert 0.5 < cut.vorticity.size / np.isfinite(truth.vorticity).sum() < 1
    found = regional_spectrum(truth)
    assert "largest rectangle" in found.attrs.pop("window")
    xr.testing.assert_identical(found, regional_spectrum(cut))


def test_semivariograms_use_pairs_of_valid_points(gappy):
    _, truth, mask = gappy
    found = draw_pairs(truth, 100.0, 4000, 0, mask)
    assert mask.ravel()[found.first].all() and mask.ravel()[found.second].all()
    values = truth.vorticity.values.reshape(3, -1).astype(float)
    wanted = 0.5 * ((values[:, found.first] - values[:, found.second]) ** 2).mean(axis=1)
    np.testing.assert_allclose(semivariogram(truth, [100.0], pairs=4000).vorticity[:, 0], wanted, rtol=1e-6)


def test_distances_of_states_leave_the_gaps_out(gappy):
    prediction, truth, mask = gappy
    weights = area_weights(truth, mask)
    matrix = root_mean_square_matrix(truth, "vorticity")
    values = np.where(mask, truth.vorticity.values.astype(float), 0.0)
    wanted = np.sqrt((weights * (values[0] - values[2]) ** 2).sum())
    np.testing.assert_allclose(matrix[0, 2], wanted, rtol=1e-5)
    curves = lag_curve(truth, ["l1", "l2", "1-ssim"])
    assert np.isfinite(curves["mean"]).all()
    between = method_distances({"truth": truth.isel(time=[0]), "x": prediction.isel(time=[0])}, "vorticity")
    assert np.isfinite(between.rmse).all() and np.isfinite(between.dissimilarity).all()
