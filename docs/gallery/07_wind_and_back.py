"""
Wind from vorticity and divergence, and back
============================================

On a whole globe the two fields and the horizontal wind hold the same information. Going there and back is an identity up to rounding, which makes it a good test of
the transforms.
"""

# %%
import numpy as np

import atmodist_core as ad

state = ad.open_demo().isel(time=[124]).load()
wind = ad.wind(state.vorticity, state.divergence)
print(wind)

# %%
# And back, from the wind alone. Nothing is lost, since the demo holds total wavenumbers up to 179 and a grid of 360 x 720 carries them all.
again = ad.vorticity_divergence(wind.u, wind.v)
for name in ("vorticity", "divergence"):
    spread = float(state[name].std())
    # The mean over the globe is nothing that a wind can have.
    error = float(np.abs(again[name] - state[name]).max())
    print(f"{name}: spread {spread:.2e} s-1, largest difference {error:.1e} s-1")
    assert error < 1e-3 * spread

# %%
# The same on a cut-out is not possible, since the wind inside depends on what lies outside, and the library says so.
europe = ad.REGIONS["Europe"].select(state)
try:
    ad.wind(europe.vorticity, europe.divergence)
except ad.UserError as error:
    print(error)
else:
    raise AssertionError("the wind of a limited area was not refused")

# %%
# The other way round it is, with finite differences. They are weaker at small scales: waves of ten points lose 7 %.
box = ad.Region(20, 60, -60, 0)
part = box.select(wind)
differences = ad.vorticity_divergence(part.u, part.v)
exact = box.select(state).vorticity
inner = {"latitude": slice(4, -4), "longitude": slice(4, -4)}
error = float((differences.vorticity - exact).isel(inner).std() / exact.isel(inner).std())
print(f"finite differences: {100 * error:.0f} % of the spread off")
assert 0.01 < error < 0.3

# %%
import matplotlib.pyplot as plt

speed = np.hypot(part.u, part.v).isel(time=0)
figure, axes = plt.subplots(figsize=(6.6, 3.9), layout="constrained")
picture = axes.pcolormesh(
    exact.longitude, exact.latitude, 1e5 * exact[0], cmap="RdBu_r", vmin=-12, vmax=12, rasterized=True
)
every = {"latitude": slice(None, None, 5), "longitude": slice(None, None, 5)}
arrows = part.isel(time=0).isel(every)
axes.quiver(arrows.longitude, arrows.latitude, arrows.u, arrows.v, width=0.0018, scale=420)
for line in ad.coastlines("50m", box):
    axes.plot(*line.T, color="0.35", linewidth=0.5)
axes.set(xlim=(-60, 0), ylim=(20, 60), xlabel="longitude [degrees east]", ylabel="latitude [degrees north]")
axes.set_title(f"Wind (largest {float(speed.max()):.0f} m/s) and its vorticity, simulated", fontsize=10)
figure.colorbar(picture, label="vorticity [1e-5 s-1]")
