"""Values of the fields in boxes around the cities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.diagnostics.local_statistics import local_statistics
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

BOXES = (1, 2, 3, 9)
"""Sides of the boxes in points: those of the papers, and one of 9 x 9 whose points are all pooled."""


class CityValues(Statistic):
    """Values at all points of the boxes around the cities, so that distributions over any period are exact.

    Cities outside the grid are left out; raises ``UserError`` if none lies within it.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"city_value": ("field", "city", "point")}
    units: ClassVar[Mapping[str, str]] = {"city_value": "field"}

    def __init__(self, grid: xr.Dataset, cities: pd.DataFrame, boxes: Sequence[int] = BOXES) -> None:
        shape = grid.sizes["latitude"], grid.sizes["longitude"]
        index = xr.Dataset(
            {"place": (("latitude", "longitude"), np.arange(shape[0] * shape[1]).reshape(shape))},
            {"latitude": grid["latitude"], "longitude": grid["longitude"]},
        )
        found = local_statistics(index, cities, boxes)
        self._places = found["place"].isel(time=0).values
        self._cities = found["city"].values.astype(str)
        self._boxes = found["box"].values

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the values."""
        return {"city_value": self.values_at(snapshot.values)}

    def values_at(self, values: np.ndarray) -> np.ndarray:
        """Return the values of fields ``(..., latitude, longitude)`` as float32 ``(..., city, point)``."""
        flat = values.reshape(*values.shape[:-2], -1)
        return flat[..., self._places].astype(np.float32)

    def coordinates(self) -> dict[str, Any]:
        """Return the cities, and the box of each point."""
        return {"city": self._cities, "box": ("point", self._boxes)}
