"""Stored statistics of all members of a judgement, as sums over days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atmodist_core.evaluation.bootstrap import DayAxis, day_sums
from atmodist_core.evaluation.city_verdicts import city_wasserstein
from atmodist_core.evaluation.results.result_measures import Means
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.run.member_run import CITIES, EvaluatedModel, Selection, Stores
from atmodist_core.evaluation.statistics.grid_pattern import LINE_LATITUDE

CITY_VALUES_AT_ONCE = 2**25
"""Values at cities that are read together (128 MiB, and as much for the truth): some cities at a time."""


@dataclass
class DaySums:
    """Sums of statistics over the times of each day, and the number of those times."""

    sums: dict[str, np.ndarray]
    count: np.ndarray

    def means(self, counts: np.ndarray) -> Means:
        """Averages over times in replicates, each ``(replicate, ...)``."""
        total = counts @ self.count
        safe = np.where(total > 0, total, np.nan)
        means = {}
        for name, sums in self.sums.items():
            flat = counts @ sums.reshape(len(sums), -1) / safe[:, None]
            means[name] = flat.reshape(len(counts), *sums.shape[1:])
        return means


class StatisticsReader:
    """Statistics of all members on the common axis of days.

    Parameters
    ----------
    data : sequence of EvaluationData
        The members.
    stores : sequence of Stores
        Theirs.
    selection : Selection
        Which times serve what.
    axis : DayAxis
        Days of all members.

    Attributes
    ----------
    coordinates : mapping of str to numpy.ndarray
        Of all statistics read so far.
    """

    def __init__(
        self, data: Sequence[EvaluationData], stores: Sequence[Stores], selection: Selection, axis: DayAxis
    ) -> None:
        self._data, self._stores, self._selection, self._axis = data, stores, selection, axis
        self.coordinates: Mapping[str, Any] = {}

    @property
    def meridional_points(self) -> int:
        """Rows between the latitudes where lines are looked for."""
        return int((np.abs(self._data[0].template["latitude"].values) <= LINE_LATITUDE).sum())

    def sums(self, model: EvaluatedModel | None, group: str) -> DaySums:
        """Day sums of a group of statistics; of the truth without a model."""
        total: dict[str, np.ndarray] = {}
        count = np.zeros(self._axis.size)
        for member, (data, stores) in enumerate(zip(self._data, self._stores, strict=True)):
            times = self._selection.times(data, group)
            store = stores.of_truth(group) if model is None else stores.of_model(model, group)
            # A season at a time bounds the memory.
            for start in range(0, len(times), 512):
                some = times[start : start + 512]
                stored = store.load(some)
                days = self._axis.index(member, some)
                count += np.bincount(days, minlength=self._axis.size)
                for name, variable in stored.data_vars.items():
                    values = day_sums(variable.values, days, self._axis.size)
                    total[str(name)] = total.get(str(name), 0) + values
                self.coordinates = {
                    **self.coordinates,
                    **{str(k): v.values for k, v in stored.coords.items()},
                }
        return DaySums(total, count)

    def cities(self) -> tuple[list[str], list[int]]:
        """Names of the cities, and sides of the boxes."""
        times = self._selection.times(self._data[0], CITIES)[:1]
        stored = self._stores[0].of_truth(CITIES).load(times)
        return list(map(str, stored["city"].values)), [int(n) for n in np.unique(stored["box"].values)]

    def city_days(self) -> np.ndarray:
        """Day of each time of the values at cities, on the axis, shape ``(time,)``."""
        times = [self._selection.times(data, CITIES) for data in self._data]
        return np.concatenate([self._axis.index(n, some) for n, some in enumerate(times)])

    def cities_at_once(self) -> Iterator[slice]:
        """Some cities after the other, so many that their values over all times do not fill the memory."""
        names, sides = self.cities()
        values_of_city = self.city_days().size * len(self._data[0].names) * sum(side**2 for side in sides)
        at_once = max(1, CITY_VALUES_AT_ONCE // values_of_city)
        for start in range(0, len(names), at_once):
            yield slice(start, start + at_once)

    def city_values(self, model: EvaluatedModel | None, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """Values at some cities, of the truth without a model.

        Returns
        -------
        values : numpy.ndarray, shape ``(time, field, city, point)``
        boxes : numpy.ndarray of int, shape ``(point,)``
            Side of the box of each point.
        """
        pieces = [
            (stores.of_truth(CITIES) if model is None else stores.of_model(model, CITIES)).load(
                self._selection.times(data, CITIES), select={"city": some}
            )
            for data, stores in zip(self._data, self._stores, strict=True)
        ]
        values = np.concatenate([piece["city_value"].values for piece in pieces])
        return values, pieces[0]["box"].values

    def city_distances(self, model: EvaluatedModel, counts: np.ndarray) -> np.ndarray:
        """Distances at cities, ``(field, replicate, city, box)``, some cities at a time."""
        days = self.city_days()
        parts = []
        for some in self.cities_at_once():
            (prediction, boxes), (truth, _) = (self.city_values(each, some) for each in (model, None))
            parts.append(city_wasserstein(prediction, truth, boxes, days, counts))
        return np.concatenate(parts, axis=2)
