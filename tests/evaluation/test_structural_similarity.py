"""SSIM against a window-by-window sum of its definition, and PSNR by hand."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import peak_signal_to_noise, structural_similarity


def window_by_window(a, b, value_range):
    """Eq. 13 of Wang et al. with explicit two-dimensional windows and centred moments."""
    x = np.arange(-5, 6)
    window = np.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    values = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            values.append(
                (2 * mean_p * mean_q + c1)
                * (2 * covariance + c2)
                / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2))
            )
    return np.mean(values)


@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_definition(scale):
    random = np.random.default_rng(0)
    a = scale * random.standard_normal((14, 19))
    b = 0.7 * a + 0.4 * scale * random.standard_normal((14, 19)) + 0.1 * scale
    value = structural_similarity(a, b, value_range=6 * scale)
    assert float(value) == pytest.approx(window_by_window(a, b, 6 * scale), rel=1e-10)


def test_agreement_with_scikit_image():
    y, x = np.meshgrid(np.arange(40.0), np.arange(50.0), indexing="ij")
    a = np.sin(0.3 * x) * np.cos(0.2 * y)
    b = a + 0.3 * np.sin(1.1 * x + 0.7 * y)
    # scikit-image 0.26: metrics.structural_similarity(a, b, data_range=2.0, gaussian_weights=True, sigma=1.5,
    # use_sample_covariance=False), which leaves out a border of 5 points as we do.
    assert float(structural_similarity(a, b, value_range=2.0)) == pytest.approx(0.6587743131619995, rel=1e-10)


def test_leading_dimensions_and_bounds():
    a, b = np.random.default_rng(2).standard_normal((2, 3, 2, 15, 15))
    result = structural_similarity(a, b, value_range=4.0)
    assert result.shape == (3, 2)
    assert float(result[1, 1]) == pytest.approx(
        float(structural_similarity(a[1, 1], b[1, 1], value_range=4.0))
    )
    assert (np.abs(result) < 0.5).all()
    np.testing.assert_allclose(structural_similarity(a, a, value_range=4.0), 1.0)
    # Mirrored about a mean far from zero: the same luminance, the opposite structure.
    assert (structural_similarity(9 + a, 9 - a, value_range=4.0) < 0).all()


def test_peak_signal_to_noise_by_hand():
    # Mean square error (1 + 9) / 2 = 5; range 10: 10 log10(100 / 5) = 13.0103 dB.
    value = peak_signal_to_noise(np.array([[1.0, 3.0]]), np.array([[2.0, 0.0]]), value_range=10.0)
    assert float(value) == pytest.approx(13.0103, abs=1e-4)
    assert np.isinf(peak_signal_to_noise(np.ones((2, 2)), np.ones((2, 2)), value_range=1.0))


@pytest.mark.parametrize("function", [structural_similarity, peak_signal_to_noise])
@pytest.mark.parametrize("value_range", [0.0, -1.0, np.nan, np.inf])
def test_bad_range(function, value_range):
    with pytest.raises(UserError, match="positive range"):
        function(np.ones((12, 12)), np.ones((12, 12)), value_range=value_range)


@pytest.mark.parametrize("function", [structural_similarity, peak_signal_to_noise])
def test_different_shapes(function):
    with pytest.raises(UserError, match="one shape"):
        function(np.ones((12, 12)), np.ones((12, 13)), value_range=1.0)


def test_too_small_for_the_window():
    with pytest.raises(UserError, match="11 x 11"):
        structural_similarity(np.ones((10, 30)), np.ones((10, 30)), value_range=1.0)
