"""Statistics of one time: small arrays per field, from whose means over time all measures are computed.

As in weatherbenchX, a statistic is computed once for all measures that need it, only means of statistics enter a
measure, and means over parts of a period combine to the mean over the whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from atmodist_core.evaluation.geometry import squared_units
from atmodist_core.evaluation.statistics.snapshot import Snapshot

VERSION = 2
"""Raise it when a number in a store would come out differently, or the cities change: older stores are then not
mixed in."""

Arrays = dict[str, np.ndarray]


class Statistic(ABC):
    """One or several statistics of the fields of one time.

    Dimensions by name usually begin with ``field``; the units "field" and "field2" stand for those of the field and their
    square. With ``needs_truth``, the truth itself has no such statistic.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]]
    units: ClassVar[Mapping[str, str]] = {}
    needs_truth: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the arrays by name."""

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of the dimensions."""
        return {}


@dataclass(frozen=True)
class Group:
    """Statistics that are computed and stored together, in a folder ``name`` of a store.

    If ``summed``, times are added up (whole numbers, see :class:`SumsStore`). ``settings`` are plain values that the
    statistics depend on beside the data; other settings get another folder. ``of_members``: they are of all members of an
    ensemble; ``only_members``: a single field has none.
    """

    name: str
    statistics: Sequence[Statistic]
    summed: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    of_members: bool = False
    only_members: bool = False

    @property
    def of_truth(self) -> bool:
        """Whether the truth has any of the statistics."""
        return not self.only_members and not all(each.needs_truth for each in self.statistics)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return all arrays; those that compare with the truth are left out for the truth itself."""
        arrays: Arrays = {}
        for each in self.statistics:
            if not (snapshot.is_truth and each.needs_truth):
                arrays |= each(snapshot)
        return arrays

    def labelled(
        self,
        times: Sequence[Any],
        arrays: Mapping[str, Sequence[Any]],
        fields: Sequence[str],
        field_units: Sequence[str],
    ) -> xr.Dataset:
        """Label the arrays of several times with dimensions, units and coordinates.

        There is one array per time, or a single sum where times are added up.
        """
        common = field_units[0] if len(set(field_units)) == 1 else None
        known = {"field": common or "units of the field", "field2": squared_units(common)}
        dimensions = {name: axes for each in self.statistics for name, axes in each.dimensions.items()}
        units = {name: unit for each in self.statistics for name, unit in each.units.items()}
        variables = {}
        for name, values in arrays.items():
            attributes = {"units": known.get(units[name], units[name])} if name in units else {}
            axes = dimensions[name]
            variables[name] = (
                (axes, values[0], attributes)
                if self.summed
                else (("time", *axes), np.stack(values), attributes)
            )
        coordinates: dict[str, Any] = {
            "time": np.array(times, dtype="datetime64[ns]"),
            "field": np.array(list(fields)),
        }
        for each in self.statistics:
            coordinates |= each.coordinates()
        used = {"time", *(axis for axes, _, _ in variables.values() for axis in axes)}
        kept = {
            name: value
            for name, value in coordinates.items()
            if (value[0] if isinstance(value, tuple) else name) in used
        }
        return xr.Dataset(variables, coords=kept)
