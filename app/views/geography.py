"""Coastlines and cities as data of Bokeh, for the longitudes of a map."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import numpy as np

import atmodist_core as ad

logger = logging.getLogger("atmodist.app")
WIDE_DEG = 120.0
"""Width of a map from which the coarser coastline is drawn."""


@lru_cache(maxsize=32)
def coastline_data(west: float, east: float, south: float, north: float) -> dict[str, list[np.ndarray]]:
    """Lines ``xs`` and ``ys`` of the coast [degrees] in longitudes ``west`` to ``east``; empty where the asset is missing."""
    resolution = "110m" if east - west >= WIDE_DEG else "50m"
    try:
        # A map may show a bit more than a region, hence the whole latitude range of the lines that touch the longitudes.
        lines = ad.coastlines(resolution, west=west)
    except ad.UserError as error:
        logger.warning("maps are drawn without coastlines: %s", error)
        return {"xs": [], "ys": []}
    touching = [
        line
        for line in lines
        if line[:, 0].min() <= east
        and line[:, 0].max() >= west
        and line[:, 1].max() >= south
        and line[:, 1].min() <= north
    ]
    return {"xs": [line[:, 0] for line in touching], "ys": [line[:, 1] for line in touching]}


@lru_cache(maxsize=32)
def city_data(west: float, east: float, south: float, north: float) -> dict[str, list[Any]]:
    """Cities within a map, their longitudes counted from ``west``; empty where the asset is missing."""
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
