"""The bootstrap against what is known of means of series."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.judging.block_bootstrap import (
    DayAxis,
    Estimate,
    bootstrap_counts,
    day_sums,
)


def axis_of(*days):
    start = np.datetime64("2001-01-01")
    return DayAxis(tuple(start for _ in days), tuple(days))


def autoregressive(days, memory, random):
    noise = random.standard_normal(days + 200)
    series = np.zeros(days + 200)
    for n in range(1, series.size):
        series[n] = memory * series[n - 1] + noise[n]
    return series[200:]


def interval(series, block_days, seed=0, replicates=500):
    counts = bootstrap_counts(axis_of(series.size), block_days=block_days, replicates=replicates, seed=seed)
    return Estimate.of(counts @ series / series.size)


def test_the_first_row_is_the_data_and_every_member_keeps_its_length():
    counts = bootstrap_counts(axis_of(20, 7, 2), block_days=3, replicates=200, seed=1)
    assert counts.shape == (201, 29) and (counts[0] == 1).all()
    assert (counts[:, :20].sum(axis=1) == 20).all()
    assert (counts[:, 20:27].sum(axis=1) == 7).all()
    # A member shorter than a block is one block.
    assert (counts[:, 27:] == 1).all()


def test_days_are_drawn_in_blocks():
    days, block = 30, 5
    counts = bootstrap_counts(axis_of(days), block_days=block, replicates=300, seed=0)[1:]
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
    draw = [bootstrap_counts(axis_of(20), block_days=3, replicates=10, seed=s) for s in (4, 4, 5)]
    assert (draw[0] == draw[1]).all() and (draw[0] != draw[2]).any()


def test_coverage_and_width_on_independent_days():
    random = np.random.default_rng(0)
    covered, widths = 0, []
    for experiment in range(150):
        found = interval(random.standard_normal(120), 3, seed=experiment)
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
        np.mean([np.ptp([i.low, i.high]) for i in (interval(s, b) for s in series)]) for b in (1, 12)
    )
    assert blocks == pytest.approx(analytic, rel=0.15)
    assert single < 0.6 * analytic


def test_short_records_have_no_interval():
    counts = bootstrap_counts(axis_of(8), block_days=3, replicates=100, seed=0)
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


@pytest.mark.parametrize(
    "settings", [{"block_days": 0, "replicates": 10}, {"block_days": 3, "replicates": -1}]
)
def test_mistakes(settings):
    with pytest.raises(UserError, match="blocks"):
        bootstrap_counts(axis_of(20), seed=0, **settings)
