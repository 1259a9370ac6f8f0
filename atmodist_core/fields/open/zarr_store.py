"""Reading Zarr: versions 2 and 3, consolidated or not, folders, ZIP files and remote stores."""

from __future__ import annotations

import warnings
from typing import Any

import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.open.netcdf import decode_options, one_line, undecodable


def open_zarr(location: Any, name: str, storage_options: dict[str, Any] | None = None) -> xr.Dataset:
    """Open a Zarr group; only its metadata and its coordinates are read.

    Parameters
    ----------
    location : str or zarr.abc.store.Store
        Path, URL or store.
    name : str
        For sentences.
    storage_options : dict, optional
        Passed to fsspec for URLs.

    Returns
    -------
    xarray.Dataset
        Lazily indexed: a store of a million times costs nothing until times are chosen.

    Raises
    ------
    UserError
        There is no group, or its metadata cannot be read.
    """
    import zarr

    try:
        with warnings.catch_warnings():
            # Stores without consolidated metadata, and Zarr 3 stores with them, are announced by warnings.
            warnings.simplefilter("ignore")
            return xr.open_dataset(
                location,
                engine="zarr",
                chunks=None,
                cache=False,
                storage_options=storage_options,
                **decode_options(),
            )
    except (
        FileNotFoundError,
        KeyError,
        zarr.errors.GroupNotFoundError,
        zarr.errors.ContainsArrayError,
    ) as error:
        raise UserError(
            f"Expected a Zarr group with variables, found none at {name} ({one_line(error)}); give the "
            "address of the group itself."
        ) from error
    except ValueError as error:
        raise undecodable(name, error) from error
    except (TypeError, AttributeError, RuntimeError) as error:
        raise UserError(
            f"The Zarr store {name} has damaged metadata ({one_line(error)}); download or write it again."
        ) from error


def open_zip_store(path: str) -> xr.Dataset:
    """Open a Zarr group that was packed into one ZIP file.

    Parameters
    ----------
    path : str
        The ZIP file.

    Returns
    -------
    xarray.Dataset
    """
    from zarr.storage import ZipStore

    return open_zarr(ZipStore(path, mode="r"), path)
