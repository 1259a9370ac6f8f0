"""Resampled Wasserstein distances against the exact ones, and counts where the answer is known."""

import numpy as np
import pytest

from atmodist_core.evaluation import wasserstein
from atmodist_core.evaluation.judging.block_bootstrap import DayAxis, bootstrap_counts
from atmodist_core.evaluation.judging.city_verdicts import (
    city_wasserstein,
    interval_of_odds,
    odds,
    resampled_wasserstein,
    verdict_counts,
)

DAYS = 30
AXIS = DayAxis((np.datetime64("2001-01-01"),), (DAYS,))
COUNTS = bootstrap_counts(AXIS, block_days=3, replicates=20, seed=0)


def repeated(values, days, counts):
    """A replicate written out: every time as often as its day is drawn."""
    return np.repeat(values, counts[days].astype(int), axis=0).ravel()


@pytest.mark.parametrize(("points", "tolerance"), [(4, 1e-6), (81, 5e-3)])
def test_replicates_equal_resampled_samples(points, tolerance):
    random = np.random.default_rng(points)
    days = np.arange(2 * DAYS) // 2
    a = random.standard_t(4, (days.size, points))
    b = 0.8 * random.standard_t(4, (days.size, points)) + 0.1
    found = resampled_wasserstein(a, b, days, COUNTS)
    for replicate in (0, 3, 20):
        counts = COUNTS[replicate]
        expected = wasserstein(repeated(a, days, counts), repeated(b, days, counts))
        assert found[replicate] == pytest.approx(float(expected), rel=tolerance)


def test_replicates_without_any_value_are_missing():
    a = np.ones((1, 1))
    found = resampled_wasserstein(a, 2 * a, np.array([0]), np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert found[0] == 1 and np.isnan(found[1])


def test_counts_are_known():
    random = np.random.default_rng(0)
    cities, boxes = 12, np.repeat([1, 3], [1, 9])
    truth = random.standard_normal((DAYS, 2, cities, boxes.size))
    shift = np.ones(cities)
    shift[:5], shift[5:8] = 0.5, 1.02  # better at five cities, about equal at three, worse at four
    shift[8:] = 2.0
    days = np.arange(DAYS)
    reference, candidate = (
        city_wasserstein(truth + s, truth, boxes, days, COUNTS) for s in (1.0, shift[None, None, :, None])
    )
    names = ("vorticity", "divergence")
    counts = verdict_counts(
        dict(zip(names, candidate, strict=True)), dict(zip(names, reference, strict=True))
    )
    # A shift of all values is the distance in every replicate.
    for field in names:
        assert (counts[field] == [5, 3, 4]).all()
        assert counts[field].shape == (len(COUNTS), 2, 3)
    assert interval_of_odds(counts["vorticity"][:, 0]).to_list() == [1.25, 1.25, 1.25]


def test_luck_has_a_wide_interval():
    # Two models with the same errors: whichever is ahead, the interval holds 1.
    random = np.random.default_rng(5)
    truth = random.standard_normal((DAYS, 1, 40, 1))
    models = [truth + 0.5 * random.standard_normal(truth.shape) for _ in range(2)]
    counts = bootstrap_counts(AXIS, block_days=3, replicates=200, seed=1)
    found = [city_wasserstein(m, truth, np.array([1]), np.arange(DAYS), counts)[0] for m in models]
    estimate = interval_of_odds(verdict_counts({"x": found[0]}, {"x": found[1]})["x"][:, 0])
    assert estimate.low <= 1 <= estimate.high


def test_odds():
    counts = np.array([[6, 1, 2], [3, 4, 0], [0, 9, 0]])
    assert odds(counts).tolist() == [3.0, np.inf, 1.0]
