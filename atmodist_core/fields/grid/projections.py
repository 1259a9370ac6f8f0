"""Map projections of areas: points, lines that end where a map ends, and what a rectangle of a map covers.

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

_NAMES_IN_PROJ = {
    "plate-carree": "eqc",
    "robinson": "robin",
    "orthographic": "ortho",
    "polar-stereographic": "stere",
    "lambert": "lcc",
}

LARGEST_LAMBERT_DEG = 120.0
"""Width and height of an area beyond which a conformal cone distorts too much to be read."""

POLAR_LIMIT_DEG = 20.0
"""Latitude towards the equator at which a polar map of the globe ends."""

_OUTLINE_POINTS = 181
_STEPS = np.linspace(0, 1, _OUTLINE_POINTS)


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
    def parameters(self) -> dict[str, float]:
        """Parameters of the projection by their names in PROJ [degrees]; none in plate carree."""
        longitude, latitude = self.area.centre
        if self.is_plane:
            return {}
        if self.name == "robinson":
            return {"lon_0": longitude}
        if self.name == "orthographic":
            return {"lon_0": longitude, "lat_0": 20.0 if self.area.is_global else latitude}
        if self.name == "polar-stereographic":
            lon_0 = 0.0 if self.area.is_global else longitude
            return {"lon_0": lon_0, "lat_0": 90.0 * self.pole, "lat_ts": 60.0 * self.pole}
        sixth = (self.area.north - self.area.south) / 6  # Kavraisky's choice of the standard parallels
        parallels = {"lat_1": self.area.south + sixth, "lat_2": self.area.north - sixth}
        return {"lon_0": longitude, "lat_0": latitude, **parallels}

    @property
    def definition(self) -> str:
        """The projection in the language of PROJ."""
        parameters = " ".join(f"+{name}={value}" for name, value in self.parameters.items())
        return f"+proj={_NAMES_IN_PROJ[self.name]} {parameters} +R={EARTH_RADIUS_M} +units=m +no_defs"

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
        if self.name == "polar-stereographic" and self.area.is_global:
            edge = self.shown.south if self.pole > 0 else self.shown.north
            return np.stack(self.forward(360 * _STEPS, np.full_like(_STEPS, edge)), axis=1)
        line = np.stack(self.forward(*self._edges_of_area()), axis=1)
        if self.name == "orthographic" and (self.area.is_global or not np.isfinite(line).all()):
            angle = 2 * np.pi * _STEPS  # the half of the Earth that is seen
            return EARTH_RADIUS_M * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return line

    def _edges_of_area(self) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude along the edges of what is shown."""
        shown = self.shown
        margin = 1e-7 * (shown.east - shown.west)
        west, east = shown.west + margin, shown.east - margin
        along, up = west + (east - west) * _STEPS, shown.south + (shown.north - shown.south) * _STEPS
        still = np.ones_like(_STEPS)
        longitude = np.concatenate([along, east * still, along[::-1], west * still])
        latitude = np.concatenate([shown.south * still, up, shown.north * still, up[::-1]])
        return longitude, latitude

    def covered(self, west: float, east: float, south: float, north: float) -> Area | None:
        """Return the smallest area of longitudes and latitudes that holds a rectangle of the plane; None beyond the map.

        All longitudes are covered where a pole lies inside.
        """
        x, y = np.meshgrid(
            np.linspace(west, east, _OUTLINE_POINTS), np.linspace(south, north, _OUTLINE_POINTS)
        )
        longitude, latitude = self.inverse(x, y)
        inside = np.isfinite(longitude) & np.isfinite(latitude) & (np.abs(latitude) <= 90.0)
        if not inside.any():
            return None
        low, high = float(latitude[inside].min()), float(latitude[inside].max())
        if self.is_plane:
            return Area(float(longitude.min()), float(longitude.max()), low, high)
        for pole in (-90.0, 90.0):
            at = self.forward(np.array([self.central_longitude]), np.array([pole]))
            if west < at[0][0] < east and south < at[1][0] < north and self.name != "robinson":
                return Area(0.0, 360.0, min(low, pole), max(high, pole))
        places = np.unique(longitude[inside] % 360.0)
        gaps = np.diff(np.append(places, places[0] + 360.0))
        widest = int(gaps.argmax())
        if gaps[widest] < 360.0 / 20:
            return Area(0.0, 360.0, low, high)
        start = float((places[(widest + 1) % places.size] + 180.0) % 360.0 - 180.0)
        return Area(start, start + 360.0 - float(gaps[widest]), low, high)

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


