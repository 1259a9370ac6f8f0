"""Statistics of the members of an ensemble at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.evaluation.ensembles.calibration import (
    BELT_EDGES,
    belt_weights,
    rank_shares,
    spread_and_error_power,
)
from atmodist_core.evaluation.ensembles.kernels import (
    fair_crps,
    fair_energy_score,
    fair_variogram_score,
    ranks,
    spread_and_error,
    tile_points,
)
from atmodist_core.evaluation.ensembles.power_of_grid import PowerOfGrid
from atmodist_core.evaluation.ensembles.proper_scores import (
    ENERGY_TILE,
    VARIOGRAM_TILE,
    require_tile,
    tile_weights,
)
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.statistics.city_values import CityValues
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.spectral_band import SpectralBand
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic
from atmodist_core.harmonics.global_transform import GlobalTransform

CITY_BOXES = (1, 2, 3)
"""Sides of the boxes at cities in which the values of all members are kept."""

PARTS = (
    "area",
    *(f"latitudes {near:g} to {far:g}" for near, far in pairwise(BELT_EDGES)),
)
"""Parts of the area: all of it, and belts of latitude, both hemispheres together."""


class ProperScores(Statistic):
    """CRPS, energy and variogram scores; see :mod:`~atmodist_core.evaluation.ensembles.proper_scores`.

    Raises ``UserError`` if no tile fits into the area.
    """

    names = ("crps", "energy_score", "variogram_score")
    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(names, ("field",))
    units: ClassVar[Mapping[str, str]] = dict.fromkeys(names, "field")
    needs_truth: ClassVar[bool] = True

    def __init__(self, grid: xr.Dataset) -> None:
        self._weights = area_weights(grid)
        require_tile(self._weights.shape, ENERGY_TILE)
        self._tiles = [
            (side, tile_weights(self._weights, side, ENERGY_TILE)) for side in (ENERGY_TILE, VARIOGRAM_TILE)
        ]

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the area means."""
        members, truth = snapshot.ensemble, snapshot.truth
        found = {"crps": np.tensordot(fair_crps(members, truth), self._weights, axes=2)}
        scores = (fair_energy_score, fair_variogram_score)
        for name, score, (side, weights) in zip(self.names[1:], scores, self._tiles, strict=True):
            tiles = (tile_points(each, side, ENERGY_TILE) for each in (members, truth))
            found[name] = np.tensordot(score(*tiles), weights, axes=2)
        return found


class Calibration(Statistic):
    """Spread and squared error by part of the area and wavenumber, and ranks by part of the area and of the band.

    The ranks of a single field are missing.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "spread_square": ("field", "area_part"),
        "error_square": ("field", "area_part"),
        "spread_power": ("field", "wavenumber"),
        "mean_error_power": ("field", "wavenumber"),
        "rank_share": ("field", "area_part", "rank"),
        "band_rank_share": ("field", "band_part", "rank"),
    }
    units: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("spread_square", "error_square", "spread_power", "mean_error_power"), "field2"),
        **dict.fromkeys(("rank_share", "band_rank_share"), "1"),
    }
    needs_truth: ClassVar[bool] = True

    def __init__(self, grid: xr.Dataset, band: SpectralBand | None) -> None:
        self._area = area_weights(grid)
        self._weights = np.stack([self._area, *belt_weights(grid)])
        self._power = PowerOfGrid(grid)
        parts = [] if band is None else band.parts()
        self.bands = [f"degrees {part.start} to {part.stop - 1}" for part in parts]
        edges = [part.start - 1 for part in parts] + ([parts[-1].stop - 1] if parts else [])
        self._below = [GlobalTransform(grid, degree) for degree in edges]

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return all of them."""
        members, truth = snapshot.ensemble, snapshot.truth
        names = ("spread_square", "error_square")
        found = {
            name: np.einsum("fyx,pyx->fp", square, self._weights)
            for name, square in zip(names, spread_and_error(members, truth), strict=True)
        }
        spread, error = spread_and_error_power(self._power, members, truth)
        count, fields = len(members), len(truth)
        found |= {"spread_power": spread, "mean_error_power": error}
        if count == 1:
            found["rank_share"] = np.full((fields, len(PARTS), 2), np.nan)
            found["band_rank_share"] = np.full((fields, len(self.bands), 2), np.nan)
            return found
        # Ties are rare; the time alone decides how they are broken, so that every run gives the same.
        moment = snapshot.truth_fields["time"].values.ravel()[0]
        random = np.random.default_rng(abs(int(moment.astype("datetime64[s]").astype(np.int64))))
        found["rank_share"] = rank_shares(ranks(members, truth, random), self._weights, count)
        found["band_rank_share"] = self._in_bands(np.concatenate([members, truth[None]]), random)
        return found

    def _in_bands(self, values: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Rank shares of fields, the truth last, that keep the degrees of one part of the band."""
        shares = np.empty((values.shape[1], len(self.bands), len(values)))
        below = self._below[0].truncated(values) if self._below else values
        for number, transform in enumerate(self._below[1:]):
            here = transform.truncated(values)
            part = here - below
            rank = ranks(part[:-1], part[-1], random)
            shares[:, number] = rank_shares(rank, self._area[None], len(values) - 1)[:, 0]
            below = here
        return shares

    def coordinates(self) -> dict[str, Any]:
        """Return names of the parts, and wavelengths."""
        return {
            "area_part": np.array(PARTS),
            "band_part": np.array(self.bands, dtype=str),
            "wavelength_km": ("wavenumber", self._power.wavelength_km, {"units": "km"}),
        }


class MemberCityValues(Statistic):
    """Values of all members in the boxes around the cities."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "member_city_value": ("field", "member", "city", "point")
    }
    units: ClassVar[Mapping[str, str]] = {"member_city_value": "field"}

    def __init__(self, grid: xr.Dataset, cities: pd.DataFrame, boxes: Sequence[int] = CITY_BOXES) -> None:
        self._cities = CityValues(grid, cities, boxes)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the values."""
        return {"member_city_value": self._cities.values_at(snapshot.ensemble).swapaxes(0, 1)}

    def coordinates(self) -> dict[str, Any]:
        """Return the cities, and the box of each point."""
        return self._cities.coordinates()
