"""The learned distance as a score, with the arguments of the package ``scores``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xarray as xr

from atmodist_core.common.errors import UserError

Dims = str | Iterable[str] | None


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
        Vorticity and divergence over time, latitude and longitude, and ``member`` for an ensemble.
    obs : xarray.Dataset
        The same on the same grid, without members.
    reduce_dims, preserve_dims : str or iterable of str, optional
        Of ``time`` and ``member``, those that are averaged, or those that are kept ("all" for all); give one of the two at most.
        By default all are averaged. Latitude and longitude are always averaged, by area.
    weights : xarray.DataArray, optional
        Weights over ``time``, ``member`` or both.
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
        If both ways of choosing dimensions are used, one is unknown, or the fields do not fit.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 2))
    >>> float(atmodist(demo, demo))
    0.0
    """
    from atmodist_core.inference.atmodist import load_distance

    network = load_distance(distance) if isinstance(distance, str) else distance
    members = (
        [fcst] if "member" not in fcst.dims else [fcst.isel(member=n) for n in range(fcst.sizes["member"])]
    )
    parts = [network.distance(member, obs, layer=layer) for member in members]
    if "member" in fcst.dims:
        found = xr.concat(parts, fcst["member"] if "member" in fcst.coords else "member")
    else:
        found = parts[0]
    averaged = _averaged([str(axis) for axis in found.dims], reduce_dims, preserve_dims)
    found = (found if weights is None else found.weighted(weights.fillna(0.0))).mean(averaged)
    found.attrs = {"units": "1", "long_name": f"AtmoDist of {network.name}"}
    return found


def _averaged(there: list[str], reduce_dims: Dims, preserve_dims: Dims) -> list[str]:
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
