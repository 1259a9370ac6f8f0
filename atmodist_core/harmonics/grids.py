"""Global grids: names, rows, quadrature weights, resolved truncation, and detection from a latitude axis."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atmodist_core.common.errors import UserError

GRIDS = ("gaussian", "equiangular-with-poles", "driscoll-healy", "cell-centred")
"""Names of the global grids, as in ``ds.attrs["grid"]``."""

EXACT_GRIDS = ("equiangular-with-poles", "cell-centred")
"""Grids whose analysis uses :func:`exact_quadrature` instead of weights."""


def check_grid(grid: str) -> None:
    """Raise :class:`UserError` unless ``grid`` is one of :data:`GRIDS`."""
    if grid not in GRIDS:
        raise UserError(f"Expected a grid among {', '.join(GRIDS)}, found {grid!r}: give one of those names.")


@lru_cache(maxsize=32)
def gauss_legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute Gauss-Legendre colatitudes [rad] and weights (sum 2) to the last digits, also near the poles."""
    half = (count + 1) // 2
    # Olver's asymptotic first guess; Newton's method in colatitude then converges in a few steps.
    theta = np.pi * (4.0 * np.arange(1, half + 1) - 1.0) / (4.0 * count + 2.0)
    theta += 1.0 / (8.0 * count**2 * np.tan(theta))
    slope = np.ones(half)
    for _ in range(8):
        # Recursion for the difference d = P_k - P_(k-1), with an exact 1 - cos(theta): no cancellation near the pole.
        versine = 2.0 * np.sin(0.5 * theta) ** 2
        value, difference = np.cos(theta), -versine
        for degree in range(1, count):
            difference = (degree * difference - (2 * degree + 1) * versine * value) / (degree + 1)
            value = value + difference
        # dP/dtheta = -n (P_(n-1) - cos(theta) P_n) / sin(theta)
        slope = -count * (value - difference - np.cos(theta) * value) / np.sin(theta)
        step = value / slope
        theta -= step
        if np.max(np.abs(step) / theta) < 4e-16:
            break
    if count % 2:
        theta[-1] = 0.5 * np.pi
    weights = 2.0 / slope**2
    mirrored = slice(None, half - count % 2)
    nodes = np.concatenate([theta, np.pi - theta[mirrored][::-1]])
    return nodes, np.concatenate([weights, weights[mirrored][::-1]])


def colatitudes(latitude_count: int, grid: str) -> NDArray[np.float64]:
    """Return the colatitudes of the rows of a grid [rad], increasing (north to south)."""
    check_grid(grid)
    if grid == "gaussian":
        return gauss_legendre(latitude_count)[0]
    return _evenly_spaced(latitude_count, grid, np.pi)


def latitudes(latitude_count: int, grid: str) -> NDArray[np.float64]:
    """Return the latitudes of the rows of a grid [degrees north], decreasing; exact where they are round numbers.

    Examples
    --------
    >>> latitudes(4, "cell-centred").tolist()
    [67.5, 22.5, -22.5, -67.5]
    """
    check_grid(grid)
    if grid == "gaussian":
        return 90.0 - np.rad2deg(gauss_legendre(latitude_count)[0])
    return 90.0 - _evenly_spaced(latitude_count, grid, 180.0)


def _evenly_spaced(count: int, grid: str, half_circle: float) -> NDArray[np.float64]:
    rows = np.arange(count, dtype=np.float64)
    if grid == "equiangular-with-poles":
        return rows * (half_circle / (count - 1))
    return (rows + 0.5 * (grid == "cell-centred")) * (half_circle / count)


