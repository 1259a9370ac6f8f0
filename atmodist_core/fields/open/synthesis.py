"""Fields from spherical-harmonic coefficients, one time at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from atmodist_core.fields.canonical.coordinates import LATITUDE_ATTRS, LONGITUDE_ATTRS
from atmodist_core.fields.derive import refuse_missing
from atmodist_core.fields.open.ecmwf_coefficients import ecmwf_to_coefficients, truncation_of

GRID = "driscoll-healy"
"""Coefficients up to T are shown on the grid of 2 (T + 1) x 4 (T + 1) points that carries exactly these: 1280
x 2560 for T639, as in the AtmoDist papers."""


def synthesise(coefficients: xr.DataArray, name: str, note: Callable[[str], None]) -> xr.DataArray:
    """Lazy field of ECMWF coefficients.

    Parameters
    ----------
    coefficients : xarray.DataArray
        Dimensions (time, values), dask-backed, in ECMWF's order and norm.
    name : str
        Name of the field, for sentences.
    note : callable
        Receives a sentence that tells the grid.

    Returns
    -------
    xarray.DataArray
        float32, dimensions (time, latitude, longitude), one chunk per time.
    """
    import dask.array as da

    from atmodist_core.harmonics.grids import colatitudes

    truncation = truncation_of(coefficients.sizes["values"])
    rows = 2 * (truncation + 1)
    columns = 2 * rows
    data = coefficients.chunk({"time": 1, "values": -1}).data
    fields = da.map_blocks(
        partial(_synthesise_block, name, rows, columns),
        data,
        dtype=np.float32,
        drop_axis=1,
        new_axis=(1, 2),
        chunks=(data.chunks[0], (rows,), (columns,)),
        meta=np.empty((0, 0, 0), np.float32),
    )
    note(
        f"T{truncation} coefficients were expanded to their Driscoll-Healy grid of {rows} x {columns} points."
    )
    return xr.DataArray(
        fields,
        dims=("time", "latitude", "longitude"),
        coords={
            "time": coefficients["time"],
            "latitude": ("latitude", 90.0 - np.rad2deg(colatitudes(rows, GRID)), LATITUDE_ATTRS),
            "longitude": ("longitude", np.arange(columns) * (360.0 / columns), LONGITUDE_ATTRS),
        },
    )


def _synthesise_block(name: str, rows: int, columns: int, values: np.ndarray) -> np.ndarray:
    """Fields, shape (time, rows, columns), of coefficients, shape (time, values)."""
    import torch

    from atmodist_core.harmonics import get_transform

    truncation = truncation_of(values.shape[-1])
    refuse_missing(values, values, (f"the coefficients of {name}",) * 2)
    transform = get_transform(rows, columns, truncation, GRID, dtype=torch.float32)
    coefficients = ecmwf_to_coefficients(values.astype(np.float32), truncation)
    with torch.inference_mode():
        return transform.synthesis(torch.from_numpy(coefficients)).numpy()
