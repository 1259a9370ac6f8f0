"""Reading Zarr 2 and 3, consolidated or not, from folders, ZIP files and remote stores.

A missing chunk reads as its fill value, since writers leave out chunks that hold nothing else. A fill value that is
NaN, or masked, gives missing values; if it is a number, reading the chunk is refused. Neither costs a request.
"""

from __future__ import annotations

import itertools
import math
import os
import stat
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore, ZipStore

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import find_variables
from atmodist_core.fields.open.detect import Note, refuse_link_out
from atmodist_core.fields.open.netcdf import decode, one_line

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
_MOST_LISTED_CHUNKS = 20_000
"""Selections of more chunks are not compared with the files in the folder when a store is opened."""


class _RequiredChunks:
    """Part of a store: refuses to read fill values in place of missing chunks of some arrays."""

    required: frozenset[str] = frozenset()
    """Arrays of the root group whose chunks must all be there."""

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the bytes of a key, None if there are none."""
        value = await super().get(key, prototype, byte_range)  # type: ignore[misc]
        if value is None and key.split("/")[0] in self.required and not key.endswith(_METADATA):
            raise UserError(
                f"Expected the chunk {key} of the Zarr store {self}, which is missing and would be read as "
                "fill values; download or write it again."
            )
        return value


class CheckedLocalStore(_RequiredChunks, LocalStore):
    """A folder, from which neither links nor special files are read."""

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the bytes of a key, None if there are none."""
        path = str(self.root / key)
        refuse_link_out(path, str(self.root))
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
            raise UserError(f"Expected a regular file at {path}, found a pipe or device; replace it.")
        return await super().get(key, prototype, byte_range)


class _CheckedFsspecStore(_RequiredChunks, FsspecStore):
    """A remote store."""


class _CheckedZipStore(_RequiredChunks, ZipStore):
    """A store in one ZIP file."""


def open_zarr_folder(path: str, _: Note) -> list[xr.Dataset]:
    """Open a Zarr group in a folder; only metadata and coordinates are read."""
    dataset = _open(CheckedLocalStore(path, read_only=True), os.path.basename(os.path.abspath(path)))
    dataset.encoding["source"] = path
    return [dataset]


def open_zarr_zip(path: str, _: Note) -> list[xr.Dataset]:
    """Open a Zarr group that was packed into one ZIP file."""
    return [_open(_CheckedZipStore(path, mode="r"), os.path.basename(path))]


def open_zarr_url(url: str, storage_options: dict[str, Any]) -> xr.Dataset:
    """Open a remote Zarr group through fsspec."""
    try:
        return _open(_CheckedFsspecStore.from_url(url, storage_options=storage_options, read_only=True), url)
    except UserError as error:
        # What the server or the network did is reported by the caller.
        cause = error.__cause__
        if isinstance(cause, (OSError, RuntimeError)) and not isinstance(cause, FileNotFoundError):
            raise cause from None
        raise


def missing_chunks(path: str, name: str, selected: Sequence[np.ndarray]) -> tuple[int, int, str]:
    """Count the missing chunks of a selection (indices along each dimension) of an array in a folder.

    Returns the number missing, the number looked for (both zero for too large a selection), and the first missing key.
    """
    array = zarr.open_array(CheckedLocalStore(path, read_only=True), path=name, mode="r")
    sizes = array.shards or array.chunks
    along = [np.unique(indices // size) for indices, size in zip(selected, sizes, strict=True)]
    count = math.prod(part.size for part in along)
    if count > _MOST_LISTED_CHUNKS:
        return 0, 0, ""

    @cache
    def listed(folder: str) -> frozenset[str]:
        return frozenset(os.listdir(folder)) if os.path.isdir(folder) else frozenset()

    keys = (f"{name}/{array.metadata.encode_chunk_key(chunk)}" for chunk in itertools.product(*along))
    absent = [
        key for key in keys if os.path.basename(key) not in listed(os.path.join(path, os.path.dirname(key)))
    ]
    return len(absent), count, absent[0] if absent else ""


def _open(store: Any, name: str) -> xr.Dataset:
    try:
        dataset = decode(lambda: xr.backends.ZarrStore.open_group(store, mode="r"), name, "Zarr store")
    except UserError as error:
        if isinstance(error.__cause__, (FileNotFoundError, KeyError, zarr.errors.ContainsArrayError)):
            raise UserError(
                f"Expected a Zarr group with variables, found none at {name} ({one_line(error.__cause__)}); "
                "give the address of the group itself."
            ) from error
        raise
    store.required = frozenset(
        variable for variable in find_variables(dataset).values() if not _fill_is_missing(dataset[variable])
    )
    dataset.encoding["required_chunks"] = store.required
    return dataset


def _fill_is_missing(array: xr.DataArray) -> bool:
    """Whether a missing chunk reads as missing values, and not as numbers."""
    if "_FillValue" in array.encoding:
        return True
    fill = array.encoding.get("fill_value")
    return isinstance(fill, (float, np.floating)) and bool(np.isnan(fill))
