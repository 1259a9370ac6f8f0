"""Area means of the powers of fields and of their errors, from sums over rows and coarse cells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from atmodist_core.evaluation.statistics.row_sums import (
    POWERS,
    PairSums,
    PowerSums,
    cell_sums,
    pair_sums,
    power_sums,
)
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic


class AreaSums:
    """Sums over rows and cells of one time, computed once for all statistics.

    They are kept with the snapshot: about ``5 / factor^2`` of the fields in float64 for every result. Weights over the
    points sum to one.
    """

    def __init__(self, weights: np.ndarray, factor: int) -> None:
        self.factor, self.weights = factor, weights
        self.rows = np.array(weights[:, 0])
        self.by_row = bool((weights == weights[:, :1]).all())
        """Whether weights depend on latitude alone: area means are then means of sums over rows."""

    def of_values(self, snapshot: Snapshot) -> PowerSums:
        """Return the sums of the powers of the fields."""
        return snapshot.shared("power sums", lambda: power_sums(snapshot.values, self.rows, self.factor))

    def of_pair(self, snapshot: Snapshot) -> PairSums:
        """Return the sums of the errors."""
        return snapshot.shared("pair sums", lambda: pair_sums(snapshot.values, snapshot.truth, self.factor))

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Return the area means of sums over rows, shape ``(..., latitude)``."""
        return (rows * self.rows).sum(axis=-1)

    def point_mean(self, values: np.ndarray) -> np.ndarray:
        """Return the weighted means of values at the points, shape ``(..., latitude, longitude)``."""
        return np.tensordot(values, self.weights, axes=2)

    def block_mean(self, snapshot: Snapshot) -> np.ndarray:
        """Return the weighted means over coarse cells, shape ``(field, latitude // factor, longitude // factor)``."""
        if self.by_row:
            sums = self.of_values(snapshot).weighted
        else:
            sums = cell_sums(snapshot.values * self.weights, self.factor)
        # A cell without a valid point has no weight: its mean does not matter.
        return np.divide(sums, self.block_weights, out=np.zeros_like(sums), where=self.block_weights > 0)

    @cached_property
    def block_weights(self) -> np.ndarray:
        """Weight of each coarse cell."""
        return cell_sums(self.weights, self.factor)


class Moments(Statistic):
    """Area means of the first four powers of the fields."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {f"moment_{k}": ("field",) for k in POWERS}

    def __init__(self, sums: AreaSums) -> None:
        self._sums = sums

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return ``moment_1`` to ``moment_4``."""
        sums = self._sums
        if sums.by_row:
            means = [sums.mean(rows) for rows in sums.of_values(snapshot).rows]
        else:
            values = snapshot.values.astype(np.float64)
            means = [sums.point_mean(values**k) for k in POWERS]
        return {f"moment_{k}": mean for k, mean in zip(POWERS, means, strict=True)}


class Errors(Statistic):
    """Area means of the errors of the fields, of their product with the truth, and of the errors of block means."""

    names = ("squared_error", "absolute_error", "product", "block_squared_error", "block_power")
    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(names, ("field",))
    needs_truth: ClassVar[bool] = True

    def __init__(self, sums: AreaSums) -> None:
        self._sums = sums
        self._block_weights = sums.block_weights / sums.block_weights.sum()

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the means; ``block_power`` is the mean square of the truth's block means."""
        sums = self._sums
        if sums.by_row:
            pair = sums.of_pair(snapshot)
            found = {name: sums.mean(getattr(pair, name)) for name in self.names[:3]}
        else:
            values, truth = snapshot.values.astype(np.float64), snapshot.truth.astype(np.float64)
            error = values - truth
            of_points = (error**2, np.abs(error), values * truth)
            found = {
                name: sums.point_mean(each) for name, each in zip(self.names[:3], of_points, strict=True)
            }
        truth = sums.block_mean(snapshot.truth_alone)
        error = sums.block_mean(snapshot) - truth
        found["block_squared_error"] = (error**2 * self._block_weights).sum(axis=(1, 2))
        found["block_power"] = (truth**2 * self._block_weights).sum(axis=(1, 2))
        return found
