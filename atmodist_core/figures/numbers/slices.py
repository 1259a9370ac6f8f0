"""One time of a data set: the truth, and the coarse fields that every method is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import coarsen, wind
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS, field_words
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.fields.sharpness import keep_sharpness


def read_slice(ds: xr.Dataset, index: int, factor: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Read one time and coarsen it by a factor, the fine points per coarse cell along each axis.

    Returns the truth (exactly the points of the coarse cells) and the coarse fields, both in memory: vorticity and divergence, or
    the fields of a dataset that holds others.
    Raises ``UserError`` if all values are missing.
    """
    names = list(DEFAULT_FIELDS) if set(DEFAULT_FIELDS) <= set(ds.data_vars) else list(ds.data_vars)
    if "vorticity" in names and not ds.attrs.get("simulated", False):
        keep_sharpness(ds, factor)  # of real data, which differ in it: once for a data set
    truth = ds[names].isel(time=[index]).load()
    if not np.isfinite(truth[names[0]].values).any():
        when = shown_dates(truth).words(time_texts(truth)[0]) if "time" in truth.coords else ""
        raise UserError(
            f"Expected fields at {when or 'this time'}, found only missing values; choose another time."
        )
    coarse = coarsen(truth, factor=factor).load()
    rows, columns = (coarse.sizes[axis] * factor for axis in ("latitude", "longitude"))
    # Rows and columns that fill no block have no coarse cell, and so no prediction to be compared with.
    return truth.isel(latitude=slice(0, rows), longitude=slice(0, columns)), coarse


def read_further_slice(ds: xr.Dataset, time: str, factor: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Read truth and coarse fields of a dataset of further fields at a time, as text; raises ``UserError`` if they do not have it."""
    times = time_texts(ds)
    if time not in times:
        listed = " and ".join(field_words(str(name)) for name in ds.data_vars)
        raise UserError(
            f"Expected {listed} at {time}, found it from {times[0]} to {times[-1]}, without this time; choose another time."
        )
    return read_slice(ds, times.index(time), factor)


def on_grid_of(fields: xr.Dataset, reference: xr.Dataset) -> xr.Dataset:
    """Return fields that lie on the points of others; raises ``UserError`` if they do not.

    Winds that are differentiated lose their rows at the poles, so that fields opened together may lack rows that one alone has.
    """
    for axis in ("latitude", "longitude"):
        if not fields[axis].equals(reference[axis]):
            raise UserError(
                "Expected all fields of this model on one grid, found fewer rows or columns of some; choose an interpolation."
            )
    return fields


def block_mean_speed(truth: xr.Dataset, factor: int) -> xr.DataArray:
    """Speed of the wind that is averaged over the coarse cells, as the coarse vorticity and divergence are."""
    mean = coarsen(wind(truth["vorticity"], truth["divergence"]), factor=factor)
    speed = np.hypot(mean["u"], mean["v"]).astype(np.float32)
    return speed.assign_attrs(units="m s-1", long_name="speed of the block-mean wind").load()


def along_time(parts: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return results of single times on the same points, joined along ``time``."""
    return xr.concat(list(parts), "time", coords="minimal", compat="override", join="override")


def joined_times(parts: Sequence[Mapping[str, xr.Dataset]]) -> dict[str, xr.Dataset]:
    """Return several kinds of results of single times, each joined along ``time``."""
    return {
        kind: along_time(part[kind].drop_vars("time", errors="ignore") for part in parts) for kind in parts[0]
    }
