"""Whether detail lies at the right place, per wavenumber: coherence, effective resolution, log-spectral distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.member_arrays import field_coordinates, matched, member_batches
from atmodist_core.evaluation.ensembles.power_of_grid import (
    PowerOfGrid,
    coherence_of,
    falls_below,
    log_spectral_distance_of,
)

HALF = 0.5
"""Coherence at the effective resolution."""


def coherence(prediction: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """Return the coherence of fields with the truth per wavenumber, over all times and members.

    ``Re sum_m p*_lm t_lm / sqrt(S_p S_t)``, with sums over times in numerator and denominator: 1 for equal fields, whatever
    their amplitude, 0 for unrelated ones. The power alone cannot tell right detail from invented.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields over time, latitude and longitude, and ``member`` for an ensemble, whose members are each compared with the truth.
    truth : xarray.Dataset
        The same fields without members.

    Returns
    -------
    xarray.Dataset
        ``coherence`` [1; ideal: 1], ``power`` and ``truth_power`` [units of the field, squared] over ``field`` and
        ``total_wavenumber``; on a limited area over ``wavelength_km``, by the cosine transform. Missing where the truth has
        no power.

    Raises
    ------
    UserError
        If they share no field, or grids or times differ.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> float(coherence(3 * demo, demo)["coherence"].sel(field="vorticity", total_wavenumber=100).round(4))
    1.0
    """
    truth, names = matched(prediction, truth)
    of, sums = PowerOfGrid(truth), np.zeros(())
    fields = 0
    for members, true in member_batches(prediction, truth, names):
        of_truth = of(true).sum(axis=1)
        for member in members:
            part = np.stack([of(member).sum(axis=1), of_truth, of(member - true).sum(axis=1)])
            sums = sums + part
            fields += true.shape[1]
    power, true_power, difference = sums / fields
    # Beyond its truncation a field holds rounding errors alone.
    there = true_power > ROUNDING * true_power.max(axis=-1, keepdims=True)
    values = np.where(there, coherence_of(power, true_power, difference), np.nan)
    axes = ("field", of.axis)
    unit = "the square of the units of the field"
    return xr.Dataset(
        {
            "coherence": (axes, values, {"units": "1", "long_name": "coherence with the truth"}),
            "power": (axes, power, {"units": unit, "long_name": "power"}),
            "truth_power": (axes, true_power, {"units": unit, "long_name": "power of the truth"}),
        },
        {**field_coordinates(truth, names), **of.coordinates()},
    )


ROUNDING = 1e-10
"""Power of the truth relative to its largest that counts as none."""


def effective_resolution(
    prediction: xr.Dataset, truth: xr.Dataset, *, threshold: float = HALF
) -> xr.DataArray:
    """Return the wavelength at which the coherence with the truth falls below one half.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        As for :func:`coherence`.
    threshold : float
        Coherence between 0 and 1.

    Returns
    -------
    xarray.DataArray
        Over ``field`` [km]; smaller is better. The shortest wavelength of the truth if the coherence never falls below the threshold,
        missing if it is always below.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> float(effective_resolution(demo, demo).sel(field="vorticity").round())  # T179
    223.0
    """
    if not 0 < threshold < 1:
        raise UserError(f"Expected a coherence between 0 and 1, found {threshold!r}; 0.5 is usual.")
    found = coherence(prediction, truth)
    values = found["coherence"].values
    wavelength = found["wavelength_km"].values
    whole = np.isfinite(wavelength)
    return xr.DataArray(
        falls_below(values[..., whole], wavelength[whole], threshold),
        {"field": found["field"], "units": found["units"]},
        ("field",),
        "effective_resolution",
        {"units": "km", "long_name": f"wavelength at which the coherence falls below {threshold:g}"},
    )


def log_spectral_distance(prediction: xr.Dataset, truth: xr.Dataset) -> xr.DataArray:
    """Return the log-spectral distance of the mean spectra: ``sqrt(mean (10 log10 S_p / S_t)^2)``.

    The mean is over all wavenumbers from 1 to the truth's last; spectra are means over times and members. It
    compares power, not place.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        As for :func:`coherence`.

    Returns
    -------
    xarray.DataArray
        Over ``field`` [dB; ideal: 0].

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> float(log_spectral_distance(10**0.5 * demo, demo).sel(field="vorticity").round(3))  # ten times the power
    10.0
    """
    found: Any = coherence(prediction, truth)
    truth_power = np.where(np.isfinite(found["coherence"].values), found["truth_power"].values, 0.0)
    power = found["power"].values
    if "total_wavenumber" in found.dims:
        power, truth_power = power[..., 1:], truth_power[..., 1:]
    return xr.DataArray(
        log_spectral_distance_of(power, truth_power),
        {"field": found["field"], "units": found["units"]},
        ("field",),
        "log_spectral_distance",
        {"units": "dB", "long_name": "log-spectral distance to the truth"},
    )
