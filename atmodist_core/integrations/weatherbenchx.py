"""AtmoDist as a statistic of WeatherBench-X, which aggregates it over time as any other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import xarray as xr

from atmodist_core.evaluation.diagnostics.learned_score import distance_per_state
from atmodist_core.inference.atmodist import AtmoDist, load_distance
from atmodist_core.integrations.fields_of_arrays import dynamics_of
from atmodist_core.integrations.optional_base import optional_base

_Statistic: Any = optional_base(
    "weatherbenchX.metrics.base",
    "Statistic",
    "install it from its repository, github.com/google-research/weatherbenchX",
)


class AtmoDistStatistic(_Statistic):
    """AtmoDist of each prediction to its target: one variable, ``atmodist``, without latitude and longitude.

    All other dimensions are kept (``init_time``, ``lead_time``, ``level``, ``number``), so that an aggregator can average over
    them or bin by them. Weights and bins by latitude do not apply: the distance averages over the area itself.

    Parameters
    ----------
    distance : str or AtmoDist
        Name or folder of a distance network, or a loaded one.
    layer : str, optional
        Layer of the network; the last by default.
    winds : sequence of str
        Eastward and northward wind, from which vorticity and divergence are derived where the data do not hold them.
    """

    def __init__(
        self,
        distance: str | AtmoDist = "atmodist-23",
        layer: str | None = None,
        winds: Sequence[str] = ("u_component_of_wind", "v_component_of_wind"),
    ) -> None:
        super().__init__()
        self._network = load_distance(distance) if isinstance(distance, str) else distance
        self._layer = layer or self._network.layers[-1]
        self._winds = tuple(winds)

    @property
    def unique_name(self) -> str:
        """Return a name with everything that changes the values."""
        return "_".join(("AtmoDist", self._network.name, self._layer, *self._winds))

    def compute(
        self, predictions: Mapping[Hashable, xr.DataArray], targets: Mapping[Hashable, xr.DataArray]
    ) -> Mapping[Hashable, xr.DataArray]:
        """Return ``{"atmodist": distances}`` [1] of a chunk of predictions and targets."""
        pair = [_canonical(dynamics_of(each, self._winds)) for each in (predictions, targets)]
        return {"atmodist": distance_per_state(self._network, *pair, layer=self._layer)}


def _canonical(fields: xr.Dataset) -> xr.Dataset:
    """Latitudes from north to south, longitudes increasing."""
    return fields.sortby("latitude", ascending=False).sortby("longitude")
