"""ERA5 and its preliminary form ERA5T, which the Climate Data Store distinguishes by ``expver``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError

FINAL, PRELIMINARY = 1, 5
"""Experiment versions: 1 is ERA5, 5 is ERA5T, which ERA5 replaces about three months later."""


def merge_expver(array: xr.DataArray, variable: str, note: Callable[[str], None]) -> xr.DataArray:
    """Return a field without ``expver``: ERA5 filled with ERA5T where a file holds both, which is noted."""
    if "expver" in array.dims:
        if "expver" not in array.coords:
            raise UserError(
                f"Dimension 'expver' of '{variable}' has no values, where 1 (ERA5) and 5 (ERA5T) were "
                "expected; add them."
            )
        versions = [_version(value) for value in array["expver"].values]
        unknown = [value for value in versions if value not in (FINAL, PRELIMINARY)]
        if unknown or len(set(versions)) != len(versions):
            raise UserError(
                f"Dimension 'expver' of '{variable}' holds {versions}, where 1 (ERA5) and 5 (ERA5T) were "
                "expected; select one version first."
            )
        if len(versions) == 1:
            return array.isel(expver=0, drop=True)
        final = array.isel(expver=versions.index(FINAL), drop=True)
        preliminary = array.isel(expver=versions.index(PRELIMINARY), drop=True)
        note(
            "ERA5 (expver 1) and preliminary ERA5T (expver 5) were merged: ERA5 where it has values, else "
            "ERA5T"
        )
        # Both arrays may be lazily indexed, so dask must take over before values are compared.
        if not final.chunks:
            final, preliminary = final.chunk(), preliminary.chunk()
        return final.fillna(preliminary)
    if "expver" in array.coords:
        versions = sorted({_version(value) for value in np.atleast_1d(array["expver"].values)})
        if versions == [PRELIMINARY]:
            note("all times are preliminary ERA5T (expver 5)")
        elif len(versions) > 1:
            note(
                f"times are a mixture of experiment versions {', '.join(map(str, versions))} (1 is ERA5, 5 "
                "is ERA5T)"
            )
        return array.drop_vars("expver")
    return array


def _version(value: object) -> int | str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    try:
        return int(float(text))
    except ValueError:
        return text
