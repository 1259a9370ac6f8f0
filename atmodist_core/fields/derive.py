"""Vorticity and divergence of a wind, and the wind of vorticity and divergence, on the sphere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import FIELD_ATTRS
from atmodist_core.fields.canonical.coordinates import (
    canonical_axes,
    grid_name,
    is_full_circle,
    name_horizontal_axes,
)
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.canonical.units import check_units
from atmodist_core.fields.grid.finite_difference import POLE_DEG, vorticity_divergence_by_differences
from atmodist_core.harmonics.grids import maximum_truncation

_Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def vorticity_divergence(u: xr.DataArray, v: xr.DataArray) -> xr.Dataset:
    """Relative vorticity and divergence of a horizontal wind.

    On a whole globe (cell-centred, pole-including, Gaussian or Driscoll-Healy latitudes and an even circle of
    longitudes) they are computed with spherical harmonics, up to the highest total wavenumber the grid
    resolves; on a limited area with the finite differences of `atmodist_core.fields.grid.finite_difference`.

    Parameters
    ----------
    u, v : xarray.DataArray
        Eastward and northward wind on one grid, [m s-1] or units that convert to it. Dimensions: latitude and
        longitude, and any others. Lazy (dask) arrays stay lazy, one chunk of the other dimensions at a time.

    Returns
    -------
    xarray.Dataset
        float32 ``vorticity`` and ``divergence`` [s-1], latitudes from north to south, longitudes canonical,
        the other dimensions as they were. Attributes ``grid``, ``derived_from`` and ``notes`` say how they
        were made.

    Raises
    ------
    UserError
        The arrays do not share one grid, are too small, lack values on a globe, or have units other than a
        speed.

    Examples
    --------
    >>> latitude, longitude = np.linspace(90, -90, 19), np.arange(36) * 10.0
    >>> solid = xr.DataArray(  # 10 m/s at the equator, turning as a solid body
    ...     10 * np.cos(np.deg2rad(latitude))[:, None] * np.ones(36),
    ...     {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"))
    >>> fields = vorticity_divergence(solid, 0 * solid)
    >>> round(float(fields.vorticity.sel(latitude=90).mean()) * 1e6, 3)  # 2 U / a
    3.139
    """
    notes: list[str] = []
    u, v = (_wind_component(array, name, notes.append) for array, name in ((u, "u"), (v, "v")))
    fields = derive_from_canonical_wind(u, _on_axes_of(u, v, ("u", "v")), notes.append)
    for sentence in notes:
        add_note(fields, sentence)
    return fields


def derive_from_canonical_wind(
    u: xr.DataArray, v: xr.DataArray, note: Callable[[str], None], *, has_gaps: bool = False
) -> xr.Dataset:
    """Return vorticity and divergence of winds [m s-1] that already have the same canonical axes.

    Winds that cover a part of the globe only (``has_gaps``) are differentiated as those of a limited area.
    """
    latitude, longitude = u["latitude"].values, u["longitude"].values
    grid = "limited-area" if has_gaps else grid_name(latitude, longitude)
    if grid != "limited-area":
        truncation = maximum_truncation(latitude.size, longitude.size, grid)
        fields = _apply(partial(_spectral_derivatives, grid, truncation), u, v, slice_by_slice=True)
        derived_from = f"u and v with spherical harmonics up to total wavenumber {truncation}"
        if grid == "driscoll-healy":
            note(
                f"a Driscoll-Healy grid of {latitude.size} rows resolves total wavenumbers up to "
                f"{truncation}; smaller scales of the wind were left out"
            )
    else:
        full_circle = is_full_circle(longitude)
        if not full_circle and np.any(np.abs(latitude) > 90.0 - POLE_DEG):
            keep = np.flatnonzero(np.abs(latitude) <= 90.0 - POLE_DEG)
            u, v, latitude = u.isel(latitude=keep), v.isel(latitude=keep), latitude[keep]
            note("the row at the pole was left out: on part of a circle it has no derivatives")
        if latitude.size < 3 or longitude.size < 3:
            raise UserError(
                "Expected at least 3 rows and 3 columns to derive vorticity and divergence of a limited "
                f"area, found {latitude.size} x {longitude.size}; give a larger area."
            )
        fields = _apply(partial(_differences, latitude, longitude, full_circle), u, v)
        derived_from = "u and v with second-order finite differences on the sphere"
    return _finish(dict(zip(("vorticity", "divergence"), fields, strict=True)), grid, derived_from)


def wind(vorticity: xr.DataArray, divergence: xr.DataArray) -> xr.Dataset:
    """Horizontal wind of relative vorticity and divergence, on a whole globe.

    Parameters
    ----------
    vorticity, divergence : xarray.DataArray
        [s-1] on one global grid; dimensions latitude and longitude, and any others. Lazy arrays stay lazy.

    Returns
    -------
    xarray.Dataset
        float32 ``u`` and ``v`` [m s-1]. The means over the globe of vorticity and divergence, which no wind
        can have, are ignored.

    Raises
    ------
    UserError
        The area is limited, values are missing, or the arrays do not share one grid.
    """
    notes: list[str] = []
    fields = [
        _named(array, name, notes.append)
        for array, name in ((vorticity, "vorticity"), (divergence, "divergence"))
    ]
    first, second = fields[0], _on_axes_of(fields[0], fields[1], ("vorticity", "divergence"))
    latitude, longitude = first["latitude"].values, first["longitude"].values
    grid = grid_name(latitude, longitude)
    if grid == "limited-area":
        raise UserError(
            f"Expected vorticity and divergence on the whole globe, found latitudes {latitude[-1]:g} to "
            f"{latitude[0]:g} and longitudes {longitude[0]:g} to {longitude[-1]:g}; the wind of a limited "
            "area depends on what lies outside it: derive the wind on the globe and select the region then."
        )
    truncation = maximum_truncation(latitude.size, longitude.size, grid)
    components = _apply(partial(_spectral_wind, grid, truncation), first, second, slice_by_slice=True)
    derived_from = f"vorticity and divergence with spherical harmonics up to total wavenumber {truncation}"
    dataset = _finish(dict(zip(("u", "v"), components, strict=True)), grid, derived_from)
    for sentence in notes:
        add_note(dataset, sentence)
    return dataset


def _named(array: Any, name: str, note: Callable[[str], None]) -> xr.DataArray:
    if not isinstance(array, xr.DataArray):
        raise UserError(
            f"Expected an xarray.DataArray with latitude and longitude for {name}, found "
            f"{type(array).__name__}; wrap the numbers in a DataArray."
        )
    return canonical_axes(name_horizontal_axes(array, name), name, note)


def _wind_component(array: Any, name: str, note: Callable[[str], None]) -> xr.DataArray:
    named = _named(array, name, note)
    if "units" in named.attrs:
        factor, sentence = check_units(named.attrs["units"], "wind", name)
        if sentence is not None:
            note(sentence)
            named = named * factor
    return named


def _on_axes_of(a: xr.DataArray, b: xr.DataArray, names: tuple[str, str]) -> xr.DataArray:
    """The second array on the coordinates of the first; different ones are refused."""
    if set(a.dims) != set(b.dims):
        raise UserError(
            f"Expected {names[0]} and {names[1]} with the same dimensions, found {a.dims} and {b.dims}; "
            "align them first."
        )
    for dimension in map(str, a.dims):
        same = a.sizes[dimension] == b.sizes[dimension]
        if same and dimension in a.coords and dimension in b.coords:
            left, right = a[dimension].values, b[dimension].values
            numbers = left.dtype.kind in "iuf" and right.dtype.kind in "iuf"
            same = bool(
                np.allclose(left, right, rtol=0, atol=1e-4) if numbers else np.array_equal(left, right)
            )
        if not same:
            raise UserError(
                f"Expected {names[0]} and {names[1]} on the same {dimension}s, found different ones "
                f"({a.sizes[dimension]} and {b.sizes[dimension]} values); select the common part first."
            )
    return b.assign_coords(latitude=a["latitude"], longitude=a["longitude"]).transpose(*a.dims)


def _apply(
    kernel: _Kernel, first: xr.DataArray, second: xr.DataArray, *, slice_by_slice: bool = False
) -> tuple[xr.DataArray, xr.DataArray]:
    """Run a kernel (..., n, m), (..., n, m) -> (..., 2, n, m) on whole slices, and split its two results.

    Lazy arrays are handled chunk by chunk, or slice by slice, and only with blockwise layers: dask then builds no
    task before it computes (a store of a million hours opens at once), and computes both results together.
    """
    if not (first.chunks or second.chunks):
        both = kernel(first.values, second.values)
        parts = [both[..., index, :, :] for index in (0, 1)]
    else:
        import dask.array as da

        leading = [str(name) for name in first.dims[:-2]]
        lazy = first if first.chunks else second
        chunks = {name: 1 if slice_by_slice else lazy.chunksizes[name] for name in leading}
        a, b = (array.chunk({**chunks, "latitude": -1, "longitude": -1}).data for array in (first, second))
        axis = len(leading)
        both = da.map_blocks(
            kernel,
            a,
            b,
            dtype=np.float32,
            new_axis=axis,
            chunks=(*a.chunks[:-2], (2,), *a.chunks[-2:]),
            meta=np.empty((0,) * (axis + 3), np.float32),
        )
        parts = [
            da.map_blocks(
                partial(_one_of_two, index),
                both,
                dtype=np.float32,
                drop_axis=axis,
                chunks=a.chunks,
                meta=a._meta,
            )
            for index in (0, 1)
        ]
    return tuple(xr.DataArray(part, coords=first.coords, dims=first.dims) for part in parts)  # type: ignore[return-value]


def _one_of_two(index: int, both: np.ndarray) -> np.ndarray:
    return both[..., index, :, :]


def _spectral_derivatives(grid: str, truncation: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vorticity and divergence [s-1], shape (..., 2, n, m), float32, of winds of shape (..., n, m)."""

    def derive(a: Any, b: Any) -> Any:
        transform = _transform(u.shape, truncation, grid)
        vorticity, divergence = transform.wind_to_vorticity_divergence(a, b)
        return transform.synthesis(vorticity), transform.synthesis(divergence)

    return _each_slice(derive, u, v, ("u", "v"))


def _spectral_wind(grid: str, truncation: int, vorticity: np.ndarray, divergence: np.ndarray) -> np.ndarray:
    """Eastward and northward wind [m s-1], shape (..., 2, n, m), float32, of fields of shape (..., n, m)."""

    def derive(a: Any, b: Any) -> Any:
        transform = _transform(vorticity.shape, truncation, grid)
        return transform.vorticity_divergence_to_wind(transform.analysis(a), transform.analysis(b))

    return _each_slice(derive, vorticity, divergence, ("vorticity", "divergence"))


def _transform(shape: tuple[int, ...], truncation: int, grid: str) -> Any:
    import torch

    from atmodist_core.harmonics import get_transform

    return get_transform(shape[-2], shape[-1], truncation, grid, dtype=torch.float32)


def _each_slice(
    derive: Callable[[Any, Any], Any], first: np.ndarray, second: np.ndarray, names: tuple[str, str]
) -> np.ndarray:
    """Memory stays that of one slice, whatever the number of times."""
    import torch

    result = np.empty((*first.shape[:-2], 2, *first.shape[-2:]), dtype=np.float32)
    with torch.inference_mode():
        for index in np.ndindex(first.shape[:-2]):
            # Readers share their buffers; torch wants writable memory of its own.
            a = np.array(first[index], dtype=np.float32)
            b = np.array(second[index], dtype=np.float32)
            refuse_missing(a, b, names)
            for part, values in enumerate(derive(torch.from_numpy(a), torch.from_numpy(b))):
                result[index][part] = values.numpy()
    return result


def refuse_missing(first: np.ndarray, second: np.ndarray, names: tuple[str, str]) -> None:
    """Refuse missing values on a globe: each would spoil every point of a spectral field."""
    for values, name in ((first, names[0]), (second, names[1])):
        count = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
        if count:
            raise UserError(
                f"Expected values of {name} everywhere on the globe, found {count} of {values.size} missing; "
                "fill them, choose other times, or cut a limited area without gaps out of the file."
            )


def _differences(
    latitude: np.ndarray, longitude: np.ndarray, full_circle: bool, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    fields = vorticity_divergence_by_differences(u, v, latitude, longitude, full_circle=full_circle)
    return np.stack(fields, axis=-3)


def _finish(fields: dict[str, xr.DataArray], grid: str, derived_from: str) -> xr.Dataset:
    dataset = xr.Dataset(fields)
    for name in dataset.data_vars:
        dataset[name].attrs = dict(FIELD_ATTRS[str(name)])
    dataset.attrs = {"grid": grid, "derived_from": derived_from, "notes": ""}
    return dataset
