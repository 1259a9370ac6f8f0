"""Boundaries of a grid: beyond them lies the other end of the circle, the far side of a pole, or a mirror image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Edge = Literal["pole between rows", "pole on row", "edge"]

_EVEN = 1e-3
"""Allowed unevenness of a full circle of longitudes, as a part of the spacing."""


@dataclass(frozen=True)
class Boundaries:
    """Continuation of a latitude-longitude grid beyond its rows and columns.

    - A full circle of longitudes (`wraps`) wraps around exactly.
    - Across a pole the field continues along the same great circle: the rows return in reverse order,
      turned by half the circle. Vorticity and divergence are scalars, so their sign stays. A row *on* the pole is not
      repeated. With an odd number of columns the opposite meridian lies between two, whose mean is taken.
    - Elsewhere (the edges of a limited area) the field is mirrored, which is only a substitute for data.

    `north` and `south` are what lies beyond the first and the last row.
    """

    rows: int
    columns: int
    wraps: bool
    north: Edge
    south: Edge

    @classmethod
    def of(cls, latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> Boundaries:
        """Derive the boundaries from latitudes (north to south) and increasing longitudes [degrees]."""
        steps = np.diff(longitude.astype(np.float64))
        circle = 360.0 / longitude.size
        wraps = longitude.size > 2 and bool(np.abs(steps - circle).max() < _EVEN * circle)
        return cls(
            rows=latitude.size,
            columns=longitude.size,
            wraps=wraps,
            north=_edge(90.0 - float(latitude[0]), float(latitude[0] - latitude[1]), wraps),
            south=_edge(float(latitude[-1]) + 90.0, float(latitude[-2] - latitude[-1]), wraps),
        )

    @property
    def is_globe(self) -> bool:
        """Whether no edge has to be mirrored."""
        return self.wraps and "edge" not in (self.north, self.south)

    def reach(self, mirrored: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ``(first, end)`` rows and columns that a window may have; infinite where the field continues.

        `mirrored` is the number of points of mirror image at an edge of a limited area.
        """
        north = -mirrored if self.north == "edge" else -math.inf
        south = self.rows + mirrored if self.south == "edge" else math.inf
        if self.wraps:
            return (north, south), (-math.inf, math.inf)
        return (north, south), (-mirrored, self.columns + mirrored)

    def gather(
        self, fields: NDArray[np.float32], row_range: tuple[int, int], column_range: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Cut a window out of fields (..., rows, columns); its (first, end) indices may reach beyond the grid."""
        rows, turned = self._wrapped_rows(np.arange(*row_range))
        columns = np.arange(*column_range)
        window = fields[..., rows[:, None], self._wrapped_columns(columns)[None, :]]
        if turned.any():
            half = self.columns // 2
            far = fields[..., rows[turned][:, None], ((columns + half) % self.columns)[None, :]]
            if self.columns % 2:
                other = fields[..., rows[turned][:, None], ((columns + half + 1) % self.columns)[None, :]]
                far = (far + other) * np.float32(0.5)
            window[..., turned, :] = far
        return window

    def cells(
        self, row_range: tuple[int, int], column_range: tuple[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the cells of the grid that a window shows, whose (first, end) indices may reach beyond the grid.

        They are rows ``(height,)``, columns ``(height, width)``, and which rows lie on the far side of a pole; there an
        odd number of columns gives the western one of the two that :meth:`gather` averages.
        """
        rows, turned = self._wrapped_rows(np.arange(*row_range))
        columns = np.arange(*column_range)
        near = np.broadcast_to(self._wrapped_columns(columns), (rows.size, columns.size)).copy()
        near[turned] = (columns + self.columns // 2) % self.columns
        return rows, near, turned

    def _wrapped_rows(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each row's place on the grid, and whether it lies on the far side of the globe."""
        turned = np.zeros(rows.shape, dtype=bool)
        # On a small grid a far row may cross both poles, so that it takes several reflections to come back.
        while ((rows < 0) | (rows >= self.rows)).any():
            for edge, beyond, mirror in (
                (self.north, rows < 0, -1),
                (self.south, rows >= self.rows, 2 * self.rows - 1),
            ):
                on_row = edge == "pole on row"
                shift = (1 if mirror < 0 else -1) if on_row else 0
                rows = np.where(beyond, mirror + shift - rows, rows)
                turned ^= beyond & (edge != "edge")
        return rows, turned

    def _wrapped_columns(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.wraps:
            return columns % self.columns
        mirrored = columns % (2 * self.columns)
        return np.where(mirrored < self.columns, mirrored, 2 * self.columns - 1 - mirrored)


def _edge(distance_deg: float, spacing_deg: float, wraps: bool) -> Edge:
    """Return what lies beyond a row, from its distance to the pole.

    A cell-centred row lies half a spacing from the pole, a Gaussian one up to 0.77, block means that started on the
    pole 0.4 or 0.6; from one spacing on, a row is missing and the grid ends there.
    """
    if not wraps or distance_deg >= 0.95 * spacing_deg:
        return "edge"
    return "pole on row" if distance_deg < 0.1 * spacing_deg else "pole between rows"
