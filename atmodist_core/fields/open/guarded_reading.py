"""Lazy reading of local files, with damage and later changes of the file reported in one sentence."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from atmodist_core.common.errors import UserError
from atmodist_core.fields.open.netcdf import one_line


def file_version(path: str) -> tuple[int, int] | None:
    """Return modification time and size of a file; None for a folder or a file that is no longer there."""
    if not os.path.isfile(path):
        return None
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def refuse_changed(path: str, version: tuple[int, int] | None) -> None:
    """Refuse to read a file that was replaced or truncated after it was opened."""
    if version is not None and file_version(path) not in (version, None):
        raise UserError(f"The file {path} has changed since it was opened; open it again.")


def guard(array: xr.DataArray, path: str) -> xr.DataArray:
    """Return a lazily indexed array whose values are read with errors as `UserError`."""
    variable = array.variable
    lazy = LazilyIndexedArray(_GuardedArray(variable, str(array.name), path))
    return array.copy(data=lazy)


def guarded(dataset: xr.Dataset, array: xr.DataArray) -> xr.DataArray:
    """Return an array of a dataset with guarded reads, if the dataset comes from a file."""
    path = dataset.encoding.get("source")
    return guard(array, path) if path and not array.chunks else array


class _GuardedArray(BackendArray):
    def __init__(self, variable: xr.Variable, name: str, path: str) -> None:
        self.variable, self.name, self.path = variable, name, path
        self.shape, self.dtype = variable.shape, variable.dtype
        self.version = file_version(path)

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        refuse_changed(self.path, self.version)
        try:
            values = np.asarray(self.variable[key].values)
            # It may have been replaced while it was read.
            refuse_changed(self.path, self.version)
            return values
        except (UserError, MemoryError):
            raise
        except Exception as error:  # the libraries and each codec raise their own kinds
            raise UserError(
                f"The values of '{self.name}' in {self.path} cannot be read ({one_line(error)}); the file is "
                "damaged: download it again."
            ) from error
