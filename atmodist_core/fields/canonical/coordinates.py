"""Latitude and longitude: any order, range and convention made canonical, or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.horizontal import take_points
from atmodist_core.fields.canonical.names import LATITUDE_NAMES, LONGITUDE_NAMES, find_dimension
from atmodist_core.harmonics.grids import grid_of_latitudes, is_global

SAME_POINT_DEG = 1e-4
"""Longitudes this close (after whole turns) are one meridian [degrees]; 11 m at the equator."""

ROTATED_NAMES = ("rlat", "rlon", "grid_latitude", "grid_longitude")
"""Names of the axes of grids with a rotated pole."""

LATITUDE_ATTRS = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
LONGITUDE_ATTRS = {
    "standard_name": "longitude",
    "long_name": "longitude",
    "units": "degrees_east",
    "axis": "X",
}


def name_horizontal_axes(array: xr.DataArray, variable: str) -> xr.DataArray:
    """Return a field with axes named ``latitude`` and ``longitude``; rotated and curved grids are refused."""
    for canonical, names in (("latitude", LATITUDE_NAMES), ("longitude", LONGITUDE_NAMES)):
        found = find_dimension(array, names, "standard_name", canonical)
        if found is None:
            raise UserError(
                f"Variable '{variable}' needs a {canonical} axis, but its dimensions are "
                f"{_listed(array.dims)}; rename the axis to '{canonical}' or give it the attribute "
                f"standard_name='{canonical}'."
            )
        if found not in array.coords:
            raise UserError(
                f"Dimension '{found}' of variable '{variable}' has no values, where degrees were expected; "
                f"add the coordinate '{found}' to the file."
            )
        ndim = array[found].ndim
        if ndim == 0:
            array = array.expand_dims(found)
        elif ndim > 1 or found.lower() in ROTATED_NAMES or _is_rotated(array[found]):
            raise UserError(
                f"Variable '{variable}' lies on a rotated or curvilinear grid (axis '{found}', {ndim} "
                "dimensions), where one latitude per row and one longitude per column were expected; regrid "
                "it first (cdo remapbil)."
            )
        elif array[found].dims[0] != found:
            array = array.swap_dims({array[found].dims[0]: found})
        if found != canonical:
            array = array.rename({found: canonical})
    return array


def _is_rotated(coordinate: xr.DataArray) -> bool:
    return str(coordinate.attrs.get("standard_name", "")).lower() in ("grid_latitude", "grid_longitude")


def canonical_axes(array: xr.DataArray, variable: str, note: Callable[[str], None]) -> xr.DataArray:
    """Return a field with latitudes from north to south and longitudes increasing in [0, 360).

    They become its last two dimensions, float64; values out of range, repeated or with gaps are refused. Lazy data
    stay lazy, and `note` receives a sentence for each change.
    """
    latitude = _degrees(array, "latitude", variable, note)
    longitude = _degrees(array, "longitude", variable, note)
    _refuse_radians(latitude, longitude, variable)
    if np.any(np.abs(latitude) > 90.0 + SAME_POINT_DEG):
        worst = latitude[np.argmax(np.abs(latitude))]
        raise UserError(
            f"Latitudes of '{variable}' must lie between -90 and 90 degrees, found {worst:g}; correct the "
            "coordinate (are latitude and longitude exchanged, or is it in metres?)."
        )
    latitude = np.clip(latitude, -90.0, 90.0)
    row_order = np.argsort(-latitude, kind="stable")
    latitude = latitude[row_order]
    if np.any(np.diff(latitude) > -SAME_POINT_DEG):
        twice = latitude[np.argmax(np.diff(latitude))]
        raise UserError(f"Latitude {twice:g} occurs twice in '{variable}'; remove one of the rows.")
    if not _is_monotonic(row_order):
        raise UserError(
            f"Latitudes of '{variable}' must increase or decrease all along, found "
            f"{_first_values(array['latitude'].values)}; sort the rows or correct the coordinate."
        )
    _refuse_gaps(latitude[::-1], "latitude", variable)
    if not np.array_equal(row_order, np.arange(latitude.size)):
        note("latitudes were put in order from north to south")
    column_order, longitude = _canonical_longitudes(longitude, variable, note)
    array = take_points(array, row_order, column_order)
    array = array.assign_coords(
        latitude=("latitude", latitude, LATITUDE_ATTRS), longitude=("longitude", longitude, LONGITUDE_ATTRS)
    )
    return array.transpose(..., "latitude", "longitude")


def grid_name(latitude: np.ndarray, longitude: np.ndarray) -> str:
    """Return the name of the grid of two canonical axes, or "limited-area", for ``attrs["grid"]``."""
    if not is_global(latitude, longitude):
        return "limited-area"
    return grid_of_latitudes(latitude) or "limited-area"


def is_full_circle(longitude: np.ndarray) -> bool:
    """Return whether increasing, evenly spaced longitudes close the circle."""
    steps = np.diff(longitude)
    if steps.size < 2:
        return False
    closing = longitude[0] + 360.0 - longitude[-1]
    return bool(np.ptp(np.append(steps, closing)) < 0.05 * np.median(steps))


def _canonical_longitudes(
    longitude: np.ndarray, variable: str, note: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Column order and canonical values of a longitude axis."""
    if np.any(np.abs(longitude) > 720.0):
        raise UserError(
            f"Longitudes of '{variable}' must be degrees east, found "
            f"{longitude[np.argmax(np.abs(longitude))]:g}; correct the coordinate."
        )
    direction = np.sign(np.diff(longitude))
    if min(np.sum(direction > 0), np.sum(direction < 0)) > 1:
        raise UserError(
            f"Longitudes of '{variable}' must increase or decrease around the circle, found "
            f"{_first_values(longitude)}; sort the columns or correct the coordinate."
        )
    wrapped = longitude % 360.0
    wrapped = np.where(wrapped > 360.0 - SAME_POINT_DEG, 0.0, wrapped)
    order = np.argsort(wrapped, kind="stable")
    repeated = np.flatnonzero(np.diff(wrapped[order]) < SAME_POINT_DEG)
    if repeated.size == 1 and abs(np.ptp(longitude[order[repeated[0] : repeated[0] + 2]]) - 360.0) < 0.01:
        # Files of plotting tools repeat the first meridian at the end; the later column is the copy.
        copy = int(np.max(order[repeated[0] : repeated[0] + 2]))
        order = order[order != copy]
        note(f"the meridian {longitude[copy]:g} E is stored twice; one copy was dropped")
    elif repeated.size:
        twice = wrapped[order[repeated[0]]]
        raise UserError(f"Longitude {twice:g} E occurs twice in '{variable}'; remove one of the columns.")
    values = wrapped[order]
    if values.size > 2:
        steps = np.append(np.diff(values), values[0] + 360.0 - values[-1])
        typical = float(np.median(steps))
        widest = int(np.argmax(steps))
        if steps[widest] > 1.5 * typical:
            # A limited area: the widest step is the open side, and the axis starts behind it.
            start = (widest + 1) % values.size
            order, values = np.roll(order, -start), np.roll(values, -start)
            values = np.where(np.arange(values.size) >= values.size - start, values + 360.0, values)
            if values[-1] >= 360.0 - SAME_POINT_DEG:
                values = values - 360.0
            _refuse_gaps(values, "longitude", variable)
        else:
            values = values[0] + np.arange(values.size) * (360.0 / values.size) if _even(steps) else values
    elif values.size == 2 and values[1] - values[0] > 180.0:
        order, values = order[::-1], np.array([values[1] - 360.0, values[0]])
    if np.any(longitude < 0.0) and values.size and values[0] >= 0.0:
        note("longitudes -180..180 were wrapped to 0..360")
    return order, values


