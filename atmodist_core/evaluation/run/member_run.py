"""Statistics of several models over the period of one data set, streamed time by time into stores."""

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
from atmodist_core.evaluation.ensembles.member_arrays import MEMBER
from atmodist_core.evaluation.geometry import common_points, field_values
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.run.groups import CITIES, MEMBER_CITIES, groups_of
from atmodist_core.evaluation.run.models import EvaluatedModel
from atmodist_core.evaluation.statistics.learned_distance import LearnedDistance
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Group
from atmodist_core.evaluation.store.statistics_store import (
    TRUTH,
    StatisticsStore,
    block_name,
    identity_hash,
)
from atmodist_core.evaluation.store.sums_store import SumsStore

FLUSH_SECONDS = 60.0
"""Longest time between two writes; an interruption loses no more."""


@dataclass(frozen=True)
class Selection:
    """Times that are used: those whose hours since 1970 are a multiple of a step [h].

    The choice depends on the calendar alone, so that parts of a period use the times of the whole period. A step of 0 uses
    every time; ``cities_every_hours`` is that of the values at cities, -1 for none.
    """

    every_hours: int = 0
    cities_every_hours: int = 0

    def times(self, data: EvaluationData, group: str) -> np.ndarray:
        """Return the times for a group of statistics."""
        step = self.cities_every_hours if group in (CITIES, MEMBER_CITIES) else self.every_hours
        return data.times[:0] if step < 0 else data.times[selected_times(data.times, step)]


