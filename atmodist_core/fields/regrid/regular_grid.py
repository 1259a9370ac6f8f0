"""Curved grids: winds along the grid are turned eastward, and fields interpolated to latitudes and longitudes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import PAIRS, QUANTITIES, Quantity, find_variables
from atmodist_core.fields.regrid.cell_search import BilinearWeights, bilinear_weights, positions, spacings
from atmodist_core.fields.regrid.curved_coordinates import CurvedGrid, curved_grid, grid_mapping_of
from atmodist_core.fields.regrid.swath import winds_of_speed_and_direction

SWATH_SPACING_DEG = 0.25
"""Spacing of the grid for a swath of cells of 25 or 12.5 km [degrees]."""

SWATH_GAP = 2.0
"""Neighbours further apart than so many spacings of a swath have a hole between them, as beneath a scatterometer."""

_ALONG = {"x_wind": "y_wind", "grid_eastward_wind": "grid_northward_wind"}
"""CF standard names of winds along the axes of a grid."""

Guard = Callable[[xr.DataArray], xr.DataArray]


def on_regular_grid(
    dataset: xr.Dataset,
    origin: str,
    note: Callable[[str], None],
    guard: Guard,
    quantities: Mapping[str, Quantity] = QUANTITIES,
) -> xr.Dataset:
    """Return a dataset whose known fields lie on latitudes and longitudes.

    Fields of projected, rotated and other curved grids, and of swaths, are interpolated bilinearly to a regular grid of
    like spacing; points outside the grid, in its holes and beside missing values are missing. Other datasets are
    returned as they are; ``quantities`` are the known fields. ``guard`` makes reads of an array safe. Winds of unknown orientation are refused.
    """
    dataset = _dropped_swath_model(dataset)
    found = find_variables(dataset, quantities)
    is_swath = False
    if not any(set(pair) <= set(found) for pair in PAIRS) and not _along_grid(dataset):
        dataset, is_swath = winds_of_speed_and_direction(dataset, origin, note)
        found = find_variables(dataset, quantities)
    pairs = _along_grid(dataset)
    along = {name for pair in pairs for name in pair}
    names = [name for name in dict.fromkeys([*along, *found.values()])]
    grid = next((g for name in names if (g := curved_grid(dataset, dataset[name], origin)) is not None), None)
    if grid is None:
        return _renamed(dataset, pairs, note)
    fields = {name: dataset[name] for name in found.values() if name not in along}
    turned = {name: dataset[name] for name in along}
    for first, second in (("u", "v"), ("u10", "v10"), ("u100", "v100")):
        both = found.get(first), found.get(second)
        if both[0] in fields and both[1] in fields and _is_along(dataset, fields[str(both[0])], grid):
            pairs[str(both[0]), str(both[1])] = first, second
            turned |= {str(name): fields.pop(str(name)) for name in both}
        elif any(name in fields and _is_along(dataset, fields[str(name)], grid) for name in both if name):
            raise UserError(
                f"Expected both components of the wind along the grid in {origin}, found one; merge the two files first "
                "(xarray's merge), so that it can be turned eastward."
            )
    for array in (*fields.values(), *turned.values()):
        if array.dtype.kind not in "fiu" or not set(grid.dims) <= set(array.dims):
            raise UserError(
                f"Expected '{array.name}' of {origin} to hold real numbers over {' and '.join(grid.dims)}, found "
                f"{array.dtype} over {', '.join(map(str, array.dims))}; convert it or choose another file."
            )
    axes, weights = _target(grid, is_swath)
    result = xr.Dataset(attrs=dataset.attrs)
    result.encoding = dict(dataset.encoding)
    regrid = _Regrid(grid, axes, weights)
    for name, array in fields.items():
        result[name] = regrid(guard(array))
    for (x, y), (u, v) in pairs.items():
        cosine, sine = grid.direction
        a, b = guard(turned[x]), guard(turned[y])
        result[u] = regrid(a, b, cosine, -sine).assign_attrs(standard_name="eastward_wind")
        result[v] = regrid(a, b, sine, cosine).assign_attrs(standard_name="northward_wind")
    if pairs:
        note("the wind along the grid was turned to east and north")
    steps = [abs(float(axis[1] - axis[0])) for axis in axes]
    note(
        f"the fields were interpolated bilinearly from {grid.description} of {grid.latitude.shape[0]} x "
        f"{grid.latitude.shape[1]} points to latitudes and longitudes {steps[0]:.4g} and {steps[1]:.4g} degrees apart; "
        f"{100 * weights.inside.mean():.0f} % of these lie inside it, the others are missing"
    )
    return result


def _dropped_swath_model(dataset: xr.Dataset) -> xr.Dataset:
    """Leave the background model's winds of scatterometer files out."""
    return dataset.drop_vars([name for name in ("model_speed", "model_dir") if name in dataset])


