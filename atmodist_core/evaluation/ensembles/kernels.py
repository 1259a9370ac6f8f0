"""Scores of ensembles at points and on tiles, as arrays. CRPS, energy and variogram scores are those of scoringrules.

References
----------
Ferro, C. A. T., 2014: Fair scores for ensemble forecasts. Q. J. R. Meteorol. Soc. 140, 1917-1923.
Gneiting, T. and Raftery, A. E., 2007: Strictly proper scoring rules, prediction, and estimation. J. Am. Stat. Assoc.
102, 359-378 (CRPS, energy score).
Scheuerer, M. and Hamill, T. M., 2015: Variogram-based proper scoring rules for probabilistic forecasts of
multivariate quantities. Mon. Wea. Rev. 143, 1321-1334.
Hamill, T. M., 2001: Interpretation of rank histograms for verifying ensemble forecasts. Mon. Wea. Rev. 129, 550-560.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _scoringrules() -> tuple[Any, str]:
    """The library, imported on first use since that compiles for seconds, and the name of its fastest backend."""
    import scoringrules

    return scoringrules, "numba" if find_spec("numba") else "numpy"


def fair_crps(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the fair CRPS of members ``(member, ...)`` at every point ``(...)``; of one member, the absolute error."""
    if len(members) == 1:
        return np.abs(members[0] - truth)
    library, backend = _scoringrules()
    last = np.ascontiguousarray(np.moveaxis(members, 0, -1))
    return np.asarray(library.crps_ensemble(truth, last, estimator="fair", backend=backend))


def tile_points(values: np.ndarray, side: int, every: int) -> np.ndarray:
    """Return the points of square tiles, shape ``(..., tile row, tile column, side * side)``.

    Tiles of ``side`` points lie ``every`` points apart, each in the middle of its square of that many points. Rows and
    columns that fill no square are left out.
    """
    rows, columns = values.shape[-2] // every * every, values.shape[-1] // every * every
    start = (every - side) // 2
    windows = sliding_window_view(values[..., :rows, :columns], (side, side), axis=(-2, -1))
    chosen = windows[..., start::every, start::every, :, :]
    return chosen.reshape(*chosen.shape[:-2], side * side)


def fair_energy_score(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the fair energy score of vectors, with the root mean square over their components as the norm.

    Members have shape ``(member, ..., component)``, the truth ``(..., component)``, the result ``(...)``. Of one member it is
    the root mean square error over the components.
    """
    root = np.float32(np.sqrt(truth.shape[-1]))
    if len(members) == 1:
        return np.linalg.norm(members[0] - truth, axis=-1) / root
    library, backend = _scoringrules()
    last = np.ascontiguousarray(np.moveaxis(members, 0, -2))
    return np.asarray(library.es_ensemble(truth, last, estimator="fair", backend=backend)) / root


def fair_variogram_score(members: np.ndarray, truth: np.ndarray, order: float = 0.5) -> np.ndarray:
    """Return the fair variogram score of vectors, as the mean over pairs of different components.

    Shapes as for :func:`fair_energy_score`; one member has the score of a single field.
    """
    library, backend = _scoringrules()
    size = truth.shape[-1]
    weights = np.full((size, size), 1 / (size * (size - 1)), truth.dtype)
    last = np.ascontiguousarray(np.moveaxis(members, 0, -2))
    estimator = "fair" if len(members) > 1 else "nrg"
    return np.asarray(
        library.vs_ensemble(
            truth, last, w=weights, p=truth.dtype.type(order), estimator=estimator, backend=backend
        )
    )


def spread_and_error(members: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance of members about their mean, and the squared error of the mean, each ``(...)``.

    The variance is unbiased (zero for one member), and multiplied by ``(M + 1) / M``: its mean is then that of the squared
    error, if the truth is a draw from the same distribution as the members.
    """
    count = len(members)
    mean = members.mean(axis=0, dtype=np.float64)
    error = np.square(mean - truth)
    if count == 1:
        return np.zeros_like(error), error
    variance = np.zeros_like(error)
    for member in members:
        variance += np.square(member - mean)
    return variance * ((count + 1) / (count * (count - 1))), error


def ranks(members: np.ndarray, truth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return how many members lie below the truth at every point, 0 to M; ties are broken at random."""
    below = (members < truth).sum(axis=0)
    ties = (members == truth).sum(axis=0)
    tied = np.flatnonzero(ties)
    if tied.size:
        below.flat[tied] += random.integers(ties.flat[tied] + 1)
    return below
