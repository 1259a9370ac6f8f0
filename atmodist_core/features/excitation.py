"""What in a patch excites a filter: the smallest change of the fields that raises its activation."""

from __future__ import annotations

import contextlib
from typing import Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.features.gradients import GuidedRectifiers, encoder_of
from atmodist_core.features.strongest import corner, with_patches
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference.atmodist import AtmoDist

MARGIN = 160
"""Points east and west of a place that its activation is computed from; what lies farther changes it by less than 1 %."""

RISE = 0.1


def exciting_change(
    distance: AtmoDist,
    fields: xr.Dataset,
    places: xr.Dataset,
    *,
    method: Literal["gradient", "guided"] = "gradient",
) -> xr.Dataset:
    r"""Return the smallest change of the fields that would raise each activation by a tenth.

    With the gradient g of the activation a for the normalised fields, that change is :math:`0.1\, a\, g / |g|^2`, to first
    order, and becomes physical by the slope of the normalisation at every point. ``guided`` takes instead of g what
    guided backpropagation gives (Springenberg et al. 2015), of the same norm: it shows only what excites, and is clearer to look
    at, but is no derivative. Zeiler and Fergus (2014) project activations back through a transposed network, which
    differs from the guided gradient by the rectifiers that were closed.

    Parameters
    ----------
    distance : AtmoDist
        Computed by torch in float32.
    fields : xarray.Dataset
        Those in which the places were found.
    places : xarray.Dataset
        From :func:`strongest_places`: all, or some filters and ranks.
    method : {"gradient", "guided"}
        As above.

    Returns
    -------
    xarray.Dataset
        The places with the changes of the channels over ``(filter, rank, y, x)``, in the units of the fields; missing
        where there is no place. ``share`` is how much of the squared norm of the normalised change lies in the patch.

    Raises
    ------
    UserError
        For another engine or method.
    """
    if method not in ("gradient", "guided"):
        raise UserError(f"Expected the method gradient or guided, found {method!r}; choose one of these.")
    encoder = encoder_of(distance)
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    boundaries = Boundaries.of(arrays.latitude, arrays.longitude)
    layer, size = str(places.attrs["layer"]), int(places.attrs["patch_size"])
    shape = places["activation"].shape
    values = np.full((*shape, len(arrays.channels), size, size), np.nan, dtype=np.float32)
    share = np.full(shape, np.nan)
    for at in zip(*np.nonzero(np.isfinite(places["activation"].values)), strict=True):
        field, _ = arrays.read_filled(int(places["time_index"].values[at]))
        top, left = corner(distance, places, at)
        first, width = _window(distance, boundaries, left + size // 2)
        window = torch.from_numpy(boundaries.gather(field, (0, boundaries.rows), (first, first + width)))
        normalization = distance.inference.normalization
        x = normalization.normalize(window).to(distance.inference.device).requires_grad_()
        with GuidedRectifiers() if method == "guided" else contextlib.nullcontext():
            found = encoder.features(x[None], (layer,))[layer][0]
        stride = distance.inference.config.stride(layer)
        row = int(places["row"].values[at])
        column = (int(places["column"].values[at]) * stride - first) // stride
        activation = found[int(places["filter"].values[at[0]]), row, column]
        (gradient,) = torch.autograd.grad(activation, x)
        norm = gradient.square().sum()
        change = RISE * activation.detach() * gradient / norm.clamp_min(1e-30)
        physical = (change.cpu() * _slope(normalization, window)).numpy()
        inner = slice(left - first, left - first + size)
        values[at] = _cut(physical, top, inner, size)
        part = _cut(gradient.cpu().numpy(), top, inner, size)
        share[at] = np.nansum(part**2) / max(float(norm), 1e-30)
    result = with_patches(places, arrays, values)
    result["share"] = (places["activation"].dims, share, {"units": "1"})
    return result.assign_attrs(method=method, rise=RISE)


def _window(distance: AtmoDist, boundaries: Boundaries, middle: int) -> tuple[int, int]:
    """First column and width of what the network sees; in phase with the whole field, whose padding depends on its size."""
    unit = distance.inference.config.stride()
    if not boundaries.wraps:
        return 0, boundaries.columns
    first = ((middle - MARGIN) // unit) * unit
    return first, 2 * MARGIN + unit + boundaries.columns % unit


def _slope(normalization: object, window: torch.Tensor) -> torch.Tensor:
    """Physical units for a unit of the normalised field, at every point."""
    x = window.double().requires_grad_()
    (slope,) = torch.autograd.grad(normalization.normalize(x).sum(), x)  # type: ignore[attr-defined]
    return (1 / slope).float()


def _cut(values: NDArray[np.float32], top: int, columns: slice, size: int) -> NDArray[np.float32]:
    """Part of a window (channel, rows, columns); rows beyond the grid and columns beyond the window are missing."""
    rows = np.arange(top, top + size)
    across = np.arange(columns.start, columns.stop)
    inside = np.ix_((rows >= 0) & (rows < values.shape[1]), (across >= 0) & (across < values.shape[2]))
    part = np.full((values.shape[0], size, size), np.nan, dtype=np.float32)
    part[(slice(None), *inside)] = values[:, rows[inside[0].ravel()]][:, :, across[inside[1].ravel()]]
    return part
