"""Units in which fields are shown, with factors from the stored ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit of display."""

    factor: float  # shown number per stored number
    text: str  # text beside a number


_UNITS = {
    "vorticity": Unit(1e5, "10⁻⁵ s⁻¹"),
    "divergence": Unit(1e5, "10⁻⁵ s⁻¹"),
    "wind_speed": Unit(1.0, "m s⁻¹"),
}


def unit_of(field: str) -> Unit:
    """Return the unit in which a field is shown."""
    return _UNITS[field]


def is_signed(field: str) -> bool:
    """Return whether a field has both signs, and so a diverging colour scale."""
    return field != "wind_speed"
