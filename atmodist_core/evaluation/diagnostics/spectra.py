"""Spectra of the globe over total wavenumber.

References
----------
Lambert, S. J., 1984: A global available potential energy-kinetic energy budget in terms of the
two-dimensional wavenumber for the FGGE year. Atmos.-Ocean 22, 265-282 (kinetic energy from vorticity and
divergence).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.evaluation.geometry import (
    field_values,
    grid_spacing_km,
    horizontal_fields,
    squared_units,
    time_batches,
    time_values,
)
from atmodist_core.harmonics.global_transform import GlobalTransform

TIMES_AT_ONCE = 8
"""Times transformed together: enough to fill the matrix units, few enough to bound memory."""


class SphericalPower:
    """Area-mean square per total wavenumber of fields on the global grid of ``ds``.

    ``truncation``, the last total wavenumber, is by default the largest that the grid carries. Raises ``UserError`` for a
    limited area, or a truncation beyond what the grid carries.
    """

    def __init__(self, ds: xr.Dataset, truncation: int | None = None) -> None:
        self._transform = GlobalTransform(ds, truncation)
        self.truncation = self._transform.truncation

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the power ``(..., truncation + 1)`` of fields ``(..., latitude, longitude)``, units squared.

        ``sum_m |f_lm|^2 / (4 pi)`` over all orders -l ... l in float64; its sum over l is the area mean of the square of the
        field (for a field within the truncation).
        """
        return self._transform.power(values) / (4 * np.pi)


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

    Notes
    -----
    Lambert (1984); the AtmoDist papers use the same sum over m. A grid that lacks only the row of the south
    pole is closed there, see :class:`SphericalPower`. Memory does not grow with the period beyond the
    result: eight times are transformed together.
    """
    names = horizontal_fields(ds)
    power_of = SphericalPower(ds, truncation)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for part in time_batches(ds[names], TIMES_AT_ONCE):
        values = np.stack([field_values(part, name, dtype=np.float32) for name in names])
        for name, power in zip(names, power_of(values), strict=True):
            parts[name].append(power)
    spectra = {name: np.concatenate(powers) for name, powers in parts.items()}
    if {"vorticity", "divergence"} <= spectra.keys():
        factor = kinetic_energy_factor(power_of.truncation)
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
                np.arange(power_of.truncation + 1),
                {"units": "1", "long_name": "total wavenumber"},
            ),
            "wavelength_km": (
                "total_wavenumber",
                wavelength_km(power_of.truncation),
                {"units": "km", "long_name": "wavelength"},
            ),
        },
        attrs={
            "transform": "spherical harmonics",
            "normalisation": "power per degree: all degrees together sum to the area mean of the square",
            "truncation": power_of.truncation,
            "nyquist_wavelength_km": 2 * grid_spacing_km(ds)[0],
        },
    )
