"""Statistics of the shape of fields: differences of neighbouring points, and connected regions of extreme values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.structure_statistics import truth_thresholds
from atmodist_core.evaluation.geometry import area_weights, closes_in_longitude
from atmodist_core.evaluation.statistics.row_sums import POWERS, power_sums
from atmodist_core.evaluation.statistics.similarity import LARGEST_LATITUDE
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic
from atmodist_core.fields.grid.cell_areas import cell_areas

_EARTH_KM = EARTH_RADIUS_M / 1000


def rows_within(grid: xr.Dataset, latitude: float = LARGEST_LATITUDE) -> slice:
    """Return the rows within a latitude [degrees]; ``UserError`` if there are fewer than two."""
    rows = np.flatnonzero(np.abs(grid["latitude"].values) <= latitude)
    if rows.size < 2:
        raise UserError(
            f"Expected at least 2 rows within {latitude:g} degrees of the equator for vortices, found {rows.size}; choose "
            "another region."
        )
    return slice(int(rows[0]), int(rows[-1]) + 1)


class GradientMoments(Statistic):
    """Area means of the first four powers of the differences of neighbouring points over their distance [s-1 km-1].

    Eastward and northward differences together, within 60 degrees of the equator: towards the poles neighbours on a
    parallel come ever closer.
    """

    names = tuple(f"gradient_moment_{k}" for k in POWERS)
    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(names, ("field",))

    def __init__(self, grid: xr.Dataset) -> None:
        self._rows = rows_within(grid)
        latitude = np.deg2rad(grid["latitude"].values[self._rows].astype(float))
        step = np.deg2rad(float(np.diff(grid["longitude"].values[:2].astype(float))[0]))
        self._closed = closes_in_longitude(grid)
        self._east = (_EARTH_KM * np.cos(latitude) * step).astype(np.float32)[:, None]
        self._north = (_EARTH_KM * np.abs(np.diff(latitude))).astype(np.float32)[:, None]
        area = cell_areas(grid["latitude"].values)[self._rows]
        between = (area[1:] + area[:-1]) / 2
        self._weights = area / area.sum(), between / between.sum()

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return ``gradient_moment_1`` to ``gradient_moment_4``."""
        values = snapshot.values[:, self._rows]
        ring = np.concatenate([values, values[..., :1]], axis=-1) if self._closed else values
        east = np.diff(ring, axis=-1) / self._east
        north = np.diff(values, axis=1) / self._north
        means = [
            power_sums(each, weights, 4).rows @ weights / each.shape[-1]
            for each, weights in zip((east, north), self._weights, strict=True)
        ]
        return dict(zip(self.names, (means[0] + means[1]) / 2, strict=True))


class Vortices(Statistic):
    """Number and total area [km2] of the connected regions where a field exceeds the truth's threshold in absolute value.

    The threshold is the 99 % quantile of the truth's absolute values over the area at the time. Regions are of points that
    share a side, also across the date line, within 60 degrees of the equator.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "vortex_count": ("field",),
        "vortex_area": ("field",),
    }
    units: ClassVar[Mapping[str, str]] = {"vortex_count": "1", "vortex_area": "km2"}

    def __init__(self, grid: xr.Dataset) -> None:
        self._rows, self._closed = rows_within(grid), closes_in_longitude(grid)
        self._weights = area_weights(grid)
        # The step as the extent of a column.
        step = np.deg2rad(abs(float(np.diff(grid["longitude"].values[:2].astype(float))[0])))
        self._areas = _EARTH_KM**2 * step * cell_areas(grid["latitude"].values)[self._rows]

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both."""
        limits = truth_thresholds(snapshot, self._weights)
        inside = np.abs(snapshot.values[:, self._rows]) > limits[:, None, None]
        counts = [count_regions(each, self._closed) for each in inside]
        return {
            "vortex_count": np.array(counts, dtype=np.float64),
            "vortex_area": inside.sum(axis=-1) @ self._areas,
        }


def count_regions(inside: np.ndarray, closed: bool) -> int:
    """Return the number of connected regions of points ``(latitude, longitude)`` that share a side.

    ``closed``: the last column is the western neighbour of the first.
    """
    labels, count = label(inside)
    ends = labels[:, 0], labels[:, -1]
    joined = (ends[0] > 0) & (ends[1] > 0)
    if not closed or not joined.any():
        return int(count)
    pairs = coo_array((np.ones(joined.sum()), [end[joined] - 1 for end in ends]), (count, count))
    return int(connected_components(pairs, directed=False)[0])
