"""Semivariance of fields at great-circle lags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.diagnostics.semivariogram import draw_pairs, pair_semivariance, smallest_lag_km
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

LAGS_KM = (100.0, 200.0, 300.0, 500.0, 1000.0)
"""Lags of the semivariogram [km]: those of the papers that a 0.5-degree grid resolves; the grid's own smallest lag
comes first."""

PAIRS = 50_000
PAIR_SEED = 0


class Semivariance(Statistic):
    """Half the mean squared difference at every lag, at the same pairs of points for every time and model.

    ``lags_km`` are the smallest lag of the grid, rounded up to whole km, and those of :data:`LAGS_KM` beyond it.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"semivariance": ("field", "lag_km")}
    units: ClassVar[Mapping[str, str]] = {"semivariance": "field2"}

    def __init__(self, grid: xr.Dataset) -> None:
        smallest = float(np.ceil(smallest_lag_km(grid)))
        self.lags_km = np.array([smallest, *(lag for lag in LAGS_KM if lag > smallest)])
        drawn = [draw_pairs(grid, lag, PAIRS, PAIR_SEED) for lag in self.lags_km]
        self._pairs = [None if pairs is None else pairs.in_memory_order() for pairs in drawn]

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the semivariances; missing for lags that a limited area has no room for."""
        flat = snapshot.values.reshape(len(snapshot.values), -1)
        return {"semivariance": np.stack([pair_semivariance(flat, pairs) for pairs in self._pairs], axis=-1)}

    def coordinates(self) -> dict[str, Any]:
        """Return the lags."""
        return {"lag_km": self.lags_km}
