"""Units: conversion of the units in files to those inside the package (s-1, m s-1, K ...)."""

from __future__ import annotations

import re

import numpy as np

from atmodist_core.common.errors import UserError

_TIME_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_LENGTH_UNITS = {
    "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0,
    "cm": 0.01, "km": 1000.0, "mi": 1609.344, "mile": 1609.344, "miles": 1609.344,
}  # fmt: skip
_WIND_WORDS = {
    "knot": 1852.0 / 3600.0, "knots": 1852.0 / 3600.0, "kt": 1852.0 / 3600.0, "kts": 1852.0 / 3600.0,
    "mps": 1.0, "kph": 1000.0 / 3600.0, "kmh": 1000.0 / 3600.0, "mph": 1609.344 / 3600.0,
}  # fmt: skip
_NUMBER = re.compile(
    r"""^(?P<number>
        10\s*(?:\*\*|\^)\s*\(?\s*[-+]?\d+\s*\)?        # 10**-5, 10^-5
      | 10-\d+                                         # 10-5 as a typesetter writes it
      | [-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?          # 1e-5, 1.E-5, 0.00001, 1
    )\s*[*x ]?\s*(?P<rest>(?:[a-z/]|1\s*/).*)$""",
    re.VERBOSE | re.IGNORECASE,
)

STANDARD_GRAVITY = 9.80665
"""By which geopotential heights are multiplied [m s-2]."""

_CELSIUS = ("degc", "c", "celsius", "deg c", "degrees_celsius", "°c")
_FACTORS: dict[str, dict[str, float]] = {
    "temperature": {"k": 1.0, "kelvin": 1.0, **dict.fromkeys(_CELSIUS, 1.0)},
    "geopotential": {
        **dict.fromkeys(("m2 s-2", "m**2 s**-2", "m^2 s^-2", "m^2/s^2", "m2/s2", "m**2/s**2", "j kg-1"), 1.0),
        **dict.fromkeys(("m", "gpm", "metre", "metres", "meter", "meters"), STANDARD_GRAVITY),
        **dict.fromkeys(("dam", "gpdam"), 10.0 * STANDARD_GRAVITY),
    },
    "mass fraction": {
        **dict.fromkeys(("kg kg-1", "kg kg**-1", "kg kg^-1", "kg/kg", "1", "g g-1"), 1.0),
        **dict.fromkeys(("g kg-1", "g kg**-1", "g kg^-1", "g/kg"), 1e-3),
    },
    "percentage": {**dict.fromkeys(("%", "percent", "pct"), 1.0), **dict.fromkeys(("1", "fraction", "(0 - 1)"), 100.0)},
    "pressure velocity": {
        **dict.fromkeys(("pa s-1", "pa s**-1", "pa s^-1", "pa/s"), 1.0),
        **dict.fromkeys(("hpa s-1", "hpa s**-1", "hpa/s"), 100.0),
    },
}  # fmt: skip
"""Factors of units (lower case) to the stored ones; those of rates and winds are parsed."""

STORED_UNITS = {
    "rate": "s-1", "wind": "m s-1", "temperature": "K", "geopotential": "m2 s-2", "mass fraction": "kg kg-1",
    "percentage": "%", "pressure velocity": "Pa s-1", "other": "",
}  # fmt: skip
"""Units inside the package, by kind of quantity; "other" keeps those of the file."""

PLAUSIBLE_STANDARD_DEVIATION = {
    "rate": (3e-8, 3e-3), "wind": (0.05, 80.0), "temperature": (0.05, 80.0), "geopotential": (1.0, 5e4),
    "mass fraction": (1e-8, 0.02), "percentage": (0.5, 60.0), "pressure velocity": (1e-3, 10.0),
    "other": (0.0, np.inf),
}  # fmt: skip
"""Spread that atmospheric fields can have, in stored units; outside it, numbers without units are refused."""

LARGEST_MAGNITUDE = {
    "rate": 1.0, "wind": 1000.0, "temperature": 400.0, "geopotential": 1e6, "mass fraction": 1.0, "percentage": 250.0,
    "pressure velocity": 500.0, "other": np.inf,
}  # fmt: skip
"""Magnitudes that no atmosphere reaches, in stored units; beyond it are fill values or wrong units."""

_EXAMPLES = {
    "rate": "s-1, s**-1, 1/s, 1e-5 s-1, day-1", "wind": "m s-1, m/s, knots, km h-1", "temperature": "K, degC",
    "geopotential": "m2 s-2, m, gpm", "mass fraction": "kg kg-1, g kg-1", "percentage": "%, 1",
    "pressure velocity": "Pa s-1",
}  # fmt: skip


