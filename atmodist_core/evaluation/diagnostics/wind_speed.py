"""Wind speed from vorticity and divergence."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import horizontal_fields, is_global_grid


def wind_speed(ds: xr.Dataset) -> xr.DataArray:
    """Speed of the wind that vorticity and divergence of the globe determine, ``sqrt(u^2 + v^2)``.

    Parameters
    ----------
    ds : xarray.Dataset
        ``vorticity`` and ``divergence`` [s-1] on a global grid. To see a region, select it from the result:
        the wind at a place follows from vorticity and divergence everywhere.

    Returns
    -------
    xarray.DataArray
        ``wind_speed`` [m s-1] over ``(time, latitude, longitude)``.

    Raises
    ------
    UserError
        If a field is missing or the area is not the whole globe.
    """
    horizontal_fields(ds, ["vorticity", "divergence"])
    if not is_global_grid(ds):
        raise UserError(
            "Expected the whole globe for the wind speed, found a limited area; take the wind speed of "
            "the globe and "
            "select the region from it."
        )
    from atmodist_core.fields import wind

    components = wind(ds["vorticity"], ds["divergence"])
    speed = np.hypot(components["u"], components["v"]).rename("wind_speed")
    speed.attrs = {"units": "m s-1", "standard_name": "wind_speed", "long_name": "wind speed"}
    return speed
