import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.training.data.synthetic import synthetic_fields


@pytest.fixture(scope="session")
def weather():
    """Red noise on a 4-degree grid, 60 times."""
    return synthetic_fields(60, latitude_count=48)


@pytest.fixture(scope="session")
def levels_file(weather, tmp_path_factory):
    """Vorticity, divergence, temperature and wind at 500 and 850 hPa; at 500 hPa half as strong and elsewhere."""
    lower = weather.rename(vorticity="vo", divergence="d")
    lower["t"] = 280.0 + 1e5 * weather.vorticity.roll(longitude=9)
    wind = ad.wind(weather.vorticity, weather.divergence)
    lower["u"], lower["v"] = wind.u, wind.v
    lower["u"].attrs["units"] = lower["v"].attrs["units"] = "m s-1"
    lower["t"].attrs["units"] = "K"
    upper = (0.5 * lower).roll(longitude=5)
    both = xr.concat([upper, lower], xr.Variable("level", [500.0, 850.0], {"units": "hPa"}))
    for name in both:
        both[name].attrs["units"] = lower[name].attrs.get("units", "s-1")
    path = tmp_path_factory.mktemp("levels") / "levels.nc"
    both.transpose("time", "level", "latitude", "longitude").to_netcdf(path)
    return path
