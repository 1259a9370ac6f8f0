"""Statistics per time on disk: a folder with one small NetCDF file for every eight days of the calendar.

The file of a time depends on its date alone. So a run can be interrupted, resumed, extended and merged from parts
computed on several machines, and the files are the same as those of a single run, byte for byte. Every file is
replaced in one step.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.netcdf_lock import NETCDF_LOCK

TRUTH = "truth"
"""Label of the truth beside those of the models."""

BLOCK_DAYS = 8
IDENTITY_FILE = "identity.json"
ENGINE: Literal["netcdf4"] = "netcdf4"
"""The engine of xarray that opens a small file fastest, by a factor of ten."""

_SECOND = "datetime64[s]"


def identity_hash(identity: Mapping[str, Any]) -> str:
    """Return eight hexadecimal digits of the hash of an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def block_name(times: np.ndarray) -> np.ndarray:
    """Return the first date of the block of every time, as strings such as ``2001-01-04``."""
    days = times.astype("datetime64[D]").astype(np.int64)
    return np.datetime_as_string((days // BLOCK_DAYS * BLOCK_DAYS).astype("datetime64[D]"))


class StatisticsStore:
    """Statistics per time of the truth or of a model on one data set.

    The identity (model, weights, data and settings of the statistics) is written into the folder; one with another
    identity is refused with a ``UserError``.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = dict(identity)
        self._known: dict[str, set[int]] = {}
        require_identity(self.folder, self.identity)

    def missing(self, times: np.ndarray) -> np.ndarray:
        """Return whether each time is not stored yet, shape ``(time,)``."""
        seconds = times.astype(_SECOND).astype(np.int64)
        names = block_name(times)
        for name in np.unique(names):
            if name not in self._known:
                self._known[name] = set(self._seconds(name).tolist())
        return np.array(
            [second not in self._known[name] for name, second in zip(names, seconds, strict=True)], dtype=bool
        )

    def add(self, statistics: xr.Dataset) -> None:
        """Store statistics over ``time``; a time that is stored already is kept as it is."""
        write_identity(self.folder, self.identity)
        times = statistics["time"].values
        names = block_name(times)
        for name in np.unique(names):
            part = statistics.isel(time=np.flatnonzero(names == name))
            file = self.folder / f"{name}.nc"
            if file.is_file():
                # Another process may have written in the meantime.
                old = read_statistics(file)
                new = ~np.isin(part["time"].values, old["time"].values)
                part = _joined([old, part.isel(time=np.flatnonzero(new))])
            part = part.sortby("time")
            replace_statistics(file, part)
            self._known[name] = set(part["time"].values.astype(_SECOND).astype(np.int64).tolist())

    def load(
        self, times: np.ndarray, names: Sequence[str] | None = None, select: Mapping[str, slice] | None = None
    ) -> xr.Dataset:
        """Read the statistics of some times, in their order; ``UserError`` if one is missing.

        ``names`` are variables to read (all by default), ``select`` parts of other dimensions.
        """
        parts = []
        blocks = block_name(times)
        for block in np.unique(blocks):
            file = self.folder / f"{block}.nc"
            wanted = times[blocks == block].astype("datetime64[ns]")
            part = read_statistics(file, names, select) if file.is_file() else None
            if part is None or not np.isin(wanted, part["time"].values).all():
                raise UserError(
                    f"Expected statistics of {len(times)} times in {self.folder}, found some missing in {file.name}; "
                    "run the command again to compute them."
                )
            parts.append(part.isel(time=np.searchsorted(part["time"].values, wanted)))
        joined = _joined(parts)
        order = np.argsort(np.argsort(times, kind="stable"), kind="stable")
        return joined.sortby("time").isel(time=order)

    def _seconds(self, name: str) -> np.ndarray:
        file = self.folder / f"{name}.nc"
        if not file.is_file():
            return np.zeros(0, dtype=np.int64)
        with NETCDF_LOCK, xr.open_dataset(file, engine=ENGINE, lock=NETCDF_LOCK) as stored:
            return np.asarray(stored["time"].values.astype(_SECOND).astype(np.int64))

    def blocks(self) -> list[Path]:
        """Return the files of all blocks."""
        return sorted(self.folder.glob("*.nc"))

    def merge(self, other: StatisticsStore) -> None:
        """Add the times of another store of the same identity; a time in both is kept as it is here."""
        for file in other.blocks():
            self.add(read_statistics(file))


def require_identity(folder: Path, identity: Mapping[str, Any]) -> None:
    """Raise a UserError if a folder holds other statistics."""
    file = folder / IDENTITY_FILE
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) != json.loads(json.dumps(identity)):
        raise UserError(
            f"Expected in {folder} statistics of {identity.get('name', 'this run')} with the same "
            "data and settings, found others; choose another --out."
        )


def write_identity(folder: Path, identity: Mapping[str, Any]) -> None:
    """Write the identity of the statistics into their folder, unless it is there."""
    file = folder / IDENTITY_FILE
    if file.is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    scratch.write_text(json.dumps(identity, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    scratch.replace(file)


def _joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    parts = [part for part in parts if part.sizes["time"]]
    if len(parts) == 1:
        return parts[0]
    return xr.concat(parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override")


def read_statistics(
    file: Path, names: Sequence[str] | None = None, select: Mapping[str, slice] | None = None
) -> xr.Dataset:
    """Read a file of statistics: some variables, or a part of other dimensions than time."""
    with NETCDF_LOCK, xr.open_dataset(file, engine=ENGINE, lock=NETCDF_LOCK) as stored:
        part = stored if names is None else stored[list(names)]
        if select:
            part = part.isel({axis: index for axis, index in select.items() if axis in part.dims})
        return part.load()


def replace_statistics(file: Path, statistics: xr.Dataset) -> None:
    """Replace a file in one step, so that no reader or interruption finds half of it."""
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True}
        for name, field in statistics.data_vars.items()
        if field.dtype.kind in "fi"
    }
    encoding["time"] = {
        "units": "seconds since 1970-01-01",
        "dtype": "int64",
        "calendar": "proleptic_gregorian",
    }
    scratch = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        clean = statistics.copy()
        for field in clean.variables.values():
            field.encoding = {}
        with (
            NETCDF_LOCK,
            closing(xr.backends.NetCDF4DataStore.open(str(scratch), mode="w", lock=NETCDF_LOCK)) as store,
        ):
            clean.dump_to_store(store, encoding=encoding)
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
