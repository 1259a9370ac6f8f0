"""Units in which plots show values: a power of ten goes to the unit, so that numbers stay short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atmodist_core.fields.canonical.channels import has_own_range

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class DisplayUnit:
    """A unit with the factor from stored values.

    Parameters
    ----------
    factor : float
        Stored values times this are shown.
    text : str
        The unit as it is written, such as ``10⁻⁵ s⁻¹``.
    """

    factor: float
    text: str


FIELD_UNITS = {
    "vorticity": DisplayUnit(1e5, "10⁻⁵ s⁻¹"),
    "divergence": DisplayUnit(1e5, "10⁻⁵ s⁻¹"),
    **dict.fromkeys(("wind_speed", "u", "v", "u10", "v10", "u100", "v100"), DisplayUnit(1.0, "m s⁻¹")),
    "temperature": DisplayUnit(1.0, "K"),
    "geopotential": DisplayUnit(1e-3, "10³ m² s⁻²"),
    "specific_humidity": DisplayUnit(1e3, "g kg⁻¹"),
    "relative_humidity": DisplayUnit(1.0, "%"),
    "vertical_velocity": DisplayUnit(1.0, "Pa s⁻¹"),
}
"""Units of fields beside single numbers, which must not change from one number to the next."""


def field_unit(field: str) -> DisplayUnit:
    """Return the unit in which numbers of a field are shown.

    Examples
    --------
    >>> field_unit("wind_speed")
    DisplayUnit(factor=1.0, text='m s⁻¹')
    """
    return FIELD_UNITS[field]


def is_signed(field: str) -> bool:
    """Return whether a field has both signs, and so a diverging colour scale.

    Examples
    --------
    >>> is_signed("vorticity"), is_signed("wind_speed"), is_signed("temperature")
    (True, False, False)
    """
    return field != "wind_speed" and not has_own_range(field)


def display_unit(units: str, largest: float) -> DisplayUnit:
    """Return the unit in which values up to ``largest`` are shown.

    Examples
    --------
    >>> display_unit("s-1", 8e-5)
    DisplayUnit(factor=100000.0, text='10⁻⁵ s⁻¹')
    >>> display_unit("m s-1", 12.0).text
    'm s⁻¹'
    """
    plain = units_text(units)
    if not np.isfinite(largest) or largest <= 0 or 1e-2 <= largest < 1e4:
        return DisplayUnit(1.0, plain)
    exponent = int(np.floor(np.log10(largest)))
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return DisplayUnit(10.0**-exponent, f"{power} {plain}" if plain else power)


def units_text(units: str) -> str:
    """Return units with raised exponents; nothing for dimensionless ones.

    Examples
    --------
    >>> units_text("m2 s-2")
    'm² s⁻²'
    """
    parts = []
    for part in units.split():
        letters = part.rstrip("-0123456789")
        parts.append(letters + part[len(letters) :].translate(_SUPERSCRIPTS) if letters else "")
    return " ".join(filter(None, parts))


def field_label(name: str, unit: DisplayUnit) -> str:
    """Return the text of an axis or colour bar: name with unit.

    Examples
    --------
    >>> field_label("wind_speed", DisplayUnit(1.0, "m s⁻¹"))
    'wind speed [m s⁻¹]'
    """
    text = name.replace("_", " ")
    return f"{text} [{unit.text}]" if unit.text else text
