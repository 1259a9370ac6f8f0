"""Sums over times on disk, as whole numbers, which do not depend on the order of addition.

Floating-point sums depend on the order of their terms in the last digits. Sums of whole numbers do not: maps need only
the space of one sum instead of one map per time, and yet a run that was interrupted, resumed, extended or merged ends
with the same bits as an uninterrupted run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.store.statistics_store import (
    IDENTITY_FILE,
    block_name,
    read_statistics,
    replace_statistics,
    require_identity,
    write_identity,
)

TOTAL = "total.nc"
PIECES = "pieces"
LARGEST = 2**61
"""Larger sums are refused: two of them might not fit into 64 bits."""


class SumsStore:
    """Sums over times of the truth or of a model on one data set; identity as in :class:`StatisticsStore`.

    A part for each eight days of the calendar is written during the run; :meth:`fold` adds complete parts to
    the total. Each file lists its times, so none is counted twice.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = dict(identity)
        require_identity(self.folder, self.identity)

    def missing(self, times: np.ndarray) -> np.ndarray:
        """Return whether each time is not in the sums yet, shape ``(time,)``."""
        covered = [file["time"].values for file in self._files()]
        return ~np.isin(times.astype("datetime64[ns]"), np.concatenate(covered) if covered else [])

    def add(self, sums: xr.Dataset) -> None:
        """Add the sums (whole numbers) over some times of one block of eight days; ``time`` lists the times."""
        write_identity(self.folder, self.identity)
        names = set(block_name(sums["time"].values))
        if len(names) != 1:
            raise ValueError(f"sums of one block at a time, not of {sorted(names)}")
        file = self.folder / PIECES / f"{names.pop()}.nc"
        if file.is_file():
            sums = added([read_statistics(file), sums], self.folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_statistics(file, sums)

    def fold(self) -> None:
        """Add all parts to the total and remove them. An interruption loses or doubles nothing."""
        pieces = self._pieces()
        if not pieces:
            return
        total = self.folder / TOTAL
        files = self._files()
        if len(files) > 1 or not total.is_file():
            replace_statistics(total, added(files, self.folder))
        for piece in pieces:
            piece.unlink()
        (self.folder / PIECES).rmdir()

    def load(self) -> xr.Dataset:
        """Return the sums over all stored times, listed in ``time``; ``UserError`` if there are none."""
        files = self._files()
        if not files:
            raise UserError(
                f"Expected sums in {self.folder}, found none; run the command again to compute them."
            )
        return added(files, self.folder)

    def merge(self, other: SumsStore) -> None:
        """Add the sums of another store of the same identity over other times; ``UserError`` if they overlap."""
        files = other._files()
        if not files:
            return
        write_identity(self.folder, self.identity)
        mine = self._files()
        new = added(files, other.folder)
        if (
            mine
            and not (~np.isin(new["time"].values, np.concatenate([f["time"].values for f in mine]))).any()
        ):
            return  # merged before
        replace_statistics(self.folder / TOTAL, added([*mine, new], self.folder))
        for piece in self._pieces():
            piece.unlink()

    def _pieces(self) -> list[Path]:
        return sorted((self.folder / PIECES).glob("*.nc"))

    def _files(self) -> list[xr.Dataset]:
        """Total and parts, without parts that the total holds already (after an interruption while folding)."""
        total = self.folder / TOTAL
        files = [read_statistics(total)] if total.is_file() else []
        for path in self._pieces():
            piece = read_statistics(path)
            if not (files and np.isin(piece["time"].values, files[0]["time"].values).all()):
                files.append(piece)
        return files


def added(parts: list[xr.Dataset], folder: Path) -> xr.Dataset:
    """Return the sums over the times of all parts; ``UserError`` if two hold one time or 64 bits do not suffice."""
    times = np.concatenate([part["time"].values for part in parts])
    if np.unique(times).size != times.size:
        raise UserError(
            f"Expected pieces without a common time in {folder}, found {times.size - np.unique(times).size} in two of "
            "them; merge pieces of periods that do not overlap."
        )
    return summed(parts)


def summed(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return the sums over members, whose times may be the same; ``UserError`` if 64 bits do not suffice."""
    times = np.concatenate([part["time"].values for part in parts])
    # Rebuilt in one order, so that the bytes do not depend on how the period was divided.
    variables = {}
    for name in sorted(map(str, parts[0].data_vars)):
        total = np.sum([part[name].values for part in parts], axis=0)
        if np.abs(total).max(initial=0) > LARGEST:
            raise UserError(
                f"Expected sums of {name} below 2^61, found larger ones; check the units of the data."
            )
        variables[name] = (parts[0][name].dims, total, dict(parts[0][name].attrs))
    coordinates = {
        name: (parts[0][name].dims, parts[0][name].values, dict(parts[0][name].attrs))
        for name in sorted(map(str, parts[0].coords))
        if name != "time"
    }
    return xr.Dataset(variables, {**coordinates, "time": np.sort(times)})


def identity_of(folder: Path) -> dict[str, Any] | None:
    """Return the identity of the statistics in a folder, or None without any."""
    file = folder / IDENTITY_FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
