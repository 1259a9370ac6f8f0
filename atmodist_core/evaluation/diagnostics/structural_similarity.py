"""Similarity of two pictures: SSIM and the peak signal-to-noise ratio.

References
----------
Wang, Z., Bovik, A. C., Sheikh, H. R. and Simoncelli, E. P., 2004: Image quality assessment: from error
visibility to structural similarity. IEEE Trans. Image Process. 13, 600-612.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from atmodist_core.common.errors import UserError

WINDOW_RADIUS = 5
"""The window of Wang et al. has 11 x 11 points."""

WINDOW_SIGMA = 1.5
"""Standard deviation of the Gaussian window, in points."""

STABILITY = (0.01, 0.03)
"""K1 and K2 of Wang et al."""


def gaussian_window() -> np.ndarray:
    """Weights of the window along one axis, float64; they sum to one."""
    x = np.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1)
    weights = np.exp(-0.5 * (x / WINDOW_SIGMA) ** 2)
    return weights / weights.sum()


def _windowed_mean(values: np.ndarray) -> np.ndarray:
    """Gaussian mean around every point whose window lies within the field."""
    window = gaussian_window()
    rows = correlate1d(values, window, axis=-2, mode="nearest")
    r = WINDOW_RADIUS
    return correlate1d(rows[..., r:-r, :], window, axis=-1, mode="nearest")[..., r:-r]


def require_window(values: np.ndarray) -> None:
    """Raise a UserError if fields are smaller than the window."""
    size = 2 * WINDOW_RADIUS + 1
    if values.ndim < 2 or min(values.shape[-2:]) < size:
        raise UserError(
            f"Expected at least {size} x {size} points for the structural similarity, found "
            f"{' x '.join(map(str, values.shape[-2:]))}; choose a larger region."
        )


class WindowedField:
    """A field ``(..., rows, columns)`` with its windowed mean and variance, for comparison with many others.

    Raises ``UserError`` if the field is smaller than the window of 11 x 11 points.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, dtype=np.float64)
        require_window(self.values)
        self.mean = _windowed_mean(self.values)
        self.variance = _windowed_mean(self.values**2) - self.mean**2

    def similarity(self, other: WindowedField, value_range: float) -> np.ndarray:
        """Structural similarity with another field; see :func:`structural_similarity`."""
        covariance = _windowed_mean(self.values * other.values) - self.mean * other.mean
        c1, c2 = ((k * value_range) ** 2 for k in STABILITY)
        luminance = (2 * self.mean * other.mean + c1) / (self.mean**2 + other.mean**2 + c1)
        structure = (2 * covariance + c2) / (self.variance + other.variance + c2)
        return (luminance * structure).mean(axis=(-2, -1))


def structural_similarity(a: np.ndarray, b: np.ndarray, *, value_range: float) -> np.ndarray:
    """Return the structural similarity index (SSIM) of two fields.

    At every point whose 11 x 11 Gaussian window (standard deviation 1.5 points) lies within the field, with
    the windowed means mu, variances s^2 and covariance s_ab, ``(2 mu_a mu_b + C1) (2 s_ab + C2) / ((mu_a^2 +
    mu_b^2 + C1) (s_a^2 + s_b^2 + C2))``, ``C = (K value_range)^2``, K = 0.01 and 0.03; then the mean over
    those points. Wang et al. (2004), eq. 13.

    Parameters
    ----------
    a, b : numpy.ndarray, shape ``(..., rows, columns)``
        Two fields in the same units.
    value_range : float
        Range that values can take, in the same units: for fields, the range of the truth. The index depends
        on it, so compare only values with one range.

    Returns
    -------
    numpy.ndarray, shape ``(...)``
        1 for equal fields; no units.

    Raises
    ------
    UserError
        If shapes differ, the field is smaller than the window, or the range is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> field = np.random.default_rng(0).standard_normal((16, 16))
    >>> float(structural_similarity(field, field, value_range=4.0))
    1.0
    """
    if np.shape(a) != np.shape(b):
        raise UserError(f"Expected two fields of one shape, found {np.shape(a)} and {np.shape(b)}.")
    _require_range(value_range)
    return WindowedField(a).similarity(WindowedField(b), value_range)


def peak_signal_to_noise(a: np.ndarray, b: np.ndarray, *, value_range: float) -> np.ndarray:
    """Return the peak signal-to-noise ratio, ``10 log10(value_range^2 / mean (a - b)^2)`` [dB].

    Parameters
    ----------
    a, b : numpy.ndarray, shape ``(..., rows, columns)``
        Two fields in the same units.
    value_range : float
        Range that values can take, in the same units.

    Returns
    -------
    numpy.ndarray, shape ``(...)``
        Decibel; infinite for equal fields.

    Raises
    ------
    UserError
        If shapes differ or the range is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> float(peak_signal_to_noise(np.zeros((2, 2)), np.ones((2, 2)), value_range=10.0))
    20.0
    """
    if np.shape(a) != np.shape(b):
        raise UserError(f"Expected two fields of one shape, found {np.shape(a)} and {np.shape(b)}.")
    error = ((np.asarray(a, dtype=np.float64) - b) ** 2).mean(axis=(-2, -1))
    return decibels_of_error(error, value_range)


def decibels_of_error(mean_squared_error: np.ndarray, value_range: float) -> np.ndarray:
    """Peak signal-to-noise ratio [dB] from the mean squared error, see :func:`peak_signal_to_noise`."""
    _require_range(value_range)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(value_range**2 / mean_squared_error)


def _require_range(value_range: float) -> None:
    if not value_range > 0 or not np.isfinite(value_range):
        raise UserError(
            f"Expected a positive range of values, found {value_range!r}; take maximum minus minimum of "
            f"the truth."
        )
