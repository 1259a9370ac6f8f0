"""Power per wavenumber of fields on the globe or on a limited area, behind one interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.evaluation.diagnostics.regional_spectra import binned, cosine_power, modes_of
from atmodist_core.evaluation.diagnostics.spectra import SphericalPower, wavelength_km
from atmodist_core.evaluation.geometry import is_global_grid


class PowerOfGrid:
    """Power of fields ``(..., latitude, longitude)``: per total wavenumber on the globe, per bin of wavelength elsewhere.

    ``axis`` is the name of the wavenumber axis, ``wavelength_km`` its wavelengths. Power is a quadratic form, so the cross
    power of two fields is that of both minus that of their difference, halved.
    """

    def __init__(self, grid: xr.Dataset) -> None:
        self._spherical: SphericalPower | None = None
        if is_global_grid(grid):
            self._spherical = SphericalPower(grid)
            self.axis, self.wavelength_km = "total_wavenumber", wavelength_km(self._spherical.truncation)
        else:
            modes, self._bin_of_mode, _ = modes_of(grid)
            self.axis, self.wavelength_km = "wavelength_km", modes.wavelengths_km(modes.complete_bins)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the power, units squared, float64 of shape ``(..., wavenumber)``."""
        if self._spherical is not None:
            return self._spherical(values)
        bins = binned(cosine_power(values.astype(float)), self._bin_of_mode)
        return bins[..., 1 : self.wavelength_km.size + 1]

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of the wavenumber axis."""
        kilometres = {"units": "km", "long_name": "wavelength"}
        if self._spherical is None:
            return {self.axis: (self.axis, self.wavelength_km, kilometres)}
        number = np.arange(self.wavelength_km.size), {"units": "1", "long_name": "total wavenumber"}
        return {
            self.axis: (self.axis, *number),
            "wavelength_km": (self.axis, self.wavelength_km, kilometres),
        }


def coherence_of(power: np.ndarray, truth: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Return the coherence from the power of two fields and of their difference; missing where one has none.

    It is the cross power over the root of the product of both powers: ``Re sum_m p*_lm t_lm / sqrt(S_p S_t)``.

    Examples
    --------
    >>> float(coherence_of(np.array(1.0), np.array(4.0), np.array(1.0)))  # the truth is twice the field
    1.0
    """
    scale = np.sqrt(power * truth)
    cross = 0.5 * (power + truth - difference)
    return np.divide(cross, scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)


def falls_below(curve: np.ndarray, wavelength: np.ndarray, threshold: float) -> np.ndarray:
    """Return the wavelength at which curves ``(..., wavenumber)`` first fall below a threshold, shape ``(...)``.

    It is interpolated between neighbours, linear in wavenumber. A curve that never falls below it has the shortest
    wavelength at which it is known; one that is below it from the start is missing. Wavelengths descend.

    Examples
    --------
    >>> float(falls_below(np.array([1.0, 0.8, 0.3]), np.array([400.0, 200.0, 100.0]), 0.5).round(1))
    125.0
    """
    known = np.isfinite(curve)
    below = known & (np.where(known, curve, np.inf) < threshold)
    last = curve.shape[-1] - 1
    first = np.where(below.any(axis=-1), below.argmax(axis=-1), last)
    before = np.maximum(first - 1, 0)
    take = np.take_along_axis
    high, low = (take(curve, index[..., None], -1)[..., 0] for index in (before, first))
    wavenumber = 1 / wavelength
    fraction = np.divide(
        high - threshold, high - low, out=np.zeros(np.shape(low)), where=(high > low) & np.isfinite(high)
    )
    found = 1 / (wavenumber[before] + fraction * (wavenumber[first] - wavenumber[before]))
    shortest = wavelength[last - np.flip(known, axis=-1).argmax(axis=-1)]
    found = np.where(below.any(axis=-1), found, shortest)
    started = take(curve, known.argmax(axis=-1)[..., None], -1)[..., 0] >= threshold
    return np.where(known.any(axis=-1) & started, found, np.nan)


def log_spectral_distance_of(power: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the log-spectral distance [dB] of power ``(..., wavenumber)``; infinite where the field has none.

    ``sqrt(mean (10 log10 S_p / S_t)^2)`` over the wavenumbers at which the truth has power.

    Examples
    --------
    >>> float(log_spectral_distance_of(np.array([10.0, 20.0]), np.array([1.0, 2.0])))
    10.0
    """
    there = truth > 0
    with np.errstate(divide="ignore"):
        decibels = 10 * np.log10(np.divide(power, truth, out=np.ones(np.shape(truth)), where=there))
    squares = np.where(there, np.square(decibels), 0.0).sum(axis=-1)
    count = there.sum(axis=-1)
    mean = np.divide(squares, count, out=np.full(np.shape(count), np.nan), where=count > 0)
    return np.sqrt(mean)
