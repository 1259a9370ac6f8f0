"""Maps of the mean, standard deviation, skewness and kurtosis, and of the error, over any number of times.

Values are pooled over the fine points in a coarse cell and over all times. The sums are whole numbers: the
powers of the values in steps of ``2^-24`` of a fixed scale. Sums of whole numbers do not depend on their order, so a
period in parts gives the same bits as the whole period; the rounding is 1e-7 of the scale's power for one time and
averages out over many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.statistics.moments import AreaSums
from atmodist_core.evaluation.statistics.row_sums import POWERS
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

SCALES = {
    "s-1": 1e-5, "s**-1": 1e-5, "m s-1": 10.0, "m s**-1": 10.0, "K": 300.0, "m2 s-2": 6e4, "kg kg-1": 0.01, "%": 100.0,
}  # fmt: skip
"""Typical size of a quantity by its units; 1 for other units."""

RESOLUTION = 2.0**-24
"""Step of the sums, in powers of the scale."""

_DIMENSIONS = ("field", "latitude", "longitude")


class MomentMaps(Statistic):
    """Sums of the first four powers of the values, and of the squared error, in every coarse cell, int64.

    ``grid`` has the latitudes and longitudes of whole coarse cells.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
        [*(f"power_{exponent}" for exponent in POWERS), "squared_error"], _DIMENSIONS
    )

    def __init__(self, sums: AreaSums, grid: xr.Dataset, units: Sequence[str]) -> None:
        self._sums, self._scales = sums, scales_of(units)
        self._centres = {}
        for axis in ("latitude", "longitude"):
            values = grid[axis].values.astype(np.float64)
            whole = values[: values.size // sums.factor * sums.factor]
            self._centres[axis] = whole.reshape(-1, sums.factor).mean(axis=1)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the sums over the points of the cells; the truth has no error."""
        powers = self._sums.of_values(snapshot).cells
        arrays = {
            f"power_{exponent}": self._steps(sums, exponent)
            for exponent, sums in zip(POWERS, powers, strict=True)
        }
        if not snapshot.is_truth:
            arrays["squared_error"] = self._steps(self._sums.of_pair(snapshot).squared_error_cells, 2)
        return arrays

    def _steps(self, sums: np.ndarray, exponent: int) -> np.ndarray:
        """Sums of a power of the values in whole steps of the same power of the scale."""
        return np.rint(sums / (RESOLUTION * self._scales[:, None, None] ** exponent)).astype(np.int64)

    def coordinates(self) -> dict[str, np.ndarray]:
        """Return the centres of the cells [degrees]."""
        return self._centres


def scales_of(units: Sequence[str]) -> np.ndarray:
    """Return the scale of every field in its units, shape ``(field,)``."""
    return np.array([SCALES.get(each, 1.0) for each in units])


def moments(sums: xr.Dataset, units: Sequence[str], factor: int) -> xr.Dataset:
    """Return the moments from sums over times, as a :class:`.SumsStore` reads them.

    ``mean``, ``standard_deviation`` [units of the field], ``skewness``, ``kurtosis`` (3 for normal values; both missing
    where nothing varies), and, where there is an error, ``rmse`` [units of the field], over ``(field, latitude,
    longitude)``. A cell has ``factor`` points along a side.
    """
    count = sums.sizes["time"] * factor**2
    scale = xr.DataArray(scales_of(units), dims="field")
    m1, m2, m3, m4 = (sums[f"power_{exponent}"] * (RESOLUTION / count) for exponent in POWERS)
    variance = (m2 - m1**2).clip(min=0)
    # A variance below the rounding of the sums counts as none.
    varies = variance > 4 * RESOLUTION
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    result: dict[str, xr.DataArray] = {
        "mean": m1 * scale,
        "standard_deviation": variance**0.5 * scale,
        "skewness": (third / variance.where(varies) ** 1.5),
        "kurtosis": (fourth / variance.where(varies) ** 2),
    }
    if "squared_error" in sums:
        result["rmse"] = (sums["squared_error"] * (RESOLUTION / count)) ** 0.5 * scale
    return xr.Dataset({name: field.transpose(*_DIMENSIONS) for name, field in result.items()}).drop_vars(
        "time", errors="ignore"
    )
