"""Distances between all times of a record in one region: AtmoDist, and what it has to compete with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.fields.grid.regions import Region
from atmodist_core.harmonics.global_transform import GlobalTransform
from atmodist_core.inference.similar.record import EmbeddedRecord
from atmodist_core.inference.similar.record_distances import distances_of_pairs

LEARNED, RMSE, PATTERN, STREAM = "AtmoDist", "RMSE", "pattern correlation", "RMSE of stream function"
CONTROL = "untrained network"
"""Of vorticity and divergence; the stream function follows from vorticity. The control is the network of AtmoDist with random weights."""

_FIELDS = ("vorticity", "divergence")
_POINTS_AT_ONCE = 2**16
_STREAM_SPACING_DEG = 2.0


def stream_function(fields: xr.Dataset, truncation: int) -> xr.Dataset:
    """Return the stream function [m2 s-1] of every time up to a total wavenumber, at points about two degrees apart."""
    transform = GlobalTransform(fields, truncation)
    step = max(1, int(_STREAM_SPACING_DEG / (360.0 / fields.sizes["longitude"])))
    every = (slice(None, None, step), slice(None, None, step))
    values = [
        transform.inverse_laplacian(fields["vorticity"].isel(time=time).values)[every]
        for time in range(fields.sizes["time"])
    ]
    axes = {"time": fields["time"], **{name: fields[name][::step] for name in ("latitude", "longitude")}}
    return xr.Dataset({"stream_function": (tuple(axes), np.stack(values), {"units": "m2 s-1"})}, axes)


def compared_distances(
    fields: xr.Dataset, stream: xr.Dataset, records: Mapping[str, EmbeddedRecord], region: Region | None
) -> dict[str, NDArray[np.float64]]:
    """Return the distances between all times in a region, each ``(time, time)``, by name.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical fields of the globe, in memory.
    stream : xarray.Dataset
        Their :func:`stream_function`.
    records : mapping of str to EmbeddedRecord
        Their activations in networks, by the names of the distances.
    region : Region or None
        Part that is compared; None for everything.
    """
    found = {
        name: distances_of_pairs(record, np.arange(record.times.size), record.weights(region))
        for name, record in records.items()
    }
    cut = fields if region is None else region.select(fields)
    squares, correlations = zip(*(_squares_and_correlations(cut, name) for name in _FIELDS), strict=True)
    # The mean square at unrelated times is the same for both fields, as if each were divided by its standard deviation.
    found[RMSE] = np.sqrt(np.mean([each / each.mean() for each in squares], axis=0))
    found[PATTERN] = 1.0 - np.mean(correlations, axis=0)
    smooth = stream if region is None else region.select(stream)
    found[STREAM] = np.sqrt(_squares_and_correlations(smooth, "stream_function")[0])
    return found


def _squares_and_correlations(
    fields: xr.Dataset, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean squared differences and correlations over the points of a region, weighted by area, of all pairs of times."""
    values = fields[name].values.reshape(fields.sizes["time"], -1)
    root = np.sqrt(area_weights(fields)).reshape(-1)
    products = np.zeros((len(values), len(values)))
    means = np.zeros(len(values))
    for start in range(0, values.shape[1], _POINTS_AT_ONCE):
        points = slice(start, start + _POINTS_AT_ONCE)
        part = values[:, points].astype(np.float64) * root[points]
        products += part @ part.T
        means += part @ root[points]
    norms = np.diag(products)
    squares = np.maximum(norms[:, None] + norms[None, :] - 2 * products, 0.0)
    variances = norms - means**2
    return squares, (products - np.outer(means, means)) / np.sqrt(np.outer(variances, variances))
