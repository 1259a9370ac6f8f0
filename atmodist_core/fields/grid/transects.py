"""Cross-sections: values of fields along the great circle between two places.

Fine fields are read off by bilinear interpolation between the four nearest grid points, coarse ones as the mean of the cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.regions import Region

Place = tuple[float, float]
"""Latitude and longitude [degrees]."""

LEAST_KM = 10.0
LEAST_POINTS, MOST_POINTS = 400, 1200


def parse_transect(text: str) -> tuple[Place, Place]:
    """Return start and end of ``latitude,longitude,latitude,longitude`` in degrees.

    Raises
    ------
    UserError
        If these are not four numbers, latitudes beyond the poles, or places too close to or opposite to each other.

    Examples
    --------
    >>> parse_transect("51.5,-0.1,41.9,12.5")
    ((51.5, -0.1), (41.9, 12.5))
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise UserError(
            f"Expected a transect latitude,longitude,latitude,longitude such as 51.5,-0.1,41.9,12.5, found {text!r}; give four numbers."
        )
    start, end = (numbers[0], numbers[1]), (numbers[2], numbers[3])
    great_circle(start, end, 2)
    return start, end


def great_circle(start: Place, end: Place, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distances from the start [km], latitudes and longitudes of points along a great circle, equally spaced.

    Parameters
    ----------
    start, end : tuple of float
        Latitude and longitude [degrees].
    points : int
        Number of points, both ends included.

    Returns
    -------
    tuple of numpy.ndarray, shapes ``(points,)``
        Longitudes are in -180..180.

    Raises
    ------
    UserError
        If a latitude lies beyond a pole, or no single great circle leads from one place to the other.

    Examples
    --------
    >>> distance, latitude, longitude = great_circle((0.0, 170.0), (0.0, -170.0), 3)
    >>> distance.round().tolist(), (longitude % 360).round(6).tolist()
    ([0.0, 1112.0, 2224.0], [170.0, 180.0, 190.0])
    """
    for latitude, _ in (start, end):
        if not -90.0 <= latitude <= 90.0:
            raise UserError(f"Expected latitudes from -90 to 90, found {latitude:g}; correct the transect.")
    first, last = (_unit_vector(place) for place in (start, end))
    angle = float(np.arctan2(np.linalg.norm(np.cross(first, last)), first @ last))
    kilometres = angle * EARTH_RADIUS_M / 1000
    if kilometres < LEAST_KM or np.pi - angle < 1e-6:
        raise UserError(
            f"Expected two places at least {LEAST_KM:g} km apart and not opposite to each other, found {kilometres:.0f} km; move one end."
        )
    part = np.linspace(0.0, 1.0, points)[:, None]
    along = (np.sin((1 - part) * angle) * first + np.sin(part * angle) * last) / np.sin(angle)
    latitude = np.rad2deg(np.arctan2(along[:, 2], np.hypot(along[:, 0], along[:, 1])))
    longitude = np.rad2deg(np.arctan2(along[:, 1], along[:, 0]))
    return kilometres * part[:, 0], latitude, longitude


def _unit_vector(place: Place) -> np.ndarray:
    latitude, longitude = np.deg2rad(place)
    horizontal = np.cos(latitude)
    return np.array([horizontal * np.cos(longitude), horizontal * np.sin(longitude), np.sin(latitude)])


def values_along(
    field: xr.DataArray, latitude: np.ndarray, longitude: np.ndarray, *, method: str = "bilinear"
) -> np.ndarray:
    """Return the values of a field at some places, NaN beyond its cells.

    Parameters
    ----------
    field : xarray.DataArray
        Over ``(latitude, longitude)``, on any axes that increase or decrease; a full circle continues across its seam.
    latitude, longitude : numpy.ndarray, shape ``(points,)``
        Places [degrees], longitudes in any convention.
    method : {"bilinear", "nearest"}
        Between the centres of the four cells around a place, or the cell that holds it. In the outer half of the outermost
        cells both take the value of the nearest centre.

    Returns
    -------
    numpy.ndarray, shape ``(points,)``
    """
    values = field.transpose("latitude", "longitude").values
    rows, columns = (field[name].values.astype(float) for name in ("latitude", "longitude"))
    if rows[0] > rows[-1]:
        rows, values = rows[::-1], values[::-1]
    step = columns[-1] - columns[-2]
    if abs(columns[-1] + step - columns[0] - 360.0) < 0.01 * step:
        columns = np.append(columns, columns[0] + 360.0)
        values = np.concatenate([values, values[:, :1]], axis=1)
    west = columns[0] - 0.5 * (columns[1] - columns[0])
    row, upward, inside = _between(rows, latitude)
    column, eastward, inside_too = _between(columns, west + (longitude - west) % 360.0)
    if method == "nearest":
        upward, eastward = (np.round(part) for part in (upward, eastward))
    lower, upper = (
        (1 - eastward) * values[line, column] + eastward * values[line, column + 1] for line in (row, row + 1)
    )
    return np.where(inside & inside_too, (1 - upward) * lower + upward * upper, np.nan)


def _between(centres: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the centre below each position, the part of the way to the next, and whether a cell holds it."""
    low = centres[0] - 0.5 * (centres[1] - centres[0])
    high = centres[-1] + 0.5 * (centres[-1] - centres[-2])
    below = np.clip(np.searchsorted(centres, positions, side="right") - 1, 0, centres.size - 2)
    part = (positions - centres[below]) / (centres[below + 1] - centres[below])
    return below, np.clip(part, 0.0, 1.0), (positions >= low - 1e-9) & (positions <= high + 1e-9)


def transect_of(
    fields: Mapping[str, xr.DataArray], start: Place, end: Place, *, cells: Collection[str] = ("coarse",)
) -> xr.Dataset:
    """Return the values of several fields along the great circle between two places.

    Parameters
    ----------
    fields : mapping of str to xarray.DataArray
        By name, over ``(latitude, longitude)``.
    start, end : tuple of float
        Latitude and longitude [degrees].
    cells : collection of str
        Names of the fields whose values are means of cells, and are read off as such.

    Returns
    -------
    xarray.Dataset
        ``value`` over ``(model, distance)``, with ``latitude`` and ``longitude`` of the points, at most half the finest grid spacing apart
        (or :data:`MOST_POINTS`).

    Raises
    ------
    UserError
        For ends that no great circle joins, or a line beside the data.
    """
    spacing = min(float(np.abs(np.diff(field["latitude"].values)).min()) for field in fields.values())
    length = great_circle(start, end, 2)[0][-1]
    step = 0.5 * np.deg2rad(spacing) * EARTH_RADIUS_M / 1000
    points = int(np.clip(np.ceil(length / step) + 1, LEAST_POINTS, MOST_POINTS))
    distance, latitude, longitude = great_circle(start, end, points)
    values = [
        values_along(field, latitude, longitude, method="nearest" if name in cells else "bilinear")
        for name, field in fields.items()
    ]
    if not np.isfinite(values).any():
        raise UserError("Expected a transect within the data, found none of it there; draw it on the map.")
    first = next(iter(fields.values()))
    attributes = {name: first.attrs[name] for name in ("units", "long_name") if name in first.attrs}
    return xr.Dataset(
        {"value": (("model", "distance"), np.stack(values), attributes)},
        {
            "model": list(fields),
            "distance": (
                "distance",
                distance,
                {"units": "km", "long_name": "distance along the great circle"},
            ),
            "latitude": ("distance", latitude, {"units": "degrees_north"}),
            "longitude": ("distance", longitude, {"units": "degrees_east"}),
        },
        {"field": str(first.name), "sampling": "bilinear; coarse input: mean of the cell"},
    )


def region_around(start: Place, end: Place, margin: float) -> Region | None:
    """Return the region that holds a great circle with a margin [degrees]; None where it comes close to a pole."""
    _, latitude, longitude = great_circle(start, end, 181)
    south, north = float(latitude.min()) - margin, float(latitude.max()) + margin
    turned = np.rad2deg(np.unwrap(np.deg2rad(longitude)))
    margin_lon = margin / np.cos(np.deg2rad(min(max(abs(south), abs(north)), 89.0)))
    west, east = float(turned.min()) - margin_lon, float(turned.max()) + margin_lon
    if max(abs(south), abs(north)) > 85.0 or east - west >= 350.0:
        return None
    west, east = (
        edge if -180.0 <= edge <= 360.0 else (edge + 180.0) % 360.0 - 180.0 for edge in (west, east)
    )
    return Region(south, north, west, east)


def place_text(latitude: float, longitude: float, digits: int = 1) -> str:
    """Return a place as ``51.5°N 0.1°W``."""
    east = (longitude + 180.0) % 360.0 - 180.0
    return f"{abs(latitude):.{digits}f}°{'S' if latitude < 0 else 'N'} {abs(east):.{digits}f}°{'W' if east < 0 else 'E'}"


def distance_label(table: xr.Dataset) -> str:
    """Return the title of the axis: where the line begins and ends.

    Examples
    --------
    >>> places = {"latitude": ("distance", [51.5, 41.9]), "longitude": ("distance", [-0.1, 12.5])}
    >>> distance_label(xr.Dataset(coords=places))
    'distance from 51.5°N 0.1°W to 41.9°N 12.5°E along the great circle [km]'
    """
    ends = [place_text(float(table["latitude"][end]), float(table["longitude"][end])) for end in (0, -1)]
    return f"distance from {ends[0]} to {ends[1]} along the great circle [km]"
