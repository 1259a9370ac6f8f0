"""Histograms with fixed bins against NumPy and the exact Wasserstein distance."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import wasserstein
from atmodist_core.evaluation.diagnostics.wasserstein import histogram_wasserstein
from atmodist_core.evaluation.statistics.histogram import (
    ValueBins,
    histogram_quantile,
)

BINS = ValueBins.of_units("s-1")


def heavy_tailed(count, scale, seed):
    return scale * np.random.default_rng(seed).standard_t(4, count)


def even(values):
    return BINS.histogram(values, np.full(values.size, 1 / values.size))


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.98, 0.999])
def test_quantiles_agree_with_numpy_within_a_bin(share):
    values = heavy_tailed(200_000, 2e-5, 0)
    expected = np.quantile(values, share)
    found = histogram_quantile(even(values), BINS.edges, share)
    index = np.searchsorted(BINS.edges, expected)
    assert abs(found - expected) <= BINS.edges[index + 1] - BINS.edges[index - 1]
    # In the tails far better than the 5 % that are asked for.
    if share in (0.001, 0.999):
        assert found == pytest.approx(expected, rel=0.004)


def test_quantiles_are_weighted():
    values, weights = np.array([1e-5, 2e-5, 3e-5]), np.array([0.1, 0.1, 0.8])
    found = histogram_quantile(BINS.histogram(values, weights), BINS.edges, 0.5)
    assert found == pytest.approx(3e-5, rel=0.01)


def test_wasserstein_agrees_with_the_exact_distance():
    a, b = heavy_tailed(50_000, 2e-5, 1), heavy_tailed(50_000, 1.5e-5, 2) + 3e-6
    assert histogram_wasserstein(even(a), even(b), BINS.edges) == pytest.approx(
        float(wasserstein(a, b)), rel=2e-3
    )
    assert histogram_wasserstein(even(a), even(a), BINS.edges) == 0


def test_wasserstein_of_a_shift_is_the_shift():
    a = heavy_tailed(100_000, 2e-5, 3)
    assert histogram_wasserstein(even(a), even(a + 4e-6), BINS.edges) == pytest.approx(4e-6, rel=5e-3)


def test_crossing_lines_within_a_bin():
    # F rises in the first half of the only common bin's cover, G is even: |F - G| is a triangle pair.
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    first, second = np.array([0.5, 0.0, 0.5]), np.array([0.0, 1.0, 0.0])
    # F - G: 0 -> .5 in the first bin, .5 -> -.5 in the second, -.5 -> 0 in the third.
    assert histogram_wasserstein(first, second, edges) == pytest.approx(0.25 + 0.25 + 0.25)


def test_histograms_add_up():
    a, b = heavy_tailed(1000, 2e-5, 4), heavy_tailed(1000, 2e-5, 5)
    np.testing.assert_allclose(even(a) + even(b), 2 * even(np.concatenate([a, b])), atol=1e-12)
    assert even(a).sum() == pytest.approx(1)


def test_values_beyond_the_bins_are_a_mistake():
    with pytest.raises(UserError, match="units"):
        even(np.array([2.0]))
    with pytest.raises(UserError, match="units"):
        even(np.array([np.nan]))


def test_the_distance_of_temperatures_is_exact_to_a_hundredth_of_a_kelvin():
    """Bins are even about 280 K; about zero they would be 2 K wide there."""
    random = np.random.default_rng(5)
    values, others = (
        281.0 + 10.0 * random.standard_normal(50_000),
        281.4 + 9.0 * random.standard_normal(50_000),
    )
    bins = ValueBins.of_units("K")
    both = [bins.histogram(each, np.full(each.size, 1 / each.size)) for each in (values, others)]
    exact = np.abs(np.sort(values) - np.sort(others)).mean()  # equal counts: quantile by quantile
    assert histogram_wasserstein(*both, bins.edges) == pytest.approx(exact, abs=0.01)
    assert np.diff(bins.edges)[np.searchsorted(bins.edges, 290.0)] < 0.1
