"""Vorticity and divergence of what other packages hand over: plain arrays, or winds under their names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.derive import vorticity_divergence

FIELDS = ("vorticity", "divergence")


def dynamics_of(variables: Mapping[Hashable, xr.DataArray], winds: Sequence[str]) -> xr.Dataset:
    """Return vorticity and divergence: as they are, or derived from two winds of these names.

    Parameters
    ----------
    variables : mapping of str to xarray.DataArray
        Over latitude, longitude and any other dimensions.
    winds : sequence of str
        Names of the eastward and northward wind.

    Raises
    ------
    UserError
        Neither is there.
    """
    if all(name in variables for name in FIELDS):
        return xr.Dataset({name: variables[name] for name in FIELDS})
    missing = [name for name in winds if name not in variables]
    if missing:
        raise UserError(
            f"Expected vorticity and divergence, or {' and '.join(winds)}, found {', '.join(map(str, variables)) or 'nothing'};"
            " name the winds with the argument winds."
        )
    return vorticity_divergence(*(variables[name] for name in winds))


def dynamics_of_array(
    values: Any, dims: Sequence[str], coordinates: Mapping[str, Any], names: Sequence[str]
) -> xr.Dataset:
    """Return vorticity and divergence [s-1] of an array with a dimension ``variable``.

    Parameters
    ----------
    values : array
        Over ``dims``, which hold ``variable``, ``latitude`` and ``longitude``.
    coordinates : mapping
        Labels of dimensions; those of ``variable`` are names.
    names : sequence of str
        Of the two variables: winds [m s-1], or vorticity and divergence.
    """
    array = xr.DataArray(np.asarray(values), dims=dims, coords=coordinates)
    present = [str(name) for name in array["variable"].values]
    missing = [name for name in names if name not in present]
    if missing:
        raise UserError(
            f"Expected the variables {' and '.join(names)}, found {', '.join(present)}; name two of these."
        )
    pair: dict[Hashable, xr.DataArray] = {name: array.sel(variable=name, drop=True) for name in names}
    return dynamics_of(pair, names)
