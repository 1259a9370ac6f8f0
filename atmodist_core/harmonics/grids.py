"""Names and limits of the global grids, and telling which grid a latitude axis is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from atmodist_core.harmonics.quadrature import (
    GRIDS,
    check_grid,
    colatitudes,
    latitudes,
    quadrature_weights,
)

__all__ = [
    "GRIDS",
    "check_grid",
    "colatitudes",
    "grid_of_latitudes",
    "is_global",
    "latitudes",
    "maximum_truncation",
    "quadrature_weights",
]


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
        The largest truncation whose coefficients the grid values determine.

    Raises
    ------
    UserError
        If the grid is unknown.

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
    """Name the global grid that a latitude axis belongs to.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north, in either order.
    tolerance_deg : float, optional
        How far a row may lie from where the grid has it. Default: a thousandth of the spacing, and at least
        1e-3 degrees, since files often hold rounded Gaussian latitudes.

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
        return None  # most limited areas, told without computing nodes
    for grid in ("equiangular-with-poles", "cell-centred", "driscoll-healy", "gaussian"):
        if grid == "driscoll-healy" and count % 2:
            continue
        if np.max(np.abs(latitudes(count, grid) - descending)) <= tolerance:
            return grid
    return None


def is_global(latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> bool:
    """Whether a pair of axes covers the globe: a known latitude grid and a full, even circle of longitudes.

    Parameters
    ----------
    latitudes_deg : array_like, shape (n,)
        Latitudes in degrees north, in either order.
    longitudes_deg : array_like, shape (m,)
        Longitudes in degrees east, increasing, from any meridian.

    Returns
    -------
    bool
        True if spherical-harmonic transforms of the whole grid make sense.

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
