"""Spectra of the globe over total wavenumber.

References ---------- Lambert, S. J., 1984: A global available potential energy-kinetic energy budget in terms
of the two-dimensional wavenumber. Atmos.-Ocean 22, 265-282 (kinetic energy from vorticity and divergence).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.constants import EARTH_RADIUS_M
from atmodist_core.errors import UserError
from atmodist_core.evaluation.geometry import (
    field_values,
    grid_spacing_km,
    horizontal_fields,
    is_global_grid,
    squared_units,
    time_batches,
    time_values,
)

if TYPE_CHECKING:
    from atmodist_core.harmonics import SphericalHarmonicTransform

TIMES_AT_ONCE = 8
"""Times transformed together: enough to fill the matrix units, few enough to bound memory."""


def transform_of(ds: xr.Dataset, truncation: int | None = None) -> SphericalHarmonicTransform:
    """Spherical-harmonic transform of the global grid of ``ds``.

    Parameters
    ----------
    ds : xarray.Dataset
        On a global grid.
    truncation : int, optional
        Last total wavenumber; by default the largest that the grid carries.

    Returns
    -------
    SphericalHarmonicTransform

    Raises
    ------
    UserError
        For a limited area, or a truncation beyond what the grid carries.
    """
    from atmodist_core.harmonics import get_transform
    from atmodist_core.harmonics.grids import grid_of_latitudes, maximum_truncation

    if not is_global_grid(ds):
        raise UserError(
            f"Expected the whole globe for a spectrum over total wavenumber, found {_area(ds)}; "
            "use regional_spectrum for a limited area."
        )
    rows, columns = ds.sizes["latitude"], ds.sizes["longitude"]
    grid = grid_of_latitudes(ds["latitude"].values)
    assert grid is not None  # is_global_grid has said so
    largest = maximum_truncation(rows, columns, grid)
    if truncation is None:
        truncation = largest
    elif not 1 <= truncation <= largest:
        raise UserError(
            f"Expected a truncation from 1 to {largest} on this {rows} x {columns} grid, found {truncation}; "
            "leave it out for the largest."
        )
    return get_transform(rows, columns, truncation, grid)


def _area(ds: xr.Dataset) -> str:
    latitude, longitude = ds["latitude"].values, ds["longitude"].values
    if not latitude.size or not longitude.size:
        return "no points at all"
    return f"latitudes {latitude.min():g} to {latitude.max():g} and longitudes {longitude.min():g} to "
    f"{longitude.max():g}"


def spherical_power(values: np.ndarray, transform: SphericalHarmonicTransform) -> np.ndarray:
    """Area-mean square of a field per total wavenumber.

    Parameters
    ----------
    values : numpy.ndarray, shape ``(..., latitude, longitude)``
        Field on the grid of ``transform``.
    transform : SphericalHarmonicTransform

    Returns
    -------
    numpy.ndarray, shape ``(..., truncation + 1)``
        ``sum_m |f_lm|^2 / (4 pi)`` over all orders -l ... l in float64; its sum over l is the area mean of
        the square of the field (for a field within the truncation). Units of ``values`` squared.
    """
    import torch

    from atmodist_core.harmonics import power_per_degree

    with torch.inference_mode():
        field = torch.from_numpy(np.ascontiguousarray(values)).to(
            dtype=transform.dtype, device=transform.device
        )
        coefficients = transform.analysis(field)
        return power_per_degree(coefficients).double().cpu().numpy() / (4 * np.pi)


@lru_cache(maxsize=16)
def kinetic_energy_factor(truncation: int) -> np.ndarray:
    """``a^2 / (2 l (l + 1))`` [m2] for l = 0 ... truncation, zero at l = 0; shape ``(truncation + 1,)``."""
    degree = np.arange(truncation + 1, dtype=np.float64)
    factor = np.zeros(truncation + 1)
    factor[1:] = EARTH_RADIUS_M**2 / (2 * degree[1:] * (degree[1:] + 1))
    factor.flags.writeable = False
    return factor


def wavelength_km(truncation: int) -> np.ndarray:
    """``2 pi a / sqrt(l (l + 1))`` [km] for l = 0 ... truncation, infinite at l = 0."""
    degree = np.arange(truncation + 1, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return 2 * np.pi * EARTH_RADIUS_M / 1000 / np.sqrt(degree * (degree + 1))


def energy_spectrum(ds: xr.Dataset, *, truncation: int | None = None) -> xr.Dataset:
    """Spectra of the fields of the globe and of the kinetic energy, over total wavenumber.

    With coefficients zeta_lm and delta_lm of vorticity and divergence in harmonics that are orthonormal on
    the unit sphere, ``E(l) = 1/(4 pi) a^2 / (2 l (l + 1)) sum_{m=-l}^{l} (|zeta_lm|^2 + |delta_lm|^2)``; the
    factor 1/(4 pi) turns the integral over the unit sphere into an area mean, so that (Parseval) ``sum_l
    E(l)`` is the area mean of ``(u^2 + v^2) / 2``, and the sum of the spectrum of a field, ``1/(4 pi) sum_m
    |f_lm|^2``, is the area mean of its square.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields on a global grid. Every variable over latitude and longitude gets a spectrum; the
        kinetic energy needs ``vorticity`` and ``divergence`` [s-1].
    truncation : int, optional
        Last total wavenumber; by default the largest that the grid carries.

    Returns
    -------
    xarray.Dataset
        ``kinetic_energy`` [m2 s-2] and one variable per field [units squared], float64, over
        ``(time, total_wavenumber)``; coordinate ``wavelength_km = 2 pi a / sqrt(l (l + 1))``.

    Raises
    ------
    UserError
        For a limited area (use :func:`regional_spectrum`), unknown latitudes, or gaps in the data.

    Notes ----- Lambert (1984); the AtmoDist papers use the same sum over m. Memory does not grow with the
    period beyond the result: eight times are transformed together.
    """
    names = horizontal_fields(ds)
    transform = transform_of(ds, truncation)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for part in time_batches(ds[names], TIMES_AT_ONCE):
        values = np.stack([field_values(part, name, dtype=np.float32) for name in names])
        for name, power in zip(names, spherical_power(values, transform), strict=True):
            parts[name].append(power)
    spectra = {name: np.concatenate(powers) for name, powers in parts.items()}
    if {"vorticity", "divergence"} <= spectra.keys():
        factor = kinetic_energy_factor(transform.truncation)
        spectra = {"kinetic_energy": factor * (spectra["vorticity"] + spectra["divergence"]), **spectra}
    attributes: dict[str, dict[str, Any]] = {
        name: {
            "long_name": f"mean square of {name.replace('_', ' ')} per total wavenumber",
            "units": squared_units(ds[name].attrs.get("units")),
        }
        for name in names
    }
    attributes["kinetic_energy"] = {
        "long_name": "kinetic energy per mass and total wavenumber",
        "units": "m2 s-2",
    }
    return xr.Dataset(
        {name: (("time", "total_wavenumber"), values, attributes[name]) for name, values in spectra.items()},
        coords={
            "time": time_values(ds),
            "total_wavenumber": (
                "total_wavenumber",
                np.arange(transform.truncation + 1),
                {"units": "1", "long_name": "total wavenumber"},
            ),
            "wavelength_km": (
                "total_wavenumber",
                wavelength_km(transform.truncation),
                {"units": "km", "long_name": "wavelength"},
            ),
        },
        attrs={
            "transform": "spherical harmonics",
            "normalisation": "power per degree: all degrees together sum to the area mean of the square",
            "truncation": transform.truncation,
            "nyquist_wavelength_km": 2 * grid_spacing_km(ds)[0],
        },
    )
