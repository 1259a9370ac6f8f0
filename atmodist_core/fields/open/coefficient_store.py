"""A compact store of fields as spherical-harmonic coefficients: Zarr 3, 16-bit integers with a scale per
degree.

ERA5 is archived as coefficients too: they are the smallest faithful form of a global spectral field. Here
each time and degree has its own scale, so that the steep spectrum of the atmosphere costs no precision at
small scales: the error of a coefficient is at most 1.6e-5 of the largest one of its degree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec

from atmodist_core.common.errors import UserError

if TYPE_CHECKING:
    from atmodist_core.fields.grid.regions import Region

FORMAT = "atmodist-coefficients-1"
FIELDS = ("vorticity", "divergence")
_FULL_SCALE = 32767
_EPOCH = np.datetime64("1970-01-01T00:00:00", "s")


def _triangle(truncation: int) -> tuple[np.ndarray, np.ndarray]:
    """Degree and order of the packed coefficients, degree by degree."""
    degree, order = np.tril_indices(truncation + 1)
    return degree, order


def pack(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pack complex coefficients into integers.

    Parameters
    ----------
    coefficients : numpy.ndarray
        Complex, shape (time, L + 1, L + 1), [degree, order].

    Returns
    -------
    values : numpy.ndarray
        int16, shape (time, (L + 1)(L + 2)), real and imaginary parts in turn.
    scale : numpy.ndarray
        float32, shape (time, L + 1): the largest part of each degree.
    """
    degree, order = _triangle(coefficients.shape[-1] - 1)
    flat = coefficients[:, degree, order]
    parts = np.stack([flat.real, flat.imag], axis=-1)
    starts = np.flatnonzero(order == 0)
    scale = np.maximum.reduceat(np.abs(parts).max(axis=-1), starts, axis=1).astype(np.float32)
    safe = np.where(scale > 0, scale, 1).astype(np.float64)
    values = np.rint(parts / safe[:, degree, None] * _FULL_SCALE).astype(np.int16)
    return values.reshape(len(values), -1), scale


