"""
The demo: vorticity and divergence
==================================

The simulated atmosphere that ships with the project, as one xarray dataset; all other examples use it. It is **not** the Earth's weather; only
the coastlines are real.
"""

# %%
# Opening reads metadata only. Values are read when they are needed.
import atmodist_core as ad

demo = ad.open_demo()
print(demo)

assert demo.attrs["simulated"] == 1
assert dict(demo.sizes) == {"time": 240, "latitude": 360, "longitude": 720}

# %%
# Both fields are in s-1; latitude decreases, longitude increases. A region across Greenwich has negative longitudes, so that they increase
# continuously.
europe = ad.REGIONS["Europe"].select(demo.isel(time=[124])).load()
print(europe.time.values[0], europe.sizes)

assert europe.vorticity.attrs["units"] == "s-1"
assert float(europe.longitude[0]) < 0 < float(europe.longitude[-1])

# %%
# Vorticity shows lows (red in the northern hemisphere), troughs and fronts; divergence is weaker and less coherent.
import matplotlib.pyplot as plt
import xarray as xr

spread = {name: float(europe[name].std()) for name in ("vorticity", "divergence")}
print({name: f"{value:.2e} s-1" for name, value in spread.items()})
assert spread["vorticity"] > 1.5 * spread["divergence"] > 0

figure, places = plt.subplots(1, 2, figsize=(8.4, 3.9), layout="constrained", sharey=True)
for axes, (name, value) in zip(places, spread.items(), strict=True):
    field = 1e5 * europe[name].isel(time=0)
    end = 3e5 * value
    picture = axes.pcolormesh(
        field.longitude, field.latitude, field, cmap="RdBu_r", vmin=-end, vmax=end, rasterized=True
    )
    for line in ad.coastlines("50m", ad.REGIONS["Europe"]):
        axes.plot(*line.T, color="0.3", linewidth=0.5)
    axes.set(
        xlim=(-25, 45),
        ylim=(30, 75),
        xlabel="longitude [degrees east]",
        title=f"{name}, simulated",
        aspect=1.5,
    )
    figure.colorbar(picture, ax=axes, location="bottom", label="[1e-5 s-1]", extend="both")
places[0].set_ylabel("latitude [degrees north]")

# %%
# Both fields have heavy tails: far more large values than a normal distribution. The networks therefore use a signed logarithm of the fields,
# :class:`atmodist_core.networks.normalization.SignedLogNormalization`.
globe = demo.isel(time=[124]).load()


def kurtosis(field: xr.DataArray) -> float:
    """Fourth central moment over the squared variance; 3 for a normal distribution."""
    deviation = field.astype("float64") - field.mean()
    return float((deviation**4).mean() / (deviation**2).mean() ** 2)


for name in ("vorticity", "divergence"):
    print(name, "kurtosis", round(kurtosis(globe[name]), 1))
    assert kurtosis(globe[name]) > 6