def selected_times(times: np.ndarray, every_hours: int) -> np.ndarray:
    """Return which times have hours since 1970 that are a multiple of a step, all for 0; boolean ``(time,)``."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    return seconds % (3600 * every_hours) == 0 if every_hours else np.ones(times.shape, dtype=bool)


class Stores:
    """Stores of the truth and of every model on one data set, below one folder."""

    def __init__(self, out: Path, data: EvaluationData) -> None:
        self.folder = Path(out) / "statistics" / f"{data.label}-{identity_hash(data.identity)}"
        self._data = data.identity

    def of(self, model: EvaluatedModel | None, group: Group) -> StatisticsStore | SumsStore:
        """Return the store of a group of statistics; of the truth without a model."""
        own: dict[str, Any] = {"name": TRUTH} if model is None else model.identity
        drawn = model is not None and group.of_members and model.members
        settings = {**group.settings, **({"members": drawn} if drawn else {})}
        identity = {**self._data, **own, "group": group.name, **settings}
        name = f"{group.name}-{identity_hash(settings)}" if settings else group.name
        folder = self.folder / (TRUTH if model is None else model.folder) / name
        return SumsStore(folder, identity) if group.summed else StatisticsStore(folder, identity)


class _Buffer:
    """Statistics of one group of one model before they are written to its store."""

    def __init__(self, store: StatisticsStore | SumsStore, group: Group, data: EvaluationData) -> None:
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
            self.store.add(
                self._group.labelled(self._times, self._arrays, self._data.names, self._data.units)
            )
            self._times, self._arrays = [], {}


class MemberRun:
    """Computes the statistics that are missing in the stores of one data set.

    Memory holds one time of the truth, one result, and the statistics of at most eight days. ``groups`` are by name;
    ``notes`` are statistics that are left out, and why. Further arguments are those of
    :func:`~atmodist_core.evaluation.run.groups.groups_of`. Raises ``UserError`` if a model has another factor.
    """

    def __init__(
        self,
        data: EvaluationData,
        models: Sequence[EvaluatedModel],
        out: Path,
        selection: Selection,
        cities: pd.DataFrame,
        distance: LearnedDistance | None = None,
        *,
        series: bool = False,
        maps: bool = False,
        latitude_edges: Sequence[float] = (),
        ensemble: bool = False,
    ) -> None:
        for model in models:
            if model.downscaler.factor != data.factor:
                raise UserError(
                    f"Expected models of one factor, {data.factor}, found {model.label} with "
                    f"{model.downscaler.factor}; evaluate models of different factors one after the other."
                )
        self.data, self.models, self.selection = data, list(models), selection
        self.stores = Stores(out, data)
        with_cities = bool(selection.times(data, CITIES).size)
        groups, self.notes = groups_of(
            data,
            cities if with_cities else None,
            distance,
            series=series,
            maps=maps,
            latitude_edges=latitude_edges,
            ensemble=ensemble,
        )
        self.groups = {group.name: group for group in groups}
        self._stores: dict[tuple[str, str], StatisticsStore | SumsStore] = {}
        self._wanted: dict[tuple[str, str], set[np.datetime64]] = {}
        for group in groups:
            times = selection.times(data, group.name)
            models = [each for each in self.models if each.members or not group.only_members]
            for each in (*models, *([None] if group.of_truth else [])):
                key = (TRUTH if each is None else each.label, group.name)
                store = self._stores[key] = self.stores.of(each, group)
                self._wanted[key] = set(times[store.missing(times)])

    @property
    def todo(self) -> int:
        """Number of downscaled fields still to compute."""
        return sum(self.todo_at(moment) for moment in set().union(*self._wanted.values()))

    def todo_at(self, moment: np.datetime64) -> int:
        """Return the number of downscaled fields still to compute for one time."""
        return sum(
            any(self._needs(model.label, name, moment) for name in self.groups) for model in self.models
        )

    def missing_times(self) -> np.ndarray:
        """Return the times for which anything is missing, in the order of time."""
        return np.array(sorted(set().union(*self._wanted.values())), dtype=self.data.times.dtype)

    def load(
        self, model: EvaluatedModel | None, group: str, times: np.ndarray | None = None, **options: Any
    ) -> xr.Dataset:
        """Read stored statistics per time, by default of all selected times; of the truth without a model.

        Options are those of :meth:`StatisticsStore.load`.
        """
        store = self.stores.of(model, self.groups[group])
        assert isinstance(store, StatisticsStore)
        return store.load(self.selection.times(self.data, group) if times is None else times, **options)

    def load_sums(self, model: EvaluatedModel | None, group: str) -> xr.Dataset:
        """Read stored sums over times; of the truth without a model."""
        store = self.stores.of(model, self.groups[group])
        assert isinstance(store, SumsStore)
        return store.load()

    def fold(self) -> None:
        """Add the parts of all sums to their totals."""
        for store in self._stores.values():
            if isinstance(store, SumsStore):
                store.fold()

    def __call__(
        self, progress: Callable[[int], None] | None = None, times: np.ndarray | None = None
    ) -> None:
        """Compute and store everything that is missing, or only some times.

        ``progress`` is called with the number of downscaled fields just done. Calls for times of different blocks (see
        :func:`block_name`) may run at once in several threads or processes.
        """
        missing: set[np.datetime64] = set().union(*self._wanted.values())
        if times is not None:
            missing &= set(times)
        buffers = {
            (label, name): _Buffer(store, self.groups[name], self.data)
            for (label, name), store in self._stores.items()
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
        of_truth = Snapshot(values, values, truth, truth)
        for name, group in self.groups.items():
            if self._needs(TRUTH, name, moment):
                buffers[TRUTH, name].add(moment, group(of_truth))
        coarse = coarsen(fine, data.factor)
        done = 0
        for model in self.models:
            needed = [name for name in self.groups if self._needs(model.label, name, moment)]
            if not needed:
                continue
            drawn = model.members if any(self.groups[name].of_members for name in needed) else 0
            fields = self._on_the_template(model(coarse, drawn, data.region), model.label)
            members = [fields.isel({MEMBER: n}) for n in range(drawn)] or [fields]
            arrays = np.stack(
                [[field_values(each, name, dtype=np.float32)[0] for name in data.names] for each in members]
            )
            snapshot = Snapshot(arrays[0], values, members[0], truth, of_truth, arrays if drawn else None)
            for name in needed:
                buffers[model.label, name].add(moment, self.groups[name](snapshot))
            done += 1
        return done

    def _on_the_template(self, prediction: xr.Dataset, label: str) -> xr.Dataset:
        """The prediction at the points of the data, if it has them."""
        template = self.data.template
        if self.data.window is not None:
            prediction = prediction.isel(latitude=self.data.window[0], longitude=self.data.window[1])
        for axis in ("latitude", "longitude"):
            a, b = prediction[axis].values, template[axis].values
            if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=1e-3):
                raise UserError(
                    f"Expected fields of {label} on the {template.sizes['latitude']} x "
                    f"{template.sizes['longitude']} points of the data, found {prediction.sizes['latitude']} "
                    f"x {prediction.sizes['longitude']}; choose a model of factor {self.data.factor}."
                )
        return prediction
