"""What an independent sample would reach, distances without their bias, and joint extremes, against simulations."""

import numpy as np
import pytest

from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts
from atmodist_core.evaluation.city_verdicts import city_wasserstein
from atmodist_core.evaluation.diagnostics.wasserstein import wasserstein
from atmodist_core.evaluation.ensembles.city_samples import (
    corrected_distance,
    independent_wasserstein,
    of_pooled_records,
)
from atmodist_core.evaluation.ensembles.structure_statistics import JointExtremes, SampledValues
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from tests.evaluation.mock_fields import area, globe

DAYS, CITIES = 180, 60
BOOTSTRAP = Bootstrap(block_days=3, replicates=100)
COUNTS = bootstrap_counts(DayAxis((np.datetime64("2001-01-01"),), (DAYS,)), BOOTSTRAP)


def records(seed, memory=0.3, cities=CITIES):
    """Autoregressive series of unit variance, one value a day, ``(day, 1, city, 1)``."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((DAYS, cities))
    series = np.empty_like(noise)
    series[0] = noise[0]
    for day in range(1, DAYS):
        series[day] = memory * series[day - 1] + np.sqrt(1 - memory**2) * noise[day]
    return series[:, None, :, None]


def distances(model, truth):
    """Mean over cities of the distance of two sets of records."""
    return wasserstein(model[:, 0, :, 0], truth[:, 0, :, 0], axis=0)


@pytest.mark.parametrize("memory", [0.0, 0.4])
def test_an_independent_record_has_the_distance_that_the_halves_of_one_say(memory):
    truths, others = records(0, memory), [records(seed, memory) for seed in range(1, 9)]
    expected = np.mean([distances(other, truths) for other in others])
    found = independent_wasserstein(truths, np.ones(1, int), np.arange(DAYS), BOOTSTRAP)
    assert found.shape == (1, CITIES, 1)
    assert found.mean() == pytest.approx(expected, rel=0.08)
    pooled = np.concatenate(others, axis=0)
    reached = wasserstein(pooled[:, 0, :, 0], np.tile(truths[:, 0, :, 0], (8, 1)), axis=0).mean()
    assert of_pooled_records(found, 8).mean() == pytest.approx(reached, rel=0.1)


def test_a_record_of_one_block_has_no_halves():
    assert np.isnan(independent_wasserstein(records(0)[:2], np.ones(1, int), np.arange(2), BOOTSTRAP)).all()


@pytest.mark.parametrize("shared", [0.0, 0.9])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_bias_is_removed_from_independent_and_from_correlated_samples(shared, shift):
    truth = records(0, 0.0)
    model = shift + shared * truth + np.sqrt(1 - shared**2) * records(1, 0.0)
    found = city_wasserstein(model, truth, np.ones(1), np.arange(DAYS), COUNTS)
    corrected = corrected_distance(found.swapaxes(0, 1))
    raw = float(np.sqrt(np.square(found[0, 0]).mean()))
    right = float(np.sqrt(np.square(corrected).mean()))
    if shift:
        assert right == pytest.approx(shift, rel=0.12)
    else:
        assert right < 0.65 * raw, "no difference but luck"
    assert np.isnan(corrected_distance(found[:, :1].swapaxes(0, 1))).all()


def snapshot(first, second, truth=None):
    values = np.stack([first, second]).astype(np.float32)
    true = values if truth is None else truth
    return Snapshot(values, true, None, None)


def test_joint_extremes_of_equal_independent_and_exclusive_fields():
    grid = area(200, 300, spacing=(0.1, 0.1), north=10)
    statistic = JointExtremes(grid)
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 200, 300))
    for first, second, expected in ((a, -2 * a, 0.01), (a, b, 1e-4), (a, np.where(np.abs(a) > 2, 0, b), 0)):
        found = statistic(snapshot(first, second))
        assert found["joint_share"][0] == pytest.approx(expected, rel=0.02 if expected == 0.01 else 0.9)
        np.testing.assert_array_equal(found["joint_share"], found["own_joint_share"])


def test_smaller_amplitudes_have_fewer_joint_extremes_but_the_same_dependence():
    grid = area(200, 300, spacing=(0.1, 0.1), north=10)
    statistic, random = JointExtremes(grid), np.random.default_rng(0)
    a = random.standard_normal((200, 300))
    truth = np.stack([a, a]).astype(np.float32)
    found = statistic(snapshot(0.8 * a, 0.8 * a, truth))
    # P(0.8 |x| > q) with q the 99 % quantile of |x|, 2.576: 2 (1 - Phi(3.22)).
    assert found["joint_share"][0] == pytest.approx(0.00128, rel=0.3)
    assert found["own_joint_share"][0] == pytest.approx(0.01, rel=0.01)


def test_sampled_points_stand_for_equal_areas():
    grid = globe(90)
    points = SampledValues(grid, 1000).points
    assert 990 <= points.size <= 1000
    rows = points // grid.sizes["longitude"]
    shares = area_weights(grid).sum(axis=1)
    tropics = np.abs(grid["latitude"].values) < 30
    assert tropics[rows].mean() == pytest.approx(shares[tropics].sum(), abs=0.005)
