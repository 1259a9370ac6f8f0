"""Map projections: an index map per grid, computed once, and lines that end where a map ends.

A field is drawn in a projection by looking up, for every pixel of the map, the grid point whose cell holds it: no value is
interpolated. The lookup depends on grid and projection alone, so that the next field of the same grid costs one indexing.

References
----------
Snyder, J. P., 1987: Map Projections, a Working Manual. USGS Professional Paper 1395.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError

PROJECTIONS = {
    "plate-carree": "plate carree",
    "robinson": "Robinson",
    "orthographic": "orthographic",
    "polar-stereographic": "polar stereographic",
    "lambert": "Lambert conformal",
}
"""Projections by name, with the label that users read."""

LARGEST_LAMBERT_DEG = 120.0
"""Width and height of an area beyond which a conformal cone distorts too much to be read."""

POLAR_LIMIT_DEG = 20.0
"""Latitude towards the equator at which a polar map of the globe ends."""

_OUTLINE_POINTS = 181


@dataclass(frozen=True)
class Area:
    """What a map shows [degrees]; ``east`` may lie beyond 360 or ``west`` below 0."""

    west: float
    east: float
    south: float
    north: float

    @property
    def is_global(self) -> bool:
        """Whether all longitudes are shown."""
        return self.east - self.west > 350.0

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle."""
        return 0.5 * (self.west + self.east), 0.5 * (self.south + self.north)


