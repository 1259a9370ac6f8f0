"""Which coarse cells, and which fine points in them, a region covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError

SMALLEST_CELLS = 4
"""Coarse cells along each side below which a map, a score or a spectrum says nothing."""


@dataclass(frozen=True)
class Window:
    """A block of a grid: rows from the north, and columns to the east that may cross the seam of the data.

    ``rows`` and ``columns`` are the size of the whole grid.
    """

    first_row: int
    row_count: int
    first_column: int
    column_count: int
    rows: int
    columns: int

    @property
    def is_whole(self) -> bool:
        """Whether the block is all of the grid."""
        return self.row_count == self.rows and self.column_count == self.columns

    @property
    def cell_count(self) -> int:
        """Cells of the block."""
        return self.row_count * self.column_count

    def refined(self, factor: int) -> Window:
        """Return the same area on a grid with ``factor`` times as many points along each axis."""
        return Window(
            self.first_row * factor,
            self.row_count * factor,
            self.first_column * factor,
            self.column_count * factor,
            self.rows * factor,
            self.columns * factor,
        )

    def crop(self, ds: xr.Dataset) -> xr.Dataset:
        """Cut the block out of a dataset of its grid; what crosses Greenwich is continued below zero."""
        if self.is_whole:
            return ds.isel(latitude=slice(0, self.rows), longitude=slice(0, self.columns))
        index = (self.first_column + np.arange(self.column_count)) % self.columns
        cut = ds.isel(latitude=slice(self.first_row, self.first_row + self.row_count), longitude=index)
        longitude = np.asarray(cut["longitude"].values, dtype=np.float64)
        turns = np.cumsum(np.concatenate([[0.0], np.where(np.diff(longitude) < 0, 360.0, 0.0)]))
        longitude = longitude + turns
        longitude -= 360.0 if longitude[-1] >= 360.0 else 0.0
        return cut.assign_coords(longitude=("longitude", longitude, dict(ds["longitude"].attrs)))


def window_of(coarse: xr.Dataset, region: Any) -> Window:
    """Return the block of the coarse cells whose centres lie in a region; None is all of the data.

    Latitude decreases, longitude increases. Raises ``UserError`` if fewer than 4 x 4 cells lie in the region.
    """
    rows, columns = coarse.sizes["latitude"], coarse.sizes["longitude"]
    if region is None:
        return Window(0, rows, 0, columns, rows, columns)
    # Indices are cut out in place of fields, so that the rule of the library decides which cells belong to a region.
    places = xr.Dataset(
        {"row": ("latitude", np.arange(rows)), "column": ("longitude", np.arange(columns))},
        {"latitude": coarse["latitude"].values, "longitude": coarse["longitude"].values},
    )
    try:
        cut = region.select(places)
        found = cut.sizes["latitude"], cut.sizes["longitude"]
    except UserError:
        found = 0, 0
    if min(found) < SMALLEST_CELLS:
        raise UserError(
            f"Expected a region with at least {SMALLEST_CELLS} x {SMALLEST_CELLS} cells of the coarse grid, found "
            f"{_count(found)}; choose a larger region, or one that these data cover."
        )
    return Window(int(cut["row"][0]), found[0], int(cut["column"][0]), found[1], rows, columns)


def _count(found: tuple[int, int]) -> str:
    return f"{found[0]} x {found[1]}" if min(found) else "fewer than 2 x 2"
