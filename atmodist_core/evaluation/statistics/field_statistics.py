"""What is remembered of every time: small arrays per field, from which all measures are made later.

Each class turns the fields of one time into arrays whose first axis is the field. They are averaged over times
(with the counts of a bootstrap, or over the pieces of several machines), and only the averages meet a measure:
a period computed in pieces gives what it gives in one go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.semivariogram import draw_pairs, pair_semivariance, smallest_lag_km
from atmodist_core.evaluation.spectra import SphericalPower
from atmodist_core.evaluation.statistics.grid_pattern import folded_moments, line_spectra
from atmodist_core.evaluation.statistics.histogram import BINS, ValueBins

LAGS_KM = (100.0, 200.0, 300.0, 500.0, 1000.0)
"""Lags of the semivariogram [km], of those in the papers the ones that a 0.5-degree grid resolves; the grid's own
smallest lag comes first."""

PAIRS = 50_000
PAIR_SEED = 0

VERSION = 1
"""Raise it when a number in a store would come out differently, or the cities change: older stores are then not
mixed in."""

Arrays = dict[str, np.ndarray]


class FieldStatistic(ABC):
    """One kind of statistic of the fields of one time.

    Attributes
    ----------
    dimensions : dict of str to tuple of str
        By name of the statistic: its dimensions behind ``field``.
    units : dict of str to str
        By name; "field" stands for the units of the field, "field2" for their square.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]]
    units: ClassVar[Mapping[str, str]]

    @abstractmethod
    def __call__(self, values: np.ndarray) -> Arrays:
        """Statistics of one time.

        Parameters
        ----------
        values : numpy.ndarray, shape ``(field, latitude, longitude)``
            float32, physical.

        Returns
        -------
        dict of str to numpy.ndarray, shape ``(field, ...)``
        """


class DegreePower(FieldStatistic):
    """Power per total wavenumber up to the grid's own limit, see :class:`SphericalPower`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"power": ("total_wavenumber",)}
    units: ClassVar[Mapping[str, str]] = {"power": "field2"}

    def __init__(self, grid: xr.Dataset) -> None:
        self._power = SphericalPower(grid)

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return the spectra."""
        return {"power": self._power(values)}


class ValueDistribution(FieldStatistic):
    """Share of the area in every bin of values, see :class:`ValueBins`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"value_share": ("value_bin",)}
    units: ClassVar[Mapping[str, str]] = {"value_share": "1"}

    def __init__(self, grid: xr.Dataset, units: Sequence[str]) -> None:
        self._weights = np.ascontiguousarray(area_weights(grid)).ravel()
        self._bins = [ValueBins.of_units(each) for each in units]

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return the histograms, float32."""
        flat = values.reshape(len(values), -1)
        shares = [bins.histogram(x, self._weights) for bins, x in zip(self._bins, flat, strict=True)]
        return {"value_share": np.stack(shares).astype(np.float32)}


class Semivariance(FieldStatistic):
    """Semivariance at great-circle lags, the same pairs of points at every time and for every model."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"semivariance": ("lag_km",)}
    units: ClassVar[Mapping[str, str]] = {"semivariance": "field2"}

    def __init__(self, grid: xr.Dataset, lags_km: Sequence[float]) -> None:
        drawn = [draw_pairs(grid, lag, PAIRS, PAIR_SEED) for lag in lags_km]
        self._pairs = [None if pairs is None else pairs.in_memory_order() for pairs in drawn]

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return half the mean squared difference at every lag."""
        flat = values.reshape(len(values), -1)
        return {"semivariance": np.stack([pair_semivariance(flat, pairs) for pairs in self._pairs], axis=-1)}


class GridPattern(FieldStatistic):
    """Mean and mean square of the grid-scale part on the places in a coarse cell, see :func:`folded_moments`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "folded_mean": ("cell_row", "cell_column"),
        "folded_square": ("cell_row", "cell_column"),
    }
    units: ClassVar[Mapping[str, str]] = {"folded_mean": "field", "folded_square": "field2"}

    def __init__(self, grid: xr.Dataset, factor: int) -> None:
        self._rows = np.array(area_weights(grid)[:, 0])
        self._factor = factor

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return both."""
        mean, square = folded_moments(values, self._rows, self._factor)
        return {"folded_mean": mean, "folded_square": square}


class LinePower(FieldStatistic):
    """Power per zonal and meridional wavenumber, see :func:`line_spectra`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "zonal_power": ("zonal_wavenumber",),
        "meridional_power": ("meridional_wavenumber",),
    }
    units: ClassVar[Mapping[str, str]] = {"zonal_power": "field2", "meridional_power": "field2"}

    def __init__(self, grid: xr.Dataset) -> None:
        self._latitude = grid["latitude"].values.astype(float)

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return both spectra."""
        zonal, meridional = line_spectra(values, self._latitude)
        return {"zonal_power": zonal.astype(np.float64), "meridional_power": meridional.astype(np.float64)}


def semivariogram_lags_km(grid: xr.Dataset) -> tuple[float, ...]:
    """Lags of the semivariogram on a grid: its own smallest, rounded up to whole km, and the usual ones beyond."""
    smallest = float(np.ceil(smallest_lag_km(grid)))
    return (smallest, *(lag for lag in LAGS_KM if lag > smallest))


def field_statistics(grid: xr.Dataset, fields: Sequence[str], factor: int) -> list[FieldStatistic]:
    """Return every statistic of fields on a global grid.

    Parameters
    ----------
    grid : xarray.Dataset
        With the coordinates, and the fields for their units.
    fields : sequence of str
        In the order of the arrays.
    factor : int
        How many times coarser the coarse grid is.
    """
    units = [str(grid[name].attrs.get("units", "unknown")) for name in fields]
    return [
        DegreePower(grid),
        ValueDistribution(grid, units),
        Semivariance(grid, semivariogram_lags_km(grid)),
        GridPattern(grid, factor),
        LinePower(grid),
    ]


def coordinates_of(grid: xr.Dataset, factor: int) -> dict[str, np.ndarray]:
    """Coordinates of the dimensions of the statistics that have values of their own."""
    return {
        "lag_km": np.array(semivariogram_lags_km(grid)),
        "cell_row": np.arange(factor),
        "cell_column": np.arange(factor),
        "value_bin": np.arange(BINS),
    }
