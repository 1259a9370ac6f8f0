"""Reading netCDF-3 and netCDF-4 files lazily, with a fixed engine for each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.netcdf_lock import NETCDF_LOCK
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.netcdf_integrity import refuse_links_of_hdf5, refuse_truncated_netcdf3

DECODE_OPTIONS: dict[str, Any] = {
    "mask_and_scale": True,
    "decode_times": True,
    "decode_timedelta": False,
    "decode_coords": True,
}
"""What xarray decodes, for every format: masks, scales and times as CF defines them, but no time spans."""

LARGEST_COORDINATE = 50_000_000
"""Longest dimension: 5,700 years of hours; coordinates are read when a source is opened."""


def open_netcdf(path: str, _: Note) -> list[xr.Dataset]:
    """Open a netCDF file without reading its fields; refuse truncated files and links to other files."""
    with open(path, "rb") as file:
        is_netcdf3 = file.read(3) == b"CDF"
    if is_netcdf3:
        refuse_truncated_netcdf3(path)
    else:
        refuse_links_of_hdf5(path, path)
    # xarray's guess of the engine would import cfgrib and with it ecCodes, whose copy of PROJ breaks a later
    # import of pyproj.
    with NETCDF_LOCK:
        dataset = decode(lambda: xr.backends.NetCDF4DataStore.open(path, lock=NETCDF_LOCK), path)
    dataset.encoding["source"] = path
    return [dataset]


def open_netcdf_stream(file: Any, url: str) -> xr.Dataset:
    """Open a netCDF-4 file through a seekable binary file, as fsspec gives it for a URL."""
    refuse_links_of_hdf5(file, url)
    return decode(lambda: xr.backends.H5NetCDFStore.open(file), url)


def decode(open_store: Callable[[], Any], name: str, kind: str = "netCDF file") -> xr.Dataset:
    """Return the lazily indexed dataset of a data store of xarray; failures name the source and its kind."""
    try:
        with warnings.catch_warnings():
            # Missing consolidated metadata, dates outside the standard calendar: neither is the user's fault.
            warnings.simplefilter("ignore")
            store = open_store()
            for dimension, length in store.get_dimensions().items():
                if length > LARGEST_COORDINATE:
                    raise UserError(
                        f"Dimension '{dimension}' of {name} has {length:,} entries, where at most "
                        f"{LARGEST_COORDINATE:,} were expected; split the data, or download them again if the "
                        "number is wrong."
                    )
            return xr.open_dataset(store, chunks=None, cache=False, **DECODE_OPTIONS)
    except UserError:
        raise
    except (OSError, RuntimeError, KeyError, EOFError, MemoryError) as error:
        raise UserError(
            f"Expected a readable {kind}, but {name} is damaged or incomplete ({one_line(error)}); "
            "download it again."
        ) from error
    except (ValueError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise undecodable(name, error) from error


def undecodable(name: str, error: Exception) -> UserError:
    """Return the message for times or attributes that xarray cannot decode."""
    if "time" in str(error).lower():
        return UserError(
            f"The time axis of {name} cannot be decoded ({one_line(error)}); set its attribute 'units' to "
            "the form 'hours since 1900-01-01'."
        )
    return UserError(
        f"The metadata of {name} cannot be decoded ({one_line(error)}); write or download it again."
    )


def one_line(error: BaseException) -> str:
    """Return the first line of an error, cut to a readable length."""
    text = str(error).strip().splitlines()
    first = text[0] if text else type(error).__name__
    return first if len(first) <= 160 else first[:157] + "..."
