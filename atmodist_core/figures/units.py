"""Units as figures write them."""

from __future__ import annotations

import re

import numpy as np


def units_label(units: str) -> str:
    """Units with raised exponents, as Matplotlib draws them.

    Examples
    --------
    >>> units_label("m2 s-2")
    'm$^{2}$ s$^{-2}$'
    """
    return re.sub(r"([A-Za-z])(-?\d+)(?=\s|$)", r"\1$^{\2}$", units)


def power_of_ten(values: np.ndarray) -> int:
    """Power of ten to write beside the units, so that tick labels are short; 0 where they are short anyway.

    Examples
    --------
    >>> power_of_ten(np.array([-2.1e-5, 3.0e-5])), power_of_ten(np.array([12.0]))
    (-5, 0)
    """
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max()) if finite.size else 0.0
    power = int(np.floor(np.log10(top))) if top > 0 else 0
    return power if not -2 <= power <= 3 else 0


def scaled_units(units: str, power: int) -> str:
    """A unit with the power of ten that was taken out, in brackets; nothing for a plain number.

    Examples
    --------
    >>> scaled_units("s-1", -5), scaled_units("1", 0)
    (' [10$^{-5}$ s$^{-1}$]', '')
    """
    parts = [f"10$^{{{power}}}$" if power else "", "" if units in ("", "1") else units_label(units)]
    text = " ".join(part for part in parts if part)
    return f" [{text}]" if text else ""
