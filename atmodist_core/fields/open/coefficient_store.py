"""A compact Zarr 3 store of fields as spherical-harmonic coefficients: 16-bit integers with a scale per degree.

Each time and degree has its own scale, so that the steep spectrum of the atmosphere costs no precision at
small scales: the error of a coefficient is at most 1.6e-5 of the largest one of its degree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import FIELD_ATTRS, Channel, field_of
from atmodist_core.fields.canonical.coordinates import LATITUDE_ATTRS, LONGITUDE_ATTRS
from atmodist_core.fields.canonical.time_selection import nanoseconds, time_indices
from atmodist_core.fields.grid.regions import Region
from atmodist_core.fields.open.detect import COEFFICIENT_FORMAT, is_coefficient_store
from atmodist_core.fields.open.netcdf import one_line
from atmodist_core.fields.open.zarr_store import CheckedLocalStore, missing_chunks

FIELDS = ("vorticity", "divergence")
"""What every store holds, at one level. Others may follow under names such as ``temperature@0.883``, listed in its attribute
``more_fields``."""

_FULL_SCALE = 32767
_EPOCH = np.datetime64("1970-01-01T00:00:00", "s")


def pack(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pack complex coefficients (time, L + 1, L + 1), [degree, order], into integers.

    Returns int16 values (time, (L + 1)(L + 2)), real and imaginary parts in turn, and the float32 scale
    (time, L + 1), the largest part of each degree.
    """
    degree, order = np.tril_indices(coefficients.shape[-1])
    flat = coefficients[:, degree, order]
    parts = np.stack([flat.real, flat.imag], axis=-1)
    starts = np.flatnonzero(order == 0)
    scale = np.maximum.reduceat(np.abs(parts).max(axis=-1), starts, axis=1).astype(np.float32)
    safe = np.where(scale > 0, scale, 1).astype(np.float64)
    values = np.rint(parts / safe[:, degree, None] * _FULL_SCALE).astype(np.int16)
    return values.reshape(len(values), -1), scale


