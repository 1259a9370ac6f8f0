"""Power that a prediction has where the coarse grid has none."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.regional_spectra import CosineModes, cosine_power, modes_of
from atmodist_core.evaluation.diagnostics.spectra import SphericalPower, kinetic_energy_factor
from atmodist_core.evaluation.geometry import (
    field_values,
    grid_spacing_km,
    horizontal_fields,
    is_global_grid,
    time_batches,
    time_values,
    truth_at_points_of,
)


def coarse_nyquist_wavelength_km(ds: xr.Dataset, factor: int) -> float:
    """Shortest wavelength [km] that a grid ``factor`` times coarser than that of ``ds`` carries.

    Twice the coarse spacing, of the two directions the larger. On the globe that is the degree ``180 / coarse
    spacing in degrees``: 90 for 0.5 degrees and a factor of 4.
    """
    require_factor(factor)
    if is_global_grid(ds):
        return 2 * np.pi * EARTH_RADIUS_M / 1000 / nyquist_degree(ds["latitude"].values, factor)
    return 2 * factor * max(grid_spacing_km(ds))


def nyquist_degree(latitude: np.ndarray, factor: int) -> float:
    """Total wavenumber ``180 / (factor * spacing in degrees)``, the last that the coarse globe carries."""
    spacing = abs(float(latitude[-1]) - float(latitude[0])) / (len(latitude) - 1)
    # Rounded: 90.00000001 must not be less than degree 90.
    return round(180 / (factor * spacing), 4)


def require_factor(factor: int) -> None:
    """Raise a UserError unless the factor is a whole number above one."""
    if not isinstance(factor, int | np.integer) or isinstance(factor, bool) or factor < 2:
        raise UserError(
            f"Expected a whole downscaling factor of 2 or more, found {factor!r}; use the model's, often 4."
        )


@lru_cache(maxsize=16)
def _high_modes(modes: CosineModes, nyquist_km: float) -> np.ndarray:
    """Weights 1 for modes shorter than the Nyquist wavelength, else 0; shape ``(rows, columns)``."""
    # A relative hair, so that a mode exactly at the Nyquist wavelength counts as carried.
    limit = (2 * np.pi / (1000 * nyquist_km)) ** 2 * (1 + 1e-9)
    return (modes.squared_wavenumber > limit).astype(np.float64)


class HighWavenumberPower:
    """Power beyond the coarse Nyquist wavenumber of fields on the grid of ``ds``.

    The attribute ``transform`` is ``"spherical harmonics"`` on the globe, ``"discrete cosine transform"`` on a limited
    area; only waves shorter than ``wavelength_km``, the coarse Nyquist wavelength, count.
    """

    def __init__(self, ds: xr.Dataset, factor: int) -> None:
        self.wavelength_km = coarse_nyquist_wavelength_km(ds, factor)
        self._spherical = SphericalPower(ds) if is_global_grid(ds) else None
        self._energy_weights: np.ndarray
        if self._spherical is not None:
            self.transform = "spherical harmonics"
            truncation = self._spherical.truncation
            beyond = np.arange(truncation + 1) > nyquist_degree(ds["latitude"].values, factor)
            self._weights = beyond.astype(np.float64)
            self._energy_weights = self._weights * kinetic_energy_factor(truncation)
        else:
            self.transform = "discrete cosine transform"
            modes, _, inverse_squared = modes_of(ds)
            self._weights = _high_modes(modes, self.wavelength_km)
            self._energy_weights = 0.5 * self._weights * inverse_squared
        if not self._weights.any():
            raise UserError(
                f"Expected a grid that carries more than one {factor} times coarser, found none of its "
                f"waves shorter "
                f"than {self.wavelength_km:.0f} km; choose a larger region."
            )

    def power(self, values: np.ndarray) -> np.ndarray:
        """Return the power per total wavenumber on the globe, per cosine mode on a limited area."""
        return cosine_power(values) if self._spherical is None else self._spherical(values)

    def beyond(self, power: np.ndarray) -> np.ndarray:
        """Return the part of such power beyond the coarse Nyquist wavenumber, shape ``(...)``."""
        return (power * self._weights).sum(axis=tuple(range(-self._weights.ndim, 0)))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the power (units squared, shape ``(...)``) of fields ``(..., latitude, longitude)``."""
        return self.beyond(self.power(values))

    def kinetic_energy(self, vorticity: np.ndarray, divergence: np.ndarray) -> np.ndarray:
        """Return the kinetic energy [m2 s-2] of fields [s-1] of shape ``(..., latitude, longitude)``."""
        axes = tuple(range(-self._weights.ndim, 0))
        return ((self.power(vorticity) + self.power(divergence)) * self._energy_weights).sum(axis=axes)


def high_wavenumber_energy_ratio(prediction: xr.Dataset, truth: xr.Dataset, factor: int) -> xr.Dataset:
    """Return the power beyond the coarse Nyquist wavenumber, divided by that of the truth.

    One says that the prediction has as much small-scale variance as the truth (not that it lies at the right
    place); interpolation stays well below one. All waves count that are shorter than twice the coarse
    spacing, the larger of its two directions: on the globe by spherical harmonics, the degrees above 180 /
    (coarse spacing in degrees); on a limited area by the cosine transform.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields on a fine grid.
    truth : xarray.Dataset
        The same fields at the same points and times; it may have more rows or columns.
    factor : int
        How many times coarser the input of the prediction was.

    Returns
    -------
    xarray.Dataset
        Every field, and ``kinetic_energy`` where vorticity and divergence are there, over ``time``; no units.
        The attributes say which transform was used and where the coarse Nyquist wavelength lies.

    Raises
    ------
    UserError
        If the two are not on one grid, the factor is no whole number above one, or the area is too small.

    Notes
    -----
    Over a period, divide the mean powers and not the ratios' mean: :func:`scores` does so.
    """
    truth = truth_at_points_of(prediction, truth)
    names = horizontal_fields(truth)
    horizontal_fields(prediction, names)
    power = HighWavenumberPower(truth, factor)
    both_winds = {"vorticity", "divergence"} <= set(names)
    results: dict[str, list[np.ndarray]] = {
        name: [] for name in (*names, *(["kinetic_energy"] if both_winds else []))
    }
    for parts in zip(time_batches(prediction, 8), time_batches(truth, 8), strict=True):
        values = [{name: field_values(part, name) for name in names} for part in parts]
        for name in names:
            results[name].append(power_ratio(*(power(fields[name]) for fields in values)))
        if both_winds:
            energies = [power.kinetic_energy(fields["vorticity"], fields["divergence"]) for fields in values]
            results["kinetic_energy"].append(power_ratio(*energies))
    attributes: dict[str, Any] = {
        "transform": power.transform,
        "coarse_nyquist_wavelength_km": power.wavelength_km,
        "factor": int(factor),
    }
    return xr.Dataset(
        {
            name: (
                "time",
                np.concatenate(ratios),
                {
                    "long_name": f"{name.replace('_', ' ')} beyond the coarse Nyquist relative to the truth",
                    "units": "1",
                },
            )
            for name, ratios in results.items()
        },
        coords={"time": time_values(truth)},
        attrs=attributes,
    )


def power_ratio(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Prediction over truth; missing where the truth has no power at all."""
    return np.divide(prediction, truth, out=np.full(np.shape(truth), np.nan), where=np.asarray(truth) > 0)
