"""Resampled Wasserstein distances against the exact ones, and counts where the answer is known."""

import numpy as np
import pytest

from atmodist_core.evaluation import wasserstein
from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts, remove_excess
from atmodist_core.evaluation.city_verdicts import (
    city_wasserstein,
    improved_to_degraded,
    improved_to_degraded_estimate,
    verdict_counts,
    wasserstein_estimate,
)

DAYS = 30
AXIS = DayAxis((np.datetime64("2001-01-01"),), (DAYS,))
COUNTS = bootstrap_counts(AXIS, Bootstrap(block_days=3, replicates=20, seed=0))


def city_distances(*arguments):
    """Distances without the replicates' excess, as an evaluation uses them."""
    return remove_excess(city_wasserstein(*arguments).swapaxes(0, 1)).swapaxes(0, 1)


def test_counts_are_known():
    random = np.random.default_rng(0)
    cities, boxes = 12, np.repeat([1, 3], [1, 9])
    truth = random.standard_normal((DAYS, 2, cities, boxes.size))
    shift = np.ones(cities)
    shift[:5], shift[5:8] = 0.5, 1.02  # better at five cities, about equal at three, worse at four
    shift[8:] = 2.0
    days = np.arange(DAYS)
    reference, candidate = (
        city_distances(truth + s, truth, boxes, days, COUNTS) for s in (1.0, shift[None, None, :, None])
    )
    names = ("vorticity", "divergence")
    counts = verdict_counts(
        dict(zip(names, candidate, strict=True)), dict(zip(names, reference, strict=True))
    )
    # A shift of all values is the distance in every replicate.
    for field in names:
        assert (counts[field] == [5, 3, 4]).all()
        assert counts[field].shape == (len(COUNTS), 2, 3)
    assert improved_to_degraded_estimate(counts["vorticity"][:, 0]).to_list() == pytest.approx(
        [1.25, 1.25, 1.25]
    )


def test_luck_has_a_wide_interval():
    # Two models with the same errors: whichever is ahead, the interval holds 1.
    random = np.random.default_rng(5)
    truth = random.standard_normal((DAYS, 1, 40, 1))
    models = [truth + 0.5 * random.standard_normal(truth.shape) for _ in range(2)]
    counts = bootstrap_counts(AXIS, Bootstrap(block_days=3, replicates=200, seed=1))
    found = [city_distances(m, truth, np.array([1]), np.arange(DAYS), counts)[0] for m in models]
    estimate = improved_to_degraded_estimate(verdict_counts({"x": found[0]}, {"x": found[1]})["x"][:, 0])
    assert estimate.low <= 1 <= estimate.high


def test_improved_to_degraded():
    counts = np.array([[6, 1, 2], [3, 4, 0], [0, 9, 0]])
    assert improved_to_degraded(counts).tolist() == [3.0, np.inf, 1.0]


def test_the_estimate_at_a_city_is_the_distance_with_an_interval_around_it():
    random = np.random.default_rng(3)
    times = np.datetime64("2001-01-01", "ns") + np.arange(4 * DAYS) * np.timedelta64(6, "h")
    truth = random.standard_normal((times.size, 4)).astype(np.float32)
    model = (1.3 * random.standard_normal(truth.shape)).astype(np.float32)
    estimate = wasserstein_estimate(model, truth, times)
    assert estimate.value == pytest.approx(float(wasserstein(model, truth)), rel=1e-6)
    assert 0 < estimate.low < estimate.value < estimate.high < 2 * estimate.value
    assert wasserstein_estimate(model, truth, times) == estimate, "seeded"
    few = wasserstein_estimate(model[:20], truth[:20], times[:20])
    assert few.value > 0 and np.isnan([few.low, few.high]).all()


def test_replicates_of_cities_are_around_the_record():
    random = np.random.default_rng(4)
    truth = random.standard_normal((DAYS, 1, 6, 10))
    model = random.standard_normal(truth.shape)
    boxes = np.repeat([1, 3], [1, 9])
    found = city_distances(model, truth, boxes, np.arange(DAYS), COUNTS)
    np.testing.assert_allclose(found[:, 1:].mean(axis=1), found[:, 0], rtol=0.05)
    assert float(found[0, 0, 2, 1]) == pytest.approx(
        float(wasserstein(model[:, 0, 2, 1:], truth[:, 0, 2, 1:])), rel=1e-5
    )
