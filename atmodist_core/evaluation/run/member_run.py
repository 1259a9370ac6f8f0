"""Statistics of several models over a period, streamed time by time into stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import common_points, field_values
from atmodist_core.evaluation.model_scores import DownscalerLike
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.field_statistics import Arrays
from atmodist_core.evaluation.statistics.groups import (
    CITIES,
    DISTANCE,
    GLOBAL,
    CityGroup,
    DistanceGroup,
    GlobalGroup,
    LearnedDistance,
    OneTime,
    StatisticGroup,
)
from atmodist_core.evaluation.store.statistics_store import StatisticsStore, block_name, identity_hash
from atmodist_core.evaluation.store.sums_store import SumsStore

__all__ = [
    "CITIES",
    "DISTANCE",
    "GLOBAL",
    "TRUTH",
    "EvaluatedModel",
    "LearnedDistance",
    "MemberRun",
    "Selection",
    "Stores",
]

FLUSH_SECONDS = 60.0
"""What is computed is written at least so often; a kill loses no more."""

TRUTH = "truth"


@dataclass(frozen=True)
class EvaluatedModel:
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

    def times(self, data: EvaluationData, group: str) -> np.ndarray:
        """Times of a group of statistics."""
        step = self.cities_every if group == CITIES else self.every
        return data.times[::step] if step else data.times[:0]


class Stores:
    """The stores of the truth and of every model on one data set, below one folder.

    Parameters
    ----------
    out : Path
        Folder of all stores.
    data : EvaluationData
        The data set.
    distance : LearnedDistance, optional
        Adds its group.
    """

    def __init__(self, out: Path, data: EvaluationData, distance: LearnedDistance | None = None) -> None:
        self.folder = Path(out) / "statistics" / f"{data.label}-{identity_hash(data.identity)}"
        self._data = data.identity
        self._distance = distance

    def of_truth(self, group: str) -> StatisticsStore:
        """Return the store of the truth's statistics of a group."""
        return StatisticsStore(*self._truth(group))

    def of_model(self, model: EvaluatedModel, group: str) -> StatisticsStore:
        """Return the store of a model's statistics of a group."""
        return StatisticsStore(*self._model(model, group))

    def sums_of(self, model: EvaluatedModel | None, group: str) -> SumsStore:
        """Return the store of sums of a group; of the truth without a model."""
        return SumsStore(*(self._truth(group) if model is None else self._model(model, group)))

    def of_group(self, model: EvaluatedModel | None, group: StatisticGroup) -> StatisticsStore | SumsStore:
        """Return the store that a group fills."""
        if group.summed:
            return self.sums_of(model, group.name)
        return self.of_truth(group.name) if model is None else self.of_model(model, group.name)

    def _truth(self, group: str) -> tuple[Path, dict[str, Any]]:
        return self.folder / TRUTH / group, {**self._data, "name": TRUTH, "group": group}

    def _model(self, model: EvaluatedModel, group: str) -> tuple[Path, dict[str, Any]]:
        identity = {**self._data, **model.identity, "group": group}
        name = group
        if group == DISTANCE and self._distance is not None:
            identity["distance"] = self._distance.identity
            name = f"{group}-{identity_hash(self._distance.identity)}"
        return self.folder / model.folder / name, identity


class _Buffer:
    """Statistics of one group of one model on their way into its store."""

    def __init__(
        self, store: StatisticsStore | SumsStore, group: StatisticGroup, data: EvaluationData
    ) -> None:
        self.store, self._group, self._data = store, group, data
        self._times: list[Any] = []
        self._arrays: dict[str, list[Any]] = {}

    def add(self, moment: np.datetime64, arrays: Arrays) -> None:
        self._times.append(moment)
        for name, values in arrays.items():
            kept = self._arrays.setdefault(name, [])
            if self._group.summed and kept:
                kept[0] += values
            else:
                kept.append(values)

    def flush(self) -> None:
        if self._times:
            self.store.add(self._group.labelled(self._times, self._arrays, self._data))
            self._times, self._arrays = [], {}


