"""Good data to be broken, and the one sentence that comes of it."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.analytic_flow import flow_arrays

LATITUDE, LONGITUDE, TIMES = np.linspace(60, 40, 11), np.arange(0, 22, 2.0), layouts.TIMES[:2]


def good_dataset(latitude=LATITUDE, longitude=LONGITUDE, times=TIMES):
    u, v, _, _ = flow_arrays(latitude, longitude, times)
    return xr.Dataset({"u": u.assign_attrs(units="m s-1"), "v": v.assign_attrs(units="m s-1")})


def written(dataset, folder, **options):
    path = folder / "data.nc"
    dataset.to_netcdf(path, engine="netcdf4", **options)
    return path


def error_of(path, **arguments):
    """The one sentence, checked for form."""
    with pytest.raises(UserError) as caught:
        open_fields(path, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert text[0].isupper() or text[0] in "/{'" or "://" in text.split()[0]
    assert text.endswith((".", "?", ")"))
    return text
