"""Coastlines to draw under a field, and 150 cities at which local statistics are computed.

The files and their sources lie in ``assets/geography``; ``assets/make_geography.py`` remakes them.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError

if TYPE_CHECKING:
    from atmodist_core.fields.grid.regions import Region

RESOLUTIONS = ("110m", "50m")


def cities() -> pd.DataFrame:
    """Return the 150 cities whose local statistics are compared.

    They were drawn once, with a seed, from the cities of GeoNames so that dense regions do not dominate (see
    ``assets/geography/SOURCES.md``); Seattle, the example of the talk the project starts from, is among them.

    Returns
    -------
    pandas.DataFrame
        150 rows sorted by name with the columns ``name``, ``country``, ``latitude`` [degrees_north],
        ``longitude`` [degrees_east, in [0, 360) as in every data set here: Seattle is at 237.67],
        ``population`` [inhabitants within the city limits].

    Raises
    ------
    UserError
        If the file is missing.

    Examples
    --------
    >>> cities().query("name == 'Seattle'")[["latitude", "longitude"]].round(2).values.tolist()
    [[47.61, 237.67]]
    """
    return pd.read_csv(_asset("cities.csv"))


def coastlines(
    resolution: str = "110m", region: "Region | None" = None, *, west: float | None = None
) -> list[np.ndarray]:
    """Return coastlines as lines for a flat map, cut where they would cross its edge.

    Parameters
    ----------
    resolution : {"110m", "50m"}
        Scale of Natural Earth; 110m is for the globe, 50m for a region.
    region : Region, optional
        Only lines that touch this region, each cut to one point beyond it, in the region's own longitudes,
        which continue beyond 360 (or start below zero) where the region crosses the seam of the data.
    west : float, optional
        Longitude of the map's left edge [degrees_east]; lines are cut there and lie in west..west+360.
        Defaults to the region's western edge, and to -180 without a region.

    Returns
    -------
    list of numpy.ndarray
        Lines of shape ``(points, 2)``: longitude [degrees_east], latitude [degrees_north].

    Raises
    ------
    UserError
        If the resolution is unknown or the file is missing.

    Examples
    --------
    >>> lines = coastlines(west=0)
    >>> all(((0 <= line[:, 0]) & (line[:, 0] <= 360)).all() for line in lines)
    True
    """
    if resolution not in RESOLUTIONS:
        raise UserError(
            f"Expected a coastline resolution among {', '.join(RESOLUTIONS)}, got {resolution!r}."
        )
    if west is None:
        west = -180.0 if region is None else float(region.west)
    lines = [part for line in _read_lines(_asset("coastlines.npz"), resolution) for part in _cut(line, west)]
    if region is None:
        return lines
    # A full circle must not collapse to nothing: 360 stays 360.
    width = (float(region.east) - west) % 360 or 360.0
    return [part for line in lines for part in _inside(line, west, west + width, region.south, region.north)]


@lru_cache(maxsize=len(RESOLUTIONS))
def _read_lines(file: Path, resolution: str) -> tuple[np.ndarray, ...]:
    with np.load(file, allow_pickle=False) as arrays:
        points = arrays[f"points_{resolution}"] / 100.0
        points.flags.writeable = False  # shared by all callers through the cache
        return tuple(np.split(points, arrays[f"starts_{resolution}"][1:]))


def _cut(line: np.ndarray, west: float) -> Iterator[np.ndarray]:
    """Parts of a line, shifted into west..west+360 and cut at that seam; shapes ``(points, 2)``."""
    # The stored lines lie in -180..180, so one seam is the only one that they can cross.
    seam = (west + 180.0) % 360.0 - 180.0
    longitude, latitude = line.T
    # A point exactly on the seam belongs to both sides: it ends a line, and is no crossing.
    side = np.sign(longitude - seam)
    crossing = np.flatnonzero(side[1:] * side[:-1] < 0)
    weight = (seam - longitude[crossing]) / (longitude[crossing + 1] - longitude[crossing])
    cuts = np.stack(
        [np.full(len(crossing), seam), latitude[crossing] + weight * np.diff(latitude)[crossing]], axis=1
    )
    whole = np.insert(line, crossing + 1, cuts, axis=0)
    on_seam = np.flatnonzero(whole[1:-1, 0] == seam) + 1
    for start, stop in pairwise([0, *on_seam, len(whole) - 1]):
        part = whole[start : stop + 1].copy()
        eastern = part[:, 0].max() > seam
        part[:, 0] += west - seam if eastern else west - seam + 360.0
        yield part


def _inside(line: np.ndarray, west: float, east: float, south: float, north: float) -> Iterator[np.ndarray]:
    """Runs of a line whose segments touch a box, from the point before to the point behind."""
    longitude, latitude = line.T
    apart = _both_beyond(longitude, west, east) | _both_beyond(latitude, south, north)
    touching = np.flatnonzero(~apart)
    for run in np.split(touching, np.flatnonzero(np.diff(touching) > 1) + 1):
        if len(run):
            yield line[run[0] : run[-1] + 2]


def _both_beyond(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """For every segment: do both ends lie below ``low``, or both above ``high``; shape ``(points - 1,)``."""
    below, above = values < low, values > high
    return (below[1:] & below[:-1]) | (above[1:] & above[:-1])


def _asset(name: str) -> Path:
    file = asset_folder("geography") / name
    if not file.is_file():
        raise UserError(
            f"Expected the file {file}, found none; take it from a clone of the project, or remake it with "
            "'python assets/make_geography.py'."
        )
    return file
