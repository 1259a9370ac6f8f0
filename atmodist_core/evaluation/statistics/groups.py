"""Groups of statistics: what is computed together for one time, and stored together.

A group turns one time of a model (or of the truth) into small arrays. All groups of a model share its one result, so
asking for more of them costs no second downscaling.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.geometry import squared_units
from atmodist_core.evaluation.results.result_measures import PAIR_MEASURES
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.area_means import GlobalMeans, GlobalSums
from atmodist_core.evaluation.statistics.city_values import CityValues
from atmodist_core.evaluation.statistics.field_statistics import Arrays, coordinates_of, field_statistics
from atmodist_core.evaluation.statistics.one_time import OneTime

GLOBAL, CITIES, DISTANCE = "global", "cities", "distance"


@dataclass(frozen=True)
class LearnedDistance:
    """A distance network whose distances to the truth are reported.

    Parameters
    ----------
    network : AtmoDist
        Computes them.
    layers : tuple of str
        At which layers.
    identity : dict
        Plain values that tell the network.
    """

    network: Any
    layers: tuple[str, ...]
    identity: dict[str, Any]


class StatisticGroup(ABC):
    """One group of statistics.

    Attributes
    ----------
    name : str
        Of its folder in a store.
    of_truth : bool
        Whether the truth has such statistics as well.
    summed : bool
        Whether times are added up (whole numbers, see :class:`SumsStore`) instead of being kept one by one.
    """

    name: ClassVar[str]
    of_truth: ClassVar[bool]
    summed: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, moment: OneTime) -> Arrays:
        """Statistics of one time, over the dimensions that :meth:`described` names."""

    @abstractmethod
    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Dimensions by name of the statistic (``field`` alone where none are given), and units as in
        :class:`FieldStatistic`.
        """

    def coordinates(self) -> dict[str, Any]:
        """Coordinates of its dimensions."""
        return {}

    def labelled(
        self, times: Sequence[Any], arrays: Mapping[str, Sequence[Any]], data: EvaluationData
    ) -> xr.Dataset:
        """Statistics of several times with dimensions, units and coordinates.

        Parameters
        ----------
        times : sequence of numpy.datetime64
            Of the arrays.
        arrays : mapping of str to sequence of numpy.ndarray
            One array per time.
        data : EvaluationData
            Gives fields and units.
        """
        dimensions, units = self.described()
        common = data.units[0] if len(set(data.units)) == 1 else None
        known = {"field": common or "units of the field", "field2": squared_units(common)}
        variables = {}
        for name, values in arrays.items():
            unit = units.get(name)
            attributes = {} if unit is None else {"units": known.get(unit, unit)}
            axes = dimensions.get(name, ("field",))
            if self.summed:
                variables[name] = (axes, values[0], attributes)
            else:
                variables[name] = (("time", *axes), np.stack(values), attributes)
        used = {"time", *(axis for axes, _, _ in variables.values() for axis in axes)}
        coordinates: dict[str, Any] = {
            "time": np.array(times, dtype="datetime64[ns]"),
            "field": np.array(data.names),
            **self.coordinates(),
        }
        kept = {
            name: value
            for name, value in coordinates.items()
            if (value[0] if isinstance(value, tuple) else name) in used
        }
        return xr.Dataset(variables, coords=kept)


class GlobalGroup(StatisticGroup):
    """Spectra, distribution, semivariogram and patterns of the globe; for a model also errors point by point."""

    name = GLOBAL
    of_truth = True

    def __init__(self, data: EvaluationData) -> None:
        grid = data.template
        self._sums = GlobalSums(data)
        self._statistics = field_statistics(grid, data.names, data.factor)
        self._measures = [kind() for kind in PAIR_MEASURES]
        self._coordinates = coordinates_of(grid, data.factor)

    def __call__(self, moment: OneTime) -> Arrays:
        """Return all statistics."""
        arrays: Arrays = {}
        for statistic in self._statistics:
            arrays |= statistic(moment.values)
        if moment.is_truth:
            return arrays
        means = GlobalMeans(self._sums, moment)
        for measure in self._measures:
            arrays |= {name: values[0] for name, values in measure.statistics(means).items()}
        return arrays

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return those of its statistics; of pairs only the dimension ``field``."""
        dimensions = {
            name: ("field", *axes) for each in self._statistics for name, axes in each.dimensions.items()
        }
        return dimensions, {name: unit for each in self._statistics for name, unit in each.units.items()}

    def coordinates(self) -> dict[str, Any]:
        """Return lags, bins and places in a coarse cell."""
        return self._coordinates


class CityGroup(StatisticGroup):
    """Values in boxes around cities, all of them: distributions of any period are exact."""

    name = CITIES
    of_truth = True

    def __init__(self, data: EvaluationData, cities: pd.DataFrame) -> None:
        self._values = CityValues(data.template, cities)

    def __call__(self, moment: OneTime) -> Arrays:
        """Return the values."""
        return self._values(moment.values)

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return those of the values."""
        dimensions = {name: ("field", *axes) for name, axes in self._values.dimensions.items()}
        return dimensions, dict(self._values.units)

    def coordinates(self) -> dict[str, Any]:
        """Return the cities, and the box of each point."""
        return {"city": self._values.cities, "box": ("point", self._values.boxes)}


class DistanceGroup(StatisticGroup):
    """Learned distance to the truth."""

    name = DISTANCE
    of_truth = False

    def __init__(self, distance: LearnedDistance) -> None:
        self._distance = distance

    def __call__(self, moment: OneTime) -> Arrays:
        """Return the distances at every layer."""
        network = self._distance.network
        values = [
            float(network.distance(moment.fields, moment.truth_fields, layer=layer).values[0])
            for layer in self._distance.layers
        ]
        return {"atmodist": np.array(values)}

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return the dimension ``layer``."""
        return {"atmodist": ("layer",)}, {}

    def coordinates(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layer": np.array(self._distance.layers)}
