"""Which part of a grid must be computed for the values at a city."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from atmodist_core.fields.grid.regions import Region

LARGEST_WHOLE_CELLS = 20_000
"""Coarse cells up to which whole globes are computed unless asked otherwise; beyond, only the surroundings of the selected cities."""

HALO_CELLS = 2.6
"""Half the side of the area computed around a city, in coarse cells: holds the largest box wherever the city lies in its cell."""


def computes_whole(reach: str, cells: int) -> bool:
    """Whether whole globes are computed: as asked with ``all`` or ``selected``, by the number of coarse cells with ``auto``."""
    return reach == "all" or (reach != "selected" and cells <= LARGEST_WHOLE_CELLS)


def area_around(coarse: xr.Dataset, city: pd.DataFrame) -> Region:
    """Area of the coarse cells around a city that hold its boxes."""
    latitude, longitude = (coarse[name].values for name in ("latitude", "longitude"))
    rise = HALO_CELLS * abs(float(latitude[0] - latitude[-1])) / (latitude.size - 1)
    run = HALO_CELLS * float(longitude[-1] - longitude[0]) / (longitude.size - 1)
    north, east = float(city["latitude"].iloc[0]), float(city["longitude"].iloc[0])

    def turned(degrees: float) -> float:
        return (degrees + 180.0) % 360.0 - 180.0

    return Region(max(north - rise, -90.0), min(north + rise, 90.0), turned(east - run), turned(east + run))
