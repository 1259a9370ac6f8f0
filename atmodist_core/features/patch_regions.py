"""The region that a patch covers."""

from __future__ import annotations

import xarray as xr

from atmodist_core.fields.grid.regions import Region


def region_of_patch(place: xr.Dataset) -> Region:
    """Return the region of a patch, as from :func:`atmodist_core.features.strongest_patches`, of one filter and rank.

    Examples
    --------
    >>> axes = {"y": [2.0, -2.0], "x": [-3.0, 3.0], "latitude": 89.0, "longitude": 359.0}
    >>> region_of_patch(xr.Dataset(coords=axes))
    Region(south=87.0, north=90.0, west=-4.0, east=2.0)
    """
    latitude, longitude = float(place["latitude"]), (float(place["longitude"]) + 180) % 360 - 180
    y, x = place["y"].values, place["x"].values
    west = round(longitude + float(x.min()), 2)
    if west < -180:
        west += 360
    return Region(
        max(-90.0, round(latitude + float(y.min()), 2)),
        min(90.0, round(latitude + float(y.max()), 2)),
        west,
        round(west + float(x.max() - x.min()), 2),
    )
