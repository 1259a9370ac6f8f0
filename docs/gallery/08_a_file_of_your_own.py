"""
Open a file of your own
=======================

Any wind on a regular grid can be opened. This example writes a file in the layout of forecast models: pressure levels, short names, latitude from
south to north, longitude from 180 W. It then opens the file and prints the notes on all conversions.
"""

# %%
# The wind has a known vorticity and divergence: solid-body rotation of 20 m/s at the equator with the vorticity :math:`2 U \sin\varphi / a`, and a
# meridional wind :math:`v = V \cos\varphi` with the divergence :math:`-2 V \sin\varphi / a`.
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.constants import EARTH_RADIUS_M

latitude, longitude = np.arange(-90, 90.5, 1.0), np.arange(-180, 180, 1.0)
level = np.array([250.0, 500.0, 850.0])
hours = pd.date_range("2024-03-01", periods=2, freq="6h")
cosine = np.cos(np.deg2rad(latitude))
strength = (np.array([60.0, 40.0, 20.0])[None, :, None, None] * cosine[:, None]) * np.ones((2, 1, 1, 360))
meridional = (5.0 * cosine[:, None]) * np.ones((2, 3, 1, 360))
dimensions = ("time", "isobaricInhPa", "latitude", "longitude")
forecast = xr.Dataset(
    {
        "u": (dimensions, strength, {"units": "m s**-1", "standard_name": "eastward_wind"}),
        "v": (dimensions, meridional, {"units": "m s**-1", "standard_name": "northward_wind"}),
    },
    {
        "time": hours,
        "isobaricInhPa": ("isobaricInhPa", level, {"units": "hPa"}),
        "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        "longitude": ("longitude", longitude, {"units": "degrees_east"}),
    },
)
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "forecast.nc"
forecast.to_netcdf(file)

# %%
# Open one level. The format is detected from the file's first bytes, the variables from their names.
fields = ad.open_fields(file, level=850)
print(fields)
print(fields.attrs["notes"])
assert set(fields.data_vars) == {"vorticity", "divergence"}
assert float(fields.latitude[0]) == 90 and float(fields.longitude[0]) == 0

# %%
# The derived fields agree with the exact ones.
vorticity = 2 * 20.0 * np.sin(np.deg2rad(fields.latitude)) / EARTH_RADIUS_M
divergence = -2 * 5.0 * np.sin(np.deg2rad(fields.latitude)) / EARTH_RADIUS_M
for name, expected in (("vorticity", vorticity), ("divergence", divergence)):
    error = float(np.abs(fields[name] - expected).max() / np.abs(expected).max())
    print(f"{name}: largest error {error:.1e} of the largest value")
    assert error < 1e-3

# %%
# Error messages are one sentence with what was expected, what was found and what to do.
try:
    ad.open_fields(file, level=700)
except ad.UserError as mistake:
    print(mistake)
    assert "700" in str(mistake)
else:
    raise AssertionError("a level that is not there was not refused")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
first = fields.isel(time=0, longitude=0)
for name, exact, colour in (("vorticity", vorticity, "#0072b2"), ("divergence", divergence, "#e69f00")):
    axes.plot(
        first.latitude, 1e6 * first[name], label=f"{name}, as opened", color=colour, linewidth=3, alpha=0.5
    )
    axes.plot(first.latitude, 1e6 * exact, label=f"{name}, exact", color=colour, linestyle="--")
axes.set(xlabel="latitude [degrees north]", ylabel="[1e-6 s-1]", xlim=(-90, 90))
axes.legend(frameon=False, fontsize=8)
axes.spines[["top", "right"]].set_visible(False)
folder.cleanup()
