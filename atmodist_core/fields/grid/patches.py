"""A field covered with patches of the size a network was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.regions import Region
from atmodist_core.fields.grid.validity import Mask, valid_patches, window_sums

TRAINED_LATITUDES_DEG = 60.0
"""The pretext task draws patches with centres between 60 S and 60 N."""


def rows_within(
    latitude: NDArray[np.float64], size: int, limit_deg: float = TRAINED_LATITUDES_DEG
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first row and the centre [degrees] of patches whose centre lies within a latitude; maybe none."""
    tops = np.arange(max(0, latitude.size - size + 1))
    centres = 0.5 * (latitude[tops] + latitude[tops + size - 1])
    inside = np.abs(centres) <= limit_deg
    return tops[inside], centres[inside]


def area_shares(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the upper end of each row's share of [0, 1), by the area of the zone between the rows beside it."""
    shares = np.cumsum(cell_areas(centres))
    shares /= shares[-1]
    shares[-1] = 1.0
    return shares


def with_surroundings(dataset: xr.Dataset, region: Region, size: int) -> xr.Dataset:
    """Cut out a region with so much of its real surroundings that each side has `size` points, where there are any.

    The region lies in the middle but at edges of the dataset; longitudes go on below zero across Greenwich. Lazy data
    stay lazy. A region with fewer than 2 x 2 points is refused.
    """
    sizes = dataset.sizes["latitude"], dataset.sizes["longitude"]
    places = xr.Dataset(
        {"row": ("latitude", np.arange(sizes[0])), "column": ("longitude", np.arange(sizes[1]))},
        {axis: dataset[axis].values for axis in ("latitude", "longitude")},
    )
    inside = region.select(places)
    wraps = Boundaries.of(dataset["latitude"].values, dataset["longitude"].values).wraps
    index = {}
    for axis, name, points, around in (
        ("latitude", "row", sizes[0], False),
        ("longitude", "column", sizes[1], wraps),
    ):
        first, count = int(inside[name][0]), inside.sizes[axis]
        more = min(max(size, count), points) - count
        first -= more // 2
        if not around or count + more == points:
            first = int(np.clip(first, 0, points - count - more))
        index[axis] = (first + np.arange(count + more)) % points
    cut = dataset.isel(index)
    longitude = cut["longitude"].values.astype(np.float64)
    longitude = longitude + 360.0 * np.cumsum(np.concatenate([[0.0], np.diff(longitude) < 0]))
    longitude -= 360.0 * (longitude[-1] >= 360.0)
    return cut.assign_coords(longitude=("longitude", longitude, dict(dataset["longitude"].attrs)))


@dataclass(frozen=True)
class PatchCover:
    """Evenly spread square patches that cover a grid, overlapping where its size is no multiple of theirs.

    Where centres lie between 60 S and 60 N only those patches are kept, as in training: nearer to the poles a
    latitude-longitude patch is stretched beyond recognition. On a full circle of longitudes patches run
    across the seam. `first_rows` and `first_columns` (patches,) are north-west corners, `latitude` and `longitude`
    centres, `latitude_axis` and `longitude_axis` those of the grid [degrees].
    """

    size: int
    first_rows: NDArray[np.int64]
    first_columns: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    boundaries: Boundaries
    latitude_axis: NDArray[np.float64]
    longitude_axis: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        size: int,
        valid: Mask | None = None,
    ) -> PatchCover:
        """Cover a grid [degrees] with patches of `size` points a side; a grid smaller than a patch is refused.

        With `valid` (rows, columns) patches lie where all points are valid, see :func:`_greedy_cover`.
        """
        if min(latitude.size, longitude.size) < size:
            raise UserError(
                f"Expected fields of at least {size} x {size} points, the patch size that the network was "
                f"trained on, found {latitude.size} x {longitude.size}: choose a larger region or a model with smaller "
                "patches."
            )
        boundaries = Boundaries.of(latitude, longitude)
        if valid is not None and not valid.all():
            return cls._within(
                latitude, longitude, size, boundaries, *_greedy_cover(valid, size, boundaries.wraps)
            )
        rows = np.linspace(0, latitude.size - size, math.ceil(latitude.size / size)).round().astype(np.int64)
        count = math.ceil(longitude.size / size)
        if boundaries.wraps:
            columns = (np.arange(count) * longitude.size // count).astype(np.int64)
        else:
            columns = np.linspace(0, longitude.size - size, count).round().astype(np.int64)
        first_rows, first_columns = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        return cls._within(latitude, longitude, size, boundaries, first_rows, first_columns)

    @classmethod
    def _within(
        cls,
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        size: int,
        boundaries: Boundaries,
        first_rows: NDArray[np.int64],
        first_columns: NDArray[np.int64],
    ) -> PatchCover:
        """Those of some patches that lie within the latitudes of the training, or all if none does."""
        centre_latitude = latitude[first_rows] + (latitude[first_rows + size - 1] - latitude[first_rows]) / 2
        spacing = float(longitude[-1] - longitude[0]) / (longitude.size - 1)
        centre_longitude = longitude[first_columns] + spacing * (size - 1) / 2
        if boundaries.wraps:
            centre_longitude = centre_longitude % 360.0
        kept = np.abs(centre_latitude) <= TRAINED_LATITUDES_DEG
        kept = kept if kept.any() else np.ones_like(kept)
        corners = first_rows[kept], first_columns[kept]
        centres = centre_latitude[kept], centre_longitude[kept]
        return cls(size, *corners, *centres, boundaries, latitude, longitude)

    @property
    def count(self) -> int:
        """Number of patches."""
        return self.first_rows.size

    @property
    def area_text(self) -> str:
        """The area that the patches cover, for people."""
        rows = self.first_rows.min(), self.first_rows.max() + self.size - 1
        north, south = (self.latitude_axis[row] for row in rows)
        columns = self.first_columns.min(), self.first_columns.max() + self.size - 1
        text = f"{_degrees(south, 'N', 'S')} to {_degrees(north, 'N', 'S')}"
        if self.boundaries.wraps and columns[1] - columns[0] + 1 >= self.boundaries.columns:
            return f"{text}, all longitudes"
        step = (self.longitude_axis[-1] - self.longitude_axis[0]) / (self.longitude_axis.size - 1)
        west, east = ((self.longitude_axis[0] + step * column + 180.0) % 360.0 - 180.0 for column in columns)
        return f"{text}, {_degrees(west, 'E', 'W')} to {_degrees(east, 'E', 'W')}"

    def cut(self, fields: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the patches of fields ``(channel, rows, columns)`` as ``(patch, channel, size, size)``."""
        return np.stack(
            [
                self.boundaries.gather(fields, (row, row + self.size), (column, column + self.size))
                for row, column in zip(self.first_rows.tolist(), self.first_columns.tolist(), strict=True)
            ]
        )


def _greedy_cover(valid: Mask, size: int, wraps: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners of patches of valid points: each adds the most points, at least half a patch, to those before it."""
    possible = valid_patches(valid, size, wraps=wraps)
    if not possible.any():
        raise UserError(
            f"Expected a square of {size} x {size} points with values, the patch size that the network was trained on, "
            "found none: choose another region or a model with smaller patches."
        )
    left = valid.copy()
    corners: list[tuple[int, int]] = []
    while True:
        gain = np.where(possible, window_sums(left, size, wraps=wraps), 0)
        row, column = (int(i) for i in np.unravel_index(gain.argmax(), gain.shape))
        if corners and gain[row, column] < 0.5 * size**2:
            rows, columns = zip(*sorted(corners), strict=True)
            return np.array(rows), np.array(columns)
        corners.append((row, column))
        left[row : row + size, (column + np.arange(size)) % left.shape[1]] = False


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.0f}° {positive if value >= 0 else negative}"
