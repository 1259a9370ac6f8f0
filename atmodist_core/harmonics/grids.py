"""Nodes and latitude quadrature of the global grids, and telling which grid a latitude axis is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atmodist_core.errors import UserError

GRIDS = ("gaussian", "equiangular-with-poles", "driscoll-healy", "cell-centred")
"""The global grids: names as they stand in ``ds.attrs["grid"]``."""

EXACT_GRIDS = ("equiangular-with-poles", "cell-centred")
"""Grids whose analysis uses the exact inner products of :func:`exact_quadrature` instead of weights."""


def check_grid(grid: str) -> None:
    """Raise :class:`UserError` unless ``grid`` is one of :data:`GRIDS`."""
    if grid not in GRIDS:
        raise UserError(f"Expected a grid among {', '.join(GRIDS)}, found {grid!r}: give one of those names.")


@lru_cache(maxsize=32)
def _gaussian(latitude_count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.special import roots_legendre

    x, weights = roots_legendre(latitude_count)
    colatitudes = np.arccos(x[::-1])
    # Exact symmetry about the equator, which the parity folding of the transforms relies on.
    colatitudes = 0.5 * (colatitudes + (np.pi - colatitudes[::-1]))
    return colatitudes, 0.5 * (weights + weights[::-1])


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
    rows = np.arange(latitude_count)
    if grid == "gaussian":
        return _gaussian(latitude_count)[0]
    if grid == "equiangular-with-poles":
        return rows * (np.pi / (latitude_count - 1))
    if grid == "driscoll-healy":
        return rows * (np.pi / latitude_count)
    return (rows + 0.5) * (np.pi / latitude_count)


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
    """
    theta = colatitudes(latitude_count, grid)
    if grid == "gaussian":
        return _gaussian(latitude_count)[1]
    n = latitude_count
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


@lru_cache(maxsize=8)
def exact_quadrature(latitude_count: int, grid: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Exact inner products over colatitude of the trigonometric interpolants of a grid's rows.

    A harmonic of even order is a cosine series in colatitude and one of odd order a sine series (for the wind
    components it is the other way round). On equally spaced rows the values fix that series, whose inner product
    :math:`\int_0^\pi f g \sin\theta\,d\theta = f^T G g` is then known in closed form. Weights alone are exact up to
    half the degree only and alias what lies above the truncation; this is exact up to the last degree that the
    rows resolve (the idea of SPHEREPACK: Adams & Swarztrauber, 1999).

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
    n = latitude_count

    def integral(k: NDArray[np.int64]) -> NDArray[np.float64]:
        """Integral of cos(k theta) sin(theta) over [0, pi]."""
        k = np.abs(k)
        return np.where(k % 2 == 0, 2.0 / (1.0 - np.where(k == 1, 0, k).astype(np.float64) ** 2), 0.0)

    matrices = []
    for sine in (False, True):
        if grid == "cell-centred":
            j = np.arange(1, n + 1) if sine else np.arange(n)
            # Discrete orthogonality of the DCT-II/DST-II bases gives the inverse without a factorisation.
            basis = np.sin(np.outer(theta, j)) if sine else np.cos(np.outer(theta, j))
            norm = np.full(n, 2.0 / n)
            norm[-1 if sine else 0] = 1.0 / n
            inverse = basis.T * norm[:, None]
        else:
            j = np.arange(1, n - 1) if sine else np.arange(n)
            basis = np.sin(np.outer(theta, j)) if sine else np.cos(np.outer(theta, j))
            norm = np.full(len(j), 2.0 / (n - 1))
            ends = np.ones(n)
            if not sine:
                norm[[0, -1]] = 1.0 / (n - 1)
                ends[[0, -1]] = 0.5
            inverse = basis.T * norm[:, None] * ends[None, :]
        sign = -1.0 if sine else 1.0
        gram = 0.5 * (integral(j[:, None] - j[None, :]) + sign * integral(j[:, None] + j[None, :]))
        matrices.append(inverse.T @ gram @ inverse)
    return matrices[0], matrices[1]


def maximum_truncation(latitude_count: int, longitude_count: int, grid: str) -> int:
    """Highest total wavenumber that a grid resolves.

    Parameters
    ----------
    latitude_count, longitude_count : int
        Size of the grid.
    grid : str
        One of :data:`GRIDS`.

    Returns
    -------
    int
        The largest allowed truncation.
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
    """Name the global grid that a latitude axis belongs to.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north, in either order.
    tolerance_deg : float, optional
        How far each row may lie from the ideal one. Default: a thousandth of the spacing, at least 1e-3 degrees
        (files often store rounded Gaussian latitudes).

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
    latitudes = np.asarray(latitudes_deg, dtype=np.float64)
    if latitudes.ndim != 1 or len(latitudes) < 3 or not np.all(np.isfinite(latitudes)):
        return None
    descending = latitudes if latitudes[0] > latitudes[-1] else latitudes[::-1]
    spacing = 180.0 / len(descending)
    tolerance = max(1e-3, 1e-3 * spacing) if tolerance_deg is None else tolerance_deg
    for grid in GRIDS[1:] + GRIDS[:1]:
        if grid == "driscoll-healy" and len(descending) % 2:
            continue
        # Computing Gaussian nodes of long axes takes a while: only where the ends are near.
        if grid == "gaussian" and not 0.85 * spacing > 90.0 - descending[0] > 0.0:
            continue
        ideal = 90.0 - np.rad2deg(colatitudes(len(descending), grid))
        if np.max(np.abs(ideal - descending)) <= tolerance:
            return grid
    return None


def is_global(latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> bool:
    """Whether a pair of axes covers the globe: a known latitude grid and a full, even circle of longitudes.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north.
    longitudes_deg : array_like, shape (m,)
        Longitudes in degrees east, increasing, any starting meridian.

    Returns
    -------
    bool
        True if spherical-harmonic transforms of the whole grid make sense.
    """
    longitudes = np.asarray(longitudes_deg, dtype=np.float64)
    if longitudes.ndim != 1 or len(longitudes) < 4 or not np.all(np.isfinite(longitudes)):
        return False
    spacing = 360.0 / len(longitudes)
    if np.max(np.abs(np.diff(longitudes) - spacing)) > max(1e-3, 1e-3 * spacing):
        return False
    return grid_of_latitudes(latitudes_deg) is not None
