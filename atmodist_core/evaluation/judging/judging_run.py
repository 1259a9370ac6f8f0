"""Statistics of several models over a period, streamed time by time into stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.errors import UserError
from atmodist_core.evaluation.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.geometry import area_weights, common_points, field_values, squared_units
from atmodist_core.evaluation.judging.city_values import CityValues
from atmodist_core.evaluation.judging.field_statistics import (
    Arrays,
    FieldStatistic,
    coordinates_of,
    field_statistics,
)
from atmodist_core.evaluation.judging.judged_data import JudgedData
from atmodist_core.evaluation.judging.judged_measures import PAIR_MEASURES
from atmodist_core.evaluation.judging.statistics_store import StatisticsStore, block_name, identity_hash
from atmodist_core.evaluation.measures import Sample
from atmodist_core.evaluation.model_scores import DownscalerLike

FLUSH_SECONDS = 60.0
"""What is computed is written at least so often; a kill loses no more."""

GLOBAL, CITIES, DISTANCE = "global", "cities", "distance"
TRUTH = "truth"


@dataclass(frozen=True)
class JudgedModel:
    """A downscaler under judgement.

    Parameters
    ----------
    label : str
        In the tables.
    downscaler : DownscalerLike
        Computes the fields.
    identity : dict
        Plain values that tell its results from those of any other model: weights, precision.
    """

    label: str
    downscaler: DownscalerLike
    identity: dict[str, Any]

    @property
    def folder(self) -> str:
        """Name of its folder in a store."""
        return f"{self.identity['name']}-{identity_hash(self.identity)}"


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


@dataclass(frozen=True)
class Selection:
    """Which times serve what.

    Parameters
    ----------
    every : int
        Global measures, and learned distances, use every n-th time of the period.
    cities_every : int
        Values at cities; 0 for none.
    """

    every: int = 1
    cities_every: int = 1

    def times(self, data: JudgedData, group: str) -> np.ndarray:
        """Times of a group of statistics."""
        step = self.cities_every if group == CITIES else self.every
        return data.times[::step] if step else data.times[:0]


class Stores:
    """The stores of the truth and of every model on one data set, below one folder.

    Parameters
    ----------
    out : Path
        Folder of all stores.
    data : JudgedData
        The data set.
    distance : LearnedDistance, optional
        Adds its group.
    """

    def __init__(self, out: Path, data: JudgedData, distance: LearnedDistance | None = None) -> None:
        self._base = Path(out) / "statistics" / f"{data.label}-{identity_hash(data.identity)}"
        self._data = data.identity
        self._distance = distance

    def of_truth(self, group: str) -> StatisticsStore:
        """Return the store of the truth's statistics of a group."""
        return StatisticsStore(self._base / TRUTH / group, {**self._data, "name": TRUTH, "group": group})

    def of_model(self, model: JudgedModel, group: str) -> StatisticsStore:
        """Return the store of a model's statistics of a group."""
        identity = {**self._data, **model.identity, "group": group}
        name = group
        if group == DISTANCE and self._distance is not None:
            identity["distance"] = self._distance.identity
            name = f"{group}-{identity_hash(self._distance.identity)}"
        return StatisticsStore(self._base / model.folder / name, identity)


class _Buffer:
    """Statistics on their way into a store."""

    def __init__(
        self, store: StatisticsStore, label: Callable[[list[Any], dict[str, list[Any]]], xr.Dataset]
    ):
        self.store = store
        self._label = label
        self._times: list[Any] = []
        self._arrays: dict[str, list[Any]] = {}

    def add(self, moment: np.datetime64, arrays: Arrays) -> None:
        self._times.append(moment)
        for name, values in arrays.items():
            self._arrays.setdefault(name, []).append(values)

    def flush(self) -> None:
        if self._times:
            self.store.add(self._label(self._times, self._arrays))
            self._times, self._arrays = [], {}


