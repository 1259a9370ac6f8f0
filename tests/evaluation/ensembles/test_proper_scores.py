"""CRPS, energy and variogram scores against their definitions, and against what a calibrated ensemble scores."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import atmodist, crps, energy_score, scores, variogram_score
from atmodist_core.evaluation.ensembles.kernels import tile_points
from atmodist_core.evaluation.geometry import area_weights
from tests.evaluation.mock_fields import area, globe

FIELDS = ("vorticity", "divergence")


def ensemble(base, members, noise, seed=0):
    """Members that add independent Gaussian noise of a standard deviation [s-1] to every point."""
    random = np.random.default_rng(seed)
    return xr.concat(
        [
            base.map(
                lambda x: (x + noise * random.standard_normal(x.shape)).astype(np.float32), keep_attrs=True
            )
            for _ in range(members)
        ],
        "member",
    )


def brute_force(members, truth, norm):
    """Fair score of members (member, ...) from the definition, with a distance of two vectors."""
    count = len(members)
    to_truth = sum(norm(x - truth) for x in members) / count
    apart = sum(norm(x - y) for x in members for y in members)
    return to_truth - apart / (2 * count * (count - 1))


def values(ds, field="vorticity"):
    return ds[field].transpose("member", ...).values.astype(float)


@pytest.fixture(scope="module")
def case():
    truth = area(32, 48, smooth=1.5, times=2)
    return ensemble(truth, 5, 1e-5), truth


def test_crps_is_its_definition_at_every_point_and_in_the_area_mean(case):
    members, truth = case
    found = crps(members, truth, at_points=True)
    for field in FIELDS:
        expected = brute_force(values(members, field), truth[field].values.astype(float), np.abs)
        np.testing.assert_allclose(found[field], expected, rtol=1e-4, atol=1e-11)
        mean = (found[field].values * area_weights(truth)).sum(axis=(1, 2))
        np.testing.assert_allclose(crps(members, truth)[field], mean, rtol=1e-6)
        assert found[field].attrs["units"] == "s-1"


def test_the_crps_of_a_single_field_is_the_mean_absolute_error(case):
    members, truth = case
    one = members.isel(member=0)
    expected = scores(one, truth, factor=4)["mae"]
    for single in (one, members.isel(member=[0])):
        found = crps(single, truth).mean("time")
        for field in FIELDS:
            assert float(found[field]) == pytest.approx(float(expected.sel(field=field)), rel=1e-6)


def test_the_crps_of_a_calibrated_gaussian_ensemble_is_the_analytic_one():
    base, sigma = area(200, 300), 2e-5
    draws = ensemble(base, 5, sigma)
    truth, members = draws.isel(member=0), draws.isel(member=slice(1, None))
    # Two standard normal variables are 2 / sqrt(pi) apart on average, and the score is half of that.
    found = float(crps(members, truth)["vorticity"].mean())
    assert found == pytest.approx(sigma / np.sqrt(np.pi), rel=0.01)


def test_fair_scores_do_not_depend_on_the_number_of_members():
    base = area(160, 320)
    draws = ensemble(base, 13, 2e-5)
    truth, members = draws.isel(member=0), draws.isel(member=slice(1, None))
    for score in (crps, energy_score, variogram_score):
        few, many = (score(members.isel(member=slice(0, n)), truth)["vorticity"].item() for n in (2, 12))
        assert few == pytest.approx(many, rel=0.02), score.__name__


@pytest.mark.parametrize("score", [crps, energy_score, variogram_score])
def test_no_forecast_beats_the_true_distribution(score):
    """Proper in expectation: too little and too much spread, and a bias, all score worse."""
    base = area(160, 320, smooth=1.0)
    truth = ensemble(base, 1, 2e-5, seed=9).isel(member=0)
    best = score(ensemble(base, 6, 2e-5), truth)["vorticity"].item()
    for noise in (1e-5, 3e-5):
        assert score(ensemble(base, 6, noise), truth)["vorticity"].item() > 1.01 * best
    if score is not variogram_score:  # which differences of points do not see
        assert score(ensemble(base, 6, 2e-5) + 1e-5, truth)["vorticity"].item() > 1.01 * best


def test_energy_and_variogram_scores_are_their_definitions(case):
    members, truth = case
    x, y = values(members)[:, 0], truth["vorticity"].values[0].astype(float)
    weights = area_weights(truth)
    energies, variograms, areas = [], [], []
    for row in range(0, 32, 16):
        for column in range(0, 48, 16):
            some = np.s_[..., row : row + 16, column : column + 16]
            energies.append(brute_force(x[some], y[some], lambda z: np.sqrt(np.mean(z**2))))
            inner = np.s_[..., row + 6 : row + 10, column + 6 : column + 10]
            pairs = [
                np.abs(z.reshape(len(z), 16, 1) - z.reshape(len(z), 1, 16)) ** 0.5
                for z in (x[inner], y[inner][None])
            ]
            between = pairs[0].mean(axis=0) - pairs[1][0]
            fair = between**2 - pairs[0].var(axis=0, ddof=1) / len(x)
            variograms.append(fair.sum() / (16 * 15))
            areas.append(weights[some].sum())
    # The area of the inner tile is that of its square but for the rows, which differ by less than 2 %.
    for score, expected in ((energy_score, energies), (variogram_score, variograms)):
        found = score(members, truth)["vorticity"].values[0]
        assert found == pytest.approx(np.average(expected, weights=areas), rel=1e-3)


def test_tiles_of_one_point_give_the_crps(case):
    members, truth = case
    np.testing.assert_allclose(
        energy_score(members, truth, tile=1)["divergence"], crps(members, truth)["divergence"], rtol=1e-5
    )


def test_the_variogram_score_sees_dependence_that_the_crps_does_not():
    """Members with the right values at every point, but shuffled between members point by point."""
    base = area(160, 320)
    random = np.random.default_rng(3)
    truth, *members = (area(160, 320, smooth=2.0, seed=seed) for seed in range(7))
    members = xr.concat(members, "member")
    order = random.permuted(np.tile(np.arange(6)[:, None], (1, 160 * 320)), axis=0).reshape(6, 1, 160, 320)
    shuffled = members.map(
        lambda x: x.copy(data=np.take_along_axis(x.values, order, axis=0)), keep_attrs=True
    )
    assert base.sizes == truth.sizes
    assert crps(shuffled, truth)["vorticity"].item() == pytest.approx(
        crps(members, truth)["vorticity"].item()
    )
    worse, right = (variogram_score(x, truth)["vorticity"].item() for x in (shuffled, members))
    assert worse > 1.5 * right


def test_tiles_are_the_points_in_the_middle_of_their_squares():
    grid = np.arange(32 * 40).reshape(32, 40)
    found = tile_points(grid, 2, 16)
    assert found.shape == (2, 2, 4)
    np.testing.assert_array_equal(found[1, 1], grid[23:25, 23:25].ravel())


def test_mistakes_get_one_sentence(case):
    members, truth = case
    with pytest.raises(UserError, match="share"):
        crps(members.rename(vorticity="a", divergence="b"), truth)
    with pytest.raises(UserError, match="truth without members"):
        crps(members, members)
    with pytest.raises(UserError, match="tiles that fit"):
        energy_score(members, truth, tile=64)
    with pytest.raises(UserError, match="tile of 2 to 16"):
        variogram_score(members, truth, tile=1)


def test_the_learned_distance_is_averaged_over_the_dimensions_that_are_asked_for():
    truth = globe(64, times=2, seed=1)

    class Known:
        name = "known"
        card = SimpleNamespace(channels=("vorticity", "divergence"))

        def distance(self, a, b, *, layer=None):
            difference = np.abs(a["vorticity"].values - b["vorticity"].values)
            return xr.DataArray(difference.mean(axis=(1, 2)), dims="time")

    members = xr.concat([truth + 1e-5, truth + 3e-5], "member")
    full = atmodist(members, truth, distance=Known(), preserve_dims="all")
    assert set(full.dims) == {"member", "time"} and full.attrs["units"] == "1"
    np.testing.assert_allclose(full.transpose("member", "time"), [[1e-5, 1e-5], [3e-5, 3e-5]], rtol=1e-2)
    assert float(atmodist(members, truth, distance=Known())) == pytest.approx(2e-5, rel=1e-2)
    by_time = atmodist(members, truth, distance=Known(), reduce_dims="member")
    assert by_time.dims == ("time",)
    weights = xr.DataArray([3.0, 1.0], dims="member")
    weighted = atmodist(members, truth, distance=Known(), preserve_dims="time", weights=weights)
    np.testing.assert_allclose(weighted, 1.5e-5, rtol=1e-2)
    with pytest.raises(UserError, match="found both"):
        atmodist(members, truth, distance=Known(), reduce_dims="time", preserve_dims="member")
    with pytest.raises(UserError, match="among time, member"):
        atmodist(members, truth, distance=Known(), reduce_dims="level")
