"""Stored statistics of all members, as sums over days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import DayAxis, day_sums
from atmodist_core.evaluation.city_verdicts import city_wasserstein
from atmodist_core.evaluation.measure_kernels import Means
from atmodist_core.evaluation.run.groups import CITIES, MEMBER_CITIES, STRUCTURE
from atmodist_core.evaluation.run.member_run import MemberRun
from atmodist_core.evaluation.run.models import EvaluatedModel

CITY_VALUES_AT_ONCE = 2**25
"""Values at cities that are read together (128 MiB, and as much for the truth): some cities at a time."""

TIMES_AT_ONCE = 512
"""Times that are read together, about a season."""


@dataclass
class DaySums:
    """Sums of statistics over the times of each day, and the number of those times."""

    sums: dict[str, np.ndarray]
    count: np.ndarray

    def means(self, counts: np.ndarray) -> Means:
        """Return the means over time in replicates, each ``(replicate, ...)``."""
        total = counts @ self.count
        safe = np.where(total > 0, total, np.nan)
        means = {}
        for name, sums in self.sums.items():
            flat = counts @ sums.reshape(len(sums), -1) / safe[:, None]
            means[name] = flat.reshape(len(counts), *sums.shape[1:])
        return means


class StatisticsReader:
    """Reads the statistics of all members, whose stores are complete, on the common ``axis`` of days."""

    def __init__(self, runs: Sequence[MemberRun]) -> None:
        self._runs = runs
        self.axis = DayAxis.of([run.data.times for run in runs])

    def sums(self, model: EvaluatedModel | None, group: str, without: Sequence[str] = ()) -> DaySums:
        """Return the day sums of a group of statistics, but for some; of the truth without a model."""
        total: dict[str, np.ndarray] = {}
        count = np.zeros(self.axis.size)
        for member, run in enumerate(self._runs):
            times = run.selection.times(run.data, group)
            for start in range(0, len(times), TIMES_AT_ONCE):
                some = times[start : start + TIMES_AT_ONCE]
                days = self.axis.index(member, some)
                count += np.bincount(days, minlength=self.axis.size)
                for name, variable in run.load(model, group, some).data_vars.items():
                    if name in without:
                        continue
                    total[str(name)] = total.get(str(name), 0) + day_sums(
                        variable.values, days, self.axis.size
                    )
        return DaySums(total, count)

    def sampled(self, model: EvaluatedModel | None, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the times of each member, and its values at sampled points ``(time, field, point)``."""
        for run in self._runs:
            times = np.sort(run.selection.times(run.data, STRUCTURE))
            yield times, run.load(model, STRUCTURE, times, names=[name])[name].values

    def first(self, group: str, model: EvaluatedModel | None = None) -> xr.Dataset:
        """Read the statistics of the first time, with their coordinates; of the truth without a model."""
        run = self._runs[0]
        return run.load(model, group, run.selection.times(run.data, group)[:1])

    def cities(self) -> tuple[list[str], list[int]]:
        """Return the names of the cities, and the sides of the boxes."""
        stored = self.first(CITIES)
        return list(map(str, stored["city"].values)), [int(n) for n in np.unique(stored["box"].values)]

    def city_times(self) -> np.ndarray:
        """Return the times of the values at cities of all members one after the other."""
        return np.concatenate([run.selection.times(run.data, CITIES) for run in self._runs])

    def city_days(self) -> np.ndarray:
        """Return the day of each time of the values at cities on the axis, shape ``(time,)``."""
        times = [run.selection.times(run.data, CITIES) for run in self._runs]
        return np.concatenate([self.axis.index(n, some) for n, some in enumerate(times)])

    def cities_at_once(self) -> Iterator[slice]:
        """Yield some cities at a time, whose values over all times fit into memory."""
        names, sides = self.cities()
        fields = len(self._runs[0].data.names)
        values_of_city = self.city_days().size * fields * sum(side**2 for side in sides)
        at_once = max(1, CITY_VALUES_AT_ONCE // values_of_city)
        for start in range(0, len(names), at_once):
            yield slice(start, start + at_once)

    def city_values(self, model: EvaluatedModel | None, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """Read the values at some cities, ``(time, field, city, point)``, and the side of the box of each point.

        Without a model they are the truth's.
        """
        parts = [run.load(model, CITIES, select={"city": some}) for run in self._runs]
        return np.concatenate([part["city_value"].values for part in parts]), parts[0]["box"].values

    def member_city_values(self, model: EvaluatedModel, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """Read the values of all members at some cities, ``(time, field, member, city, point)``, and the box of each point."""
        parts = [run.load(model, MEMBER_CITIES, select={"city": some}) for run in self._runs]
        return np.concatenate([part["member_city_value"].values for part in parts]), parts[0]["box"].values

    def city_distances(self, model: EvaluatedModel, counts: np.ndarray, pooled: bool = False) -> np.ndarray:
        """Return the Wasserstein-1 distances at cities, float32 ``(replicate, field, box, city)``.

        The replicates still have the mean excess over the record, see :func:`.remove_excess`. ``pooled``: of all members
        together, in the boxes that were kept of them.
        """
        days = self.city_days()
        parts = []
        for some in self.cities_at_once():
            truth, boxes = self.city_values(None, some)
            if pooled:
                members, kept = self.member_city_values(model, some)
                count = members.shape[2]
                prediction = members.transpose(0, 1, 3, 2, 4).reshape(
                    *members.shape[:2], members.shape[3], -1
                )
                # Each value of the truth once for every member: samples of one size.
                truth = np.tile(truth[..., boxes <= kept.max()], count)
                boxes = np.tile(kept, count)
            else:
                prediction, _ = self.city_values(model, some)
            parts.append(city_wasserstein(prediction, truth, boxes, days, counts))
        # (field, replicate, city, box) of each part
        return np.concatenate(parts, axis=2).transpose(1, 0, 3, 2)
