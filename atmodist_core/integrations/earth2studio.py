"""AtmoDist as a metric of Earth2Studio: tensors with coordinate dictionaries; the package itself is not needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.learned_score import distance_per_state
from atmodist_core.inference.atmodist import AtmoDist, load_distance
from atmodist_core.integrations.fields_of_arrays import dynamics_of_array

CoordSystem = OrderedDict[str, np.ndarray]
_STATE = ("variable", "lat", "lon")


class AtmoDistMetric:
    """AtmoDist of forecasts ``x`` and observations ``y``, by the protocol ``earth2studio.statistics.Metric``.

    Parameters
    ----------
    variables : sequence of str
        Eastward and northward wind [m s-1] among the coordinate ``variable``.
    reduction_dimensions : sequence of str
        Further dimensions to average over, such as ``time``; variable, lat and lon are always reduced.
    distance : str or AtmoDist
        Name or folder of a distance network, or a loaded one.
    layer : str, optional
        Layer of the network; the last by default.
    """

    def __init__(
        self,
        variables: Sequence[str] = ("u850", "v850"),
        reduction_dimensions: Sequence[str] = (),
        distance: str | AtmoDist = "atmodist-23",
        layer: str | None = None,
    ) -> None:
        self._network = load_distance(distance) if isinstance(distance, str) else distance
        self._layer = layer
        self._variables = tuple(variables)
        self._averaged = [name for name in reduction_dimensions if name not in _STATE]

    def __str__(self) -> str:
        return "_".join([*self._averaged, "atmodist"])

    @property
    def reduction_dimensions(self) -> list[str]:
        """Return the dimensions that the result does not have."""
        return [*_STATE, *self._averaged]

    def output_coords(self, input_coords: CoordSystem) -> CoordSystem:
        """Return the coordinates of the result for those of ``x``."""
        missing = [name for name in self.reduction_dimensions if name not in input_coords]
        if missing:
            raise UserError(
                f"Expected the dimensions {', '.join(self.reduction_dimensions)}, found {', '.join(input_coords)}; "
                f"add {missing[0]} or leave it out of reduction_dimensions."
            )
        return OrderedDict((k, v) for k, v in input_coords.items() if k not in self.reduction_dimensions)

    def __call__(
        self, x: torch.Tensor, x_coords: CoordSystem, y: torch.Tensor, y_coords: CoordSystem
    ) -> tuple[torch.Tensor, CoordSystem]:
        """Return the distances [1] and their coordinates.

        Parameters
        ----------
        x, y : torch.Tensor
            Forecasts and observations in physical units; ``y`` may lack dimensions of ``x``, such as ``ensemble``.
        x_coords, y_coords : OrderedDict of str to array
            Names of the dimensions in order, and their labels.

        Returns
        -------
        torch.Tensor, OrderedDict
            On the device of ``x``.
        """
        result_coords = self.output_coords(x_coords)
        found = distance_per_state(
            self._network, self._fields(x, x_coords), self._fields(y, y_coords), layer=self._layer
        )
        found = found.mean([name for name in self._averaged if name in found.dims])
        values = found.transpose(*result_coords).values
        return torch.as_tensor(values, device=x.device), result_coords

    def _fields(self, values: torch.Tensor, coords: CoordSystem) -> xr.Dataset:
        names = {"lat": "latitude", "lon": "longitude"}
        labels = {names.get(name, name): np.asarray(each) for name, each in coords.items()}
        fields = dynamics_of_array(values.detach().float().cpu(), tuple(labels), labels, self._variables)
        return fields.sortby("latitude", ascending=False).sortby("longitude")
