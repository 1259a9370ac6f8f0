"""Spectra of any global field over total wavenumber, with the arguments of the package ``scores``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.learned_score import Dims, averaged_dimensions, weighted_mean
from atmodist_core.evaluation.diagnostics.spectra import TIMES_AT_ONCE, SphericalPower, wavelength_km
from atmodist_core.evaluation.geometry import squared_units
from atmodist_core.fields.canonical.coordinates import canonical_axes, name_horizontal_axes

_HORIZONTAL = ("latitude", "longitude")


def global_spectrum(
    da: xr.DataArray,
    *,
    reduce_dims: Dims = None,
    preserve_dims: Dims = None,
    weights: xr.DataArray | None = None,
    truncation: int | None = None,
) -> xr.DataArray:
    """Return the power per total wavenumber of a field of the globe.

    ``S(l) = 1/(4 pi) sum_{m=-l}^{l} |f_lm|^2`` with coefficients in harmonics that are orthonormal on the unit sphere, so that
    ``sum_l S(l)`` is the area mean of the square (Parseval). The spectrum of each state is computed first, then the mean.

    Parameters
    ----------
    da : xarray.DataArray
        Any field over latitude and longitude (``lat`` and ``lon`` too, in any order) and any other dimensions.
    reduce_dims, preserve_dims : str or iterable of str, optional
        Of the other dimensions, those that are averaged, or those that are kept ("all" for all); give one of the two at most.
        By default all are averaged.
    weights : xarray.DataArray, optional
        Weights over some of the other dimensions; missing ones count as zero.
    truncation : int, optional
        Last total wavenumber; by default the largest that the grid carries.

    Returns
    -------
    xarray.DataArray
        [units of the field squared], float64, over the dimensions that are kept and ``total_wavenumber``, with the coordinate
        ``wavelength_km = 2 pi a / sqrt(l (l + 1))`` [km].

    Raises
    ------
    UserError
        For a limited area, missing values, or a dimension that does not exist.

    Notes
    -----
    Lambert (1984), Atmos.-Ocean 22, 265-282. For the kinetic energy see `energy_spectrum`.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 2))
    >>> spectrum = global_spectrum(demo.vorticity, preserve_dims="time")
    >>> spectrum.dims, spectrum.attrs["units"]
    (('time', 'total_wavenumber'), 's-2')
    """
    if not isinstance(da, xr.DataArray):
        raise UserError(f"Expected an xarray.DataArray, found {type(da).__name__}; select one variable.")
    name = str(da.name or "the field")
    field = canonical_axes(name_horizontal_axes(da, name), name, lambda _: None)
    other = [str(axis) for axis in field.dims if axis not in _HORIZONTAL]
    averaged = averaged_dimensions(other, reduce_dims, preserve_dims)
    field = field.transpose(*other, *_HORIZONTAL)
    power_of = SphericalPower(field.to_dataset(name="field"), truncation)
    flat = field.stack(_state=other, create_index=False) if other else field.expand_dims("_state")
    flat = flat.transpose("_state", *_HORIZONTAL)
    parts = []
    for start in range(0, flat.sizes["_state"], TIMES_AT_ONCE):
        values = np.asarray(flat[start : start + TIMES_AT_ONCE].values, dtype=np.float64)
        if not np.isfinite(values).all():
            raise UserError(
                f"Expected {name} without gaps for a spectrum, found missing values; choose a period without them."
            )
        parts.append(power_of(values))
    spectrum = xr.DataArray(
        np.concatenate(parts).reshape(*(field.sizes[axis] for axis in other), -1),
        dims=(*other, "total_wavenumber"),
        coords={
            **{axis: field[axis] for axis in other if axis in field.coords},
            "total_wavenumber": np.arange(power_of.truncation + 1),
            "wavelength_km": (
                "total_wavenumber",
                wavelength_km(power_of.truncation),
                {"units": "km", "long_name": "wavelength"},
            ),
        },
        name=f"{da.name or 'field'}_power",
    )
    result = weighted_mean(spectrum, averaged, weights)
    result.attrs = {
        "units": squared_units(da.attrs.get("units")),
        "long_name": f"mean square of {name.replace('_', ' ')} per total wavenumber",
    }
    return result