def _degrees(array: xr.DataArray, name: str, variable: str, note: Callable[[str], None]) -> np.ndarray:
    """Values of an axis as float64 degrees, without the rounding noise of float32."""
    values = np.asarray(array[name].values)
    if values.dtype.kind not in "fiu":
        raise UserError(
            f"The {name}s of '{variable}' must be numbers of degrees, found values of type {values.dtype}; "
            "correct the coordinate."
        )
    rounded = values.dtype == np.float32
    values = values.astype(np.float64)
    if not np.all(np.isfinite(values)):
        raise UserError(
            f"The {name}s of '{variable}' must be finite numbers, found {int(np.sum(~np.isfinite(values)))} "
            "missing ones; correct the coordinate."
        )
    units = str(array[name].attrs.get("units", "degrees")).lower()
    if units in ("radian", "radians", "rad"):
        note(f"the {name}s were converted from radians to degrees")
        return np.rad2deg(values)
    if not units.startswith("deg") and units not in ("", "1", "°"):
        raise UserError(
            f"Attribute 'units' of the {name} of '{variable}' is '{units}', where degrees were expected; "
            "regrid the file to latitude and longitude or correct the attribute."
        )
    return np.round(values, 5) if rounded else values


def _refuse_radians(latitude: np.ndarray, longitude: np.ndarray, variable: str) -> None:
    """Refuse a globe in radians that is called degrees: its longitudes close a circle of 2 pi."""
    if longitude.size < 3 or np.max(np.abs(latitude)) > 0.5 * np.pi + 1e-3:
        return
    spacing = np.ptp(longitude) / (longitude.size - 1)
    closes = min(abs(np.ptp(longitude) + k * spacing - 2.0 * np.pi) for k in (0, 1)) < 1e-2 * spacing
    if closes and np.ptp(latitude) > 2.0:
        raise UserError(
            f"Latitudes and longitudes of '{variable}' must be degrees, found {latitude.min():g} to "
            f"{latitude.max():g} and {longitude.min():g} to {longitude.max():g}, which are radians; set their "
            "attribute 'units' to 'radians'."
        )


def _is_monotonic(order: np.ndarray) -> bool:
    return bool(np.all(np.diff(order) > 0) or np.all(np.diff(order) < 0))


def _first_values(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:6]) + (", ..." if values.size > 6 else "")


def _even(steps: np.ndarray) -> bool:
    return bool(np.ptp(steps) < 2e-3 * np.median(steps) + 2e-4)


def _refuse_gaps(increasing: np.ndarray, name: str, variable: str) -> None:
    """Refuse an axis from which rows or columns were left out."""
    steps = np.diff(increasing)
    if steps.size < 2:
        return
    typical = float(np.median(steps))
    if np.mean(np.abs(steps - typical) < 0.02 * typical) >= 0.5:
        gaps = steps > 1.5 * typical
    else:
        # Stretched grids change their spacing slowly; a missing row doubles it against both neighbours.
        padded = np.concatenate([steps[1:2], steps, steps[-2:-1]])
        gaps = steps > 1.7 * np.maximum(padded[:-2], padded[2:])
    if np.any(gaps):
        first = int(np.argmax(gaps))
        raise UserError(
            f"The {name}s of '{variable}' have a gap of {steps[first]:g} degrees between "
            f"{increasing[first]:g} and {increasing[first + 1]:g}, where {typical:g} was expected; fill the "
            "missing points or give one area."
        )


def _listed(names: object) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"  # type: ignore[attr-defined]
