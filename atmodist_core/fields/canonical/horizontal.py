"""Selecting rows and columns of lazy fields in one step."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr


def take_points(array: xr.DataArray, rows: np.ndarray, columns: np.ndarray) -> xr.DataArray:
    """Return rows and columns of a field, in the order given; lazy data stay lazy.

    Chunks of complete slices give one blockwise layer, which costs dask nothing until it is computed; of a field
    chunked along latitude or longitude only the chunks needed are read.
    """
    if _is_all(rows, array.sizes["latitude"]) and _is_all(columns, array.sizes["longitude"]):
        return array
    if array.chunks:
        last = array.transpose(..., "latitude", "longitude")
        chunks = last.chunks or ()
        if len(chunks[-1]) == len(chunks[-2]) == 1:
            import dask.array as da

            data = da.map_blocks(
                partial(_take_block, _as_slice(rows), _as_slice(columns)),
                last.data,
                dtype=last.dtype,
                chunks=(*chunks[:-2], (rows.size,), (columns.size,)),
                meta=np.empty((0,) * last.ndim, last.dtype),
            )
            coords = {
                name: value.isel(
                    {d: i for d, i in (("latitude", rows), ("longitude", columns)) if d in value.dims}
                )
                for name, value in last.coords.items()
            }
            return xr.DataArray(data, coords, last.dims, name=array.name, attrs=array.attrs)
        parts = [last.isel(latitude=_as_slice(rows)).isel(longitude=_as_slice(run)) for run in _runs(columns)]
        return (
            parts[0]
            if len(parts) == 1
            else xr.concat(parts, dim="longitude", coords="minimal", compat="override")
        )
    return array.isel(latitude=_as_slice(rows), longitude=_as_slice(columns))


def _is_all(indices: np.ndarray, size: int) -> bool:
    return indices.size == size and np.array_equal(indices, np.arange(size))


def _as_slice(indices: np.ndarray) -> slice | np.ndarray:
    """Even indices as a slice: views instead of copies."""
    if indices.size > 1:
        step = int(indices[1] - indices[0])
        if step and np.all(np.diff(indices) == step):
            stop = int(indices[-1]) + (1 if step > 0 else -1)
            return slice(int(indices[0]), stop if stop >= 0 else None, step)
    return indices


def _runs(indices: np.ndarray) -> list[np.ndarray]:
    """Indices split into consecutive runs."""
    return np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1)


def _take_block(rows: slice | np.ndarray, columns: slice | np.ndarray, block: np.ndarray) -> np.ndarray:
    return block[..., rows, :][..., columns]
