"""Source variables: one variable of one file or store, with named axes, still as it was stored."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.coordinates import name_horizontal_axes
from atmodist_core.fields.canonical.expver import merge_expver
from atmodist_core.fields.canonical.levels import Level, name_level_axis
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE
from atmodist_core.fields.canonical.names import (
    COEFFICIENT_DIMENSION_NAMES,
    LATITUDE_NAMES,
    LEVEL_NAMES,
    LONGITUDE_NAMES,
    QUANTITIES,
    Quantity,
    find_variables,
)
from atmodist_core.fields.canonical.time_axis import name_time_axis
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.ecmwf_coefficients import truncation_of
from atmodist_core.fields.open.guarded_reading import guard

CHUNK_BYTES = 64 * 2**20
"""Largest lazy chunk, unless the store's own chunk of one time is larger [bytes]."""

CONTIGUOUS_BYTES = 2**20
"""Times of files without chunks of their own are read together up to this size: a task per tiny slice is
slower [bytes]."""


@dataclass
class SourceVariable:
    """One variable of one source.

    `array` has dimensions time, perhaps level and expver, and (latitude, longitude) or values, in any order;
    `storage_chunks` are chunk lengths of the source by canonical dimension; `positions` are the places of the times in
    the source, to keep lazy chunks aligned with the stored ones; `store` is set for an array of a local Zarr store.
    """

    quantity: Quantity
    name: str
    origin: str
    array: xr.DataArray
    level_kind: str | None = None
    dated: bool = True
    storage_chunks: dict[str, int] = field(default_factory=dict)
    positions: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    store: StoredArray | None = None

    @property
    def is_coefficients(self) -> bool:
        """Whether it holds spherical-harmonic coefficients."""
        return "values" in self.array.dims

    @cached_property
    def levels(self) -> list[Level]:
        """The levels it holds; empty without a vertical coordinate."""
        if "level" not in self.array.dims:
            return []
        return [Level(self.level_kind or "unknown", float(value)) for value in self.array["level"].values]

    @cached_property
    def times(self) -> np.ndarray:
        """Its valid times, datetime64[ns], as stored."""
        return self.array["time"].values

    def at_level(self, level: Level | None) -> SourceVariable | None:
        """Return it at one level, or None if it does not hold that level."""
        if level is None:
            return None if self.levels else self
        if level not in self.levels:
            return None
        index = self.levels.index(level)
        store = self.store and self.store.at("level", np.array([index]))
        return replace(self, array=self.array.isel(level=index, drop=True), store=store)

    def at_times(self, indices: np.ndarray) -> SourceVariable:
        """Return it at some of its times."""
        positions = self.positions[indices]
        store = self.store and self.store.at("time", positions)
        if indices.size == self.times.size and np.array_equal(indices, np.arange(indices.size)):
            return replace(self, store=store)
        even = indices.size > 1 and np.all(np.diff(indices) == 1)
        indexer = slice(int(indices[0]), int(indices[-1]) + 1) if even else indices
        return replace(self, array=self.array.isel(time=indexer), positions=positions, store=store)

    def lazy(self, note: Note) -> xr.DataArray:
        """Return a dask array, (time, latitude, longitude) or (time, values), in the chunks of the source.

        ERA5 and ERA5T are merged. Missing chunks of a local store are noted.
        """
        if self.store is not None:
            self.store.note_missing(note)
        # Inlined, the stores are no tasks of their own: dask would otherwise fuse them with their readers by
        # building the tasks of all times, a minute for the 750,000 hours of ARCO-ERA5.
        array = self.array if self.array.chunks else self.array.chunk(self._chunks(), inline_array=True)
        array = merge_expver(array, self.name, note)
        return array.transpose(
            "time", ..., *(("values",) if self.is_coefficients else ("latitude", "longitude"))
        )

    def _chunks(self) -> dict[str, Any]:
        sizes = {str(name): length for name, length in self.array.sizes.items()}
        chunks: dict[str, Any] = {
            name: min(self.storage_chunks.get(name, length), length) for name, length in sizes.items()
        }
        slice_bytes = self.array.dtype.itemsize * math.prod(
            length for name, length in chunks.items() if name != "time"
        )
        stored, limit = (
            (self.storage_chunks.get("time", 1), CHUNK_BYTES)
            if self.storage_chunks
            else (2**62, CONTIGUOUS_BYTES)
        )
        chunks["time"] = _runs(self.positions, stored, limit // slice_bytes)
        return chunks


@dataclass(frozen=True)
class StoredArray:
    """An array of a local Zarr store, and the selected indices along each of its dimensions in stored order.

    `fill_is_missing`: a missing chunk reads as missing values; else reading it is refused.
    """

    path: str
    name: str
    selected: dict[str, np.ndarray]
    fill_is_missing: bool

    def at(self, dimension: str, indices: np.ndarray) -> StoredArray:
        """Return a selection along one dimension."""
        if dimension not in self.selected:
            return self
        return replace(self, selected={**self.selected, dimension: indices})

    def note_missing(self, note: Note) -> None:
        """Note how many of the selected chunks are missing."""
        from atmodist_core.fields.open.zarr_store import missing_chunks

        missing, count, first = missing_chunks(self.path, self.name, list(self.selected.values()))
        if missing:
            effect = "their values are missing" if self.fill_is_missing else "reading them is refused"
            note(
                f"{missing} of {count} stored chunks of '{self.name}' are missing (the first is {first}); "
                f"{effect}"
            )


def source_variables(
    dataset: xr.Dataset, origin: str, note: Note, quantities: Mapping[str, Quantity] = QUANTITIES
) -> list[SourceVariable]:
    """Find the known fields of a dataset (lazily indexed, not yet dask) and name their axes.

    `quantities` are looked for. `origin` is the source's name in messages and attributes; `note` receives a sentence for each change. Refused:
    axes that are missing or not understood, rotated grids, values that are not real numbers.
    """
    found = find_variables(dataset, quantities)
    path, required = dataset.encoding.get("source"), dataset.encoding.get("required_chunks", ())
    window, dataset = _valid_window(dataset, note)
    variables = []
    for quantity, name in found.items():
        original = dataset[name]
        _refuse_unusable(dataset, original, origin)
        stored = _storage_chunks(original)
        is_lazy = not original.chunks
        array = _promote_scalars(guard(original, path) if path and is_lazy else original)
        array, dated = name_time_axis(array, name, note)
        array, level_kind = name_level_axis(array, name)
        coefficients = next(
            (str(d) for d in array.dims if str(d).lower() in COEFFICIENT_DIMENSION_NAMES), None
        )
        if coefficients is not None:
            array = array.rename({coefficients: "values"}).drop_vars("values", errors="ignore")
            truncation_of(array.sizes["values"])
        else:
            array = name_horizontal_axes(array, name)
        positions = window.start + np.arange(array.sizes["time"])
        chunks: dict[str, int] = {}
        store = None
        if not array.chunks and array.ndim == original.ndim:
            # Naming axes keeps the order of the dimensions of lazily indexed data.
            new_names = dict(zip(map(str, original.dims), map(str, array.dims), strict=True))
            chunks = {new_names[old]: length for old, length in stored.items() if old in new_names}
            if path and os.path.isdir(path):
                selected = {new: np.arange(original.sizes[old]) for old, new in new_names.items()}
                store = StoredArray(path, name, selected | {"time": positions}, name not in required)
        array = _squeeze_others(array, name)
        variables.append(
            SourceVariable(
                quantities[quantity], name, origin, array, level_kind, dated, chunks, positions, store
            )
        )
    return variables


def _refuse_unusable(dataset: xr.Dataset, array: xr.DataArray, origin: str) -> None:
    """Refuse values that are not real numbers, empty dimensions and rotated or projected grids."""
    name = array.name
    if array.dtype.kind not in "fiu":
        raise UserError(
            f"Variable '{name}' of {origin} holds values of type {array.dtype}, where real numbers were "
            "expected; convert it or choose another file."
        )
    if len(set(array.dims)) < array.ndim:
        raise UserError(
            f"Variable '{name}' of {origin} has the dimensions {array.dims}, where each was expected once; "
            "download it again."
        )
    for dimension, length in array.sizes.items():
        if length == 0:
            raise UserError(
                f"Dimension '{dimension}' of variable '{name}' of {origin} has no entries, where at least "
                "one was expected; download it again or choose another period."
            )
    mapping = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping"))
    attrs = dataset[mapping].attrs if mapping in dataset.variables else {}
    projection = str(attrs.get("grid_mapping_name", "latitude_longitude"))
    if projection != "latitude_longitude" or any("grid_north_pole" in str(key) for key in attrs):
        raise UserError(
            f"Variable '{name}' of {origin} lies on a grid of the mapping '{projection}', where latitudes and "
            "longitudes were expected; regrid it and turn the wind eastward first (cdo remapbil, rotuvb)."
        )


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
    """Chunk data to which a dimension will be added: expanding would load lazily indexed data."""
    scalars = {str(name).lower() for name in array.coords if array[name].ndim == 0}
    has_time = any(array[name].ndim and array[name].dtype.kind in "MO" for name in array.coords)
    if array.chunks or (has_time and not scalars & {*LEVEL_NAMES, *LATITUDE_NAMES, *LONGITUDE_NAMES}):
        return array
    stored = _storage_chunks(array)
    if not stored:
        stored = {str(name): 1 for name in array.dims[:-2]}
    return array.chunk({name: stored.get(str(name), -1) for name in array.dims}, inline_array=True)


def _squeeze_others(array: xr.DataArray, variable: str) -> xr.DataArray:
    """Drop dimensions of length one, and scalar coordinates, that no field has as an axis."""
    known = {"time", "level", "latitude", "longitude", "values", "expver", MODEL_DATE}
    for name in map(str, array.dims):
        if name in known:
            continue
        if array.sizes[name] != 1:
            raise UserError(
                f"Variable '{variable}' has a dimension '{name}' of length {array.sizes[name]} besides time, "
                "level, latitude and longitude; select one entry first (for an ensemble, one member)."
            )
        array = array.isel({name: 0}, drop=True)
    return array.drop_vars([name for name in array.coords if name not in known])


def _valid_window(dataset: xr.Dataset, note: Note) -> tuple[slice, xr.Dataset]:
    """Keep the times that the attributes of a store give as valid: ARCO-ERA5 allocates empty decades."""
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