@dataclass(frozen=True)
class Projection:
    """A projection of one area; plane coordinates are metres, in plate carree degrees.

    Parameters
    ----------
    name : str
        A key of :data:`PROJECTIONS`.
    area : Area
        What is shown.

    Raises
    ------
    UserError
        For an unknown name, or an area that the projection cannot show.
    """

    name: str
    area: Area

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.name not in PROJECTIONS:
            raise UserError(
                f"Expected a projection among {', '.join(PROJECTIONS)}, found {self.name!r}; choose one of these."
            )
        area = self.area
        if self.name == "lambert" and (
            max(area.east - area.west, area.north - area.south) > LARGEST_LAMBERT_DEG
            or area.south < 0 < area.north
        ):
            raise UserError(
                f"Expected for a Lambert map an area of one hemisphere within {LARGEST_LAMBERT_DEG:g} degrees, found "
                f"{area.south:g} to {area.north:g} N and {area.east - area.west:g} degrees of longitude; choose Robinson."
            )

    @property
    def is_plane(self) -> bool:
        """Whether plane coordinates are longitude and latitude themselves."""
        return self.name == "plate-carree"

    @property
    def central_longitude(self) -> float:
        """Longitude in the middle of the map [degrees east]."""
        return self.area.centre[0]

    @property
    def definition(self) -> str:
        """The projection in the language of PROJ."""
        longitude, latitude = self.area.centre
        south, north = self.area.south, self.area.north
        if self.name == "robinson":
            shape = f"+proj=robin +lon_0={longitude}"
        elif self.name == "orthographic":
            shape = f"+proj=ortho +lon_0={longitude} +lat_0={20.0 if self.area.is_global else latitude}"
        elif self.name == "polar-stereographic":
            pole = self.pole
            shape = f"+proj=stere +lat_0={90 * pole} +lat_ts={60 * pole} +lon_0={0 if self.area.is_global else longitude}"
        else:
            sixth = (north - south) / 6  # Kavraisky's choice of the standard parallels
            shape = f"+proj=lcc +lon_0={longitude} +lat_0={latitude} +lat_1={south + sixth} +lat_2={north - sixth}"
        return f"{shape} +R={EARTH_RADIUS_M} +units=m +no_defs"

    @property
    def pole(self) -> int:
        """1 for the north pole, -1 for the south pole, for polar maps."""
        return -1 if self.area.centre[1] < 0 else 1

    @property
    def shown(self) -> Area:
        """The area that the map really shows: a polar one of the globe ends at a latitude of its own."""
        area = self.area
        if self.name != "polar-stereographic":
            return area
        if area.is_global:
            edges = (POLAR_LIMIT_DEG, 90.0) if self.pole > 0 else (-90.0, -POLAR_LIMIT_DEG)
            return Area(area.west, area.west + 360.0, *edges)
        south, north = (
            (max(area.south, 0.0), area.north) if self.pole > 0 else (area.south, min(area.north, 0.0))
        )
        return Area(area.west, area.east, south, north)

    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plane coordinates of points [degrees]; infinite for points that the map does not show."""
        if self.is_plane:
            return np.asarray(longitude, float), np.asarray(latitude, float)
        return _proj(self.definition)(longitude, latitude)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude [degrees] of points of the plane; infinite outside of the map."""
        if self.is_plane:
            return np.asarray(x, float), np.asarray(y, float)
        longitude, latitude = _proj(self.definition)(x, y, inverse=True)
        # Some projections answer for points beyond their edge: what does not come back to its place lies outside.
        with np.errstate(invalid="ignore"):
            back_x, back_y = self.forward(longitude, latitude)
            wrong = ~(np.hypot(back_x - x, back_y - y) < 1e-3 * EARTH_RADIUS_M)
        return np.where(wrong, np.inf, longitude), np.where(wrong, np.inf, latitude)

    def outline(self) -> np.ndarray:
        """Edge of the map as a closed line in the plane, shape ``(points, 2)``."""
        steps = np.linspace(0, 1, _OUTLINE_POINTS)
        if self.name == "orthographic" and self.area.is_global:
            angle = 2 * np.pi * steps
            return EARTH_RADIUS_M * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        shown = self.shown
        if self.name == "polar-stereographic" and self.area.is_global:
            edge = shown.south if self.pole > 0 else shown.north
            return np.stack(self.forward(360 * steps, np.full_like(steps, edge)), axis=1)
        margin = 1e-7 * (shown.east - shown.west)
        west, east = shown.west + margin, shown.east - margin
        longitude = np.concatenate(
            [
                west + (east - west) * steps,
                np.full_like(steps, east),
                east - (east - west) * steps,
                np.full_like(steps, west),
            ]
        )
        height = shown.north - shown.south
        latitude = np.concatenate(
            [
                np.full_like(steps, shown.south),
                shown.south + height * steps,
                np.full_like(steps, shown.north),
                shown.north - height * steps,
            ]
        )
        return np.stack(self.forward(longitude, latitude), axis=1)

    def lines(self, lines: Iterable[np.ndarray]) -> list[np.ndarray]:
        """Project lines of longitude and latitude; they are cut where they leave the map.

        Parameters
        ----------
        lines : iterable of numpy.ndarray, shape ``(points, 2)``
            None of them crosses the meridian opposite to the middle of the map.

        Returns
        -------
        list of numpy.ndarray, shape ``(points, 2)``
        """
        shown, found = self.shown, []
        middle, edge = self.central_longitude, 180.0 - 1e-6
        for line in lines:
            # A point on the seam would be put on the other side of the map.
            longitude = line[:, 0] if self.is_plane else np.clip(line[:, 0], middle - edge, middle + edge)
            x, y = self.forward(longitude, line[:, 1])
            inside = np.isfinite(x) & np.isfinite(y)
            inside &= (line[:, 1] >= shown.south - 1e-9) & (line[:, 1] <= shown.north + 1e-9)
            if not shown.is_global:
                offset = (line[:, 0] - shown.west) % 360.0
                inside &= offset <= shown.east - shown.west + 1e-9
            places = np.flatnonzero(inside)
            for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
                if run.size > 1:
                    found.append(np.stack([x[run], y[run]], axis=1))
        return found


@lru_cache(maxsize=64)
def _proj(definition: str) -> Any:
    try:
        from pyproj import Proj
    except ImportError as error:
        raise UserError(
            "Expected pyproj for maps in a projection, found it missing; install it with: pip install 'atmodist-studio[plots]'."
        ) from error
    return Proj(definition)


