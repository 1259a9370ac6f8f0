"""Wasserstein-1 against scipy and by hand."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import wasserstein
from atmodist_core.evaluation.diagnostics.wasserstein import resampled_wasserstein


@pytest.mark.parametrize(("size_a", "size_b"), [(100, 100), (70, 131), (1, 9), (5, 1)])
def test_agreement_with_scipy(size_a, size_b):
    random = np.random.default_rng(0)
    a, b = random.standard_normal(size_a), random.standard_t(3, size_b) + 0.3
    assert float(wasserstein(a, b)) == pytest.approx(wasserstein_distance(a, b), rel=1e-12)


def test_agreement_with_scipy_with_weights():
    random = np.random.default_rng(1)
    a, b = random.standard_normal((2, 5, 8)), random.gamma(2, size=(2, 5, 8))
    weights = random.random((5, 8))
    result = wasserstein(a, b, (1, 2), weights_a=weights, weights_b=weights)
    expected = [
        wasserstein_distance(a[k].ravel(), b[k].ravel(), weights.ravel(), weights.ravel()) for k in range(2)
    ]
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_by_hand():
    # Sorted 1, 2 against 1, 4: (0 + 2) / 2 = 1.
    assert float(wasserstein([2.0, 1.0], [4.0, 1.0])) == 1.0
    # {0} against {0, 1, 5}: every third of the mass moves by 0, 1, 5: 2.
    assert float(wasserstein([0.0], [0.0, 1.0, 5.0])) == pytest.approx(2.0)
    # Weights 3/4 at 0 and 1/4 at 8 against all at 0: 2.
    ones, uneven = np.array([1.0, 1.0]), np.array([3.0, 1.0])
    assert float(wasserstein([0.0, 8.0], [0.0, 0.0], weights_a=uneven, weights_b=ones)) == pytest.approx(2.0)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 0), None])
def test_axes(axis):
    random = np.random.default_rng(2)
    a, b = random.standard_normal((2, 4, 5, 6))
    result = wasserstein(a, b, axis)
    axes = tuple(range(3)) if axis is None else tuple(np.atleast_1d(axis) % 3)
    kept = [i for i in range(3) if i not in axes]
    assert result.shape == tuple(a.shape[i] for i in kept)
    moved = [np.moveaxis(x, kept, range(len(kept))).reshape(*result.shape, -1) for x in (a, b)]
    for index in np.ndindex(result.shape):
        assert float(result[index]) == pytest.approx(wasserstein_distance(moved[0][index], moved[1][index]))


def test_equal_weights_change_nothing_and_ties_are_harmless():
    a, b = np.round(np.random.default_rng(3).standard_normal((2, 400)), 1)
    ones = np.ones(400)
    assert float(wasserstein(a, b, weights_a=ones, weights_b=ones)) == pytest.approx(float(wasserstein(a, b)))


def test_it_is_a_distance():
    a, b, c = np.random.default_rng(4).standard_normal((3, 50))
    assert float(wasserstein(a, a[::-1])) == 0
    assert float(wasserstein(a, b)) == pytest.approx(float(wasserstein(b, a)))
    assert float(wasserstein(a, c)) <= float(wasserstein(a, b)) + float(wasserstein(b, c))
    assert float(wasserstein(a, a + 3)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("a", "b", "options", "words"),
    [
        ([], [1.0], {}, "at least one value"),
        ([np.nan], [1.0], {}, "without gaps"),
        (np.ones((2, 3)), np.ones((3, 3)), {"axis": 1}, "sample axis"),
        ([1.0], [1.0], {"weights_a": np.ones(1)}, "both samples"),
        ([1.0], [1.0], {"weights_a": np.ones(2), "weights_b": np.ones(1)}, "1 weights"),
        ([1.0], [1.0], {"weights_a": -np.ones(1), "weights_b": np.ones(1)}, "not negative"),
    ],
)
def test_bad_input(a, b, options, words):
    with pytest.raises(UserError, match=words):
        wasserstein(np.array(a), np.array(b), **options)


def heavy_tailed(random, times, points):
    """Truth and model like vorticity at a city [s-1], rounded so that values repeat."""
    weather = random.standard_t(3, (times, 1))
    truth = 2e-5 * (0.8 * weather + 0.6 * random.standard_t(3, (times, points)))
    model = 0.97 * truth + 1e-6 * random.standard_t(3, truth.shape)
    return truth.round(7).astype(np.float32), model.round(7).astype(np.float32)


@pytest.mark.parametrize(("times", "points"), [(50, 1), (600, 4), (365, 9), (1235, 81)])
def test_replicates_are_those_of_scipy(times, points):
    random = np.random.default_rng(times)
    truth, model = heavy_tailed(random, times, points)
    days = np.arange(times) // 2
    counts = np.concatenate([np.ones((1, days[-1] + 1)), random.integers(4, size=(6, days[-1] + 1))]).astype(
        float
    )
    found = resampled_wasserstein(model, truth, days, counts)
    for distance, drawn in zip(found, counts, strict=True):
        weights = np.repeat(drawn[days], points)
        expected = wasserstein_distance(model.ravel(), truth.ravel(), weights, weights)
        assert distance == pytest.approx(expected, rel=1e-5)


def test_replicates_without_any_value_are_missing():
    a = np.ones((1, 1))
    found = resampled_wasserstein(a, 2 * a, np.array([0]), np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert found[0] == 1 and np.isnan(found[1])
    assert resampled_wasserstein(a, a, np.array([0]), np.ones((1, 1))).tolist() == [0.0]
