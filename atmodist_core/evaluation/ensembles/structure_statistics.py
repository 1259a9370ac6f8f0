"""Statistics of the structure of fields: error per wavenumber, extremes of two fields together, values to follow in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.ensembles.power_of_grid import PowerOfGrid
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

SAMPLED_POINTS = 1000
"""Number of points whose values are kept at every time."""

EXTREME = 0.99
"""Share of the area below the thresholds of joint extremes, in absolute value."""


class ErrorPower(Statistic):
    """Power of the difference from the truth per wavenumber; with both powers it gives the coherence."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"error_power": ("field", "wavenumber")}
    units: ClassVar[Mapping[str, str]] = {"error_power": "field2"}
    needs_truth: ClassVar[bool] = True

    def __init__(self, grid: xr.Dataset) -> None:
        self._power = PowerOfGrid(grid)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the power."""
        return {"error_power": self._power(snapshot.values - snapshot.truth)}

    def coordinates(self) -> dict[str, Any]:
        """Return the wavelengths."""
        return {"wavelength_km": ("wavenumber", self._power.wavelength_km, {"units": "km"})}


class SampledValues(Statistic):
    """Values at points that are spread evenly over the area, for correlations in time."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"sampled_value": ("field", "point")}
    units: ClassVar[Mapping[str, str]] = {"sampled_value": "field"}

    def __init__(self, grid: xr.Dataset, count: int = SAMPLED_POINTS) -> None:
        # Systematic sampling: along the rows, each point stands for the same area.
        reached = np.cumsum(area_weights(grid).ravel())
        wanted = (np.arange(count) + 0.5) / count * reached[-1]
        self.points = np.unique(np.searchsorted(reached, wanted))

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the values, float32."""
        flat = snapshot.values.reshape(len(snapshot.values), -1)
        return {"sampled_value": flat[:, self.points].astype(np.float32)}


class JointExtremes(Statistic):
    """Share of the area where vorticity and divergence are both extreme, by the truth's and by the field's own thresholds.

    Thresholds are the 99 % quantiles of the absolute values over the area at the time. The share is the same for every field.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "joint_share": ("field",),
        "own_joint_share": ("field",),
    }
    units: ClassVar[Mapping[str, str]] = {"joint_share": "1", "own_joint_share": "1"}

    def __init__(self, grid: xr.Dataset) -> None:
        self._weights = area_weights(grid)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both shares."""
        limits = truth_thresholds(snapshot, self._weights)
        own = limits if snapshot.is_truth else absolute_thresholds(snapshot.values, self._weights)
        sizes = np.abs(snapshot.values)
        shares = [self._weights[(sizes > each[:, None, None]).all(axis=0)].sum() for each in (limits, own)]
        return {name: np.full(len(sizes), share) for name, share in zip(self.dimensions, shares, strict=True)}


def absolute_thresholds(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the 99 % quantile of absolute values over the area for fields ``(field, latitude, longitude)``."""
    found = []
    for value in np.abs(values).reshape(len(values), -1):
        order = np.argsort(value)
        reached = np.cumsum(weights.ravel()[order])
        found.append(value[order[np.searchsorted(reached, EXTREME * reached[-1])]])
    return np.array(found)


def truth_thresholds(snapshot: Snapshot, weights: np.ndarray) -> np.ndarray:
    """Return those of the truth, computed once for all models of a time."""
    alone = snapshot.truth_alone
    return alone.shared("extremes", lambda: absolute_thresholds(alone.values, weights))
