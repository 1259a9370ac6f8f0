r"""ECMWF's spherical-harmonic coefficients, as in GRIB and ARCO-ERA5, in our form and back.

ECMWF writes a field as :math:`\sum_m \sum_n X_n^m \bar P_n^m(\sin\phi) e^{im\lambda}`, where the mean of
squared :math:`\bar P_n^m` over :math:`\sin\phi` is 1, without the Condon-Shortley phase: :math:`X_0^0` is the
mean over the globe, and the mean square is :math:`\sum_n |X_n^0|^2 + 2\sum_{m>0,n} |X_n^m|^2`. Only m >= 0 is
stored: m outer, n from m to T inner, real and imaginary parts in turn (ecCodes GRIB FAQ, "How to access the
data values of a spherical harmonic field in GRIB"). Ours are orthonormal on the unit sphere, which makes them
larger by :math:`\sqrt{4\pi}`. Order, norm and phase were checked against CDO's expansion (sp2gpl) of a
forecast of the IFS: see the tests.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.coordinates import LATITUDE_ATTRS, LONGITUDE_ATTRS
from atmodist_core.fields.derive import refuse_missing
from atmodist_core.fields.open.detect import Note

_NORM = math.sqrt(4.0 * math.pi)
GRID = "driscoll-healy"
"""Coefficients up to T are expanded on the grid of 2 (T + 1) x 4 (T + 1) points that carries exactly these:
1280 x 2560 for T639, as in the AtmoDist papers."""


def truncation_of(value_count: int) -> int:
    """Return the truncation T of a field of (T + 1)(T + 2) numbers.

    Examples
    --------
    >>> truncation_of(410240)
    639
    """
    truncation = (math.isqrt(4 * value_count + 1) - 3) // 2
    if value_count < 2 or (truncation + 1) * (truncation + 2) != value_count:
        raise UserError(
            "Expected (T + 1)(T + 2) coefficients of a triangular truncation (410240 for T639), found "
            f"{value_count} along 'values'; a reduced Gaussian grid must be regridded to latitude and "
            "longitude first."
        )
    return truncation


def ecmwf_to_coefficients(values: np.ndarray, truncation: int | None = None) -> np.ndarray:
    """Return coefficients in the order and norm of this package, from those of ECMWF.

    Parameters
    ----------
    values : numpy.ndarray, shape (..., (T + 1) * (T + 2))
        As in GRIB: m outer, n inner, real and imaginary parts in turn.
    truncation : int, optional
        T; default: from the number of values.

    Returns
    -------
    numpy.ndarray, shape (..., T + 1, T + 1)
        Complex, [degree, order], orthonormal on the unit sphere, no Condon-Shortley phase; zero for order >
        degree.

    Raises
    ------
    UserError
        The number of values does not fit a triangular truncation, or not the given one.
    """
    values = np.asarray(values)
    found = truncation_of(values.shape[-1])
    if truncation is not None and truncation != found:
        raise UserError(
            f"Expected {(truncation + 1) * (truncation + 2)} coefficients for T{truncation}, found "
            f"{values.shape[-1]}, which is T{found}; give the truncation of the data."
        )
    single = values.dtype == np.float32
    order, degree = np.triu_indices(found + 1)  # m outer, n inner
    kind = np.complex64 if single else np.complex128
    result = np.zeros((*values.shape[:-1], found + 1, found + 1), dtype=kind)
    parts = (values if single else values.astype(np.float64)) * _NORM
    result.real[..., degree, order], result.imag[..., degree, order] = parts[..., 0::2], parts[..., 1::2]
    # The imaginary part of a zonal coefficient has no meaning; packing may leave noise there.
    result[..., :, 0].imag = 0.0
    return result


def coefficients_to_ecmwf(coefficients: np.ndarray) -> np.ndarray:
    """Return ECMWF's form (..., (T + 1) * (T + 2)) of coefficients: the inverse of `ecmwf_to_coefficients`.

    float32 from complex64, else float64.
    """
    coefficients = np.asarray(coefficients)
    if coefficients.ndim < 2 or coefficients.shape[-1] != coefficients.shape[-2]:
        raise UserError(f"Expected coefficients of shape (..., T + 1, T + 1), found {coefficients.shape}.")
    order, degree = np.triu_indices(coefficients.shape[-1])
    packed = coefficients[..., degree, order] / _NORM
    kind = np.float32 if coefficients.dtype == np.complex64 else np.float64
    result = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), dtype=kind)
    result[..., 0::2], result[..., 1::2] = packed.real, packed.imag
    return result


def synthesise(coefficients: xr.DataArray, name: str, note: Note) -> xr.DataArray:
    """Return the lazy field of ECMWF coefficients, (time, values), as float32 (time, latitude, longitude)."""
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