def _along_grid(dataset: xr.Dataset) -> dict[tuple[str, str], tuple[str, str]]:
    """Pairs of winds along the grid by CF standard name or by name, and what they are called once turned."""
    pairs = {}
    for name, array in dataset.data_vars.items():
        text, standard_name = str(name), str(array.attrs.get("standard_name", "")).lower()
        partner = None
        if text.lower().startswith("x_wind"):
            partner = "y" + text[1:]
        elif standard_name in _ALONG:
            wanted = [
                other
                for other in dataset.data_vars
                if dataset[other].attrs.get("standard_name") == _ALONG[standard_name]
                and dataset[other].dims == array.dims
            ]
            partner = str(wanted[0]) if len(wanted) == 1 else None
        if partner is not None:
            if partner not in dataset:
                raise UserError(
                    f"Expected both components of the wind along the grid, found '{text}' without '{partner}'; merge the "
                    "two files first (xarray's merge), so that it can be turned eastward."
                )
            pairs[text, partner] = ("u10", "v10") if "10m" in text.lower() else ("u", "v")
    if len(set(pairs.values())) < len(pairs):
        first: dict[tuple[str, str], tuple[str, str]] = {}
        for key, value in pairs.items():
            if value not in first.values():
                first[key] = value
        return first
    return pairs


def _renamed(
    dataset: xr.Dataset, pairs: dict[tuple[str, str], tuple[str, str]], note: Callable[[str], None]
) -> xr.Dataset:
    """Winds along an ordinary grid of latitudes and longitudes are eastward and northward."""
    for (x, y), (u, v) in pairs.items():
        if grid_mapping_of(dataset, dataset[x]) is None and u not in dataset and v not in dataset:
            dataset = dataset.rename({x: u, y: v})
            note(
                f"'{x}' and '{y}' lie on latitudes and longitudes, so they were taken as eastward and northward wind"
            )
    return dataset


def _is_along(dataset: xr.Dataset, array: xr.DataArray, grid: CurvedGrid) -> bool:
    """Whether a wind on a curved grid is along it; refused if nothing says so."""
    relative = array.attrs.get("GRIB_uvRelativeToGrid")
    if relative is not None:
        return bool(int(relative))
    standard_name = str(array.attrs.get("standard_name", "")).lower()
    if standard_name in ("eastward_wind", "northward_wind"):
        return False
    if standard_name in (*_ALONG, *_ALONG.values()) or "MAP_PROJ" in dataset.attrs:
        return True
    raise UserError(
        f"Expected '{array.name}' on {grid.description} to say whether it is the eastward wind or the wind along the grid, "
        "found no such attribute; set its standard_name to eastward_wind, northward_wind, x_wind or y_wind."
    )


