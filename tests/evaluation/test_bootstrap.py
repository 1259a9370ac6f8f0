"""The bootstrap against what is known of means of series."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import (
    Bootstrap,
    DayAxis,
    Estimate,
    bootstrap_counts,
    day_sums,
    interval,
    remove_excess,
)
from atmodist_core.evaluation.city_verdicts import (
    city_wasserstein,
    improved_to_degraded_estimate,
    verdict_counts,
)
from atmodist_core.evaluation.diagnostics.wasserstein import resampled_wasserstein


def city_distances(*arguments):
    """Distances without the replicates' excess, as an evaluation uses them."""
    return remove_excess(city_wasserstein(*arguments).swapaxes(0, 1)).swapaxes(0, 1)


def axis_of(*days):
    start = np.datetime64("2001-01-01")
    return DayAxis(tuple(start for _ in days), tuple(days))


def autoregressive(days, memory, random):
    noise = random.standard_normal(days + 200)
    series = np.zeros(days + 200)
    for n in range(1, series.size):
        series[n] = memory * series[n - 1] + noise[n]
    return series[200:]


def interval_of_mean(series, block_days, seed=0, replicates=500):
    counts = bootstrap_counts(
        axis_of(series.size), Bootstrap(block_days=block_days, replicates=replicates, seed=seed)
    )
    return Estimate.of(counts @ series / series.size)


def test_the_first_row_is_the_data_and_every_member_keeps_its_length():
    counts = bootstrap_counts(axis_of(20, 7, 2), Bootstrap(block_days=3, replicates=200, seed=1))
    assert counts.shape == (201, 29) and (counts[0] == 1).all()
    assert (counts[:, :20].sum(axis=1) == 20).all()
    assert (counts[:, 20:27].sum(axis=1) == 7).all()
    # A member shorter than a block is one block.
    assert (counts[:, 27:] == 1).all()


def test_days_are_drawn_in_blocks():
    days, block = 30, 5
    counts = bootstrap_counts(axis_of(days), Bootstrap(block_days=block, replicates=300, seed=0))[1:]
    product = (counts - 1).T @ (counts - 1)
    inner = slice(block, days - block)
    scale = np.sqrt(np.diag(product))
    correlation = product / np.outer(scale, scale)
    neighbours, strangers = np.diag(correlation, 1)[inner], np.diag(correlation, block + 3)
    # One of the 26 blocks holds an inner day with probability p, it and its neighbour with 4 / 26.
    p = block / (days - block + 1)
    assert neighbours.mean() == pytest.approx((4 / 26 - p**2) / (p - p**2), abs=0.04)
    assert strangers[inner].mean() == pytest.approx(-p / (1 - p), abs=0.04)


def test_the_same_seed_draws_the_same_days():
    draw = [bootstrap_counts(axis_of(20), Bootstrap(block_days=3, replicates=10, seed=s)) for s in (4, 4, 5)]
    assert (draw[0] == draw[1]).all() and (draw[0] != draw[2]).any()


def test_coverage_and_width_on_independent_days():
    random = np.random.default_rng(0)
    covered, widths = 0, []
    for experiment in range(150):
        found = interval_of_mean(random.standard_normal(120), 3, seed=experiment)
        covered += found.low <= 0 <= found.high
        widths.append(found.high - found.low)
    # Analytic: 2 * 1.96 / sqrt(120).
    assert np.mean(widths) == pytest.approx(2 * 1.96 / np.sqrt(120), rel=0.08)
    assert 0.88 <= covered / 150 <= 0.99


def test_blocks_see_the_memory_that_single_days_miss():
    random = np.random.default_rng(1)
    memory, days = 0.6, 400
    # Variance of the mean of a first-order autoregressive series: 1 / (days (1 - memory)^2).
    analytic = 2 * 1.96 / (np.sqrt(days) * (1 - memory))
    series = [autoregressive(days, memory, random) for _ in range(40)]
    single, blocks = (
        np.mean([np.ptp([i.low, i.high]) for i in (interval_of_mean(s, b) for s in series)]) for b in (1, 12)
    )
    assert blocks == pytest.approx(analytic, rel=0.15)
    assert single < 0.6 * analytic


def test_short_records_have_no_interval():
    counts = bootstrap_counts(axis_of(8), Bootstrap(block_days=3, replicates=100, seed=0))
    assert counts.shape == (1, 8)
    estimate = Estimate.of(counts @ np.arange(8.0))
    assert estimate.value == 28 and np.isnan(estimate.low)
    assert estimate.to_list() == [28.0, None, None]


def test_days_of_times():
    times = [
        np.array(["2001-01-03T21", "2001-01-04T00", "2001-01-06T00"], dtype="datetime64[ns]"),
        np.array(["2001-01-01T00"], dtype="datetime64[ns]"),
    ]
    axis = DayAxis.of(times)
    assert axis.days == (4, 1) and axis.size == 5
    assert axis.index(0, times[0]).tolist() == [0, 1, 3] and axis.index(1, times[1]).tolist() == [4]
    sums = day_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1]), 3)
    assert sums.ravel().tolist() == [1, 6, 0]


