"""Physical constants, each with its source."""

EARTH_RADIUS_M = 6_371_229.0
"""Radius of the spherical Earth of ECMWF's IFS [m] (WMO GRIB2 code table 3.2, entry 6)."""

EARTH_ROTATION_RATE = 7.292e-5
"""Angular velocity of the Earth [s-1] (Held & Suarez, 1994, table 1)."""

GRAVITY = 9.80616
"""Acceleration of gravity [m s-2], the value of the reference shallow-water and primitive-equation test
sets.
"""

GAS_CONSTANT_DRY_AIR = 287.0
"""Specific gas constant of dry air [J kg-1 K-1] (Held & Suarez, 1994)."""

KAPPA = 2.0 / 7.0
"""Ratio of the gas constant to the heat capacity at constant pressure, R / c_p (Held & Suarez, 1994)."""

REFERENCE_PRESSURE_PA = 1.0e5
"""Reference surface pressure [Pa]."""
