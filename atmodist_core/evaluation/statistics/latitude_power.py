"""Power of a band of total wavenumbers by latitude.

A spectrum over total wavenumber does not say where small scales are. Here a field is truncated to the
degrees of a band, which is exact, and its mean square is taken in belts of latitude. Near the edge of a belt,
structures of one belt reach into the next by about one wavelength of the band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import area_weights, latitude_belts
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic
from atmodist_core.harmonics.global_transform import GlobalTransform


class LatitudePower(Statistic):
    """Mean square of a band of total wavenumbers in belts of latitude, both hemispheres together.

    ``edges`` are distances from the equator [degrees], ascending from 0 to 90; ``area`` is the share of each belt in the
    area of the grid. Raises ``UserError`` for a limited area, a band that the grid does not carry, or other edges.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"latitude_power": ("field", "belt")}
    units: ClassVar[Mapping[str, str]] = {"latitude_power": "field2"}

    def __init__(self, template: xr.Dataset, first: int, last: int, edges: Sequence[float]) -> None:
        if not 1 < first <= last:
            raise UserError(
                f"Expected a band of degrees from 2 on, found {first} to {last}; give for example 91 to 179."
            )
        self.first, self.last, self._edges = first, last, np.asarray(edges, dtype=float)
        self._all = GlobalTransform(template, last)
        self._below = GlobalTransform(template, first - 1)
        weights = area_weights(template)
        self._weights = weights / weights.sum()
        self._belts = latitude_belts(template["latitude"].values, edges)
        self.area = np.array([self._weights[belt].sum() for belt in self._belts])

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the contribution of each belt to the mean square over the globe: they sum to the band's power."""
        exact = snapshot.values.astype(np.float64)
        square = np.square(self._all.truncated(exact) - self._below.truncated(exact)) * self._weights
        return {
            "latitude_power": np.stack([square[:, belt].sum(axis=(1, 2)) for belt in self._belts], axis=-1)
        }

    def coordinates(self) -> dict[str, Any]:
        """Return the edges and areas of the belts."""
        return {
            "belt": np.arange(self.area.size),
            "belt_edge": ("belt", self._edges[:-1]),
            "belt_end": ("belt", self._edges[1:]),
            "belt_area": ("belt", self.area),
        }
