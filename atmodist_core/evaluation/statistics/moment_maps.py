"""Maps of the mean, standard deviation, skewness and kurtosis, and of the error, over any number of times.

Values are pooled over the fine points in a coarse cell and over all times. What is added up are whole numbers: the
powers of the values in steps of ``2^-24`` of a fixed scale. Sums of whole numbers are the same in every order, so a
period in pieces gives the bits of the period in one go; the rounding is 1e-7 of the scale's power for one time and
averages out over many.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.area_means import GlobalSums
from atmodist_core.evaluation.statistics.field_statistics import Arrays
from atmodist_core.evaluation.statistics.groups import StatisticGroup
from atmodist_core.evaluation.statistics.one_time import OneTime
from atmodist_core.evaluation.statistics.row_sums import POWERS

MAPS = "maps"
SCALES = {"s-1": 1e-5, "s**-1": 1e-5, "m s-1": 10.0, "m s**-1": 10.0}
"""Usual size of a quantity by its units; 1 where nothing else is said."""

RESOLUTION = 2.0**-24
"""Step of the sums, in powers of the scale."""

_DIMENSIONS = ("field", "latitude", "longitude")


class MomentMaps(StatisticGroup):
    """Sums of the first four powers of the values, and of the squared error, in every coarse cell.

    Parameters
    ----------
    data : EvaluationData
        Gives grid, fields, units and factor.
    """

    name = MAPS
    of_truth = True
    summed: ClassVar[bool] = True

    def __init__(self, data: EvaluationData) -> None:
        self._sums = GlobalSums(data)
        self._scales = scales_of(data.units)
        self._latitude, self._longitude = (
            data.template[axis].values.astype(np.float64).reshape(-1, data.factor).mean(axis=1)
            for axis in ("latitude", "longitude")
        )

    def __call__(self, moment: OneTime) -> Arrays:
        """Return the sums over the points of the cells of one time, int64."""
        powers = self._sums.of_values(moment).cells
        arrays = {
            f"power_{exponent}": self._steps(sums, exponent)
            for exponent, sums in zip(POWERS, powers, strict=True)
        }
        if not moment.is_truth:
            arrays["squared_error"] = self._steps(self._sums.of_pair(moment).squared_error_cells, 2)
        return arrays

    def _steps(self, sums: np.ndarray, exponent: int) -> np.ndarray:
        """Sums of a power of the values in whole steps of the same power of the scale."""
        return np.rint(sums / (RESOLUTION * self._scales[:, None, None] ** exponent)).astype(np.int64)

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return the dimensions; the units are steps of the scale, see :func:`moments`."""
        names = [*(f"power_{exponent}" for exponent in POWERS), "squared_error"]
        return dict.fromkeys(names, _DIMENSIONS), {}

    def coordinates(self) -> dict[str, np.ndarray]:
        """Return the middles of the cells [degrees]."""
        return {"latitude": self._latitude, "longitude": self._longitude}


def scales_of(units: list[str]) -> np.ndarray:
    """Scale of every field, in its units; shape ``(field,)``."""
    return np.array([SCALES.get(each, 1.0) for each in units])


def moments(sums: xr.Dataset, units: list[str], factor: int) -> xr.Dataset:
    """Moments from sums over the times that the sums name.

    Parameters
    ----------
    sums : xarray.Dataset
        As :class:`~atmodist_core.evaluation.store.sums_store.SumsStore` gives them.
    units : list of str
        Of the fields.
    factor : int
        Points along a side of a cell.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``standard_deviation`` [units of the field], ``skewness``, ``kurtosis`` (3 for normal values; both
        missing where nothing varies), and, where there is an error, ``rmse`` [units of the field], over
        ``(field, latitude, longitude)``.
    """
    count = sums.sizes["time"] * factor**2
    scale = xr.DataArray(scales_of(units), dims="field")
    m1, m2, m3, m4 = (sums[f"power_{exponent}"] * (RESOLUTION / count) for exponent in POWERS)
    variance = (m2 - m1**2).clip(min=0)
    # Below the rounding of the sums there is no variance to speak of.
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
