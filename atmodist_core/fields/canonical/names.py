"""Names of fields and coordinates in files, known only here; inside the package they are canonical."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True)
class Quantity:
    """A physical field: `kind` says which units it has (`units.STORED_UNITS`); `aliases` are lower case, the preferred first."""

    name: str
    kind: str
    aliases: tuple[str, ...]
    standard_names: tuple[str, ...] = ()


_RELATIVE_VORTICITY = ("atmosphere_upward_relative_vorticity", "atmosphere_relative_vorticity")
QUANTITIES: dict[str, Quantity] = {
    name: Quantity(name, kind, tuple(aliases.split()), standard_names)
    for name, kind, aliases, standard_names in (
        ("vorticity", "rate", "vorticity vo relative_vorticity relvort rel_vort relv vor zeta", _RELATIVE_VORTICITY),
        ("divergence", "rate", "divergence d div reld delta", ("divergence_of_wind",)),
        ("u", "wind", "u u_component_of_wind eastward_wind ua uwnd ugrd u_wind uwind u_velocity", ("eastward_wind",)),
        ("v", "wind", "v v_component_of_wind northward_wind va vwnd vgrd v_wind vwind v_velocity", ("northward_wind",)),
        ("u10", "wind", "u10 10u 10m_u_component_of_wind uas u10m u_10m", ()),
        ("v10", "wind", "v10 10v 10m_v_component_of_wind vas v10m v_10m", ()),
        ("u100", "wind", "u100 100u 100m_u_component_of_wind", ()),
        ("v100", "wind", "v100 100v 100m_v_component_of_wind", ()),
    )
}  # fmt: skip
"""Every quantity that the default fields are made from, by its name inside this package."""

MORE_QUANTITIES: dict[str, Quantity] = {
    name: Quantity(name, kind, tuple(aliases.split()), standard_names)
    for name, kind, aliases, standard_names in (
        ("temperature", "temperature", "temperature t ta air_temperature temp tmp", ("air_temperature",)),
        ("geopotential", "geopotential", "geopotential z gh zg hgt geopotential_height height_of_isobaric_surface",
         ("geopotential", "geopotential_height")),
        ("specific_humidity", "mass fraction", "specific_humidity q hus shum spfh", ("specific_humidity",)),
        ("relative_humidity", "percentage", "relative_humidity r hur rhum rh", ("relative_humidity",)),
        ("vertical_velocity", "pressure velocity", "vertical_velocity w wap omega vvel",
         ("lagrangian_tendency_of_air_pressure",)),
    )
}  # fmt: skip
"""Further quantities, which are read where they are asked for."""

ALL_QUANTITIES = {**QUANTITIES, **MORE_QUANTITIES}
"""Every quantity the readers know by name."""

PAIRS = (("vorticity", "divergence"), ("u", "v"), ("u10", "v10"), ("u100", "v100"))
"""The pairs fields are made from, the preferred first."""

PAIR_WORDS = {
    "vorticity": "vorticity and divergence",
    "u": "u and v",
    "u10": "u10 and v10 (10 m wind)",
    "u100": "u100 and v100 (100 m wind)",
}
"""How a pair is called in a sentence, by its first member."""

LATITUDE_NAMES = ("latitude", "lat", "lats", "nav_lat", "y", "rlat", "grid_latitude", "xlat")
LONGITUDE_NAMES = ("longitude", "lon", "long", "lons", "nav_lon", "x", "rlon", "grid_longitude", "xlong")
TIME_NAMES = (
    "time", "valid_time", "datetime", "date", "times", "t", "verification_time", "initial_time0_hours",
)  # fmt: skip
REFERENCE_TIME_NAMES = (
    "forecast_reference_time", "reference_time", "init_time", "initial_time", "forecast_time0",
)  # fmt: skip
STEP_NAMES = ("step", "forecast_period", "leadtime", "lead_time", "prediction_timedelta", "forecast_hour")
LEVEL_NAMES: dict[str, str] = {
    **dict.fromkeys(("level", "pressure_level", "isobaricinhpa", "isobaricinpa"), "pressure"),
    **dict.fromkeys(("plev", "pressure", "pres"), "pressure"),
    "lev": "unknown",
    **dict.fromkeys(("hybrid", "model_level", "model_level_number", "ml"), "hybrid"),
    "sigma": "sigma",
    **dict.fromkeys(("height", "heightaboveground", "heightabovesea", "altitude"), "height"),
    "theta": "potential temperature",
    "potentialvorticity": "potential vorticity",
}
"""Names of vertical coordinates (lower case) and what they measure."""

COEFFICIENT_DIMENSION_NAMES = ("values", "coefficients", "spectral_coefficients")
"""Dimensions along which spherical-harmonic coefficients lie (``values`` in GRIB-like stores)."""


def find_variables(dataset: xr.Dataset, quantities: Mapping[str, Quantity] = QUANTITIES) -> dict[str, str]:
    """Return the variable name of each of these quantities that a dataset holds, each variable once.

    A name is preferred to a GRIB short name, and that to a CF standard name, which is the same for winds at any
    height.
    """
    lower: dict[str, str] = {}
    for name in dataset.data_vars:
        lower.setdefault(str(name).lower(), str(name))
    found: dict[str, str] = {}
    for quantity in quantities.values():
        for alias in quantity.aliases:
            if alias in lower and lower[alias] not in found.values():
                found[quantity.name] = lower[alias]
                break
    for attribute in ("GRIB_shortName", "standard_name"):
        for quantity in quantities.values():
            accepted = quantity.aliases if attribute == "GRIB_shortName" else quantity.standard_names
            for name in map(str, dataset.data_vars):
                claimed = quantity.name in found or name in found.values()
                if not claimed and str(dataset[name].attrs.get(attribute, "")).lower() in accepted:
                    found[quantity.name] = name
    return found


def find_dimension(array: xr.DataArray, names: tuple[str, ...], attribute: str, value: str) -> str | None:
    """Return the coordinate or dimension with the first of these lower-case names, or that attribute, else None."""
    candidates = {str(name).lower(): str(name) for name in (*array.dims, *array.coords)}
    for name in names:
        if name in candidates:
            return candidates[name]
    for key, coordinate in array.coords.items():
        if str(coordinate.attrs.get(attribute, "")).lower() == value:
            return str(key)
    return None
