"""Values of the fields in boxes around the cities, picked out of one time after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.local_statistics import local_statistics
from atmodist_core.evaluation.statistics.field_statistics import Arrays

BOXES = (1, 2, 3, 9)
"""Sides of the boxes in points: those of the papers, and one of 9 x 9 whose points are all pooled."""


class CityValues:
    """Where the points around the cities lie on a grid, found once, and their values at a time.

    Parameters
    ----------
    grid : xarray.Dataset
        With the coordinates ``latitude`` and ``longitude``.
    cities : pandas.DataFrame
        As :func:`local_statistics` takes them.

    Attributes
    ----------
    cities : numpy.ndarray of str, shape ``(city,)``
        Names of those that lie within the grid.
    boxes : numpy.ndarray of int, shape ``(point,)``
        Side of the box that each point belongs to.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"city_value": ("city", "point")}
    units: ClassVar[Mapping[str, str]] = {"city_value": "field"}

    def __init__(self, grid: xr.Dataset, cities: pd.DataFrame) -> None:
        shape = grid.sizes["latitude"], grid.sizes["longitude"]
        index = xr.Dataset(
            {"place": (("latitude", "longitude"), np.arange(shape[0] * shape[1]).reshape(shape))},
            {"latitude": grid["latitude"], "longitude": grid["longitude"]},
        )
        found = local_statistics(index, cities, BOXES)
        self._places = found["place"].isel(time=0).values
        self.cities = found["city"].values.astype(str)
        self.boxes = found["box"].values

    def __call__(self, values: np.ndarray) -> Arrays:
        """Return the values, shape ``(field, city, point)``, of fields ``(field, latitude, longitude)``."""
        flat = values.reshape(len(values), -1)
        return {"city_value": flat[:, self._places].astype(np.float32)}