def graticule(projection: Projection, step: float | None = None) -> list[np.ndarray]:
    """Return meridians and parallels of a map in the plane, shape ``(points, 2)`` each.

    Parameters
    ----------
    projection : Projection
    step : float, optional
        Degrees between lines; by default so that about six cross the area.
    """
    return projection.lines(line for _, line in _degrees(projection, step))


def graticule_labels(projection: Projection) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return where the lines of :func:`graticule` are labelled, just inside the map: x and y in the plane, and texts.

    Parallels are labelled at their western end, meridians at the end towards the equator on polar maps and at their southern end on others.

    Examples
    --------
    >>> graticule_labels(Projection("lambert", Area(-20.0, 40.0, 30.0, 75.0)))[2][:3]
    ['30°N', '40°N', '50°N']
    """
    smallest = _LABEL_ROOM * float(np.ptp(projection.outline(), axis=0).max())
    places: list[np.ndarray] = []
    texts = []
    for text, line in _degrees(projection, None):
        parts = projection.lines([line])
        if not parts:
            continue
        longest = max(parts, key=len)
        from_north = text[-1] in "EW" and projection.name == "polar-stereographic" and projection.pole < 0
        place = longest[::-1][longest.shape[0] // 20] if from_north else longest[longest.shape[0] // 20]
        if all(np.hypot(*(place - other)) > smallest for other in places):
            places.append(place)
            texts.append(text)
    x, y = np.array(places).reshape(-1, 2).T
    return x, y, texts


_LABEL_ROOM = 0.09
"""Least distance of two labels, relative to the longer side of the map."""


def _degrees(projection: Projection, step: float | None) -> list[tuple[str, np.ndarray]]:
    """Parallels and meridians as lines of longitude and latitude, with their labels."""
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
    lines = [
        (degrees_label(value, "N", "S"), np.stack([along, np.full_like(along, value)], axis=1))
        for value in parallels
        if abs(value) < 90
    ]
    turned = (meridians + 180.0) % 360.0 - 180.0
    return lines + [
        (degrees_label(value, "E", "W"), np.stack([np.full_like(up, line), up], axis=1))
        for value, line in zip(turned, meridians, strict=True)
    ]


def degrees_label(value: float, positive: str, negative: str) -> str:
    """Format an angle for the axis of a map.

    Examples
    --------
    >>> degrees_label(-122.5, "E", "W")
    '122.5°W'
    >>> degrees_label(0.0, "N", "S")
    '0°'
    """
    if abs(value) < 1e-9 or abs(abs(value) - 180) < 1e-9:
        return f"{abs(round(value)):g}°"
    return f"{abs(value):g}°{positive if value > 0 else negative}"


def inverse_of(projection: Projection) -> dict[str, Any]:
    """Return what a script needs to find longitude and latitude of a point of the plane; nothing in plate carree.

    ``name``, ``radius`` [m] and the parameters of PROJ; for Robinson, which is defined by a table, ``y`` [m] and the width of a
    degree of longitude [m] at the latitudes -90 to 90 in steps of one degree.
    """
    if projection.is_plane:
        return {}
    found: dict[str, Any] = {"name": projection.name, "radius": EARTH_RADIUS_M, **projection.parameters}
    if projection.name == "robinson":
        latitude = np.arange(-90.0, 91.0)
        width, y = projection.forward(np.full_like(latitude, projection.central_longitude + 1.0), latitude)
        found |= {"y": y.round(1).tolist(), "width": width.round(2).tolist()}
    return found
