"""The amplitude of a coarse field: what models whose scale follows the data divide by, and multiply with at the end.

Analyses differ in amplitude (the standard deviation of vorticity is 2.5e-5 s-1 in the simulated weather at half a degree, 3 to 4e-5 in analyses
at 1 degree, 5 to 6e-5 at 0.25 degree), and what a network learned of structure should not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from atmodist_core.fields.grid.cell_areas import cell_areas


def coarse_amplitude(
    coarse: NDArray[np.floating], latitude: NDArray[np.floating], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return the root of the area-weighted mean square of coarse fields over the whole grid.

    Parameters
    ----------
    coarse : ndarray
        ``(..., latitude, longitude)``, in any unit.
    latitude : ndarray
        Of the rows [degrees].
    valid : ndarray of bool, optional
        ``(latitude, longitude)``: the cells that count; by default all that are finite.

    Returns
    -------
    ndarray
        ``(...)``, in the unit of the fields; 1 where a field is zero everywhere, so that it can be divided by.

    Examples
    --------
    >>> float(coarse_amplitude(np.full((2, 3), -2.0), np.array([30.0, 0.0])))
    2.0
    """
    fields = np.asarray(coarse, dtype=np.float64)
    counts = np.isfinite(fields) if valid is None else np.broadcast_to(valid, fields.shape)
    weights = np.where(counts, cell_areas(latitude)[:, None], 0.0)
    squares = (weights * np.where(counts, fields, 0.0) ** 2).sum(axis=(-2, -1))
    mean = squares / np.maximum(weights.sum(axis=(-2, -1)), np.finfo(np.float64).tiny)
    return np.where(mean > 0.0, np.sqrt(mean), 1.0)


def relative_amplitude(
    coarse: NDArray[np.floating], latitude: NDArray[np.floating], reference: Iterable[float]
) -> NDArray[np.float32]:
    """Return what coarse fields ``(channel, latitude, longitude)`` are divided by to have the amplitudes of a reference.

    Shape ``(channel, 1, 1)``; ones without a reference.
    """
    wanted = np.array(list(reference))
    ratio = coarse_amplitude(coarse, latitude) / wanted if wanted.size else np.ones(len(coarse))
    return ratio.astype(np.float32)[:, None, None]
