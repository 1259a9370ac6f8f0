"""
Wind from vorticity and divergence, and back
============================================

On the globe, vorticity and divergence determine the horizontal wind and vice versa. The round trip is an identity up to rounding, which tests the
transforms.
"""

# %%
import numpy as np

import atmodist_core as ad

state = ad.open_demo().isel(time=[124]).load()
wind = ad.wind(state.vorticity, state.divergence)
print(wind)

# %%
# The inverse is exact, because the grid of 360 x 720 points resolves all total wavenumbers of the demo (up to 179).
again = ad.vorticity_divergence(wind.u, wind.v)
for name in ("vorticity", "divergence"):
    spread = float(state[name].std())
    # Vorticity and divergence of a wind have no global mean.
    error = float(np.abs(again[name] - state[name]).max())
    print(f"{name}: spread {spread:.2e} s-1, largest difference {error:.1e} s-1")
    assert error < 1e-3 * spread

# %%
# In a region, the wind is not determined, because it also depends on the fields outside; the library raises an error.
europe = ad.REGIONS["Europe"].select(state)
try:
    ad.wind(europe.vorticity, europe.divergence)
except ad.UserError as error:
    print(error)
else:
    raise AssertionError("the wind of a limited area was not refused")

# %%
# Vorticity and divergence of a regional wind use finite differences, which underestimate small scales: waves of ten points lose 7 %.
box = ad.Region(20, 60, -60, 0)
part = box.select(wind)
differences = ad.vorticity_divergence(part.u, part.v)
exact = box.select(state).vorticity
inner = {"latitude": slice(4, -4), "longitude": slice(4, -4)}
error = float((differences.vorticity - exact).isel(inner).std() / exact.isel(inner).std())
print(f"error of finite differences: {100 * error:.0f} % of the standard deviation")
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