def quadrature_weights(latitude_count: int, grid: str) -> NDArray[np.float64]:
    r"""Return the weights of :math:`\int_0^\pi f(\theta)\sin\theta\,d\theta \approx \sum_k w_k f(\theta_k)`.

    Gauss-Legendre, Clenshaw-Curtis (with poles), Fejer's first rule (cell-centred) and Fejer's second rule
    (Driscoll & Healy, 1994, whose north-pole row has no weight). They sum to 2.

    Examples
    --------
    >>> quadrature_weights(3, "equiangular-with-poles").round(6).tolist()
    [0.333333, 1.333333, 0.333333]
    """
    check_grid(grid)
    n = latitude_count
    if grid == "gaussian":
        return gauss_legendre(n)[1]
    theta = colatitudes(n, grid)
    if grid == "cell-centred":
        j = np.arange(1, n // 2 + 1)
        return 2.0 / n * (1.0 - 2.0 * (np.cos(2.0 * np.outer(theta, j)) / (4.0 * j**2 - 1.0)).sum(1))
    if grid == "driscoll-healy":
        odd = 2 * np.arange(n // 2) + 1
        return 4.0 / n * np.sin(theta) * (np.sin(np.outer(theta, odd)) / odd).sum(1)
    intervals = n - 1
    j = np.arange(1, intervals // 2 + 1)
    factor = np.where(2 * j == intervals, 1.0, 2.0)
    ends = np.full(n, 2.0)
    ends[[0, -1]] = 1.0
    series = (factor * np.cos(2.0 * np.outer(theta, j)) / (4.0 * j**2 - 1.0)).sum(1)
    return ends / intervals * (1.0 - series)


def exact_quadrature(latitude_count: int, grid: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return exact inner products over colatitude of the trigonometric interpolants of rows.

    A harmonic of even order is a cosine series in colatitude and one of odd order a sine series (for the wind
    components it is the other way round). On equally spaced rows the values fix that series, whose inner
    product :math:`\int_0^\pi f g \sin\theta\,d\theta = f^T G g` is then known in closed form. Weights alone
    are exact only up to half the degree and alias higher degrees; this is exact up to the last degree that
    the rows resolve (as in SPHEREPACK: Adams & Swarztrauber, 1999, Mon. Weather Rev. 127, 1872-1878).
    The symmetric matrices G (latitude_count, latitude_count) are for cosine and for sine series; grids are
    "equiangular-with-poles" and "cell-centred".
    """
    theta = colatitudes(latitude_count, grid)
    matrices = []
    for sine in (False, True):
        wavenumbers, to_series = _series(latitude_count, theta, grid == "cell-centred", sine)
        sign = -1.0 if sine else 1.0
        column = wavenumbers[:, None]
        products = 0.5 * (
            _integral_of_cosine(column - wavenumbers) + sign * _integral_of_cosine(column + wavenumbers)
        )
        matrices.append(to_series.T @ products @ to_series)
    return matrices[0], matrices[1]


def _series(
    n: int, theta: NDArray[np.float64], cell_centred: bool, sine: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Wavenumbers and matrix of the discrete cosine or sine transform of the rows."""
    ends = np.ones(n)
    if cell_centred:
        wavenumbers = np.arange(1, n + 1) if sine else np.arange(n)
        norm = np.full(n, 2.0 / n)
        norm[-1 if sine else 0] = 1.0 / n
    else:
        wavenumbers = np.arange(1, n - 1) if sine else np.arange(n)
        norm = np.full(len(wavenumbers), 2.0 / (n - 1))
        if not sine:
            norm[[0, -1]] = 1.0 / (n - 1)
            ends[[0, -1]] = 0.5
    angles = np.outer(wavenumbers, theta)
    return wavenumbers, (np.sin(angles) if sine else np.cos(angles)) * norm[:, None] * ends[None, :]


def _integral_of_cosine(k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Integral of cos(k theta) sin(theta) over [0, pi]."""
    even = k % 2 == 0
    return np.where(even, 2.0 / (1.0 - np.where(even, k, 0).astype(np.float64) ** 2), 0.0)


def maximum_truncation(latitude_count: int, longitude_count: int, grid: str) -> int:
    """Return the highest total wavenumber whose coefficients the values on a grid determine.

    Examples
    --------
    >>> maximum_truncation(181, 360, "equiangular-with-poles")
    179
    """
    check_grid(grid)
    by_latitude = {
        "gaussian": latitude_count - 1,
        "cell-centred": latitude_count - 1,
        "equiangular-with-poles": latitude_count - 2,
        "driscoll-healy": latitude_count // 2 - 1,
    }[grid]
    return min(by_latitude, (longitude_count - 1) // 2)


def grid_of_latitudes(latitudes_deg: ArrayLike, *, tolerance_deg: float | None = None) -> str | None:
    """Detect the global grid of a latitude axis.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north, in either order.
    tolerance_deg : float, optional
        Largest difference between a row and the grid's. Default: a thousandth of the spacing, and at least
        1e-3 degrees, because files often contain rounded Gaussian latitudes.

    Returns
    -------
    str or None
        One of :data:`GRIDS`, or None for a limited area or an unknown global grid.

    Examples
    --------
    >>> grid_of_latitudes([90, 45, 0, -45, -90])
    'equiangular-with-poles'
    >>> grid_of_latitudes([50.0, 49.5, 49.0]) is None
    True
    """
    given = np.asarray(latitudes_deg, dtype=np.float64)
    if given.ndim != 1 or len(given) < 3 or not np.all(np.isfinite(given)):
        return None
    descending = given if given[0] > given[-1] else given[::-1]
    count = len(descending)
    spacing = 180.0 / count
    tolerance = max(1e-3, 1e-3 * spacing) if tolerance_deg is None else tolerance_deg
    gap = 90.0 - descending[0]
    if not -tolerance <= gap < spacing:
        return None  # most limited areas are rejected here, without computing nodes
    for grid in ("equiangular-with-poles", "cell-centred", "driscoll-healy", "gaussian"):
        if grid == "driscoll-healy" and count % 2:
            continue
        if np.max(np.abs(latitudes(count, grid) - descending)) <= tolerance:
            return grid
    return None


def is_global(latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> bool:
    """Return whether two axes cover the globe: a known latitude grid, evenly spaced longitudes.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north, in either order.
    longitudes_deg : array_like, shape (m,)
        Longitudes in degrees east, increasing, starting at any meridian.

    Returns
    -------
    bool
        True if spherical-harmonic transforms apply to the grid.

    Examples
    --------
    >>> is_global([67.5, 22.5, -22.5, -67.5], [0, 90, 180, 270])
    True
    >>> is_global([67.5, 22.5, -22.5, -67.5], [0, 10, 20, 30])
    False
    """
    longitudes = np.asarray(longitudes_deg, dtype=np.float64)
    if longitudes.ndim != 1 or len(longitudes) < 4 or not np.all(np.isfinite(longitudes)):
        return False
    spacing = 360.0 / len(longitudes)
    if np.max(np.abs(np.diff(longitudes) - spacing)) > max(1e-3, 1e-3 * spacing):
        return False
    return grid_of_latitudes(latitudes_deg) is not None
