"""Coarse fields: area-weighted means of blocks of grid cells."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.coordinates import grid_name, is_full_circle
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.effective_truncation import ATTRIBUTE
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.sharpness import hand_on_sharpness


def coarsen(dataset: xr.Dataset, factor: int = 4) -> xr.Dataset:
    """Mean of each block of ``factor`` x ``factor`` cells, weighted by their area.

    This is what a coarse model or analysis would hold: the mean of the physical field, not a sample of
    points. How sharp the fine fields are goes with them as an attribute (:func:`~atmodist_core.sharpness`), for
    which a few times are read, of lazy data one. Rows that do not fill a block are left out at the southern end, columns that do not fill one at
    the eastern end of a limited area; both are noted. A coarse cell is missing unless all its cells have values.

    Parameters
    ----------
    dataset : xarray.Dataset
        Fields over latitude and longitude (canonical order), and any other dimensions. Lazy data stay lazy.
    factor : int
        Cells per block in each direction, 1 or more.

    Returns
    -------
    xarray.Dataset
        The coarse fields; coordinates are the means of those of the block.

    Raises
    ------
    UserError
        The factor is no positive whole number, larger than the grid, or does not divide a full circle of
        longitudes.

    Examples
    --------
    >>> fine = xr.Dataset(
    ...     {"vorticity": (("latitude", "longitude"), np.ones((4, 8), np.float32))},
    ...     {"latitude": [67.5, 22.5, -22.5, -67.5], "longitude": np.arange(8) * 45.0})
    >>> coarse = coarsen(fine, factor=2)
    >>> coarse.latitude.values, coarse.longitude.values
    (array([ 45., -45.]), array([ 22.5, 112.5, 202.5, 292.5]))
    """
    factor = _check_factor(factor)
    for name in ("latitude", "longitude"):
        if name not in getattr(dataset, "dims", ()) or name not in dataset.coords:
            raise UserError(
                f"Expected a dataset with the axis '{name}', found {list(getattr(dataset, 'dims', ()))}."
            )
    latitude = np.asarray(dataset["latitude"].values, dtype=np.float64)
    longitude = np.asarray(dataset["longitude"].values, dtype=np.float64)
    if factor > min(latitude.size, longitude.size):
        raise UserError(
            f"Expected a factor of at most {min(latitude.size, longitude.size)} for {latitude.size} x "
            f"{longitude.size} points, found {factor}; choose a smaller one."
        )
    if is_full_circle(longitude) and longitude.size % factor:
        raise UserError(
            f"Expected a factor that divides the {longitude.size} longitudes of the full circle, found "
            f"{factor}; choose one of {', '.join(str(n) for n in range(2, 17) if longitude.size % n == 0)}."
        )
    rows, columns = latitude.size // factor, longitude.size // factor
    trimmed = (latitude.size - rows * factor, longitude.size - columns * factor)
    weights = cell_areas(latitude)[: rows * factor]
    result = xr.Dataset(attrs=dict(dataset.attrs))
    for key, array in dataset.data_vars.items():
        if not {"latitude", "longitude"} <= set(array.dims):
            result[key] = array
            continue
        last = array.transpose(..., "latitude", "longitude")
        cut = last.isel(latitude=slice(0, rows * factor), longitude=slice(0, columns * factor))
        result[key] = (cut.dims, _blocks(cut, weights, factor), dict(array.attrs))
    others = {
        name: value
        for name, value in dataset.coords.items()
        if not {"latitude", "longitude"} & set(value.dims)
    }
    result = result.assign_coords(others).assign_coords(
        latitude=("latitude", _means(latitude, rows, factor), dict(dataset["latitude"].attrs)),
        longitude=("longitude", _means(longitude, columns, factor), dict(dataset["longitude"].attrs)),
    )
    hand_on_sharpness(dataset, result, factor)
    if ATTRIBUTE in result.attrs:
        result.attrs[ATTRIBUTE] *= factor
    if dataset.attrs.get("grid") != "limited-area":
        result.attrs["grid"] = grid_name(result["latitude"].values, result["longitude"].values)
    add_note(
        result,
        f"Mean over blocks of {factor} x {factor} cells, weighted by area; blocks with a missing cell are missing.",
    )
    if trimmed[0]:
        add_note(result, f"The {trimmed[0]} southernmost rows fill no block of {factor} and were left out.")
    if trimmed[1]:
        add_note(result, f"The {trimmed[1]} easternmost columns fill no block of {factor} and were left out.")
    return result


def _check_factor(factor: Any) -> int:
    whole = isinstance(factor, (int, np.integer)) and not isinstance(factor, bool)
    if not whole or factor < 1:
        raise UserError(f"Expected a positive whole number as factor, found {factor!r}; give for example 4.")
    return int(factor)


def _means(axis: np.ndarray, count: int, factor: int) -> np.ndarray:
    return axis[: count * factor].reshape(count, factor).mean(axis=1)


def _blocks(array: xr.DataArray, weights: np.ndarray, factor: int) -> Any:
    kernel = partial(_block_mean, weights, factor)
    if not array.chunks:
        return kernel(array.values)
    import dask.array as da

    data = array.chunk({"latitude": -1, "longitude": -1}).data
    shape = (data.shape[-2] // factor, data.shape[-1] // factor)
    return da.map_blocks(
        kernel,
        data,
        dtype=data.dtype,
        chunks=(*data.chunks[:-2], (shape[0],), (shape[1],)),
        meta=np.empty((0,) * data.ndim, data.dtype),
    )


def _block_mean(weights: np.ndarray, factor: int, values: np.ndarray) -> np.ndarray:
    """Weighted means of blocks; shape (..., n, m) -> (..., n / factor, m / factor)."""
    *leading, rows, columns = values.shape
    blocks = values.reshape(*leading, rows // factor, factor, columns // factor, factor).astype(np.float64)
    weight = np.broadcast_to(weights.reshape(rows // factor, factor)[:, :, None, None], blocks.shape[-4:])
    mean = (blocks * weight).sum(axis=(-3, -1)) / weight.sum(axis=(-3, -1))
    return np.where(np.isfinite(mean), mean, np.nan).astype(values.dtype)