@pytest.mark.parametrize("settings", [{"block_days": 0}, {"replicates": -1}, {"level": 1.0}])
def test_mistakes(settings):
    with pytest.raises(UserError, match="blocks"):
        Bootstrap(**settings)


def test_the_interval_holds_the_value_and_ignores_what_is_not_finite():
    replicates = np.array([[5.0, 1.0, np.nan, 2.0], *([[n / 10, n / 10, np.nan, 2.0] for n in range(41)])])
    replicates[3, 1] = np.inf
    low, high = interval(replicates)
    assert low.tolist()[0] == pytest.approx(0.1) and high[0] == 5.0, (
        "extended to a value beyond the percentiles"
    )
    assert 0 < low[1] < 1 < high[1] < 4
    assert np.isnan([low[2], high[2]]).all() and low[3] == high[3] == 2.0
    wide, narrow = (
        interval(replicates[:, :1] * 0 + np.arange(42.0)[:, None], level) for level in (0.95, 0.5)
    )
    assert wide[1] > narrow[1]


def test_the_mean_excess_is_removed():
    replicates = np.array([2.0, 4.0, 5.0, 0.5, 4.5])
    assert remove_excess(replicates).tolist() == [2.0, 2.5, 3.5, 0.0, 3.0]
    assert remove_excess(replicates[:1]).tolist() == [2.0]


def autoregressive_fields(random, days, cities, memory):
    fields = random.standard_normal((days + 30, cities))
    for day in range(1, days + 30):
        fields[day] = memory * fields[day - 1] + np.sqrt(1 - memory**2) * fields[day]
    return fields[30:]


def test_coverage_of_distances_and_of_the_improved_to_degraded_ratio():
    """Coverage of the 95 % interval for the value expected of a record of this length.

    Truth: autoregressive, standard normal, 60 cities. Models: the truth and independent weather, correlation 0.8,
    scaled by s < 1, so that the distance of the populations is (1 - s) sqrt(2 / pi). With 40 records the standard error
    of a coverage of 0.95 at one city is 0.034; the mean over 120 distances is far more precise.

    Percentiles without the correction hold the distance of the populations at 77 % of the cities, with it at 87 %: the
    distance of two records of 120 days is on average 18 % larger than that of the populations. It is the value that
    records of this length have on average that the interval is for.
    """
    days, cities, records = 120, 60, 40
    random = np.random.default_rng(99)
    scales = [1 - np.exp(random.normal(np.log(mean), 0.35, cities)) for mean in (0.20, 0.25)]
    counts = bootstrap_counts(axis_of(days), Bootstrap(replicates=200))
    found = []
    for seed in range(records):
        random = np.random.default_rng(seed)
        truth = autoregressive_fields(random, days, cities, 0.4)
        models = [
            scale * (0.8 * truth + 0.6 * autoregressive_fields(random, days, cities, 0.4)) for scale in scales
        ]
        found.append(
            [
                city_distances(
                    model[:, None, :, None], truth[:, None, :, None], np.ones(1), np.arange(days), counts
                )
                for model in models
            ]
        )
    distances = np.array(found)[:, :, 0, :, :, 0]  # (record, model, replicate, city)
    values = distances[:, :, 0]
    low, high = np.moveaxis([interval(each) for each in distances.swapaxes(1, 2)], 1, 0)
    assert (low <= values).all() and (values <= high).all()
    expected = values.mean(axis=0)
    covered = (low <= expected) & (expected <= high)
    assert 0.90 <= covered.mean() <= 0.98

    estimates = []
    for candidate, reference in distances:
        table = verdict_counts({"x": candidate[:, :, None]}, {"x": reference[:, :, None]})["x"]
        estimates.append(improved_to_degraded_estimate(table[:, 0]))
    assert all(each.low <= each.value <= each.high for each in estimates)
    expected = np.exp(np.mean([np.log(each.value) for each in estimates]))
    assert 0.88 <= np.mean([each.low <= expected <= each.high for each in estimates]) <= 1


def test_percentiles_of_records_with_repeated_days_are_too_large():
    # A model without any error but luck: the excess is as large as the distance, and the raw interval lies above it.
    random = np.random.default_rng(2)
    truth, model = random.standard_normal((2, 200, 1))
    counts = bootstrap_counts(axis_of(200), Bootstrap(replicates=200))
    raw = resampled_wasserstein(model, truth, np.arange(200), counts)
    assert np.percentile(raw[1:], 10) > raw[0]
    estimate = Estimate.of(remove_excess(raw))
    assert estimate.low < 0.8 * estimate.value and estimate.high > 1.1 * estimate.value
