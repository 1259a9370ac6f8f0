"""The energy distance against SciPy and by hand, its false alarms on equal sets, and its power on shifted ones."""

import numpy as np
import pytest
import scipy.stats

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.run.energy_test import energy_test


def test_in_one_dimension_it_is_the_distance_of_scipy():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(24, 1)), random.normal(0.7, 2.0, size=(40, 1))
    found = energy_test(a, b, np.arange(24) // 8, np.arange(40) // 8, permutations=99)
    spread = np.concatenate([a, b]).std()
    # SciPy gives the root, from the distribution functions; both are exact, so only rounding differs.
    known = scipy.stats.energy_distance(a[:, 0] / spread, b[:, 0] / spread)
    assert found.statistic == pytest.approx(known**2, rel=1e-10)


def test_all_divisions_of_few_days_by_hand():
    # Values 0, 1 | 2, 3 of a day each: distances between are 2, 3, 1, 2, within each set 0, 1, 1, 0.
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    found = energy_test(a, b, np.arange(2), np.arange(2))
    spread = np.sqrt(1.25)  # of 0, 1, 2, 3
    # 2 * 8/4 - 2/4 - 2/4 = 3; twice the mean distance between is 4.
    assert found.statistic == pytest.approx(3 / spread)
    assert found.share == pytest.approx(3 / 4)
    # Six divisions; only the mirrored one is as extreme: {0, 2 | 1, 3} gives 2 * 6/4 - 4/4 - 4/4 = 1, {0, 3 | 1, 2} 2 * 6/4 - 6/4 - 2/4 = 1.
    assert found.exact and found.permutations == 6 and found.p_value == pytest.approx(2 / 6)
    rest = np.array([3, 3, 1, 1, 1, 1]) / spread
    assert found.effect == pytest.approx((rest[0] - rest.mean()) / rest.std())


def _days_of_weather(random, days, shift=0.0):
    """Vectors of eight times a day that hardly differ within it, shape (time, 5)."""
    daily = random.normal(shift, 1.0, size=(days, 1, 5))
    return (daily + 0.1 * random.normal(size=(days, 8, 5))).reshape(-1, 5)


def test_equal_sets_are_told_apart_as_often_as_the_level_says():
    random = np.random.default_rng(1)
    days = np.repeat(np.arange(5), 8)
    values = [
        energy_test(_days_of_weather(random, 5), _days_of_weather(random, 5), days, days).p_value
        for _ in range(400)
    ]
    # Nominally 5 and 20 %, in steps of 2 of 252; three standard errors of 400 draws are 3.3 and 6 %.
    assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.033)
    assert np.mean(np.array(values) <= 0.2) == pytest.approx(0.2, abs=0.06)


def test_single_times_as_blocks_would_alarm_falsely():
    random = np.random.default_rng(2)
    times = np.arange(40)
    values = [
        energy_test(
            _days_of_weather(random, 5), _days_of_weather(random, 5), times, times, permutations=199
        ).p_value
        for _ in range(40)
    ]
    # Times within a day are copies of each other: almost every pair of sets differs as if 40 days did.
    assert np.mean(np.array(values) <= 0.05) > 0.8


def test_a_shift_is_found():
    random = np.random.default_rng(3)
    days = np.repeat(np.arange(6), 8)
    found = energy_test(_days_of_weather(random, 6), _days_of_weather(random, 6, shift=2.0), days, days)
    # Of 924 divisions none but the true one and its mirror separates two clouds two standard deviations apart in each of five directions.
    assert found.p_value == pytest.approx(2 / 924) and found.effect > 3 and 0 < found.share < 1


def test_many_days_are_permuted_at_random_and_p_is_never_zero():
    random = np.random.default_rng(4)
    days = np.repeat(np.arange(12), 8)
    found = energy_test(
        _days_of_weather(random, 12), _days_of_weather(random, 12, shift=3.0), days, days, permutations=199
    )
    assert not found.exact and found.permutations == 200 and found.p_value == pytest.approx(1 / 200)


def test_units_and_constant_components_do_not_count():
    random = np.random.default_rng(5)
    days = np.repeat(np.arange(4), 8)
    a, b = _days_of_weather(random, 4), _days_of_weather(random, 4, shift=0.5)
    scale = np.array([1.0, 1e-10, 1e5, 3.0, 1.0])
    plain = energy_test(a, b, days, days)
    constant = np.full((32, 1), 7e-5)
    other = energy_test(np.hstack([a * scale, constant]), np.hstack([b * scale, constant]), days, days)
    assert other.statistic == pytest.approx(plain.statistic) and other.p_value == plain.p_value


def test_sets_that_cannot_be_compared_are_refused():
    values, days = np.arange(8.0)[:, None], np.arange(8) // 4
    with pytest.raises(UserError, match="same components"):
        energy_test(values, np.hstack([values, values]), days, days)
    with pytest.raises(UserError, match="missing values"):
        energy_test(values, np.full((8, 1), np.nan), days, days)
    with pytest.raises(UserError, match="two or more blocks of days in both sets, found 1"):
        energy_test(values, values, days, np.zeros(8))
    with pytest.raises(UserError, match="found constant ones"):
        energy_test(np.ones((8, 1)), np.ones((8, 1)), days, days)
