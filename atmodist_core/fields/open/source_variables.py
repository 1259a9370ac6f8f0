"""Pieces: one variable of one file or store, with named axes, still as it was stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.coordinates import name_horizontal_axes
from atmodist_core.fields.canonical.expver import merge_expver
from atmodist_core.fields.canonical.levels import Level, name_level_axis
from atmodist_core.fields.canonical.names import (
    COEFFICIENT_DIMENSION_NAMES,
    LATITUDE_NAMES,
    LEVEL_NAMES,
    LONGITUDE_NAMES,
    QUANTITIES,
    find_variables,
)
from atmodist_core.fields.canonical.time_axis import name_time_axis
from atmodist_core.fields.open.ecmwf_coefficients import truncation_of

CHUNK_BYTES = 64 * 2**20
"""Largest lazy chunk, unless the store's own chunk of one time is larger [bytes]."""

CONTIGUOUS_BYTES = 2**20
"""Times of files without chunks of their own are read together up to this size: a task per tiny slice is
slower [bytes]."""


@dataclass
class Piece:
    """One variable of one source.

    Parameters
    ----------
    quantity : str
        Name among `atmodist_core.fields.canonical.names.QUANTITIES`.
    variable : str
        Its name in the source.
    origin : str
        Name of the source.
    array : xarray.DataArray
        Dimensions time, perhaps level and expver, and (latitude, longitude) or values, in any order.
    level_kind : str or None
        What the level measures.
    dated : bool
        Whether the times are from the source; False for placeholders.
    storage_chunks : dict
        Chunk lengths in the source, by canonical dimension.
    positions : numpy.ndarray
        Place of each time in the source, to keep lazy chunks aligned with the stored ones.
    """

    quantity: str
    variable: str
    origin: str
    array: xr.DataArray
    level_kind: str | None = None
    dated: bool = True
    storage_chunks: dict[str, int] = field(default_factory=dict)
    positions: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))

    @property
    def is_coefficients(self) -> bool:
        """Whether the piece holds spherical-harmonic coefficients."""
        return "values" in self.array.dims

    @property
    def kind(self) -> str:
        """Rate or wind."""
        return QUANTITIES[self.quantity].kind

    @property
    def levels(self) -> list[Level]:
        """The levels it holds; empty without a vertical coordinate."""
        if "level" not in self.array.dims:
            return []
        return [Level(self.level_kind or "unknown", float(value)) for value in self.array["level"].values]

    @property
    def times(self) -> np.ndarray:
        """Its valid times, datetime64[ns], as stored."""
        return self.array["time"].values

    def at_level(self, level: Level | None) -> Piece | None:
        """The piece at one level, or None if it does not hold that level."""
        if level is None:
            return None if self.levels else self
        if level not in self.levels:
            return None
        return self._with(self.array.isel(level=self.levels.index(level), drop=True), self.positions)

    def at_times(self, indices: np.ndarray) -> Piece:
        """The piece at some of its times."""
        if indices.size == self.times.size and np.array_equal(indices, np.arange(indices.size)):
            return self
        even = indices.size > 1 and np.all(np.diff(indices) == 1)
        indexer = slice(int(indices[0]), int(indices[-1]) + 1) if even else indices
        return self._with(self.array.isel(time=indexer), self.positions[indices])

    def lazy(self, note: Callable[[str], None]) -> xr.DataArray:
        """The piece as a dask array whose chunks are those of the source, ERA5 and ERA5T merged.

        Parameters
        ----------
        note : callable
            Receives a sentence when they were merged.

        Returns
        -------
        xarray.DataArray
            Dimensions (time, latitude, longitude) or (time, values).
        """
        # Inlined, the stores are no tasks of their own: dask would otherwise fuse them with their readers by
        # building the tasks of all times, a minute for the 750,000 hours of ARCO-ERA5.
        array = self.array if self.array.chunks else self.array.chunk(self._chunks(), inline_array=True)
        array = merge_expver(array, self.variable, note)
        return array.transpose(
            "time", ..., *(("values",) if self.is_coefficients else ("latitude", "longitude"))
        )

    def _with(self, array: xr.DataArray, positions: np.ndarray) -> Piece:
        return replace(self, array=array, positions=positions)

    def _chunks(self) -> dict[str, Any]:
        chunks: dict[str, Any] = {}
        for name in map(str, self.array.dims):
            length = self.array.sizes[name]
            chunks[name] = min(self.storage_chunks.get(name, length), length)
        slice_bytes = self.array.dtype.itemsize * int(
            np.prod([chunks[name] for name in chunks if name != "time"])
        )
        if self.storage_chunks:
            chunks["time"] = _runs(
                self.positions, self.storage_chunks.get("time", 1), CHUNK_BYTES // slice_bytes
            )
        else:
            chunks["time"] = _runs(self.positions, 2**62, CONTIGUOUS_BYTES // slice_bytes)
        return chunks


def pieces_of(dataset: xr.Dataset, origin: str, note: Callable[[str], None]) -> list[Piece]:
    """Find the fields of a dataset and name their axes.

    Parameters
    ----------
    dataset : xarray.Dataset
        As a reader returns it: lazily indexed, not yet dask.
    origin : str
        Name of its source, for sentences and the attribute ``source``.
    note : callable
        Receives a sentence for each thing worth telling.

    Returns
    -------
    list of Piece
        Empty when the dataset holds none of the known variables.

    Raises
    ------
    UserError
        Axes are missing or cannot be understood.
    """
    found = find_variables(dataset)
    window, dataset = _valid_window(dataset, note)
    pieces = []
    for quantity, variable in found.items():
        array = dataset[variable]
        stored = _storage_chunks(array)
        array = _promote_scalars(array)
        array, dated = name_time_axis(array, variable, note)
        array, level_kind = name_level_axis(array, variable)
        coefficients = next(
            (str(d) for d in array.dims if str(d).lower() in COEFFICIENT_DIMENSION_NAMES), None
        )
        if coefficients is not None:
            array = array.rename({coefficients: "values"}).drop_vars("values", errors="ignore")
            truncation_of(array.sizes["values"])
        else:
            array = name_horizontal_axes(array, variable)
        # Naming axes neither adds nor drops any of lazily indexed data, so that old and new names pair up in
        # order.
        pairs = zip(map(str, dataset[variable].dims), map(str, array.dims), strict=False)
        chunks = {} if array.chunks else {new: stored[old] for old, new in pairs if old in stored}
        array = _squeeze_others(array, variable, note)
        positions = window.start + np.arange(array.sizes["time"])
        pieces.append(Piece(quantity, variable, origin, array, level_kind, dated, chunks, positions))
    return pieces


def _runs(positions: np.ndarray, stored: int, limit: int) -> tuple[int, ...]:
    """Chunk lengths along time that follow the stored chunks and stay under a limit."""
    if stored <= 1 or limit <= 1:
        return (1,) * positions.size
    owner = positions // stored
    edges = np.flatnonzero((np.diff(owner) != 0) | (np.diff(positions) != 1)) + 1
    lengths: list[int] = []
    for run in np.diff(np.concatenate([[0], edges, [positions.size]])).astype(int):
        full, rest = divmod(int(run), limit)
        lengths += [limit] * full + ([rest] if rest else [])
    return tuple(lengths)


def _storage_chunks(array: xr.DataArray) -> dict[str, int]:
    """Chunk lengths of the source by its own dimension names; none for contiguous files."""
    encoding = array.variable.encoding
    preferred = encoding.get("preferred_chunks")
    if preferred:
        return {str(name): int(length) for name, length in preferred.items()}
    sizes = encoding.get("chunksizes")
    if sizes and len(sizes) == array.ndim:
        return {str(name): int(length) for name, length in zip(array.dims, sizes, strict=True)}
    return {}


def _promote_scalars(array: xr.DataArray) -> xr.DataArray:
    """Hand data over to dask where a dimension will be added: expanding would load lazily indexed data."""
    scalars = {str(name).lower() for name in array.coords if array[name].ndim == 0}
    has_time = any(array[name].ndim and array[name].dtype.kind in "MO" for name in array.coords)
    if array.chunks or (has_time and not scalars & {*LEVEL_NAMES, *LATITUDE_NAMES, *LONGITUDE_NAMES}):
        return array
    stored = _storage_chunks(array)
    if not stored:
        stored = {str(name): 1 for name in array.dims[:-2]}
    return array.chunk({name: stored.get(str(name), -1) for name in array.dims}, inline_array=True)


def _squeeze_others(array: xr.DataArray, variable: str, note: Callable[[str], None]) -> xr.DataArray:
    """Drop dimensions of length one, and scalar coordinates, that are no axis of a field."""
    known = {"time", "level", "latitude", "longitude", "values", "expver"}
    for name in map(str, array.dims):
        if name in known:
            continue
        if array.sizes[name] != 1:
            raise UserError(
                f"Variable '{variable}' has a dimension '{name}' of length {array.sizes[name]} besides time, "
                "level, latitude and longitude; select one of it first (for an ensemble, one member)."
            )
        array = array.isel({name: 0}, drop=True)
    return array.drop_vars([name for name in array.coords if name not in known])


def _valid_window(dataset: xr.Dataset, note: Callable[[str], None]) -> tuple[slice, xr.Dataset]:
    """Trim a store to the times it says hold data: ARCO-ERA5 allocates decades that are still empty."""
    start, stop, preliminary = (
        str(dataset.attrs[key]).removesuffix("Z").replace("T", " ") if key in dataset.attrs else None
        for key in ("valid_time_start", "valid_time_stop", "valid_time_stop_era5t")
    )
    name = "time" if "time" in dataset.indexes else None
    if start is None or stop is None or name is None:
        return slice(0, None), dataset
    try:
        first = pd.Period(start).start_time
        last_final = pd.Period(stop).end_time
        last = pd.Period(preliminary).end_time if preliminary else last_final
    except ValueError as error:
        raise UserError(
            f"Attributes valid_time_start '{start}' and valid_time_stop '{stop}' of the store must be dates; "
            "correct them."
        ) from error
    last = max(last, last_final)
    times = dataset.indexes[name]
    inside = slice(int(times.searchsorted(first, "left")), int(times.searchsorted(last, "right")))
    if inside.stop <= inside.start:
        raise UserError(
            f"The store holds times from {times[0]} to {times[-1]}, none of them in its valid period {start} "
            f"to {stop}; correct its attributes valid_time_start and valid_time_stop."
        )
    if inside.stop - inside.start < len(times):
        note(
            f"times outside the store's valid period ({start} to {preliminary or stop}) hold no data and "
            "were left out"
        )
    if preliminary and times[inside.stop - 1] > last_final:
        note(f"times after {stop} are preliminary ERA5T")
    return inside, dataset.isel({name: inside})