def unpack(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Inverse of :func:`pack`: complex64, shape (time, L + 1, L + 1)."""
    size = scale.shape[-1]
    degree, order = np.tril_indices(size)
    parts = values.reshape(len(values), -1, 2).astype(np.float32) * (scale / _FULL_SCALE)[:, degree, None]
    result = np.zeros((len(values), size, size), dtype=np.complex64)
    result[:, degree, order] = parts[..., 0] + 1j * parts[..., 1]
    return result


def _array(group: zarr.Group, name: str) -> zarr.Array:
    """An array of the store; a group of that name would be another format."""
    found = group.get(name)
    if not isinstance(found, zarr.Array):
        raise UserError(
            f"Expected an array {name!r} in {group.store_path}, found none; the store was not written by "
            "train/simulate.py, choose another."
        )
    return found


def _parts(attributes: Mapping[str, Any]) -> frozenset[str]:
    """Names of the arrays of a store but time."""
    fields = (*FIELDS, *map(str, attributes.get("more_fields", ())))
    return frozenset(f"{field}_{part}" for field in fields for part in ("values", "scale"))


def _open_group(path: str | Path) -> zarr.Group:
    """The group of a store, of which every chunk must be there."""
    store = CheckedLocalStore(str(path), read_only=True)
    group = zarr.open_group(store, mode="r", zarr_format=3)
    store.required = _parts(dict(group.attrs))
    return group


class CoefficientWriter:
    """Append slices to a store, or overwrite from a given slice on.

    `attributes` describe the data (source, level, seed, configuration), `more_fields` are stored besides vorticity and
    divergence. Write in multiples of `chunk_slices`, and no chunk is ever written twice.
    """

    def __init__(
        self,
        path: Path,
        truncation: int,
        attributes: Mapping[str, Any],
        chunk_slices: int,
        more_fields: Sequence[str] = (),
    ) -> None:
        self.path = Path(path)
        self.truncation = truncation
        self.fields = (*FIELDS, *more_fields)
        if more_fields:
            attributes = {**attributes, "more_fields": list(more_fields)}
        if is_coefficient_store(self.path):
            self.group = zarr.open_group(self.path, mode="r+", zarr_format=3)
            return
        if self.path.exists() and any(child.name == "zarr.json" for child in self.path.iterdir()):
            raise UserError(
                f"Expected an empty or new folder, found another Zarr store in {self.path}; choose another."
            )
        self.group = zarr.open_group(
            self.path,
            mode="a",
            zarr_format=3,
            attributes={"format": COEFFICIENT_FORMAT, "truncation": truncation, **attributes},
        )
        compressor = BloscCodec(cname="zstd", clevel=7, shuffle="shuffle")
        sizes = {
            "values": ((truncation + 1) * (truncation + 2), "int16"),
            "scale": (truncation + 1, "float32"),
        }
        for field in self.fields:
            for part, (size, dtype) in sizes.items():
                self.group.create_array(
                    f"{field}_{part}",
                    shape=(0, size),
                    chunks=(chunk_slices, size),
                    dtype=dtype,
                    compressors=compressor,
                    dimension_names=("time", part),
                )
        self.group.create_array(
            "time",
            shape=(0,),
            chunks=(4096,),
            dtype="int64",
            attributes={"units": "seconds since 1970-01-01"},
        )

    def write(self, start: int, times: np.ndarray, coefficients: Mapping[str, np.ndarray]) -> None:
        """Write slices [s-1] (time, L + 1, L + 1) from index ``start`` on; what lay there or beyond is dropped."""
        stop = start + len(times)
        # Chunks of zeros are written too, so that a missing chunk is always an error.
        with zarr.config.set({"array.write_empty_chunks": True}):
            for field in self.fields:
                values, scale = pack(coefficients[field])
                for part, data in (("values", values), ("scale", scale)):
                    array = _array(self.group, f"{field}_{part}")
                    array.resize((stop, array.shape[1]))
                    array[start:stop] = data
        # time last: a reader never sees a slice that is not there
        time = _array(self.group, "time")
        time.resize((stop,))
        time[start:stop] = (np.asarray(times).astype("datetime64[s]") - _EPOCH).astype(np.int64)


def read_coefficients(path: str | Path, field: str, indices: np.ndarray | slice) -> np.ndarray:
    """Return ``vorticity`` or ``divergence`` [s-1], or another stored field, of some slices: complex64, (time, L + 1, L + 1)."""
    group = _open_group(path)
    values, scale = (
        np.asarray(_array(group, f"{field}_{part}").oindex[indices]) for part in ("values", "scale")
    )
    return unpack(values, scale)


def _synthesise(path: str, field: str, rows: int, block_id: tuple[int, ...]) -> np.ndarray:
    """One slice of a field, float32, shape (1, rows, 2 * rows)."""
    # torch takes seconds to import, and opening a store needs none of it
    import torch

    from atmodist_core.harmonics import get_transform

    try:
        coefficients = read_coefficients(path, field, slice(block_id[0], block_id[0] + 1))
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"Slice {block_id[0]} of {field} in {path} cannot be read ({one_line(error)}); the store is "
            "damaged: write it again."
        ) from error
    transform = get_transform(rows, 2 * rows, coefficients.shape[-1] - 1, "cell-centred", dtype=torch.float32)
    with torch.inference_mode():
        return transform.synthesis(torch.from_numpy(coefficients)).numpy()


def open_coefficient_store(
    path: str | Path,
    *,
    level: Any = None,
    time: Any = None,
    region: Region | None = None,
    channels: Sequence[Channel] | None = None,
) -> xr.Dataset:
    """Open a store as canonical fields on its natural grid; slices are synthesised when they are read.

    The grid has 2 (L + 1) cell-centred rows (0.5 degrees for truncation 179). Arguments are those of `open_fields`;
    ``channels`` are fields that the store holds, by default vorticity and divergence. An empty or damaged store, and a level or time that it does not hold, are refused.
    """
    if not is_coefficient_store(path):
        raise UserError(
            f"Expected a folder written by train/simulate.py, found none at {path}; check the path."
        )
    group = _open_group(path)
    attributes: dict[str, Any] = dict(group.attrs)
    truncation = int(attributes["truncation"])
    rows = 2 * (truncation + 1)
    seconds = np.asarray(_array(group, "time")[:])
    if not len(seconds):
        raise UserError(f"Expected at least one slice in {path}, found none; resume train/simulate.py.")
    for name in sorted(_parts(attributes)):
        shape = _array(group, name).shape
        missing, count, first = missing_chunks(str(path), name, [np.arange(length) for length in shape])
        if missing or shape[0] < len(seconds):
            raise UserError(
                f"Expected {len(seconds)} slices of {name} in {path}, found {shape[0]} with {missing} of "
                f"{count} chunks missing{f' (first {first})' * bool(missing)}; copy or write the store again."
            )
    held = str(attributes.get("level", "unknown"))
    stored = {field: field for field in FIELDS}
    if channels is not None:
        stored = {each.name: _stored_name(each, level, held, attributes) for each in channels}
    elif level is not None and not _is_level(level, held):
        raise UserError(f"Level {level} is not in the store, which holds {held}; leave out level.")
    times = nanoseconds(_EPOCH + seconds.astype("timedelta64[s]"), str(path))
    # Blocks know their slice by their number, so that one layer of the graph serves any number of slices.
    fields = {
        name: dask.array.map_blocks(
            _synthesise,
            str(path),
            field,
            rows,
            chunks=((1,) * len(times), (rows,), (2 * rows,)),
            dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32),
        )
        for name, field in stored.items()
    }
    dimensions = ("time", "latitude", "longitude")
    spacing = 180.0 / rows
    dataset = xr.Dataset(
        {
            name: (dimensions, fields[name], _attributes(field, held, channels is not None))
            for name, field in stored.items()
        },
        coords={
            "time": ("time", times, {"standard_name": "time"}),
            "latitude": ("latitude", 90.0 - spacing * (np.arange(rows) + 0.5), LATITUDE_ATTRS),
            "longitude": ("longitude", spacing * np.arange(2 * rows), LONGITUDE_ATTRS),
        },
        attrs={
            "source": attributes.get("source", "coefficients"),
            "level": held,
            "derived_from": f"spherical-harmonic coefficients to T{truncation}",
            "grid": "cell-centred",
            "simulated": int(bool(attributes.get("simulated", False))),
            "member": attributes.get("member", ""),
            "notes": attributes.get("notes", ""),
        },
    )
    if time is not None:
        dataset = dataset.isel(time=time_indices(times, time))
    return region.select(dataset) if region is not None else dataset


def _attributes(field: str, held: str, with_level: bool) -> dict[str, Any]:
    """CF attributes of a stored field, and its level where several may be open."""
    number = field.partition("@")[2]
    level = {"level": f"sigma {number}" if number else held} if with_level else {}
    return {**FIELD_ATTRS[field_of(field)], **level}


def _stored_name(channel: Channel, level: Any, held: str, attributes: Mapping[str, Any]) -> str:
    """Name of the arrays of a channel; one that the store lacks is refused."""
    wanted = channel.level if channel.level is not None else level
    more = [str(name) for name in attributes.get("more_fields", ())]
    if channel.field in FIELDS and (wanted is None or _is_level(wanted, held)):
        return channel.field
    for name in more:
        field, _, number = name.partition("@")
        if field == channel.field and (
            _is_level(wanted, number) if wanted is not None else _is_level(number, held)
        ):
            return name
    listed = ", ".join([*(f"{field} at {held}" for field in FIELDS), *more])
    raise UserError(f"{channel.name} is not in the store, which holds {listed}; choose among these.")


def _is_level(request: Any, held: str) -> bool:
    """Whether a request, 0.883 or "sigma 0.883", is the level of a store."""
    if str(request).strip().lower() == held.strip().lower():
        return True
    try:
        return float(request) in [float(number) for number in re.findall(r"\d+\.?\d*", held)]
    except (TypeError, ValueError):
        return False