def unpack(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Inverse of :func:`pack`: complex64, shape (time, L + 1, L + 1)."""
    truncation = scale.shape[-1] - 1
    degree, order = _triangle(truncation)
    parts = values.reshape(len(values), -1, 2).astype(np.float32) * (scale / _FULL_SCALE)[:, degree, None]
    result = np.zeros((len(values), truncation + 1, truncation + 1), dtype=np.complex64)
    result[:, degree, order] = parts[..., 0] + 1j * parts[..., 1]
    return result


def _array(group: zarr.Group, name: str) -> zarr.Array:
    """An array of the store; a group of that name would be another format."""
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise UserError(
            f"Expected an array {name!r} in {group.store_path}, found a group; the store was not written by "
            "train/simulate.py, choose another."
        )
    return found


def is_coefficient_store(path: str | Path) -> bool:
    """Whether the folder is a store of this format."""
    try:
        metadata = json.loads((Path(path) / "zarr.json").read_text())
    except (OSError, ValueError):
        return False
    return isinstance(metadata, dict) and metadata.get("attributes", {}).get("format") == FORMAT


class CoefficientWriter:
    """Append slices to a store, or overwrite from a given slice on.

    Parameters
    ----------
    path : Path
        Folder of the store.
    truncation : int
        Degree of the last coefficient.
    attributes : Mapping
        What describes the data: source, level, seed, configuration.
    chunk_slices : int
        Slices in a chunk; write in multiples of it, and no chunk is ever written twice.
    """

    def __init__(self, path: Path, truncation: int, attributes: Mapping[str, Any], chunk_slices: int) -> None:
        self.path = Path(path)
        self.truncation = truncation
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
            attributes={"format": FORMAT, "truncation": truncation, **attributes},
        )
        compressor = BloscCodec(cname="zstd", clevel=7, shuffle="shuffle")
        sizes = {
            "values": ((truncation + 1) * (truncation + 2), "int16"),
            "scale": (truncation + 1, "float32"),
        }
        for field in FIELDS:
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
        """Write slices from index ``start`` on; what lay there or beyond is dropped.

        Parameters
        ----------
        start : int
            Index of the first slice.
        times : numpy.ndarray
            datetime64, shape (time,).
        coefficients : Mapping
            ``vorticity`` and ``divergence`` [s-1], complex, shape (time, L + 1, L + 1).
        """
        stop = start + len(times)
        for field in FIELDS:
            values, scale = pack(coefficients[field])
            for part, data in (("values", values), ("scale", scale)):
                array = _array(self.group, f"{field}_{part}")
                array.resize((stop, array.shape[1]))
                array[start:stop] = data
        # time last: a reader never sees a slice that is not there
        time = _array(self.group, "time")
        time.resize((stop,))
        time[start:stop] = (np.asarray(times).astype("datetime64[s]") - _EPOCH).astype(np.int64)


def read_coefficients(path: str | Path, indices: np.ndarray | slice) -> dict[str, np.ndarray]:
    """Coefficients of some slices: ``vorticity`` and ``divergence`` [s-1], complex64 (time, L + 1, L + 1)."""
    group = zarr.open_group(Path(path), mode="r", zarr_format=3)
    return {
        field: unpack(
            np.asarray(_array(group, f"{field}_values").oindex[indices]),
            np.asarray(_array(group, f"{field}_scale").oindex[indices]),
        )
        for field in FIELDS
    }


def _synthesise(
    path: str, field: str, latitude_count: int, longitude_count: int, block_id: tuple[int, ...]
) -> np.ndarray:
    first = block_id[0]
    # torch takes seconds to import, and opening a store needs none of it
    import torch

    from atmodist_core.harmonics import get_transform

    group = zarr.open_group(path, mode="r", zarr_format=3)
    coefficients = unpack(
        np.asarray(_array(group, f"{field}_values")[first : first + 1]),
        np.asarray(_array(group, f"{field}_scale")[first : first + 1]),
    )
    transform = get_transform(
        latitude_count, longitude_count, coefficients.shape[-1] - 1, "cell-centred", dtype=torch.float32
    )
    with torch.inference_mode():
        return transform.synthesis(torch.from_numpy(coefficients)).numpy()


def open_coefficient_store(
    path: str | Path,
    *,
    latitude_count: int | None = None,
    time: Any = None,
    region: Region | None = None,
) -> xr.Dataset:
    """Open a store as canonical fields; slices are synthesised when they are asked for.

    Parameters
    ----------
    path : str or Path
        Folder of the store.
    latitude_count : int, optional
        Rows of the cell-centred grid; by default 2 (L + 1), the 0.5-degree grid for truncation 179.
    time
        Selection along time as xarray's ``sel`` takes it.
    region : Region, optional
        Part of the globe.

    Returns
    -------
    xarray.Dataset
        ``vorticity`` and ``divergence`` [s-1] (time, latitude, longitude), lazy, one slice a chunk.
    """
    if not is_coefficient_store(path):
        raise UserError(
            f"Expected a folder written by train/simulate.py, found none at {path}; check the path."
        )
    group = zarr.open_group(Path(path), mode="r", zarr_format=3)
    attributes: dict[str, Any] = dict(group.attrs)
    truncation = int(attributes["truncation"])
    rows = latitude_count or 2 * (truncation + 1)
    if rows < truncation + 1:
        raise UserError(
            f"Expected at least {truncation + 1} rows for truncation {truncation}, found {rows}; "
            "leave latitude_count away for the natural grid."
        )
    columns = 2 * rows
    seconds = np.asarray(_array(group, "time")[:])
    if not len(seconds):
        raise UserError(f"Expected at least one slice in {path}, found none; let train/simulate.py run on.")
    times = (_EPOCH + seconds.astype("timedelta64[s]")).astype("datetime64[ns]")
    names = {"vorticity": "atmosphere_relative_vorticity", "divergence": "divergence_of_wind"}
    variables = {}
    for field in FIELDS:
        # By the number of its block every slice knows itself: one such layer is read in the same time however many slices there are.
        slices = dask.array.map_blocks(
            _synthesise,
            str(path),
            field,
            rows,
            columns,
            chunks=((1,) * len(times), (rows,), (columns,)),
            dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32),
        )
        variables[field] = (
            ("time", "latitude", "longitude"),
            slices,
            {"units": "s-1", "standard_name": names[field], "long_name": field},
        )
    spacing = 180.0 / rows
    dataset = xr.Dataset(
        variables,
        coords={
            "time": ("time", times, {"standard_name": "time"}),
            "latitude": (
                "latitude",
                90.0 - spacing * (np.arange(rows) + 0.5),
                {"units": "degrees_north", "standard_name": "latitude"},
            ),
            "longitude": (
                "longitude",
                spacing * np.arange(columns),
                {"units": "degrees_east", "standard_name": "longitude"},
            ),
        },
        attrs={
            "source": attributes.get("source", "coefficients"),
            "level": attributes.get("level", "unknown"),
            "derived_from": f"spherical-harmonic coefficients to T{truncation}",
            "grid": "cell-centred",
            "simulated": int(bool(attributes.get("simulated", False))),
            "member": attributes.get("member", ""),
            "notes": attributes.get("notes", ""),
        },
    )
    if time is not None:
        dataset = dataset.sel(time=time)
        if "time" not in dataset.dims:
            dataset = dataset.expand_dims("time")
        if not dataset.sizes["time"]:
            raise UserError(
                f"Expected times between {times[0]} and {times[-1]}, found none of them in {time}; choose "
                "from this period."
            )
    return region.select(dataset) if region is not None else dataset
