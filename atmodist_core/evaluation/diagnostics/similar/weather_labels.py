r"""Blocking and cyclones in sectors of the globe, from vorticity alone.

Blocking is the index of Tibaldi and Molteni (1990), for which geopotential height is needed. Here the height follows from the
stream function by the linear balance equation :math:`\nabla^2 \Phi = \nabla\cdot(f \nabla\psi) = f \zeta - \beta u_\psi`
(Charney 1955), with :math:`\Phi = g Z` and the rotational wind :math:`u_\psi`. The same index was applied to a stream function by
Lucarini and Gritsun (2020). A longitude is blocked if, for :math:`\Delta` of -4, 0 or 4 degrees, the height rises polewards from
:math:`40+\Delta` to :math:`60+\Delta` degrees north and falls by more than a threshold per degree from there to
:math:`80+\Delta`; a sector, if at least 12 neighbouring degrees of it are (three longitudes of the authors' grid). The authors'
threshold of 10 m per degree is for 500 hPa; winds near the surface are about half as strong.

Cyclones are maxima of cyclonic vorticity without the total wavenumbers below 6 and above 42, as Hoskins and Hodges (2002)
filter it for tracking. A sector has a strong one if its maximum is among the largest quarter of those of all sectors and times.

References
----------
Charney, J., 1955: The use of the primitive equations of motion in numerical prediction. Tellus 7, 22-26.
Hoskins, B. J. and Hodges, K. I., 2002: New perspectives on the Northern Hemisphere winter storm tracks. J. Atmos. Sci. 59, 1041-1061.
Lucarini, V. and Gritsun, A., 2020: A new mathematical framework for atmospheric blocking events. Clim. Dyn. 54, 575-598.
Tibaldi, S. and Molteni, F., 1990: On the operational predictability of blocking. Tellus 42A, 343-365.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.constants import EARTH_RADIUS_M, EARTH_ROTATION_RATE, GRAVITY
from atmodist_core.fields.grid.regions import Region
from atmodist_core.harmonics.global_transform import GlobalTransform

TRUNCATION = 42
"""Highest total wavenumber of what labels are made of."""

FIRST_DEGREE = 6
"""Lowest total wavenumber of the vorticity of cyclones."""

POLEWARD_GRADIENT = -5.0
"""Gradient of height north of a block below which a longitude is blocked [m per degree]; -10 in the original, at 500 hPa."""

LEAST_WIDTH_DEG = 12.0
STRONG_SHARE = 0.25
"""Share of sectors and times that have a strong cyclone."""

SOUTH_DEG, NORTH_DEG, WIDTH_DEG = 35.0, 80.0, 60.0

BLOCKING, CYCLONE = "blocking", "strong cyclone"


def sectors(hemispheres: Sequence[str] = ("north", "south")) -> list[Region]:
    """Return sectors of 60 degrees of longitude between 35 and 80 degrees of latitude."""
    bands = {"north": (SOUTH_DEG, NORTH_DEG), "south": (-NORTH_DEG, -SOUTH_DEG)}
    return [
        Region(*bands[hemisphere], west, west + WIDTH_DEG)
        for hemisphere in hemispheres
        for west in np.arange(0.0, 360.0, WIDTH_DEG).tolist()
    ]


def balanced_height(
    vorticity: NDArray[np.floating], transform: GlobalTransform, latitude: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the geopotential height [m] in linear balance with a vorticity [s-1], both ``(latitude, longitude)``.

    Its mean over the globe is zero.
    """
    radians = np.deg2rad(latitude)[:, None]
    coriolis = 2 * EARTH_ROTATION_RATE * np.sin(radians)
    beta = 2 * EARTH_ROTATION_RATE * np.cos(radians) / EARTH_RADIUS_M
    eastward, _ = transform.rotational_wind(vorticity)
    divergence = coriolis * transform.truncated(vorticity) - beta * eastward
    return transform.inverse_laplacian(divergence.astype(np.float32)) / GRAVITY


def blocked_longitudes(
    height: NDArray[np.floating], latitude: NDArray[np.floating], poleward_gradient: float = POLEWARD_GRADIENT
) -> NDArray[np.bool_]:
    """Return which longitudes are blocked, ``(longitude,)``, in a height ``(latitude, longitude)`` [m].

    Rows next to the index's latitudes are taken; the threshold north of a block is in metres per degree.
    """

    def row(wanted: float) -> int:
        return int(np.argmin(np.abs(latitude - wanted)))

    blocked = np.zeros(height.shape[1], bool)
    for shift in (-4.0, 0.0, 4.0):
        south, middle, north = (row(place + shift) for place in (40.0, 60.0, 80.0))
        rise = (height[middle] - height[south]) / (latitude[middle] - latitude[south])
        fall = (height[north] - height[middle]) / (latitude[north] - latitude[middle])
        blocked |= (rise > 0) & (fall < poleward_gradient)
    return blocked


def longest_run(flags: NDArray[np.bool_]) -> int:
    """Return the largest number of neighbours that are all set.

    Examples
    --------
    >>> longest_run(np.array([True, False, True, True]))
    2
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def weather_labels(
    fields: xr.Dataset, places: Sequence[Region], poleward_gradient: float = POLEWARD_GRADIENT
) -> xr.Dataset:
    """Return which sectors are blocked and which have a strong cyclone at every time.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical fields of the globe with ``vorticity`` [s-1]; may be lazy.
    places : sequence of Region
        Sectors; those of the southern hemisphere have no blocking.
    poleward_gradient : float
        Threshold of the height's gradient north of a block [m per degree].

    Returns
    -------
    xarray.Dataset
        ``blocking``, ``strong cyclone`` (booleans) and ``maximum_vorticity`` [s-1] over ``(time, sector)``.

    Raises
    ------
    UserError
        If the fields do not cover the globe.
    """
    transform = GlobalTransform(fields, TRUNCATION)
    latitude, longitude = (fields[name].values.astype(float) for name in ("latitude", "longitude"))
    spacing = 360.0 / longitude.size
    inside = [np.asarray(place.contains(latitude[:, None], longitude[None, :])) for place in places]
    blocking = np.zeros((fields.sizes["time"], len(places)), bool)
    maximum = np.zeros(blocking.shape)
    for time in range(len(blocking)):
        vorticity = fields["vorticity"].isel(time=time).values
        height = balanced_height(vorticity, transform, latitude)
        blocked = blocked_longitudes(height, latitude, poleward_gradient)
        cyclonic = np.sign(latitude)[:, None] * transform.without_degrees_below(vorticity, FIRST_DEGREE)
        for number, (place, points) in enumerate(zip(places, inside, strict=True)):
            maximum[time, number] = cyclonic[points].max()
            if place.south > 0:
                # Eastwards from the sector's western edge, so that none is cut at Greenwich.
                columns = np.flatnonzero(points.any(axis=0))
                columns = columns[np.argsort((longitude[columns] - place.west) % 360.0)]
                blocking[time, number] = longest_run(blocked[columns]) * spacing >= LEAST_WIDTH_DEG
    strong = maximum >= np.quantile(maximum, 1 - STRONG_SHARE)
    axes = ("time", "sector")
    return xr.Dataset(
        {
            BLOCKING: (axes, blocking),
            CYCLONE: (axes, strong),
            "maximum_vorticity": (axes, maximum, {"units": "s-1"}),
        },
        {"time": fields["time"], "sector": [str(place) for place in places]},
    )
