"""Enlarge fields tile by tile, each with as much of its surroundings as makes the result exact."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.fine_grid import fine_row_areas
from atmodist_core.fields.grid.grid_noise import GridNoise, NoiseWindow

MAKESHIFT_MARGIN = 8
"""Coarse points of mirror image put around a limited area.

Zeros around a field make a visible frame; a few mirrored points move that frame out of the picture, and
more of them only cost time, since they are made up anyway.
"""


class Enlarger(Protocol):
    """What turns a window of coarse fields into fine ones."""

    @property
    def factor(self) -> int:
        """Fine points per coarse point along each axis."""

    @property
    def radius(self) -> int:
        """How far [coarse points] an input point can be from an output that it changes."""

    @property
    def largest_window(self) -> int:
        """Coarse points, surroundings included, that a window may have within the stated memory."""

    @property
    def takes_noise(self) -> bool:
        """Whether the answer depends on noise."""

    @property
    def condition_channels(self) -> int:
        """How many channels of a window, after the fields, say what is wanted."""

    def __call__(
        self,
        window: NDArray[np.float32],
        inner: tuple[slice, slice],
        check: Callable[[], None],
        area: NDArray[np.float32],
        noise: NoiseWindow | None = None,
    ) -> NDArray[np.float32]:
        """Enlarge the inner part of a window.

        Parameters
        ----------
        window : ndarray, shape (channel, height, width)
            Physical coarse fields, and conditions after them.
        inner : tuple of slice
            Rows and columns whose fine cells are wanted.
        check : callable
            Called every few hundredths of a second or so; raises to stop.
        area : ndarray, shape (factor * height,)
            Of the fine cells in each row of the window, in any unit.
        noise : NoiseWindow, optional
            Of the window, where noise is taken.

        Returns
        -------
        ndarray, shape (channel, factor * inner height, factor * inner width)
        """


@dataclass(frozen=True)
class Tile:
    """A block of coarse cells and the window around it that it is computed from: first index and end of each."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    window_rows: tuple[int, int]
    window_columns: tuple[int, int]

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the block lies in the window."""
        return (
            slice(self.rows[0] - self.window_rows[0], self.rows[1] - self.window_rows[0]),
            slice(self.columns[0] - self.window_columns[0], self.columns[1] - self.window_columns[0]),
        )

    @property
    def window_points(self) -> int:
        """Coarse points of the window, a measure of the work."""
        return (self.window_rows[1] - self.window_rows[0]) * (self.window_columns[1] - self.window_columns[0])


def plan_tiles(
    row_range: tuple[int, int],
    column_range: tuple[int, int],
    boundaries: Boundaries,
    *,
    margin: int,
    tile: int | None,
    largest_window: int,
) -> list[Tile]:
    """Cut a block of a grid into tiles, from north to south and west to east.

    Parameters
    ----------
    row_range, column_range : tuple of int
        First index and end of the block [coarse cells].
    boundaries : Boundaries
        Of the grid; windows end where these say that it ends.
    margin : int
        Coarse points around each tile that its window takes in.
    tile : int or None
        Longest side of a tile [coarse cells], positive; None: as few tiles as ``largest_window`` allows.
    largest_window : int
        Coarse points that a window may have (a single cell's window may have more).
    """
    height, width = row_range[1] - row_range[0], column_range[1] - column_range[0]
    if tile is not None:
        if tile < 1:
            raise UserError(
                f"Expected a tile of at least one coarse cell, found {tile}: give 64, or leave it out."
            )
        parts = math.ceil(height / tile), math.ceil(width / tile)
    else:
        parts = _fewest_parts(height, width, margin, largest_window)
    row_reach, column_reach = boundaries.reach(min(margin, MAKESHIFT_MARGIN))

    def window(block: tuple[int, int], reach: tuple[float, float]) -> tuple[int, int]:
        return int(max(block[0] - margin, reach[0])), int(min(block[1] + margin, reach[1]))

    return [
        Tile(rows, columns, window(rows, row_reach), window(columns, column_reach))
        for rows, columns in itertools.product(_split(row_range, parts[0]), _split(column_range, parts[1]))
    ]


def _fewest_parts(height: int, width: int, margin: int, largest_window: int) -> tuple[int, int]:
    """Rows and columns of tiles that cut a block best: the least work among those that fit."""

    def work(parts: tuple[int, int]) -> tuple[bool, int]:
        tall, wide = math.ceil(height / parts[0]) + 2 * margin, math.ceil(width / parts[1]) + 2 * margin
        return tall * wide > largest_window, tall * wide * parts[0] * parts[1]

    candidates = [
        (down, across) for down in range(1, min(height, 64) + 1) for across in range(1, min(width, 64) + 1)
    ]
    return min(candidates, key=work)


def _split(block: tuple[int, int], parts: int) -> Iterator[tuple[int, int]]:
    edges = np.linspace(block[0], block[1], parts + 1).round().astype(int)
    for first, end in itertools.pairwise(edges.tolist()):
        if end > first:
            yield first, end


def enlarge(
    fields: NDArray[np.float32],
    enlarger: Enlarger,
    boundaries: Boundaries,
    tiles: list[Tile],
    latitude: NDArray[np.float64],
    *,
    noise: GridNoise | None = None,
    progress: Callable[[float], None],
    check: Callable[[], None],
) -> NDArray[np.float32]:
    """Enlarge the block of coarse fields that the tiles cover, ``(channel, factor * rows, factor * columns)``.

    Parameters
    ----------
    fields : ndarray, shape (channel, rows, columns)
        Physical fields on the whole coarse grid, and conditions after them.
    enlarger, boundaries, tiles
        Network or interpolation, edges of the coarse grid, and the tiles of :func:`plan_tiles`.
    latitude : ndarray, shape (rows,)
        Of the coarse grid [degrees].
    noise : GridNoise, optional
        For an enlarger that takes noise.
    progress, check : callable
        Called with the fraction done after each tile; called often, raises to stop.
    """
    factor = enlarger.factor
    north, west = min(tile.rows[0] for tile in tiles), min(tile.columns[0] for tile in tiles)
    south, east = max(tile.rows[1] for tile in tiles), max(tile.columns[1] for tile in tiles)
    channels = len(fields) - enlarger.condition_channels
    fine = np.empty((channels, (south - north) * factor, (east - west) * factor), dtype=np.float32)
    done, total = 0, sum(tile.window_points for tile in tiles)
    for tile in tiles:
        check()
        window = boundaries.gather(fields, tile.window_rows, tile.window_columns)
        rows = slice((tile.rows[0] - north) * factor, (tile.rows[1] - north) * factor)
        columns = slice((tile.columns[0] - west) * factor, (tile.columns[1] - west) * factor)
        area = fine_row_areas(latitude, factor, tile.window_rows)
        seen = None if noise is None else noise.window(tile.window_rows, tile.window_columns)
        fine[:, rows, columns] = enlarger(window, tile.inner, check, area, seen)
        done += tile.window_points
        progress(done / total)
    return fine
