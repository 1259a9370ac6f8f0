"""Coastlines and cities as Bokeh data, for the longitudes of a map."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import numpy as np

import atmodist_core as ad

logger = logging.getLogger("atmodist.app")
WIDE_DEG = 120.0
"""Width of a map from which the coarser coastline is drawn."""
MARGIN_DEG = 2.0
"""How far beyond the edges of a map its coast is drawn: the lines of a whole continent take longer to paint than the fields."""


@lru_cache(maxsize=32)
def coastline_data(west: float, east: float, south: float, north: float) -> dict[str, np.ndarray]:
    """Return the coast as one line ``x``, ``y`` [degrees] with gaps (NaN); empty where the asset is missing.

    One line takes two messages to the browser, separate coasts two each.
    """
    resolution = "110m" if east - west >= WIDE_DEG else "50m"
    try:
        lines = ad.coastlines(resolution, west=west)
    except ad.UserError as error:
        logger.warning("maps are drawn without coastlines: %s", error)
        return {"x": np.empty(0), "y": np.empty(0)}
    gap = np.full((1, 2), np.nan)
    line = np.concatenate([gap, *(part for one in lines for part in (one, gap))])
    near = (line[:, 0] >= west - MARGIN_DEG) & (line[:, 0] <= east + MARGIN_DEG)
    near &= (line[:, 1] >= south - MARGIN_DEG) & (line[:, 1] <= north + MARGIN_DEG)
    # Keep one more point on either side, so that lines leave the map; then keep one of adjacent gaps.
    kept = near | np.roll(near, 1) | np.roll(near, -1)
    line = np.where(kept[:, None], line, np.nan)
    empty = np.isnan(line[:, 0])
    line = line[~(empty & np.roll(empty, 1))]
    return {"x": line[:, 0], "y": line[:, 1]}


@lru_cache(maxsize=32)
def city_data(west: float, east: float, south: float, north: float) -> dict[str, list[Any]]:
    """Return the cities within a map, their longitudes counted from ``west``; empty where the asset is missing."""
    try:
        table = ad.cities()
    except ad.UserError as error:
        logger.warning("maps are drawn without cities: %s", error)
        return {"x": [], "y": [], "name": []}
    longitude = west + (table["longitude"].to_numpy() - west) % 360.0
    latitude = table["latitude"].to_numpy()
    inside = (longitude <= east) & (latitude >= south) & (latitude <= north)
    names = (table["name"] + ", " + table["country"])[inside]
    return {"x": longitude[inside].tolist(), "y": latitude[inside].tolist(), "name": names.tolist()}