def _target(grid: CurvedGrid, is_swath: bool) -> tuple[tuple[NDArray[Any], NDArray[Any]], BilinearWeights]:
    """Latitudes and longitudes of like spacing that hold the grid, and the weights of its points there."""
    points = positions(grid.latitude, grid.longitude)
    rows, columns = spacings(points)
    valid = np.isfinite(points).all(axis=-1)
    latitude, longitude = grid.latitude[valid], grid.longitude[valid]
    middle = points[valid].mean(axis=0)
    centre = np.rad2deg(np.arctan2(middle[1], middle[0]))
    offset = (longitude - centre + 180.0) % 360.0 - 180.0
    full_circle = is_swath or float(np.ptp(offset)) > 300.0
    step = SWATH_SPACING_DEG if is_swath else _rounded(np.rad2deg(np.sqrt(rows * columns)))
    across = (
        step
        if full_circle
        else _rounded(step / np.cos(np.deg2rad(np.mean([latitude.min(), latitude.max()]))))
    )
    if full_circle and not is_swath:
        across = 360.0 / round(360.0 / across)
    if full_circle and is_swath and float(np.ptp(offset)) < 300.0:
        full_circle = False
    north, south = np.floor(latitude.max() / step), np.ceil(latitude.min() / step)
    target_latitude = np.arange(north, south - 0.5, -1) * step
    if full_circle:
        target_longitude = np.arange(round(360.0 / across)) * across
    else:
        west, east = centre + offset.min(), centre + offset.max()
        target_longitude = np.arange(np.ceil(west / across), np.floor(east / across) + 0.5) * across
    if min(target_latitude.size, target_longitude.size) < 3:
        raise UserError(
            f"Expected an area of at least 3 x 3 points, found {grid.description} that covers {target_latitude.size} x "
            f"{target_longitude.size} points {step:g} degrees apart; give a larger area."
        )
    targets = positions(*np.meshgrid(target_latitude, target_longitude, indexing="ij"))
    largest = SWATH_GAP * max(rows, columns) if is_swath else None
    weights = bilinear_weights(points, targets, largest_cell=largest)
    if not weights.inside.any():
        raise UserError(
            f"Expected {grid.description} with cells between its points, found none; check its latitudes and longitudes."
        )
    return (target_latitude, target_longitude), weights


def _rounded(step: float) -> float:
    """Two significant digits."""
    return float(f"{step:.2g}")


class _Regrid:
    """Interpolates arrays of one curved grid; lazy, a slice of the other dimensions at a time."""

    def __init__(
        self, grid: CurvedGrid, axes: tuple[NDArray[np.float64], NDArray[np.float64]], weights: Any
    ) -> None:
        self._dims, self._axes, self._weights = grid.dims, axes, weights

    def __call__(
        self, first: xr.DataArray, second: xr.DataArray | None = None, *factors: Any
    ) -> xr.DataArray:
        """Return one array, or ``factors[0] * first + factors[1] * second``, at the target points."""
        inputs = [first] if second is None else [first, second]
        chunks = {name: 1 for name in first.dims if name not in self._dims} | dict.fromkeys(self._dims, -1)
        lazy = [array.drop_vars(self._curved(array)).chunk(chunks) for array in inputs]

        def kernel(*values: NDArray[np.floating]) -> NDArray[np.float32]:
            if factors:
                values = (factors[0] * values[0] + factors[1] * values[1],)
            return self._weights(values[0])

        latitude, longitude = self._axes
        result: xr.DataArray = xr.apply_ufunc(
            kernel,
            *lazy,
            input_core_dims=[list(self._dims)] * len(lazy),
            output_core_dims=[["latitude", "longitude"]],
            dask="parallelized",
            output_dtypes=[np.float32],
            dask_gufunc_kwargs={"output_sizes": {"latitude": latitude.size, "longitude": longitude.size}},
        )
        kept = ("units", "GRIB_units", "GRIB_shortName", "long_name", "standard_name")
        attrs = {key: value for key, value in first.attrs.items() if key in kept}
        return result.assign_coords(latitude=latitude, longitude=longitude).assign_attrs(attrs)

    def _curved(self, array: xr.DataArray) -> list[Any]:
        """Coordinates along the grid, which do not survive."""
        return [name for name, coordinate in array.coords.items() if set(coordinate.dims) & set(self._dims)]
