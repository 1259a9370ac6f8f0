"""Levels: the vertical coordinate of a field, and the choice of one level."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import LEVEL_NAMES

PREFERRED = {"pressure": 883.0, "hybrid": 120.0, "sigma": 0.883, "height": 1000.0}
"""Level taken when none is requested: the nearest to model level 120 of ERA5, which lies at about 883 hPa
(0.883 of the surface pressure, 1 km above sea level) and is the level of the AtmoDist papers."""

_UNIT_WORDS = {"pressure": "hPa", "height": "m", "potential temperature": "K"}
_PRESSURE_TO_HPA = {
    "hpa": 1.0, "hectopascal": 1.0, "millibar": 1.0, "millibars": 1.0, "mb": 1.0, "mbar": 1.0,
    "pa": 0.01, "pascal": 0.01, "kpa": 10.0,
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """A level: its kind ("pressure" [hPa], "hybrid" (model level), "sigma", "height" [m], ...) and its value."""

    kind: str
    value: float

    def __str__(self) -> str:
        """Name the level as users say it: "850 hPa", "hybrid 120", "10 m above ground"."""
        if self.kind == "height":
            return f"{self.value:g} m"
        if self.kind in _UNIT_WORDS:
            return f"{self.value:g} {_UNIT_WORDS[self.kind]}"
        return f"{self.kind} {self.value:g}" if self.kind != "unknown" else f"{self.value:g}"


def name_level_axis(array: xr.DataArray, variable: str) -> tuple[xr.DataArray, str | None]:
    """Return a field with a dimension ``level`` (pressures in hPa), and what it measures (None without levels)."""
    in_lower_case = {str(name).lower(): str(name) for name in (*array.coords, *array.dims)}
    candidates = [in_lower_case[name] for name in LEVEL_NAMES if name in in_lower_case]
    with_dimension = [name for name in candidates if name in array.dims]
    if not candidates:
        return array, None
    found = (with_dimension or candidates)[0]
    kind = LEVEL_NAMES[found.lower()]
    if found not in array.coords:
        raise UserError(
            f"Dimension '{found}' of '{variable}' has no values, where levels were expected; add the "
            "coordinate."
        )
    if array[found].ndim > 1:
        raise UserError(
            f"Level coordinate '{found}' of '{variable}' must have one dimension, found {array[found].ndim}."
        )
    if array[found].ndim == 0:
        array = array.expand_dims(found)
    elif array[found].dims[0] != found:
        array = array.swap_dims({array[found].dims[0]: found})
    values = np.asarray(array[found].values)
    if values.dtype.kind not in "iuf":
        raise UserError(
            f"Level coordinate '{found}' of '{variable}' must hold numbers, found {values.dtype}."
        )
    values = values.astype(np.float64)
    if not np.all(np.isfinite(values)) or np.unique(values).size < values.size:
        raise UserError(
            f"Level coordinate '{found}' of '{variable}' must hold different finite numbers, found "
            f"{', '.join(f'{value:g}' for value in values[:8])}; correct the coordinate."
        )
    kind, factor = _kind_and_factor(found, kind, dict(array[found].attrs), values, variable)
    values = np.round(values * factor, 6)
    # GRIB writes a scalar level 0 for the surface; 10 m winds do not have a choice of levels.
    if values.size == 1 and kind in ("unknown", "height") and values[0] == 0.0:
        return array.isel({found: 0}, drop=True), None
    drop = [name for name in candidates if name != found and name not in array.dims]
    array = array.drop_vars(drop)
    if found != "level":
        array = array.rename({found: "level"})
    return array.assign_coords(level=("level", values)), kind


def choose_level(available: list[Level], request: Any, note: Callable[[str], None]) -> Level | None:
    """Return the level requested as a number, "850 hPa", "hybrid 120" or the like, or the default, which is noted."""
    if request is None:
        if len(available) <= 1:
            return available[0] if available else None
        chosen = _default(available)
        listed = _listed(available, most=8)
        note(
            f"the data hold {len(available)} levels ({listed}); none was requested and {chosen} was taken, "
            "the nearest to model level 120 (883 hPa) of the AtmoDist papers"
        )
        return chosen
    value, kind = _parse(request)
    if not available:
        raise UserError(f"Level {request} was requested, but the data have no levels; leave out level.")
    for level in available:
        if np.isclose(level.value, value, rtol=1e-4, atol=1e-6) and kind in (None, level.kind):
            return level
    raise UserError(
        f"Level {request} is not in the data, which hold {_listed(available)}; choose one of these."
    )


def _default(available: list[Level]) -> Level:
    kind = available[0].kind
    if kind not in PREFERRED:
        return available[-1]
    return min(available, key=lambda level: (abs(level.value - PREFERRED[kind]), level.value))


def _parse(request: Any) -> tuple[float, str | None]:
    """Value, in stored units, and kind (None when only a number was given) of a requested level."""
    if isinstance(request, (int, float, np.integer, np.floating)) and not isinstance(request, bool):
        return float(request), None
    text = str(request).strip().lower()
    match = re.fullmatch(
        r"(?:(hybrid|model level|level|sigma)\s*)?([-+]?\d*\.?\d+(?:e[-+]?\d+)?)\s*([a-z]*)", text
    )
    if isinstance(request, str) and match:
        word, value, unit = match[1], float(match[2]), match[3]
        if unit in _PRESSURE_TO_HPA:
            return value * _PRESSURE_TO_HPA[unit], "pressure"
        if unit in ("m", "k"):
            return value, {"m": "height", "k": "potential temperature"}[unit]
        if not unit:
            return value, {"hybrid": "hybrid", "model level": "hybrid", "sigma": "sigma"}.get(word or "")
    raise UserError(f"Expected a level such as 850, '850 hPa' or 'hybrid 120', found {request!r}.")


def _kind_and_factor(
    name: str, kind: str, attrs: dict[str, Any], values: np.ndarray, variable: str
) -> tuple[str, float]:
    """Settle what a level coordinate measures from its units, and the factor to stored units."""
    units = str(attrs.get("units", "")).strip().lower()
    standard_name = str(attrs.get("standard_name", "")).lower()
    if name.lower() == "isobaricinpa":
        return "pressure", 0.01
    if units in _PRESSURE_TO_HPA:
        return "pressure", _PRESSURE_TO_HPA[units]
    if "hybrid" in standard_name or standard_name == "model_level_number":
        return "hybrid", 1.0
    if "sigma" in standard_name and kind in ("unknown", "sigma"):
        return "sigma", 1.0
    if kind == "height" or units in ("m", "metre", "meter", "metres", "meters"):
        return "height", 1000.0 if units == "km" else 1.0
    if kind == "pressure":
        if units not in ("", "1", "level"):
            raise UserError(
                f"Attribute 'units' of level coordinate '{name}' of '{variable}' is '{attrs['units']}', "
                "where hPa or Pa were expected; correct the attribute."
            )
        # 'plev' and 'level' without units: pascals are recognised by their size.
        return "pressure", 0.01 if values.size and values.max() > 1200.0 else 1.0
    return kind, 1.0


def _listed(available: list[Level], most: int = 40) -> str:
    values = [f"{level.value:g}" for level in available]
    if len(values) > most:
        values = [*values[:3], "...", *values[-3:]]
    kind = available[0].kind
    word = {"hybrid": "hybrid ", "sigma": "sigma "}.get(kind, "")
    unit = _UNIT_WORDS.get(kind, "")
    return f"{word}{', '.join(values)}{' ' + unit if unit else ''}"
