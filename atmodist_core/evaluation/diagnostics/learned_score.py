"""The learned distance as a score, with the arguments of the package ``scores``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError

Dims = str | Iterable[str] | None
_HORIZONTAL = ("latitude", "longitude")


def atmodist(
    fcst: xr.Dataset,
    obs: xr.Dataset,
    *,
    reduce_dims: Dims = None,
    preserve_dims: Dims = None,
    weights: xr.DataArray | None = None,
    distance: Any = "atmodist-23",
    layer: str | None = None,
) -> xr.DataArray:
    """Return AtmoDist between forecasts and observations as a score.

    Parameters
    ----------
    fcst : xarray.Dataset
        Vorticity and divergence over latitude and longitude and any other dimensions, such as time, lag or ``member``.
    obs : xarray.Dataset
        The same on the same grid, over some of these dimensions. Labels that both have are matched, the others are left out.
    reduce_dims, preserve_dims : str or iterable of str, optional
        Of the dimensions besides latitude and longitude, those that are averaged, or those that are kept ("all" for all); give
        one of the two at most. By default all are averaged. Latitude and longitude are always averaged, by area.
    weights : xarray.DataArray, optional
        Weights over some of the dimensions; missing ones count as zero.
    distance : str or AtmoDist
        Name or folder of a distance network, or one that :func:`atmodist_core.load_distance` has loaded.
    layer : str, optional
        Layer of the network; the last by default.

    Returns
    -------
    xarray.DataArray
        Dimensionless; 0 for equal fields, smaller is better.

    Raises
    ------
    UserError
        If both ways of choosing dimensions are used, one is unknown, no label is shared, or the fields do not fit.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 2))
    >>> float(atmodist(demo, demo))
    0.0
    """
    from atmodist_core.inference.atmodist import load_distance

    network = load_distance(distance) if isinstance(distance, str) else distance
    found = distance_per_state(network, fcst, obs, layer=layer)
    averaged = averaged_dimensions([str(axis) for axis in found.dims], reduce_dims, preserve_dims)
    found = weighted_mean(found, averaged, weights)
    found.attrs = {"units": "1", "long_name": f"AtmoDist of {network.name}"}
    return found


def distance_per_state(
    network: Any, fcst: xr.Dataset, obs: xr.Dataset, *, layer: str | None = None
) -> xr.DataArray:
    """Return the distance of every forecast to its observation, over all their dimensions but latitude and longitude.

    An observation that several forecasts share, such as the members of an ensemble, is encoded once.
    """
    names = list(network.card.channels)
    missing = [name for name in names for each in (fcst, obs) if name not in each]
    if missing:
        raise UserError(
            f"Expected forecasts and observations of {' and '.join(names)}, found no {missing[0]} in one of them; derive both "
            "from the wind with vorticity_divergence."
        )
    fcst, obs = xr.align(fcst[names], obs[names], join="inner", exclude=_HORIZONTAL)
    dims = [_leading(each) for each in (fcst, obs)]
    empty = [axis for each in (fcst, obs) for axis in _leading(each) if not each.sizes[axis]]
    if empty:
        raise UserError(
            f"Expected forecasts and observations with common labels of {empty[0]}, found none; select or shift them first."
        )
    shared = [axis for axis in dims[0] if axis in dims[1]]
    only = [[axis for axis in each if axis not in shared] for each in dims]
    if all(only):
        raise UserError(
            f"Expected observations over dimensions of the forecasts, found {only[1][0]} in the observations alone and "
            f"{only[0][0]} in the forecasts alone; select one value of either."
        )
    extra = only[0] or only[1]
    sizes = {axis: (fcst if axis in fcst.dims else obs).sizes[axis] for axis in (*shared, *extra)}
    first, second = (_stacked(each, shared, extra) for each in (fcst, obs))
    if extra:
        states = range(first.sizes["_shared"])
        values = np.stack([_distances(network, first, second, layer, _shared=n) for n in states])
    else:
        values = _distances(network, first, second, layer, _extra=0)
    coordinates = {axis: each[axis] for each in (obs, fcst) for axis in _leading(each) if axis in each.coords}
    return xr.DataArray(
        np.asarray(values).reshape(tuple(sizes.values())),
        dims=tuple(sizes),
        coords=coordinates,
        name="atmodist",
    )


def _leading(fields: xr.Dataset) -> list[str]:
    """Dimensions besides latitude and longitude, in order."""
    found: dict[str, None] = {}
    for array in fields.data_vars.values():
        found.update(dict.fromkeys(str(axis) for axis in array.dims if axis not in _HORIZONTAL))
    return list(found)


def _stacked(fields: xr.Dataset, shared: list[str], extra: list[str]) -> xr.Dataset:
    """Fields over (_shared, _extra, latitude, longitude): the shared dimensions as one, the others as another."""
    fields = fields.drop_vars([name for name in fields.coords if name not in _HORIZONTAL])
    for name, dims in (("_shared", shared), ("_extra", [axis for axis in extra if axis in fields.dims])):
        fields = fields.stack({name: dims}, create_index=False) if dims else fields.expand_dims(name)
    return fields.transpose("_shared", "_extra", *_HORIZONTAL)


def _distances(
    network: Any, first: xr.Dataset, second: xr.Dataset, layer: str | None, **place: int
) -> np.ndarray:
    """Distances along the dimension that is left when one place of the other is taken."""
    pair = (each.isel(place) for each in (first, second))
    series = (
        each.rename({axis: "time" for axis in ("_shared", "_extra") if axis in each.dims}) for each in pair
    )
    return np.asarray(network.distance(*series, layer=layer).values)


def averaged_dimensions(there: list[str], reduce_dims: Dims, preserve_dims: Dims) -> list[str]:
    """Return which dimensions are averaged, by the rules of the package ``scores``."""
    if reduce_dims is not None and preserve_dims is not None:
        raise UserError("Expected reduce_dims or preserve_dims, found both; give one of them.")
    given = preserve_dims if preserve_dims is not None else reduce_dims
    if given is None or given == "all":
        chosen = there
    else:
        chosen = [given] if isinstance(given, str) else list(given)
    for name in chosen:
        if name not in there:
            raise UserError(
                f"Expected dimensions among {', '.join(there)}, found {name!r}; choose among these."
            )
    return chosen if preserve_dims is None else [name for name in there if name not in chosen]


def weighted_mean(values: xr.DataArray, averaged: list[str], weights: xr.DataArray | None) -> xr.DataArray:
    """Return a mean over some dimensions; without any, values stay as they are, with weights too."""
    if weights is None or not averaged:
        return values.mean(averaged)
    return values.weighted(weights.fillna(0.0)).mean(averaged)
