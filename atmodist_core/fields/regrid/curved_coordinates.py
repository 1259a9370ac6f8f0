"""Latitudes and longitudes of the points of curved grids: stored, or from the mapping of a projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import LATITUDE_NAMES, LONGITUDE_NAMES
from atmodist_core.fields.regrid.cell_search import positions

_MAPPED_AXES = (
    ("projection_y_coordinate", "grid_latitude", "y", "rlat"),
    ("projection_x_coordinate", "grid_longitude", "x", "rlon"),
)


@dataclass(frozen=True)
class CurvedGrid:
    """Points of a curved grid [degrees], ``(rows, columns)``, NaN where there is none, along the dimensions `dims`.

    `x_increases` is False where the axis x of the projection decreases with the columns.
    """

    dims: tuple[str, str]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    description: str
    x_increases: bool = True

    @property
    def direction(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Cosine and sine of the angle from east to the axis x, anticlockwise, ``(rows, columns)``."""
        points = positions(self.latitude, self.longitude)
        along = np.gradient(points, axis=1) * (1.0 if self.x_increases else -1.0)
        phi, lam = np.deg2rad(self.latitude), np.deg2rad(self.longitude)
        east = np.stack([-np.sin(lam), np.cos(lam), np.zeros_like(lam)], axis=-1)
        north = np.stack([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)], axis=-1)
        to_east, to_north = (along * east).sum(axis=-1), (along * north).sum(axis=-1)
        size = np.hypot(to_east, to_north)
        return to_east / size, to_north / size


def grid_mapping_of(dataset: xr.Dataset, array: xr.DataArray) -> dict[str, Any] | None:
    """Return the attributes of the mapping of a field; None where it lies on latitudes and longitudes."""
    name = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping"))
    attrs = dict(dataset[name].attrs) if name in dataset.variables else {}
    kind = str(attrs.get("grid_mapping_name", "latitude_longitude"))
    is_plain = kind == "latitude_longitude" and not any("grid_north_pole" in str(key) for key in attrs)
    return None if is_plain else attrs


def curved_grid(dataset: xr.Dataset, array: xr.DataArray, origin: str) -> CurvedGrid | None:
    """Return the curved grid of a field, or None if it has latitudes and longitudes along axes, or no known mapping."""
    mapping = grid_mapping_of(dataset, array)
    description = (
        "a curvilinear grid"
        if mapping is None
        else f"a grid of the mapping {mapping.get('grid_mapping_name')}"
    )
    latitude, longitude = (_stored(dataset, array, names, word) for names, word in _KINDS)
    if latitude is not None and longitude is not None:
        dims = tuple(map(str, latitude.dims))
        if longitude.dims != latitude.dims or latitude.shape != longitude.shape:
            raise UserError(
                f"Expected latitudes and longitudes of '{array.name}' in {origin} over the same two dimensions, found "
                f"{latitude.dims} and {longitude.dims}; correct the coordinates."
            )
        values = [np.asarray(each.values, dtype=np.float64) for each in (latitude, longitude)]
    elif mapping is not None:
        mapped = _mapped(array, mapping)
        if mapped is None:
            return None
        dims, values = mapped
    else:
        return None
    _check(values, array, origin)
    missing = ~np.isfinite(values[0]) | ~np.isfinite(values[1])
    latitude_values, longitude_values = (np.where(missing, np.nan, each) for each in values)
    columns = array.coords.get(dims[1])
    decreasing = columns is not None and columns.ndim == 1 and columns.size > 1 and columns[0] > columns[-1]
    return CurvedGrid(
        (dims[0], dims[1]), latitude_values, longitude_values, description, not bool(decreasing)
    )


_KINDS = (((*LATITUDE_NAMES, "xlat_m"), "latitude"), ((*LONGITUDE_NAMES, "xlong_m"), "longitude"))


def _stored(
    dataset: xr.Dataset, array: xr.DataArray, names: tuple[str, ...], standard_name: str
) -> xr.DataArray | None:
    """A coordinate over two dimensions of a field, at the first time where it has a time of its own."""
    for name, variable in dataset.variables.items():
        known = str(name).lower() in names or variable.attrs.get("standard_name") == standard_name
        if not known or variable.ndim not in (2, 3) or not set(variable.dims) <= set(array.dims):
            continue
        found = dataset[name]
        return found.isel({found.dims[0]: 0}, drop=True) if found.ndim == 3 else found
    return None


def _mapped(array: xr.DataArray, mapping: dict[str, Any]) -> tuple[tuple[str, str], list[Any]] | None:
    """Dimensions, latitudes and longitudes from the axes of a projection; None if these, or the mapping, are not known."""
    axes = []
    for names in _MAPPED_AXES:
        found = [
            array[d]
            for d in array.dims
            if d in array.coords
            and (str(array[d].attrs.get("standard_name")) in names or str(d).lower() in names)
        ]
        if len(found) != 1:
            return None
        axes.append(found[0])
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError, ProjError

    try:
        crs = CRS.from_cf({key: value for key, value in mapping.items() if key != "proj4"})
        # A rotated pole is a geographic system of its own; its source has the true pole.
        transformer = Transformer.from_crs(crs, crs.source_crs or crs.geodetic_crs, always_xy=True)
    except (CRSError, ProjError, KeyError, ValueError, TypeError):
        return None
    scale = [
        1000.0 if str(axis.attrs.get("units", "")).lower() in ("km", "kilometer") else 1.0 for axis in axes
    ]
    y, x = (
        np.asarray(axis.values, dtype=np.float64) * factor for axis, factor in zip(axes, scale, strict=True)
    )
    longitude, latitude = transformer.transform(*np.meshgrid(x, y))
    finite = np.isfinite(longitude) & np.isfinite(latitude)
    values = [np.where(finite, latitude, np.nan), np.where(finite, longitude, np.nan)]
    return (str(axes[0].dims[0]), str(axes[1].dims[0])), values


def _check(values: list[Any], array: xr.DataArray, origin: str) -> None:
    latitude, longitude = values
    if min(latitude.shape) < 3:
        raise UserError(
            f"Expected at least 3 x 3 points of '{array.name}' in {origin}, found {latitude.shape[0]} x "
            f"{latitude.shape[1]}; give a larger area."
        )
    finite = np.isfinite(latitude) & np.isfinite(longitude)
    if not finite.any():
        raise UserError(
            f"Expected latitudes and longitudes of '{array.name}' in {origin}, found only missing ones; download it again."
        )
    if np.abs(latitude[finite]).max() > 90.0 + 1e-3 or np.abs(longitude[finite]).max() > 720.0:
        raise UserError(
            f"Expected latitudes within 90 and longitudes within 720 degrees of '{array.name}' in {origin}, found up to "
            f"{np.abs(latitude[finite]).max():g} and {np.abs(longitude[finite]).max():g}; correct the coordinates."
        )
    if max(np.ptp(latitude[finite]), np.ptp(longitude[finite])) < 1e-3:
        raise UserError(
            f"Expected points of '{array.name}' in {origin} apart from each other, found all within 0.001 degrees; "
            "correct its latitudes and longitudes."
        )
