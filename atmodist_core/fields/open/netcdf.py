"""Reading netCDF: any of its forms, lazily, by name of the engine and never by guess."""

from __future__ import annotations

import warnings
from typing import Any

import xarray as xr

from atmodist_core.common.errors import UserError


def decode_options() -> dict[str, Any]:
    """How xarray shall decode: masks and scales as CF says, times, but no time spans."""
    return {"mask_and_scale": True, "decode_times": True, "decode_timedelta": False, "decode_coords": True}


def open_netcdf(path: str) -> xr.Dataset:
    """Open a netCDF file without reading its fields.

    Parameters
    ----------
    path : str
        netCDF-3 (all three forms) or netCDF-4/HDF5.

    Returns
    -------
    xarray.Dataset
        Lazily indexed, CF decoded.

    Raises
    ------
    UserError
        The file is damaged, or its times cannot be decoded.
    """
    # xarray's guess would import cfgrib and with it ecCodes, whose copy of PROJ breaks a later import of
    # pyproj.
    return _open(path, path, "netcdf4")


def open_netcdf_stream(file: Any, url: str) -> xr.Dataset:
    """Open a netCDF-4 file through an open binary file, as fsspec gives it for a URL.

    Parameters
    ----------
    file : file-like
        Seekable.
    url : str
        Address, for sentences.

    Returns
    -------
    xarray.Dataset
    """
    return _open(file, url, "h5netcdf")


def _open(target: Any, name: str, engine: Any) -> xr.Dataset:
    try:
        with warnings.catch_warnings():
            # Dates outside the usual calendar come as cftime objects; fields.time_axis deals with them.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            return xr.open_dataset(target, engine=engine, chunks=None, cache=False, **decode_options())
    except (OSError, RuntimeError, KeyError, EOFError) as error:
        raise UserError(
            f"Expected a readable netCDF file, but {name} is damaged or incomplete ({one_line(error)}); "
            "download it again."
        ) from error
    except ValueError as error:
        raise undecodable(name, error) from error


def undecodable(name: str, error: Exception) -> UserError:
    """The sentence for times or attributes that xarray cannot decode.

    Parameters
    ----------
    name : str
        File or store.
    error : Exception
        What xarray raised.

    Returns
    -------
    UserError
    """
    if "time" in str(error).lower():
        return UserError(
            f"The time axis of {name} cannot be decoded ({one_line(error)}); set its attribute 'units' to "
            "the form 'hours since 1900-01-01'."
        )
    return UserError(
        f"The metadata of {name} cannot be decoded ({one_line(error)}); write or download it again."
    )


def one_line(error: BaseException) -> str:
    """First line of an error, cut to a readable length.

    Parameters
    ----------
    error : BaseException
        Any.

    Returns
    -------
    str
    """
    text = str(error).strip().splitlines()
    first = text[0] if text else type(error).__name__
    return first if len(first) <= 160 else first[:157] + "..."
