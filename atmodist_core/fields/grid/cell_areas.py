"""Areas of the grid cells of each row: the one definition for block means, area means and conservation.

A cell ends midway between rows. Integrals of products of spherical harmonics need
:func:`~atmodist_core.harmonics.grids.quadrature_weights` instead, which are not areas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cell_areas(latitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the relative area of the cells of each row, for latitudes [degrees] in either order; a globe has 2.

    The outermost cells reach as far outwards as inwards, at most to a pole: a row on a pole has the half cell
    that the sphere leaves it. On even spacing areas are proportional to the cosine of latitude, but for such rows.

    Examples
    --------
    >>> cell_areas(np.array([60.0, 0.0, -60.0])).round(3)
    array([0.5, 1. , 0.5])
    """
    degrees = np.asarray(latitude, dtype=np.float64)
    if degrees.size == 1:
        return np.ones(1)
    middle = 0.5 * (degrees[:-1] + degrees[1:])
    ends = 1.5 * degrees[0] - 0.5 * degrees[1], 1.5 * degrees[-1] - 0.5 * degrees[-2]
    edges = np.clip(np.concatenate([ends[:1], middle, ends[1:]]), -90.0, 90.0)
    return np.abs(np.diff(np.sin(np.deg2rad(edges))))
