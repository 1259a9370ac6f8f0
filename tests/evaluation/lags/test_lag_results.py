"""Results of a period: scores by hand, intervals by explicit resampling, a planted error on the map."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts
from atmodist_core.evaluation.lags.lag_confusion import lag_confusion
from atmodist_core.evaluation.lags.lag_pairs import LagPairs
from atmodist_core.evaluation.lags.lag_results import METRICS, lag_results
from atmodist_core.inference.lag_probabilities import chance_scores
from tests.evaluation.lags.known_distance import ANSWERS, SIZE, clockwork, known_distance

LEADS = np.arange(3.0, 16.0, 3.0)
RIGHT = 0.8 * np.eye(5) + 0.04


def judged(distance, fields, *, block_days=3, replicates=200, **settings):
    pairs = LagPairs(distance, fields, **settings)
    table = pairs.table(pairs.times_with_pairs(fields.time.values))
    axis = DayAxis.of([fields.time.values])
    counts = bootstrap_counts(axis, Bootstrap(block_days=block_days, replicates=replicates, seed=0))
    return table, lag_results([table], axis, counts, pairs.lags, network=distance.name), counts


@pytest.fixture(scope="module")
def noisy():
    """Twelve days of a clock with noise, so that distances vary."""
    fields = clockwork(96)
    noise = np.random.default_rng(1).standard_normal(fields.divergence.shape).astype(np.float32)
    strength = np.linspace(0.5, 1.5, 96, dtype=np.float32)[:, None, None]
    fields = fields.assign(divergence=fields.divergence + 2e-5 * strength * noise)
    return judged(known_distance(ANSWERS), fields, pairs=40, seed=2)


def test_scores_and_confusion_by_hand(noisy):
    table, found, _ = noisy
    label = (table.lag.values.ravel() / 3).astype(int) - 1
    of = np.bincount(label, minlength=5)
    assert int(found.pairs) == label.size == 91 * 40
    # Most likely classes 0 1 1 3 0, medians 0 1 2 3 1, ranks of the truth 0 0 1 0 4: see ANSWERS.
    expected = np.zeros((5, 5))
    expected[np.arange(5), [0, 1, 1, 3, 0]] = of
    np.testing.assert_array_equal(found.confusion, expected)
    assert found.confusion.dims == ("lag", "predicted_lag") and found.confusion.dtype.kind == "i"
    assert float(found.accuracy) == pytest.approx((of[0] + of[1] + of[3]) / label.size)
    assert float(found.top3) == pytest.approx(1 - of[4] / label.size)
    assert float(found.lag_error) == pytest.approx(9.0 * of[4] / label.size)
    assert float(found.loss) == pytest.approx(-(of * np.log(np.diag(ANSWERS))).sum() / label.size)
    assert found.attrs["network"] == "known"


def test_rows_of_the_confusion_are_those_of_lag_confusion(noisy):
    _, found, _ = noisy
    distance = known_distance(ANSWERS)
    fields = clockwork(20).isel(latitude=slice(12, 12 + SIZE), longitude=slice(0, SIZE))
    other = lag_confusion(distance, fields)
    for matrix in (found.confusion, other["count"]):
        assert (matrix.sum("predicted_lag") > 0).all()
    np.testing.assert_allclose(
        found.confusion / found.confusion.sum("predicted_lag"),
        other["count"] / other["count"].sum("predicted_lag"),
    )
    # The same lags are wrong, there with other weights.
    weight = found.confusion.sum("predicted_lag").values
    by_lag = np.diag(other["count"]) / other["count"].sum("predicted_lag").values
    assert float(found.accuracy) == pytest.approx((by_lag * weight).sum() / weight.sum())


def test_a_network_that_knows_nothing_scores_as_chance():
    distance = known_distance(np.full((23, 23), 1 / 23))
    _, found, _ = judged(distance, clockwork(110), pairs=64, replicates=0)
    pairs = int(found.pairs)
    assert pairs == 87 * 64
    assert float(found.loss) == pytest.approx(np.log(23), rel=1e-12) and np.isclose(
        found.chance_loss, np.log(23)
    )
    for name, chance in (("accuracy", 1 / 23), ("top3", 3 / 23)):
        assert float(found[f"chance_{name}"]) == pytest.approx(chance)
        assert float(found[name]) == pytest.approx(chance, abs=4 * np.sqrt(chance / pairs))
    # The median of the uniform distribution is the middle lag, 36 h: mean |k - 12| 3 h over 1..23 is 3 * 132 / 23.
    assert float(found.chance_lag_error) == pytest.approx(3 * 132 / 23)
    assert float(found.lag_error) == pytest.approx(3 * 132 / 23, abs=4 * 10 / np.sqrt(pairs))
    for name, value in chance_scores(23, 3.0).items():
        assert float(found[f"chance_{name.removesuffix('_hours')}"]) == pytest.approx(value)


def test_curves_are_means_and_deviations_over_pairs(noisy):
    table, found, _ = noisy
    for metric, variable in METRICS.items():
        of_lag = [table[variable].values[table.lag.values == lag] for lag in LEADS]
        np.testing.assert_allclose(found.curve_mean.sel(metric=metric), [x.mean() for x in of_lag])
        np.testing.assert_allclose(found.curve_std.sel(metric=metric), [x.std() for x in of_lag], rtol=1e-6)
        # Five lags: the last quarter is the last one.
        scaled = float((found.curve_mean * found.curve_scale).sel(metric=metric)[-1])
        assert scaled == pytest.approx(1.0)
    assert (found.curve_std.sel(metric="l2") > 0).all()
    assert list(found.metric.values) == ["atmodist", "l2", "l1", "1-ssim"]


def test_intervals_are_percentiles_of_resampled_days(noisy):
    table, found, counts = noisy
    day = (table.time.values.astype("datetime64[D]") - np.datetime64("2001-01-01")).astype(int)
    loss, l2 = [], []
    for row in counts[1:]:
        times = np.concatenate([np.repeat(np.flatnonzero(day == d), int(n)) for d, n in enumerate(row)])
        drawn = table.isel(time=times)
        loss.append(float(drawn.log_loss.mean()))
        l2.append(float(drawn.l2.values[drawn.lag.values == 9.0].mean()))
    np.testing.assert_allclose([found.loss_low, found.loss_high], np.percentile(loss, (2.5, 97.5)))
    ends = [found[f"curve_mean_{end}"].sel(metric="l2", lag=9.0) for end in ("low", "high")]
    np.testing.assert_allclose(ends, np.percentile(l2, (2.5, 97.5)))
    for name in ("loss", "accuracy", "top3", "lag_error", "curve_mean"):
        assert (found[f"{name}_low"] <= found[name]).all() and (found[name] <= found[f"{name}_high"]).all()
        assert (found[f"{name}_low"] < found[f"{name}_high"]).all()


def test_a_short_record_has_no_intervals():
    _, found, _ = judged(known_distance(ANSWERS), clockwork(64), pairs=10)  # eight days, blocks of three
    for name in ("loss", "accuracy", "top3", "lag_error", "curve_mean"):
        assert np.isfinite(found[name]).all()
        assert np.isnan(found[f"{name}_low"]).all() and np.isnan(found[f"{name}_high"]).all()


def test_a_lag_or_box_without_pairs_has_no_value(noisy):
    table, _, _ = noisy
    few = table.isel(time=[0], pair=np.flatnonzero(table.lag.values[0] != 15.0))
    axis = DayAxis.of([few.time.values])
    found = lag_results([few], axis, np.ones((1, 1)), LEADS)
    assert np.isnan(found.curve_mean.sel(lag=15.0)).all() and np.isnan(found.curve_std.sel(lag=15.0)).all()
    assert np.isnan(found.curve_scale).all()  # there is nothing at the last lags
    assert np.isfinite(found.curve_mean.sel(lag=3.0)).all()
    assert int(found.pairs_map.sum()) == int(found.pairs) < 40
    np.testing.assert_array_equal(np.isnan(found.lag_error_map), found.pairs_map < 10)


def test_members_count_as_one_longer_record(noisy):
    table, found, counts = noisy
    # The same days, told as two members; the second without times has days of its own.
    split = np.datetime64("2001-01-07")
    parts = [table.sel(time=table.time < split), table.sel(time=table.time >= split)]
    axis = DayAxis((np.datetime64("2001-01-01", "D"), np.datetime64("2001-01-07", "D")), (6, 6))
    xr.testing.assert_allclose(lag_results(parts, axis, counts, LEADS), found)
    alone = lag_results([parts[0], table.isel(time=[])], axis, counts, LEADS)
    assert int(alone.pairs) == parts[0].time.size * 40


def test_an_error_of_one_region_shows_there_and_nowhere_else():
    # Divergence is large between 10 and 30 N, 100 and 160 E, which makes the network take a lag for another.
    distance = known_distance(RIGHT)
    _, found, _ = judged(distance, clockwork(120, misleading=(10, 30, 100, 160)), pairs=64, replicates=0)
    latitude, longitude = found.latitude.values, found.longitude.values
    assert list(latitude[:2]) == [85.0, 75.0] and list(longitude[:2]) == [10.0, 30.0]
    inside = ((latitude > 10) & (latitude < 30))[:, None] & ((longitude > 100) & (longitude < 160))
    known = np.isfinite(found.lag_error_map.values)
    assert inside.sum() == 6 and known[inside].all() and known.sum() > 200
    # Lags of class k are taken for (k + 2) % 5: 6 h off, or 9 h.
    error = found.lag_error_map.values
    assert (error[inside] >= 6).all() and (error[inside] <= 9).all()
    assert (error[known & ~inside] == 0).all()
    assert not known[np.abs(latitude) > 60].any() and int(found.pairs_map.sum()) == int(found.pairs)


def test_everything_is_described(noisy):
    _, found, _ = noisy
    for name, field in found.data_vars.items():
        assert set(field.attrs) == {"units", "long_name", "definition"}, name
        assert field.attrs["definition"].endswith(".") and "%%" not in field.attrs["definition"]
    assert {found[name].attrs["units"] for name in ("lag_error", "lag_error_low", "chance_lag_error")} == {
        "h"
    }
    assert found.loss.attrs["units"] == "nat"


def test_what_does_not_belong_together_is_refused(noisy):
    table, _, counts = noisy
    axis = DayAxis.of([table.time.values])
    with pytest.raises(UserError, match="Expected a table of pairs for each of 1 members, found 2"):
        lag_results([table, table], axis, counts, LEADS)
    with pytest.raises(UserError, match="Expected pairs of states up to 15 h apart, found none"):
        lag_results([table.isel(time=[])], axis, counts, LEADS)
    with pytest.raises(UserError, match=r"Expected lags among 6, 12, 18 h, found (3|9|15) h"):
        lag_results([table], axis, counts, [6.0, 12.0, 18.0])