class MemberRun:
    """Computes what is missing in the stores of one data set.

    Memory holds one time of the truth, one result, and the statistics of at most eight days.

    Parameters
    ----------
    data : EvaluationData
        The truth.
    models : sequence of EvaluatedModel
        All with the factor of the data.
    out : Path
        Folder of the stores.
    selection : Selection
        Which times serve what.
    cities : pandas.DataFrame
        Where local statistics are taken.
    distance : LearnedDistance, optional
        Adds learned distances to the truth.
    more : sequence of StatisticGroup
        Further groups.

    Raises
    ------
    UserError
        If a model has another factor.
    """

    def __init__(
        self,
        data: EvaluationData,
        models: Sequence[EvaluatedModel],
        out: Path,
        selection: Selection,
        cities: pd.DataFrame,
        distance: LearnedDistance | None = None,
        more: Sequence[StatisticGroup] = (),
    ) -> None:
        for model in models:
            if model.downscaler.factor != data.factor:
                raise UserError(
                    f"Expected models of one factor, {data.factor}, found {model.label} with "
                    f"{model.downscaler.factor}; judge models of different factors one after the other."
                )
        self.data, self.models, self.selection = data, list(models), selection
        self.stores = Stores(out, data, distance)
        self.groups: list[StatisticGroup] = [GlobalGroup(data)]
        if selection.times(data, CITIES).size:
            self.groups.append(CityGroup(data, cities))
        if distance is not None:
            self.groups.append(DistanceGroup(distance))
        self.groups += more
        self._stores: dict[tuple[str, str], StatisticsStore | SumsStore] = {}
        self._wanted: dict[tuple[str, str], set[np.datetime64]] = {}
        for group in self.groups:
            times = selection.times(data, group.name)
            judged: list[EvaluatedModel | None] = [*self.models, *([None] if group.of_truth else [])]
            for each in judged:
                key = (TRUTH if each is None else each.label, group.name)
                store = self._stores[key] = self.stores.of_group(each, group)
                self._wanted[key] = set(times[store.missing(times)])

    @property
    def todo(self) -> int:
        """Number of downscaled fields still to compute."""
        return sum(self.todo_at(moment) for moment in set().union(*self._wanted.values()))

    def todo_at(self, moment: np.datetime64) -> int:
        """Number of downscaled fields still to compute for one time."""
        return sum(
            any(self._needs(model.label, group.name, moment) for group in self.groups)
            for model in self.models
        )

    def missing_times(self) -> np.ndarray:
        """Times for which anything is to be computed, in the order of time."""
        return np.array(sorted(set().union(*self._wanted.values())), dtype=self.data.times.dtype)

    def __call__(
        self, progress: Callable[[int], None] | None = None, times: np.ndarray | None = None
    ) -> None:
        """Compute and store everything that is missing.

        Parameters
        ----------
        progress : callable, optional
            Called with the number of downscaled fields just done.
        times : numpy.ndarray, optional
            Only these times. Calls for times of different blocks (see :func:`block_name`) may run at once in several
            threads or processes.
        """
        missing: set[np.datetime64] = set().union(*self._wanted.values())
        if times is not None:
            missing &= set(times)
        buffers = {
            (label, group.name): _Buffer(self._stores[label, group.name], group, self.data)
            for group in self.groups
            for label in (*(model.label for model in self.models), *([TRUTH] if group.of_truth else []))
        }

        def flush() -> None:
            for buffer in buffers.values():
                buffer.flush()

        last_flush, last_block = time.monotonic(), ""
        all_times = self.data.times
        try:
            for index, moment in enumerate(all_times):
                if moment not in missing:
                    continue
                block = str(block_name(all_times[index : index + 1])[0])
                if block != last_block or time.monotonic() - last_flush > FLUSH_SECONDS:
                    flush()
                    last_flush, last_block = time.monotonic(), block
                done = self._one_time(index, moment, buffers)
                if progress is not None:
                    progress(done)
        finally:
            flush()

    def _needs(self, label: str, group: str, moment: np.datetime64) -> bool:
        return moment in self._wanted.get((label, group), ())

    def _one_time(self, index: int, moment: np.datetime64, buffers: dict[tuple[str, str], _Buffer]) -> int:
        from atmodist_core.fields import coarsen

        data = self.data
        fine = data.at(index)
        truth = common_points(data.template, fine)[1]
        values = np.stack([field_values(truth, name, dtype=np.float32)[0] for name in data.names])
        of_truth = OneTime(values, values, truth, truth)
        for group in self.groups:
            if self._needs(TRUTH, group.name, moment):
                buffers[TRUTH, group.name].add(moment, group(of_truth))
        coarse = coarsen(fine, data.factor)
        done = 0
        for model in self.models:
            groups = [group for group in self.groups if self._needs(model.label, group.name, moment)]
            if not groups:
                continue
            prediction = model.downscaler(coarse)
            found = OneTime(self._values_of(prediction, model.label), values, prediction, truth, of_truth)
            for group in groups:
                buffers[model.label, group.name].add(moment, group(found))
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
