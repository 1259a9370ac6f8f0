"""Metamers: other fields with the same activations, which show what a network does not see."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.features.gradients import encoder_of
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.inference.distance_matrix import activation_weights


def metamer(
    distance: AtmoDist,
    fields: xr.Dataset,
    *,
    layer: str | None = None,
    steps: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> xr.Dataset:
    """Find a field with nearly the activations of another, by descent from noise.

    Starts from white noise of the field's mean and standard deviation in normalised values, and minimises the distance with
    L-BFGS. What the result and the original do not share, the stage does not see.

    Parameters
    ----------
    distance : AtmoDist
        Computed by torch in float32.
    fields : xarray.Dataset
        Canonical, one time of a limited area without gaps.
    layer : str, optional
        Of ``distance.layers``; default: the last.
    steps : int
        Of the descent; each takes about one pass through the encoder and back.
    seed : int
        Of the noise.
    progress, cancel : callable, optional
        As for ``AtmoDist.embed``.

    Returns
    -------
    xarray.Dataset
        The fields found, in their units, as ``fields`` has them; ``distance`` over ``step``, from that of the noise (0) to
        that which remains; and ``error`` over ``channel``: the root mean square difference from the original divided by
        its standard deviation (dimensionless, weighted by area; noise that shares nothing has 1.4).

    Raises
    ------
    UserError
        For several times, a full circle of longitudes, gaps, or another engine.
    """
    encoder = encoder_of(distance)
    layer = distance.inference.config.check_layer(distance.layers[-1] if layer is None else layer)
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    if arrays.time_count != 1 or Boundaries.of(arrays.latitude, arrays.longitude).wraps:
        raise UserError(
            f"Expected one time of a limited area, found {arrays.time_count} times of {arrays.longitude.size} longitudes; "
            "select a time and a region."
        )
    normalization, device = distance.inference.normalization, distance.inference.device
    true = arrays.read(0)
    original = torch.from_numpy(normalization.normalize(true)).to(device)
    with torch.no_grad():
        target = encoder.features(original[None], (layer,))[layer]
    shape = (target.shape[-2], target.shape[-1])
    weights = (
        torch.from_numpy(activation_weights(arrays.latitude, arrays.longitude.size, shape)).float().to(device)
    )
    scale = float(distance.card.distance_scale.get(layer, 1.0)) / target.shape[1]
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(seed)).to(device)
    moments = original.mean((1, 2), keepdim=True), original.std((1, 2), keepdim=True)
    x = (moments[0] + moments[1] * noise).requires_grad_()
    watch = ProgressWatch(distance.name, steps, progress, cancel)

    def remaining() -> Tensor:
        found = encoder.features(x[None], (layer,))[layer]
        return scale * ((found - target).square().sum((0, 1)) * weights).sum()

    with torch.no_grad():
        unit = max(float(remaining()), 1e-30)
    optimizer = torch.optim.LBFGS([x], max_iter=1, max_eval=8, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = remaining() / unit
        loss.backward()
        return loss

    history: list[float] = []
    for _ in range(steps):
        watch.before()
        history.append(unit * float(optimizer.step(closure).detach()))  # before the step
        watch.done()
    with torch.no_grad():
        history.append(float(remaining()))
    found = normalization.denormalize(x.detach().double().cpu()).numpy()
    true = true.astype(np.float64)
    area = activation_weights(arrays.latitude, arrays.longitude.size, true.shape[1:])
    mean = (area * true).sum((1, 2), keepdims=True)
    error = np.sqrt((area * (found - true) ** 2).sum((1, 2)) / (area * (true - mean) ** 2).sum((1, 2)))
    result = fields.copy()
    for name, values in zip(arrays.channels, found.astype(np.float32), strict=True):
        result[name] = fields[name].copy(data=values.reshape(fields[name].shape))
    return (
        result.assign(
            distance=("step", np.array(history), {"units": "1", "long_name": f"distance at {layer}"}),
            error=(
                "channel",
                error,
                {"units": "1", "long_name": "root mean square error / standard deviation"},
            ),
        )
        .assign_coords(channel=list(arrays.channels))
        .assign_attrs(model=distance.name, layer=layer)
    )
