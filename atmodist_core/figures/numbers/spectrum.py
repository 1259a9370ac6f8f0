"""Spectra and semivariogram of one field of the comparison, in the form that the Spectra view draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.fields.canonical.shown_dates import shown_dates

LAGS_KM = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0)
PAIRS_PER_LAG = 20_000


def spectrum_and_semivariogram(
    fields: xr.Dataset, truth: xr.Dataset, *, coarse: bool
) -> dict[str, xr.Dataset]:
    """Return power per total wavenumber of vorticity, divergence and kinetic energy, and the semivariogram.

    ``spectrum`` has ``vorticity``, ``divergence`` [s-2] and ``kinetic_energy`` [m2 s-2] over ``total_wavenumber``; its
    attribute ``transform`` names the method. ``semivariogram`` has the fields over ``lag_km``, divided by the variance
    of the truth. Coarse fields have none: their points are further apart than the lags of interest.
    """
    from atmodist_core.evaluation import energy_spectrum, regional_spectrum, semivariogram
    from atmodist_core.evaluation.geometry import common_validity, is_global_grid

    ds = fields[["vorticity", "divergence"]]
    if is_global_grid(ds) and common_validity(ds) is None:
        spectrum = energy_spectrum(ds).isel(time=0, total_wavenumber=slice(1, None))
    else:
        per_bin = regional_spectrum(ds)
        # Per total wavenumber, so that regions of any size lie on the scale of the globe's spectrum.
        per_degree = (per_bin / per_bin.attrs["degrees_per_bin"]).assign_attrs(per_bin.attrs)
        spectrum = per_degree.isel(time=0).swap_dims(wavelength_km="equivalent_degree")
        spectrum = spectrum.rename(equivalent_degree="total_wavenumber").reset_coords(
            "wavelength_km", drop=True
        )
    result = {"spectrum": spectrum.load()}
    if not coarse:
        reference = truth[["vorticity", "divergence"]]
        result["semivariogram"] = semivariogram(
            ds, LAGS_KM, pairs=PAIRS_PER_LAG, normalise_by=reference
        ).isel(time=0)
    # The spectra know times but not the dates of a model's calendar.
    return {name: shown_dates(fields).put_on(found) for name, found in result.items()}


def coarse_nyquist_degree(truth: xr.Dataset, factor: int) -> float:
    """Total wavenumber of the shortest wave that the coarse grid carries."""
    from atmodist_core.common.constants import EARTH_RADIUS_M
    from atmodist_core.evaluation.diagnostics.energy_ratio import coarse_nyquist_wavelength_km

    return float(2 * np.pi * EARTH_RADIUS_M / 1000 / coarse_nyquist_wavelength_km(truth, factor))
