"""Files on curved grids and swaths whose vorticity and divergence are known."""

import numpy as np
import xarray as xr
from pyproj import CRS, Transformer

from tests.fields.analytic_flow import flow

LAMBERT = {
    "grid_mapping_name": "lambert_conformal_conic",
    "standard_parallel": [50.0, 60.0],
    "longitude_of_central_meridian": 10.0,
    "latitude_of_projection_origin": 55.0,
    "earth_radius": 6371000.0,
}
ROTATED = {
    "grid_mapping_name": "rotated_latitude_longitude",
    "grid_north_pole_latitude": 39.25,
    "grid_north_pole_longitude": -162.0,
}
TIME = np.datetime64("2020-01-01", "ns")


def flow_at(latitude, longitude):
    """u and v [m s-1] of the flow at single points."""
    parts = [
        [field[0] for field in flow(latitude[j : j + 1, i], longitude[j : j + 1, i])[:2]]
        for j in range(latitude.shape[0])
        for i in range(latitude.shape[1])
    ]
    return np.array(parts, dtype=float).reshape(*latitude.shape, 2).transpose(2, 0, 1)


def mapped(attrs=LAMBERT, rows=22, columns=26, step=60_000.0, flipped=False, coordinates=False):
    """Winds along a projected grid, turned by the derivative of the projection, which the reader does not use."""
    crs = CRS.from_cf(attrs)
    true = CRS("EPSG:4326") if attrs is ROTATED else crs.geodetic_crs
    forward = Transformer.from_crs(true, crs, always_xy=True)
    x, y = (step * (np.arange(n) - n / 2) for n in (columns, rows))
    if flipped:
        y = y[::-1]
    longitude, latitude = forward.transform(*np.meshgrid(x, y), direction="INVERSE")
    u, v = flow_at(latitude, longitude)
    small = 1e-4
    ahead = forward.transform(longitude + small * u / np.cos(np.deg2rad(latitude)), latitude + small * v)
    behind = forward.transform(longitude - small * u / np.cos(np.deg2rad(latitude)), latitude - small * v)
    along = np.stack([a - b for a, b in zip(ahead, behind, strict=True)])
    x_wind, y_wind = along * np.hypot(u, v) / np.hypot(*along)
    units = "degrees" if "rotated" in attrs["grid_mapping_name"] else "m"
    kind = "grid_{}" if units == "degrees" else "projection_{}_coordinate"
    words = ("latitude", "longitude") if units == "degrees" else ("y", "x")
    dataset = xr.Dataset(
        {
            "x_wind_10m": (("time", "y", "x"), x_wind[None].astype("f4")),
            "y_wind_10m": (("time", "y", "x"), y_wind[None].astype("f4")),
            "crs": ((), 0, attrs),
        },
        {
            "time": [TIME],
            "y": ("y", y, {"units": units, "standard_name": kind.format(words[0])}),
            "x": ("x", x, {"units": units, "standard_name": kind.format(words[1])}),
        },
    )
    for name, standard_name in (("x_wind_10m", "x_wind"), ("y_wind_10m", "y_wind")):
        dataset[name].attrs = {"units": "m/s", "standard_name": standard_name, "grid_mapping": "crs"}
    if coordinates:
        dataset = dataset.assign_coords(latitude=(("y", "x"), latitude), longitude=(("y", "x"), longitude))
    return dataset


def curvilinear(**changes):
    """Eastward wind on latitudes and longitudes of two dimensions."""
    dataset = mapped(coordinates=True).drop_vars(["crs", "x", "y"])
    u, v = flow_at(dataset.latitude.values, dataset.longitude.values)
    result = xr.Dataset(coords=dataset.coords)
    for name, standard_name, values in (("u", "eastward_wind", u), ("v", "northward_wind", v)):
        attrs = {"units": "m s-1", "standard_name": standard_name}
        result[name] = (("time", "y", "x"), values[None].astype("f4"), attrs)
    return result.assign(**changes)


def swath(to=True, declared=True):
    """Speed and direction at 40 x 21 cells of 25 km of a slanting swath with a hole of 700 km after its eighth cell."""
    along, across = np.meshgrid(np.arange(40) * 0.225, np.arange(21) * 0.225, indexing="ij")
    across = across + 6.3 * (np.arange(21) > 7)
    latitude = 20 + 0.97 * along - 0.24 * across
    longitude = 200 + (0.24 * along + 0.97 * across) / np.cos(np.deg2rad(latitude))
    u, v = flow_at(latitude, longitude)
    direction = np.rad2deg(np.arctan2(u, v)) + (0 if to else 180)
    cells = ("NUMROWS", "NUMCELLS")
    seconds = np.broadcast_to(np.arange(40)[:, None] * 4.0, latitude.shape)
    flags = np.zeros(latitude.shape, dtype="i4")
    flags[3, 3], flags[30, 4] = 64, 2  # rain beside rejected ice
    return xr.Dataset(
        {
            "wind_speed": (cells, np.hypot(u, v), {"units": "m s-1"}),
            "wind_dir": (cells, direction % 360, {"units": "degree"}),
            "quality": (
                cells,
                flags,
                {"flag_masks": np.array([2, 64], "i4"), "flag_meanings": "small_wind some_portion_over_ice"},
            ),
            "time": (cells, seconds, {"units": "seconds since 2015-07-02"}),
        },
        {
            "lat": (cells, latitude, {"units": "degrees_north"}),
            "lon": (cells, longitude, {"units": "degrees_east"}),
        },
        {"comment": f"directions in {'oceanographic' if to else 'meteorological'} convention"}
        if declared
        else {},
    )
