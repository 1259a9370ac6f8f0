"""AtmoDist as a metric of torchmetrics, for validation inside a training loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.inference.atmodist import AtmoDist, load_distance
from atmodist_core.integrations.fields_of_arrays import FIELDS
from atmodist_core.integrations.optional_base import optional_base

_Metric: Any = optional_base(
    "torchmetrics", "Metric", "install it with: pip install 'atmodist-studio[integrations]'"
)


class AtmoDistMetric(_Metric):
    """Mean AtmoDist of predictions and targets over all states of all batches.

    The state is a sum and a count, both summed over processes, so that the value does not depend on how states are spread
    over batches or processes. Smaller is better; 0 for equal fields.

    Parameters
    ----------
    latitude, longitude : array
        Of the fields: north to south [degrees north], and increasing [degrees east].
    distance : str or AtmoDist
        Name or folder of a distance network, or a loaded one.
    layer : str, optional
        Layer of the network; the last by default.
    **settings
        Passed on to ``torchmetrics.Metric``.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 2))
    >>> metric = AtmoDistMetric(demo.latitude.values, demo.longitude.values)
    >>> fields = torch.from_numpy(demo[["vorticity", "divergence"]].to_array().values).transpose(0, 1)
    >>> metric.update(fields, fields)
    >>> float(metric.compute())
    0.0
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    total: torch.Tensor
    count: torch.Tensor

    def __init__(
        self,
        latitude: Any,
        longitude: Any,
        distance: str | AtmoDist = "atmodist-23",
        layer: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._network = load_distance(distance) if isinstance(distance, str) else distance
        self._layer = layer
        self._latitude, self._longitude = (np.asarray(each, np.float64) for each in (latitude, longitude))
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Add a batch: vorticity and divergence [s-1], shape (batch, 2, latitude, longitude), in physical units."""
        shape = (2, self._latitude.size, self._longitude.size)
        for name, tensor in (("predictions", preds), ("targets", target)):
            if tensor.ndim != 4 or tuple(tensor.shape[1:]) != shape or len(tensor) != len(target):
                raise UserError(
                    f"Expected {name} of shape (batch, 2, {shape[1]}, {shape[2]}): vorticity and divergence, found "
                    f"{tuple(tensor.shape)}; give both fields on the grid of the metric."
                )
        if len(target):
            found = self._network.distance(self._fields(preds), self._fields(target), layer=self._layer)
            self.total += float(found.values.sum())
            self.count += len(target)

    def compute(self) -> torch.Tensor:
        """Return the mean over all states, dimensionless; NaN before the first one."""
        return self.total / self.count

    def _fields(self, values: torch.Tensor) -> xr.Dataset:
        arrays = values.detach().float().cpu().numpy()
        dims = ("time", "latitude", "longitude")
        return xr.Dataset(
            {name: (dims, arrays[:, channel], {"units": "s-1"}) for channel, name in enumerate(FIELDS)},
            {"latitude": self._latitude, "longitude": self._longitude},
        )