@dataclass(frozen=True, eq=False)
class IndexMap:
    """For every pixel of a map the grid point that it shows.

    Parameters
    ----------
    x, y : numpy.ndarray, shapes ``(columns,)`` and ``(rows,)``
        Centres of the pixels in the plane, both increasing.
    place : numpy.ndarray of int, shape ``(rows, columns)``
        Flat index of the grid point; 0 outside of the map.
    outside : numpy.ndarray of bool, shape ``(rows, columns)``
        Pixels that show nothing.
    longitude, latitude : numpy.ndarray, shape ``(rows, columns)``
        Of the pixels [degrees], for texts at the pointer; NaN outside.
    """

    x: np.ndarray
    y: np.ndarray
    place: np.ndarray
    outside: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the picture of a field, shape ``(rows, columns)``, missing outside; ``values`` is ``(latitude, longitude)``."""
        picture = np.asarray(values, dtype=np.float32).ravel()[self.place]
        picture[self.outside] = np.nan
        return picture


def index_map(
    projection: Projection, latitude: np.ndarray, longitude: np.ndarray, pixels: int = 640
) -> IndexMap:
    """Return which grid point every pixel of a map shows.

    Parameters
    ----------
    projection : Projection
        Not plate carree, which needs none.
    latitude, longitude : numpy.ndarray, shapes ``(latitude,)`` and ``(longitude,)``
        Centres of the grid's cells [degrees]; longitude increasing, latitude in either order.
    pixels : int
        Pixels along the longer side of the map.
    """
    key = np.asarray(latitude, float).tobytes(), np.asarray(longitude, float).tobytes()
    return _index_map(projection, *key, pixels)


@lru_cache(maxsize=24)
def _index_map(
    projection: Projection, latitude_bytes: bytes, longitude_bytes: bytes, pixels: int
) -> IndexMap:
    latitude, longitude = (np.frombuffer(data, float) for data in (latitude_bytes, longitude_bytes))
    outline = projection.outline()
    (west, south), (east, north) = outline.min(axis=0), outline.max(axis=0)
    step = max(east - west, north - south) / pixels
    columns, rows = (max(2, round(side / step)) for side in (east - west, north - south))
    x = west + (np.arange(columns) + 0.5) * (east - west) / columns
    y = south + (np.arange(rows) + 0.5) * (north - south) / rows
    pixel_longitude, pixel_latitude = projection.inverse(*np.meshgrid(x, y))
    shown = projection.shown
    finite = np.isfinite(pixel_longitude) & np.isfinite(pixel_latitude)
    pixel_longitude, pixel_latitude = (
        np.where(finite, part, 0.0) for part in (pixel_longitude, pixel_latitude)
    )
    inside = finite & (pixel_latitude >= shown.south) & (pixel_latitude <= shown.north)
    if not shown.is_global:
        inside &= (pixel_longitude - shown.west) % 360.0 <= shown.east - shown.west
    row, row_inside = nearest_cell(latitude, pixel_latitude)
    first = longitude[0] - 0.5 * np.diff(longitude).max()
    column, column_inside = nearest_cell(longitude, first + (pixel_longitude - first) % 360.0)
    inside &= row_inside & column_inside
    place = np.where(inside, row * longitude.size + column, 0)
    return IndexMap(
        x,
        y,
        place,
        ~inside,
        np.where(inside, (pixel_longitude + 180.0) % 360.0 - 180.0, np.nan).astype(np.float32),
        np.where(inside, pixel_latitude, np.nan).astype(np.float32),
    )


def nearest_cell(centres: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of a monotonic axis that holds each position, and whether any does.

    Cells end half-way to the neighbours; the outermost ones are as wide as the steps beside them.
    """
    if centres[-1] < centres[0]:
        index, inside = nearest_cell(centres[::-1], positions)
        return centres.size - 1 - index, inside
    between = 0.5 * (centres[1:] + centres[:-1])
    index = np.searchsorted(between, positions)
    low = centres[0] - 0.5 * (centres[1] - centres[0])
    high = centres[-1] + 0.5 * (centres[-1] - centres[-2])
    return index, (positions >= low - 1e-9) & (positions <= high + 1e-9)


def graticule(projection: Projection, step: float | None = None) -> list[np.ndarray]:
    """Return meridians and parallels of a map in the plane, shape ``(points, 2)`` each.

    Parameters
    ----------
    projection : Projection
    step : float, optional
        Degrees between lines; by default so that about six cross the area.
    """
    shown = projection.shown
    if step is None:
        extent = max(min(shown.east - shown.west, 180.0), shown.north - shown.south)
        step = next(s for s in (1.0, 2.0, 5.0, 10.0, 15.0, 30.0) if extent / s <= 8 or s == 30.0)
    middle = projection.central_longitude
    west, east = (
        (middle - 180.0 + 1e-6, middle + 180.0 - 1e-6) if shown.is_global else (shown.west, shown.east)
    )
    along = np.linspace(west, east, 361)
    up = np.linspace(max(shown.south, -90.0), min(shown.north, 90.0), 181)
    parallels = np.arange(np.ceil(shown.south / step), shown.north / step + 1e-9) * step
    meridians = np.arange(np.ceil(west / step), east / step + 1e-9) * step
    lines = [np.stack([along, np.full_like(along, value)], axis=1) for value in parallels if abs(value) < 90]
    lines += [np.stack([np.full_like(up, value), up], axis=1) for value in meridians]
    return projection.lines(lines)
