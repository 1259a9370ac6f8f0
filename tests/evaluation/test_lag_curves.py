"""Distance against time lag."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import lag_curve, scaled_together, structural_similarity
from atmodist_core.evaluation.lags.lag_curves import pairs_by_lag
from tests.evaluation.mock_fields import area, dataset


class FakeAtmoDist:
    """Has what an AtmoDist has: the matrix of distances between all times, here the hours between them."""

    def matrix(self, ds):
        hours = (ds.time.values - ds.time.values[0]) / np.timedelta64(1, "h")
        return xr.DataArray(np.abs(hours[:, None] - hours[None, :]), dims=("time", "other_time"))


def test_by_hand():
    # Values 0, 1, 3 everywhere (standard deviation of the set: sqrt(14/9)); lags 3 h: |1|, |2|; 6 h: |3|.
    values = np.array([0.0, 1.0, 3.0])[:, None, None] * np.ones((3, 2, 2))
    ds = dataset({"vorticity": values}, [1.0, 0.0], [0.0, 1.0])
    curve = lag_curve(ds, ("l1", "l2"))
    variance = 14 / 9
    assert list(curve.lag.values) == [3.0, 6.0] and list(curve.pairs.values) == [2, 1]
    np.testing.assert_allclose(curve["mean"].sel(measure="l1"), np.array([1.5, 3.0]) / np.sqrt(variance))
    np.testing.assert_allclose(curve["mean"].sel(measure="l2"), np.array([2.5, 9.0]) / variance)
    np.testing.assert_allclose(curve.standard_deviation.sel(measure="l2"), np.array([1.5, 0.0]) / variance)


def test_fields_count_alike_whatever_their_size():
    ds = area(20, 20, times=4)
    larger = ds.assign(divergence=1000 * ds.divergence)
    for measure in ("l1", "l2", "1-ssim"):
        np.testing.assert_allclose(
            lag_curve(ds, (measure,))["mean"], lag_curve(larger, (measure,))["mean"], rtol=1e-5
        )


def test_dissimilarity_is_that_of_the_function():
    ds = area(15, 18, times=2, smooth=1)
    expected = []
    for name in ("vorticity", "divergence"):
        values = ds[name].values.astype(np.float64)
        expected.append(1 - structural_similarity(values[0], values[1], value_range=float(np.ptp(values))))
    curve = lag_curve(ds, ("1-ssim",))
    assert float(curve["mean"][0, 0]) == pytest.approx(np.mean(expected), rel=1e-9)


def test_learned_distance_uses_its_matrix():
    ds = area(12, 12, times=6)
    curve = lag_curve(ds, ["l2", FakeAtmoDist()])
    np.testing.assert_allclose(curve["mean"].sel(measure="AtmoDist"), curve.lag)
    own_label = lag_curve(ds, {"mine": FakeAtmoDist(), "square": "l2"})
    np.testing.assert_allclose(own_label["mean"].sel(measure="square"), curve["mean"].sel(measure="l2"))
    np.testing.assert_allclose(own_label.standard_deviation.sel(measure="mine"), 0.0, atol=1e-12)


def test_a_slowly_changing_field_drifts_away():
    steps = area(24, 24, times=12, seed=5)
    walk = steps.cumsum("time").assign_coords(time=steps.time)
    means = lag_curve(walk, ("l1", "l2", "1-ssim"), maximum_lag_h=15)["mean"]
    assert list(means.lag.values) == [3, 6, 9, 12, 15]
    assert (means.diff("lag") > 0).all()


def test_irregular_times_use_the_lags_that_occur():
    hours = np.array([0, 3, 9, 10])
    times = np.datetime64("2000-01-01", "ns") + hours * np.timedelta64(1, "h")
    pairs = pairs_by_lag(times, 9.0)
    assert {lag: list(zip(*map(list, found), strict=True)) for lag, found in pairs.items()} == {
        1.0: [(2, 3)], 3.0: [(0, 1)], 6.0: [(1, 2)], 7.0: [(1, 3)], 9.0: [(0, 2)]
    }  # fmt: skip


def test_fewer_pairs_are_drawn_with_a_seed():
    ds = area(12, 12, times=20)
    curve = lag_curve(ds, ("l2",), pairs_per_lag=5, maximum_lag_h=30)
    assert (curve.pairs <= 5).all() and curve.pairs[0] == 5
    xr.testing.assert_identical(curve, lag_curve(ds, ("l2",), pairs_per_lag=5, maximum_lag_h=30))
    assert (curve["mean"] != lag_curve(ds, ("l2",), pairs_per_lag=5, maximum_lag_h=30, seed=1)["mean"]).any()


def test_scaled_together_meets_at_long_lags():
    curve = lag_curve(area(12, 12, times=8), {"hours": FakeAtmoDist(), "l2": "l2"})
    scaled = scaled_together(curve, "hours")
    d, m = curve["mean"].sel(measure="l2").values, curve["mean"].sel(measure="hours").values
    upper = slice(len(d) // 2, None)
    s = (d[upper] * m[upper]).sum() / (d[upper] ** 2).sum()
    assert float(scaled.scale.sel(measure="l2")) == pytest.approx(s)
    assert float(scaled.scale.sel(measure="hours")) == pytest.approx(1.0)
    for name in ("mean", "standard_deviation"):
        np.testing.assert_allclose(scaled[name].sel(measure="l2"), s * curve[name].sel(measure="l2"))


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (lambda: area(12, 12), {}, "two dated times"),
        (lambda: area(12, 12, times=3).drop_vars("time"), {}, "two dated times"),
        (lambda: area(12, 12, times=3), {"measures": ("l3",)}, "l3"),
        (lambda: area(12, 12, times=3), {"measures": (np.mean,)}, "AtmoDist"),
        (lambda: area(12, 12, times=3), {"maximum_lag_h": 2}, "at most 2 hours"),
        (lambda: area(8, 30, times=3), {"measures": ("1-ssim",)}, "11 x 11"),
        (lambda: 0 * area(12, 12, times=3), {}, "constant"),
    ],
)
def test_bad_input(make, options, words):
    with pytest.raises(UserError, match=words):
        lag_curve(make(), **options)


def test_unknown_reference():
    with pytest.raises(UserError, match="l5"):
        scaled_together(lag_curve(area(12, 12, times=3), ("l2",)), "l5")
