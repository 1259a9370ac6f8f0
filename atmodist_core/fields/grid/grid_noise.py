"""Noise tied to places on the globe: the same value wherever a place is computed from.

A value depends on (seed, member, moment, latitude and longitude of the coarse cell, resolution, channel, place in the cell)
and on nothing else: tiles, regions and a grid that starts at another longitude see the same noise. Every coarse cell
has a stream of SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195), a counter-based generator: its n-th value
comes from the counter n alone. The start of the stream is a hash of what is named above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atmodist_core.fields.grid.boundaries import Boundaries

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_KEYS_PER_DEGREE = 1000.0
_OFFSET = 0.637
"""Puts the limits between two keys where no grid has its rows or columns, so that rounding errors change no key."""


@dataclass(frozen=True)
class NoiseWindow:
    """Noise of the coarse cells of a window: keys of their latitudes ``(rows, 1)`` and longitudes ``(rows, columns)``,
    which rows lie beyond a pole and are passed from the other side, and seed, member and moment.
    """

    latitude_keys: NDArray[np.uint64]
    longitude_keys: NDArray[np.uint64]
    reversed_rows: NDArray[np.bool_]
    start: tuple[int, int, int]

    def draw(self, channels: int, doublings: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Return unit normal noise ``(channels, n * rows, n * columns)``, n = 2**doublings points per coarse cell.

        ``rows`` and ``columns`` count the window's coarse cells.
        """
        from scipy.special import ndtri  # takes longer to load than all the rest

        n = 2**doublings
        state = np.zeros((1, 1), dtype=np.uint64)
        for word in (*self.start, doublings):
            state = _absorb(state, np.array([word & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64))
        state = _absorb(state, self.latitude_keys[rows])
        state = _absorb(state, self.longitude_keys[rows, columns])
        height, width = state.shape
        counter = np.arange(channels * n * n, dtype=np.uint64).reshape(channels, 1, n, 1, n)
        bits = _absorb(state[None, :, None, :, None], counter)
        backwards = self.reversed_rows[rows]
        if backwards.any():
            bits[:, backwards] = bits[:, backwards, ::-1]
        uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        return np.asarray(ndtri(uniform), dtype=np.float32).reshape(channels, height * n, width * n)


@dataclass(frozen=True)
class GridNoise:
    """Unit normal noise of one member at one moment on a coarse grid.

    ``latitude`` and ``longitude`` are those of the coarse cells [degrees], north to south and increasing; ``moment`` is a
    key of the time.

    Examples
    --------
    >>> latitude, longitude = np.array([30.0, 0.0, -30.0]), np.arange(0.0, 360.0, 30.0)
    >>> noise = GridNoise(latitude, longitude, Boundaries.of(latitude, longitude), seed=0, member=0, moment=0)
    >>> here = noise.window((0, 3), (0, 12)).draw(1, 1, slice(0, 3), slice(0, 12))
    >>> around = noise.window((0, 3), (12, 24)).draw(1, 1, slice(0, 3), slice(0, 12))
    >>> here.shape, bool((here == around).all())
    ((1, 6, 24), True)
    """

    latitude: NDArray[np.floating]
    longitude: NDArray[np.floating]
    boundaries: Boundaries
    seed: int
    member: int
    moment: int

    def window(self, row_range: tuple[int, int], column_range: tuple[int, int]) -> NoiseWindow:
        """Return the noise of a window whose (first, end) indices may reach beyond the grid."""
        rows, columns, turned = self.boundaries.cells(row_range, column_range)
        return NoiseWindow(
            _keys(self.latitude)[rows][:, None],
            _keys(self.longitude % 360.0)[columns],
            turned,
            (self.seed, self.member, self.moment),
        )


def _keys(degrees: NDArray[np.floating]) -> NDArray[np.uint64]:
    keys = np.floor(degrees.astype(np.float64) * _KEYS_PER_DEGREE + _OFFSET).astype(np.int64)
    return np.mod(keys, round(360 * _KEYS_PER_DEGREE)).astype(np.uint64)


def _absorb(state: NDArray[np.uint64], word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output of SplitMix64 at a counter, from the state in which its stream starts."""
    z = state + (word + np.uint64(1)) * _WEYL
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
