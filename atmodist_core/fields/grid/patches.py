"""A field covered with patches of the size a network was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.boundaries import Boundaries

TRAINED_LATITUDES_DEG = 60.0
"""The pretext task draws patches with centres between 60 S and 60 N."""


def rows_within(
    latitude: NDArray[np.float64], size: int, limit_deg: float = TRAINED_LATITUDES_DEG
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places of patches along the meridian whose centre lies near enough to the equator.

    Parameters
    ----------
    latitude : ndarray, shape (rows,)
        Of the grid [degrees].
    size : int
        Points along each side of a patch.
    limit_deg : float
        Centres lie within this latitude [degrees].

    Returns
    -------
    first_rows, centres : ndarray, shape (places,)
        First row of each, and the latitude of its centre [degrees]; empty where there is no room.
    """
    tops = np.arange(max(0, latitude.size - size + 1))
    centres = 0.5 * (latitude[tops] + latitude[tops + size - 1])
    inside = np.abs(centres) <= limit_deg
    return tops[inside], centres[inside]


def area_shares(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper end of every row's share of [0, 1), by the area of the zone between the rows beside it.

    Parameters
    ----------
    centres : ndarray, shape (rows,)
        Latitudes in order [degrees].
    """
    if len(centres) == 1:
        return np.ones(1)
    between = 0.5 * (centres[1:] + centres[:-1])
    # The outer zones reach as far outwards as inwards, at most to a pole.
    ends = np.clip([2 * centres[0] - between[0], 2 * centres[-1] - between[-1]], -90.0, 90.0)
    sine = np.sin(np.deg2rad(np.concatenate([ends[:1], between, ends[1:]])))
    shares = np.cumsum(np.abs(np.diff(sine)))
    shares /= shares[-1]
    shares[-1] = 1.0
    return np.asarray(shares)


@dataclass(frozen=True)
class PatchCover:
    """Evenly spread square patches that cover a grid, overlapping where its size is no multiple of theirs.

    Where centres lie between 60 S and 60 N only those patches are kept, as in training: nearer to the poles a
    latitude-longitude patch is stretched beyond recognition. On a full circle of longitudes patches run
    across the seam.

    Attributes
    ----------
    size : int
        Points along each side.
    first_rows, first_columns : ndarray, shape (patches,)
        North-west corner of every patch.
    latitude, longitude : ndarray, shape (patches,)
        Centres [degrees].
    boundaries : Boundaries
        Of the grid.
    """

    size: int
    first_rows: NDArray[np.int64]
    first_columns: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    boundaries: Boundaries

    @classmethod
    def of(cls, latitude: NDArray[np.float64], longitude: NDArray[np.float64], size: int) -> PatchCover:
        """Cover a grid.

        Parameters
        ----------
        latitude, longitude : ndarray
            Axes of the grid [degrees].
        size : int
            Points along each side of a patch.

        Raises
        ------
        UserError
            When the grid is smaller than a patch.
        """
        if min(latitude.size, longitude.size) < size:
            raise UserError(
                f"Expected fields of at least {size} x {size} points, the patch size that the network was "
                "trained on, "
                f"found {latitude.size} x {longitude.size}: choose a larger region or a model with smaller "
                "patches."
            )
        boundaries = Boundaries.of(latitude, longitude)
        rows = np.linspace(0, latitude.size - size, math.ceil(latitude.size / size)).round().astype(np.int64)
        count = math.ceil(longitude.size / size)
        if boundaries.wraps:
            columns = (np.arange(count) * longitude.size // count).astype(np.int64)
        else:
            columns = np.linspace(0, longitude.size - size, count).round().astype(np.int64)
        first_rows, first_columns = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        centre_latitude = latitude[first_rows] + (latitude[first_rows + size - 1] - latitude[first_rows]) / 2
        spacing = float(longitude[-1] - longitude[0]) / (longitude.size - 1)
        centre_longitude = longitude[first_columns] + spacing * (size - 1) / 2
        if boundaries.wraps:
            centre_longitude = centre_longitude % 360.0
        kept = np.abs(centre_latitude) <= TRAINED_LATITUDES_DEG
        kept = kept if kept.any() else np.ones_like(kept)
        return cls(
            size,
            first_rows[kept],
            first_columns[kept],
            centre_latitude[kept],
            centre_longitude[kept],
            boundaries,
        )

    @property
    def count(self) -> int:
        """Number of patches."""
        return self.first_rows.size

    def cut(self, fields: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the patches of fields ``(channel, rows, columns)`` as ``(patch, channel, size, size)``."""
        return np.stack(
            [
                self.boundaries.gather(fields, (row, row + self.size), (column, column + self.size))
                for row, column in zip(self.first_rows.tolist(), self.first_columns.tolist(), strict=True)
            ]
        )
