"""Idealised mountains and land of the simulated planet: Earth's layout in a few smooth shapes, no data
file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Mountain(NamedTuple):
    """A Gaussian range: centre, height, half widths along its axes, tilt (all angles in degrees)."""

    longitude: float
    latitude: float
    height_m: float
    width: float
    length: float
    tilt: float


class Continent(NamedTuple):
    """A smooth ellipse of land (degrees)."""

    longitude: float
    latitude: float
    half_width: float
    half_length: float


MOUNTAINS = (
    Mountain(250, 43, 2200, 9, 14, -15),  # Rocky Mountains
    Mountain(288, -20, 3000, 4.5, 20, 5),  # Andes, north and centre
    Mountain(287, -42, 1500, 3, 12, 0),  # Andes, south
    Mountain(88, 33, 4800, 15, 6.5, -5),  # Tibet and the Himalaya
    Mountain(97, 48, 1600, 16, 7, 10),  # Altai and Mongolia
    Mountain(318, 73, 2600, 11, 9, 0),  # Greenland
    Mountain(12, 46, 1300, 6, 2.6, 0),  # Alps
    Mountain(38, 5, 1500, 8, 12, 0),  # East African highlands
    Mountain(47, 33, 1400, 9, 5, -25),  # Zagros
    Mountain(25, -27, 1100, 8, 7, 0),  # Southern Africa
    Mountain(135, -25, 350, 14, 9, 0),  # Australia
    Mountain(128, 63, 800, 18, 7, 0),  # East Siberia
    Mountain(138, 37, 700, 3, 5, 35),  # Japan
    Mountain(145, -6, 1500, 7, 2.5, -20),  # New Guinea
    Mountain(170, -44, 900, 2.5, 4, 35),  # New Zealand
    Mountain(15, 63, 700, 4, 7, 30),  # Scandinavia
)

CONTINENTS = (
    Continent(255, 47, 26, 17),
    Continent(260, 62, 28, 10),
    Continent(280, 18, 6, 5),
    Continent(300, -8, 17, 16),
    Continent(292, -32, 6, 16),
    Continent(20, 15, 24, 15),
    Continent(25, -12, 13, 18),
    Continent(15, 50, 16, 9),
    Continent(60, 48, 32, 14),
    Continent(100, 55, 42, 15),
    Continent(105, 30, 17, 11),
    Continent(78, 22, 9, 10),
    Continent(134, -25, 17, 10),
    Continent(318, 73, 13, 9),
    Continent(110, 12, 8, 8),
)


def _longitude_difference(longitude: np.ndarray, centre: float) -> np.ndarray:
    return (longitude - centre + 180.0) % 360.0 - 180.0


def mountain_height(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Height of the idealised mountains [m] at latitudes and longitudes [degrees], which broadcast."""
    height = np.zeros(np.broadcast(latitude, longitude).shape)
    for mountain in MOUNTAINS:
        shrink = np.cos(np.deg2rad(mountain.latitude))
        east = _longitude_difference(longitude, mountain.longitude) * shrink
        north = latitude - mountain.latitude
        # a tilt has no meaning where the meridians run together
        tilt = 0.0 if abs(mountain.latitude) > 65 else np.deg2rad(mountain.tilt)
        across = np.cos(tilt) * east + np.sin(tilt) * north
        along = np.cos(tilt) * north - np.sin(tilt) * east
        width = max(mountain.width * shrink, 1.0)
        height = height + mountain.height_m * np.exp(
            -0.5 * ((across / width) ** 2 + (along / mountain.length) ** 2)
        )
    # Antarctica: a plateau south of about 70 S that reaches further north in the east
    edge = -70.0 + 4.0 * np.cos(np.deg2rad(longitude - 80.0))
    return height + 2900.0 / (1.0 + np.exp((latitude - edge) / 2.2))


def land_fraction(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Smooth fraction of land, 0 to 1; arguments as in :func:`mountain_height`."""
    fraction = 1.0 / (1.0 + np.exp((latitude + 70.0) / 1.5)) * np.ones_like(longitude)
    for continent in CONTINENTS:
        east = _longitude_difference(longitude, continent.longitude) / continent.half_width
        north = (latitude - continent.latitude) / continent.half_length
        exponent = np.minimum(6.0 * (east**2 + north**2 - 1.0), 80.0)  # exp(80) is still finite in float64
        fraction = np.maximum(fraction, 1.0 / (1.0 + np.exp(exponent)))
    return fraction
