"""
Spectra: what is missing at which scale
=======================================

Kinetic energy per total wavenumber, of the truth and of what three methods make of its 4 x 4 means. The equation is in the
:doc:`method </docs/method>`, under "Spectra".
"""

# %%
# Two moments of the month, each a whole globe.
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
# First a check that cannot be argued with: the spectrum adds up to the energy of the wind itself (Parseval). The wind is computed from
# vorticity and divergence, its energy averaged over the area.
wind = ad.wind(truth.vorticity, truth.divergence)
energy = 0.5 * (wind.u.astype("float64") ** 2 + wind.v.astype("float64") ** 2)
weights = np.cos(np.deg2rad(truth.latitude))
from_wind = energy.weighted(weights).mean(("latitude", "longitude")).values
from_spectrum = spectra["truth"].kinetic_energy.sum("total_wavenumber").values
print("from the wind    ", from_wind.round(2), "m2 s-2")
print("from the spectrum", from_spectrum.round(2), "m2 s-2")
np.testing.assert_allclose(from_wind, from_spectrum, rtol=1e-3)

# %%
# The coarse grid ends at total wavenumber 90. Right of it everything is the method's own work: interpolation has next to nothing there,
# AtmoDist as content loss brings back more than the mean squared error, and none has all of it. The shaded part is what the coarse
# input cannot hold; the lower panel is the ratio to the truth. The truth ends at 179; the little that lies beyond is invented
# (:doc:`limits </docs/limits>`).
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
    title="Kinetic energy, two moments of the simulated month",
)
