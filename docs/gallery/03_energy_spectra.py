"""
Energy spectra
==============

Kinetic energy per total wavenumber of the truth and of three downscalers. The equation is in :doc:`/docs/method`, under "Spectra".
"""

# %%
# Two times of the month on the globe.
import numpy as np

import atmodist_core as ad

truth = ad.open_demo().isel(time=slice(60, 240, 120)).load()
coarse = ad.coarsen(truth, factor=4)
states = {"truth": truth}
states |= {
    name: ad.load_downscaler(name)(coarse) for name in ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
}
spectra = {name: ad.energy_spectrum(state) for name, state in states.items()}

# %%
# Check (Parseval): the spectrum sums to the area mean of the kinetic energy of the wind, which is computed from vorticity and divergence.
wind = ad.wind(truth.vorticity, truth.divergence)
energy = 0.5 * (wind.u.astype("float64") ** 2 + wind.v.astype("float64") ** 2)
weights = np.cos(np.deg2rad(truth.latitude))
from_wind = energy.weighted(weights).mean(("latitude", "longitude")).values
from_spectrum = spectra["truth"].kinetic_energy.sum("total_wavenumber").values
print("from the wind    ", from_wind.round(2), "m2 s-2")
print("from the spectrum", from_spectrum.round(2), "m2 s-2")
np.testing.assert_allclose(from_wind, from_spectrum, rtol=1e-3)

# %%
# The coarse grid resolves total wavenumbers up to 90; larger ones (shaded) are added by the models. Interpolation adds almost no power, AtmoDist as
# content loss restores more than the mean squared error, and no model restores all of it. The lower panel is the ratio to the truth, which is
# truncated at 179; power beyond is spurious (:doc:`limits </docs/limits>`).
from atmodist_core.evaluation import coarse_nyquist_wavelength_km
from atmodist_core.figures import spectrum_figure

beyond = {
    name: float(s.kinetic_energy.sel(total_wavenumber=slice(91, 179)).mean("time").sum())
    for name, s in spectra.items()
}
share = {name: value / beyond["truth"] for name, value in beyond.items()}
print({name: round(value, 2) for name, value in share.items()})
assert share["bicubic"] < 0.25 < share["srgan-4x-mse"] < share["srgan-4x-atmodist"] < 1

figure = spectrum_figure(
    spectra,
    coarse_nyquist_km=coarse_nyquist_wavelength_km(truth, 4),
    title="Kinetic energy, two times of the simulated month",
)