class JudgingRun:
    """Computes what is missing in the stores of one data set.

    Memory holds one time of the truth, one result, and the statistics of at most eight days.

    Parameters
    ----------
    data : JudgedData
        The truth.
    models : sequence of JudgedModel
        All with the factor of the data.
    out : Path
        Folder of the stores.
    selection : Selection
        Which times serve what.
    cities : pandas.DataFrame
        Where local statistics are taken.
    distance : LearnedDistance, optional
        Adds learned distances to the truth.

    Raises
    ------
    UserError
        If a model has another factor.
    """

    def __init__(
        self,
        data: JudgedData,
        models: Sequence[JudgedModel],
        out: Path,
        selection: Selection,
        cities: pd.DataFrame,
        distance: LearnedDistance | None = None,
    ) -> None:
        for model in models:
            if model.downscaler.factor != data.factor:
                raise UserError(
                    f"Expected models of one factor, {data.factor}, found {model.label} with "
                    f"{model.downscaler.factor}; judge models of different factors one after the other."
                )
        self.data, self.models, self.selection = data, list(models), selection
        self._distance = distance
        self._stores = Stores(out, data, distance)
        grid = data.template
        self._statistics = field_statistics(grid, data.names, data.factor)
        self._at_cities = CityValues(grid, cities)
        self._pair_measures = [kind() for kind in PAIR_MEASURES]
        self._weights = area_weights(grid)
        self._power = HighWavenumberPower(grid, data.factor)
        self._coordinates = coordinates_of(grid, data.factor)
        self._groups = [GLOBAL, CITIES] + ([DISTANCE] if distance is not None else [])
        self._buffers: dict[tuple[str, str], _Buffer] = {}
        self._wanted: dict[tuple[str, str], set[np.datetime64]] = {}
        for group in self._groups:
            times = selection.times(data, group)
            stores = {model.label: self._stores.of_model(model, group) for model in self.models}
            if group != DISTANCE:
                stores[TRUTH] = self._stores.of_truth(group)
            for label, store in stores.items():
                self._buffers[label, group] = _Buffer(store, self._labelled)
                self._wanted[label, group] = set(times[store.missing(times)])

    @property
    def todo(self) -> int:
        """Number of downscaled fields still to compute."""
        return sum(
            len(set.union(*(self._wanted[model.label, group] for group in self._groups)))
            for model in self.models
        )

    def __call__(self, progress: Callable[[int], None] | None = None) -> None:
        """Compute and store everything that is missing.

        Parameters
        ----------
        progress : callable, optional
            Called with the number of downscaled fields just done.
        """
        times = self.data.times
        missing: set[np.datetime64] = set().union(*self._wanted.values())
        last_flush, last_block = time.monotonic(), ""
        try:
            for index, moment in enumerate(times):
                if moment not in missing:
                    continue
                block = str(block_name(times[index : index + 1])[0])
                if block != last_block or time.monotonic() - last_flush > FLUSH_SECONDS:
                    self._flush()
                    last_flush, last_block = time.monotonic(), block
                done = self._one_time(index, moment)
                if progress is not None:
                    progress(done)
        finally:
            self._flush()

    def _flush(self) -> None:
        for buffer in self._buffers.values():
            buffer.flush()

    def _needs(self, label: str, group: str, moment: np.datetime64) -> bool:
        return moment in self._wanted.get((label, group), ())

    def _one_time(self, index: int, moment: np.datetime64) -> int:
        from atmodist_core.fields import coarsen

        data = self.data
        fine = data.at(index)
        truth = common_points(data.template, fine)[1]
        values = np.stack([field_values(truth, name, dtype=np.float32)[0] for name in data.names])
        for group in (GLOBAL, CITIES):
            if self._needs(TRUTH, group, moment):
                self._buffers[TRUTH, group].add(moment, self._of_fields(values, group))
        coarse = coarsen(fine, data.factor)
        doubled = values.astype(np.float64)[None]
        done = 0
        for model in self.models:
            groups = [group for group in self._groups if self._needs(model.label, group, moment)]
            if not groups:
                continue
            prediction = model.downscaler(coarse)
            found = self._values_of(prediction, model.label)
            for group in groups:
                if group == DISTANCE:
                    arrays = self._distances(prediction, truth)
                else:
                    arrays = self._of_fields(found, group)
                if group == GLOBAL:
                    arrays |= self._of_pair(found.astype(np.float64)[None], doubled)
                self._buffers[model.label, group].add(moment, arrays)
            done += 1
        return done

    def _values_of(self, prediction: xr.Dataset, label: str) -> np.ndarray:
        for axis in ("latitude", "longitude"):
            a, b = prediction[axis].values, self.data.template[axis].values
            if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=1e-3):
                raise UserError(
                    f"Expected from {label} fields on the {self.data.template.sizes['latitude']} x "
                    f"{self.data.template.sizes['longitude']} points of the data, found {prediction.sizes['latitude']} "
                    f"x {prediction.sizes['longitude']}; choose a model of factor {self.data.factor}."
                )
        return np.stack([field_values(prediction, name, dtype=np.float32)[0] for name in self.data.names])

    def _of_fields(self, values: np.ndarray, group: str) -> Arrays:
        if group == CITIES:
            return self._at_cities(values)
        arrays: Arrays = {}
        for statistic in self._statistics:
            arrays |= statistic(values)
        return arrays

    def _of_pair(self, prediction: np.ndarray, truth: np.ndarray) -> Arrays:
        sample = Sample(prediction, truth, self._weights, self.data.factor, self._power)
        arrays: Arrays = {}
        for measure in self._pair_measures:
            arrays |= {name: values[0] for name, values in measure.statistics(sample).items()}
        return arrays

    def _distances(self, prediction: xr.Dataset, truth: xr.Dataset) -> Arrays:
        assert self._distance is not None  # its group exists only then
        network = self._distance.network
        values = [
            float(network.distance(prediction, truth, layer=layer).values[0])
            for layer in self._distance.layers
        ]
        return {"atmodist": np.array(values)}

    def _labelled(self, times: list[Any], arrays: Mapping[str, list[Any]]) -> xr.Dataset:
        described: list[FieldStatistic | CityValues] = [*self._statistics, self._at_cities]
        dimensions = {name: axes for each in described for name, axes in each.dimensions.items()}
        units = {name: unit for each in described for name, unit in each.units.items()}
        common = self.data.units[0] if len(set(self.data.units)) == 1 else None
        known = {"field": common or "units of the field", "field2": squared_units(common), "1": "1"}
        variables = {}
        for name, values in arrays.items():
            axes = ("layer",) if name == "atmodist" else ("field", *dimensions.get(name, ()))
            attributes = {"units": known[units[name]]} if name in units else {}
            variables[name] = (("time", *axes), np.stack(values), attributes)
        used = {axis for axes, _, _ in variables.values() for axis in axes}
        coordinates: dict[str, Any] = {
            "time": np.array(times, dtype="datetime64[ns]"),
            "field": np.array(self.data.names),
            **self._coordinates,
        }
        if self._distance is not None:
            coordinates["layer"] = np.array(self._distance.layers)
        coordinates["city"] = self._at_cities.cities
        coordinates["box"] = ("point", self._at_cities.boxes)
        kept = {
            name: value
            for name, value in coordinates.items()
            if name in used or (name == "box" and "point" in used)
        }
        return xr.Dataset(variables, coords=kept)
