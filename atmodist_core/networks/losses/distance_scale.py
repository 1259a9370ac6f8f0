"""The factor that brings a distance to the magnitude of another metric."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from atmodist_core.common.errors import UserError


def distance_scale(distance_by_lag: ArrayLike, reference_by_lag: ArrayLike, lags: ArrayLike) -> float:
    """Return the factor that brings a distance to the magnitude of a reference metric at long lags.

    ``s = sum(d_k m_k) / sum(d_k^2)`` over the upper half of the lags (the least-squares solution of ``s d
    = m``): of 1..23 these are 12..23, the middle one included.

    Parameters
    ----------
    distance_by_lag : array_like
        Mean distance ``d_k`` of pairs at each lag.
    reference_by_lag : array_like
        Mean reference metric ``m_k`` (e.g. the mean squared error of normalised fields) of the same pairs.
    lags : array_like
        The lags, in any unit and order.

    Raises
    ------
    UserError
        When the three differ in length, are empty or not finite, or the distance vanishes.
    """
    d, m, k = (np.asarray(values, dtype=np.float64) for values in (distance_by_lag, reference_by_lag, lags))
    if not (d.ndim == 1 and d.shape == m.shape == k.shape and d.size and np.isfinite([d, m, k]).all()):
        raise UserError(
            "Expected for the distance scale one finite distance and one reference value per lag, found "
            f"{d.shape} distances, {m.shape} references, {k.shape} lags: give equally long lists without "
            "gaps."
        )
    upper = np.argsort(k, kind="stable")[k.size // 2 :]
    power = float(np.square(d[upper]).sum())
    if power == 0.0:
        raise UserError(
            "Expected a distance that differs from zero at long lags, found zeros only: the encoder maps "
            "all fields to the same activations, so train it first."
        )
    return float((d[upper] * m[upper]).sum()) / power