def _split_number(text: str) -> tuple[float, str]:
    """Split a leading scale such as ``1e-5`` or ``10**-5`` from the unit."""
    if re.fullmatch(r"1\s*/\s*[a-z]+", text):
        return 1.0, text[1:].strip()
    match = _NUMBER.match(text)
    if match is None:
        return 1.0, text
    number = re.sub(r"[\s()]", "", match["number"])
    rest = match["rest"].strip()
    power = re.fullmatch(r"10(?:\*\*|\^)([-+]?\d+)|10(-\d+)", number)
    scale = 10.0 ** int(power[1] or power[2]) if power else float(number)
    return scale, re.sub(r"^1\s*(?=/)", "", rest)


def _inverse_time(text: str) -> float | None:
    """Factor to s-1 of ``s-1``, ``s**-1``, ``/s``, ``per day`` and their like."""
    match = re.fullmatch(r"([a-z]+)(?:\*\*|\^)?\(?-1\)?|(?:/|per )\s*([a-z]+)", text.strip())
    unit = (match[1] or match[2]) if match else None
    return 1.0 / _TIME_UNITS[unit] if unit in _TIME_UNITS else None


def factor_to_stored_units(units: str, kind: str) -> float | None:
    """Return the factor from ``units`` to `STORED_UNITS` of a kind, None for those of another quantity.

    Examples
    --------
    >>> factor_to_stored_units("s**-1", "rate")
    1.0
    >>> factor_to_stored_units("1e-5 s-1", "rate")
    1e-05
    >>> round(factor_to_stored_units("km h-1", "wind"), 6)
    0.277778
    >>> factor_to_stored_units("K", "wind") is None
    True
    """
    if kind == "other":
        return 1.0
    plain = " ".join(str(units).strip().lower().replace("·", " ").split())
    if kind in _FACTORS:
        return _FACTORS[kind].get(plain)
    scale, text = _split_number(plain)
    if kind == "rate":
        if text in ("hz", "hertz"):
            return scale
        factor = _inverse_time(text)
        return None if factor is None else scale * factor
    if text in _WIND_WORDS:
        return scale * _WIND_WORDS[text]
    match = re.match(r"([a-z]+)\s*[\s*.]?\s*(.*)$", text)
    if match is None or match[1] not in _LENGTH_UNITS:
        return None
    factor = _inverse_time(match[2])
    return None if factor is None else scale * _LENGTH_UNITS[match[1]] * factor


def offset_to_stored_units(units: object, kind: str) -> float:
    """Return what is added to values in ``units``: 273.15 for degrees Celsius, otherwise 0.

    Examples
    --------
    >>> offset_to_stored_units("degC", "temperature")
    273.15
    """
    return 273.15 if kind == "temperature" and str(units).strip().lower() in _CELSIUS else 0.0


def check_units(units: object, kind: str, variable: str) -> tuple[float, str | None]:
    """Return the factor to stored units, and a note (or None) when values are converted."""
    stored = STORED_UNITS[kind]
    factor = factor_to_stored_units(str(units), kind)
    if factor is None:
        raise UserError(
            f"Attribute 'units' of variable '{variable}' is '{units}', but {stored} or units that convert to "
            f"it were expected ({_EXAMPLES[kind]}); correct the attribute or choose another variable."
        )
    if factor == 1.0 and not offset_to_stored_units(units, kind):
        return 1.0, None
    return factor, f"Variable '{variable}' was converted from {units} to {stored}."


def check_magnitude_without_units(sample: np.ndarray, kind: str, variable: str) -> str:
    """Return a note that units were assumed; refuse numbers whose spread is not that of an atmosphere."""
    stored = STORED_UNITS[kind]
    finite = sample[np.isfinite(sample)]
    spread = float(finite.std(dtype=np.float64)) if finite.size else float("nan")
    low, high = PLAUSIBLE_STANDARD_DEVIATION[kind]
    if not low <= spread <= high:
        raise UserError(
            f"Variable '{variable}' has no attribute 'units' and its values (standard deviation "
            f"{spread:.3g}) cannot be in {stored}, where {low:g} to {high:g} was expected; set the attribute "
            "'units' in the file."
        )
    return f"Variable '{variable}' has no units; {stored} was assumed (standard deviation {spread:.3g})."


def check_largest_magnitude(largest: float, kind: str, variable: str) -> None:
    """Refuse magnitudes beyond `LARGEST_MAGNITUDE`: unmasked fill values, or wrong units."""
    if largest > LARGEST_MAGNITUDE[kind]:
        raise UserError(
            f"Variable '{variable}' reaches {largest:.3g} {STORED_UNITS[kind]}, where less than "
            f"{LARGEST_MAGNITUDE[kind]:g} was expected; correct its 'units', or its '_FillValue' if this is "
            "a mark for missing values."
        )
