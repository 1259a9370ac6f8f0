"""Rows of the global grids and how to integrate over them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError

GRIDS = ("gaussian", "equiangular-with-poles", "driscoll-healy", "cell-centred")
"""The global grids: names as they stand in ``ds.attrs["grid"]``."""

EXACT_GRIDS = ("equiangular-with-poles", "cell-centred")
"""Grids whose analysis uses the inner products of :func:`exact_quadrature` instead of weights."""


def check_grid(grid: str) -> None:
    """Raise :class:`UserError` unless ``grid`` is one of :data:`GRIDS`."""
    if grid not in GRIDS:
        raise UserError(f"Expected a grid among {', '.join(GRIDS)}, found {grid!r}: give one of those names.")


@lru_cache(maxsize=32)
def gauss_legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of Gauss-Legendre quadrature in colatitude, to the last digits also near the poles.

    Parameters
    ----------
    count : int
        Number of nodes.

    Returns
    -------
    colatitudes, weights : ndarray, shape (count,)
        Colatitudes in radians, increasing; weights that add up to 2.
    """
    half = (count + 1) // 2
    # Olver's first approximation; Newton's method in colatitude then converges in a few steps.
    theta = np.pi * (4.0 * np.arange(1, half + 1) - 1.0) / (4.0 * count + 2.0)
    theta += 1.0 / (8.0 * count**2 * np.tan(theta))
    slope = np.ones(half)
    for _ in range(8):
        # P_k by its differences d = P_k - P_(k-1): with 1 - cos(theta) exact, nothing cancels near the pole.
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
    """Colatitudes of the rows of a grid.

    Parameters
    ----------
    latitude_count : int
        Number of rows.
    grid : str
        One of :data:`GRIDS`.

    Returns
    -------
    ndarray, shape (latitude_count,)
        Colatitudes in radians, increasing (north to south).
    """
    check_grid(grid)
    rows = np.arange(latitude_count, dtype=np.float64)
    if grid == "gaussian":
        return gauss_legendre(latitude_count)[0]
    if grid == "equiangular-with-poles":
        return rows * (np.pi / (latitude_count - 1))
    if grid == "driscoll-healy":
        return rows * (np.pi / latitude_count)
    return (rows + 0.5) * (np.pi / latitude_count)


def latitudes(latitude_count: int, grid: str) -> NDArray[np.float64]:
    """Latitudes of the rows of a grid, without rounding where they are round numbers of degrees.

    Parameters
    ----------
    latitude_count : int
        Number of rows.
    grid : str
        One of :data:`GRIDS`.

    Returns
    -------
    ndarray, shape (latitude_count,)
        Degrees north, decreasing.

    Examples
    --------
    >>> latitudes(4, "cell-centred").tolist()
    [67.5, 22.5, -22.5, -67.5]
    """
    check_grid(grid)
    rows = np.arange(latitude_count, dtype=np.float64)
    if grid == "equiangular-with-poles":
        return 90.0 - rows * (180.0 / (latitude_count - 1))
    if grid == "driscoll-healy":
        return 90.0 - rows * (180.0 / latitude_count)
    if grid == "cell-centred":
        return 90.0 - (rows + 0.5) * (180.0 / latitude_count)
    return 90.0 - np.rad2deg(gauss_legendre(latitude_count)[0])


def quadrature_weights(latitude_count: int, grid: str) -> NDArray[np.float64]:
    r"""Weights :math:`w_k` of :math:`\int_0^\pi f(\theta)\sin\theta\,d\theta \approx \sum_k w_k f(\theta_k)`.

    Gauss-Legendre, Clenshaw-Curtis (with poles), Fejer's first rule (cell-centred) and Fejer's second rule
    (Driscoll & Healy, 1994, whose north-pole row has no weight).

    Parameters
    ----------
    latitude_count : int
        Number of rows.
    grid : str
        One of :data:`GRIDS`.

    Returns
    -------
    ndarray, shape (latitude_count,)
        Weights, which add up to 2.

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
    r"""Exact inner products over colatitude of the trigonometric interpolants of a grid's rows.

    A harmonic of even order is a cosine series in colatitude and one of odd order a sine series (for the wind
    components it is the other way round). On equally spaced rows the values fix that series, whose inner
    product :math:`\int_0^\pi f g \sin\theta\,d\theta = f^T G g` is then known in closed form. Weights alone
    are exact up to half the degree only and alias what lies above the truncation; this is exact up to the
    last degree that the rows resolve (the idea of SPHEREPACK: Adams & Swarztrauber, 1999, Mon. Weather Rev.).

    Parameters
    ----------
    latitude_count : int
        Number of rows.
    grid : {"equiangular-with-poles", "cell-centred"}
        The grid.

    Returns
    -------
    cosine, sine : ndarray, shape (latitude_count, latitude_count)
        The symmetric matrices G for cosine and for sine series.
    """
    theta = colatitudes(latitude_count, grid)
    matrices = []
    for sine in (False, True):
        wavenumbers, to_series = _series(latitude_count, theta, grid == "cell-centred", sine)
        sign = -1.0 if sine else 1.0
        difference, total = (
            wavenumbers[:, None] - wavenumbers[None, :],
            wavenumbers[:, None] + wavenumbers[None, :],
        )
        products = 0.5 * (_integral_of_cosine(difference) + sign * _integral_of_cosine(total))
        matrices.append(to_series.T @ products @ to_series)
    return matrices[0], matrices[1]


def _series(
    n: int, theta: NDArray[np.float64], cell_centred: bool, sine: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Wavenumbers and matrix of the discrete cosine or sine transform of the rows, from its orthogonality."""
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
