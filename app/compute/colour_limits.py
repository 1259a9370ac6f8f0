"""Limits of colour scales, from quantiles of the data."""

from __future__ import annotations

from math import floor, log10

import numpy as np

from app.compute.comparison import Comparison
from atmodist_core.fields.canonical.channels import has_own_range
from atmodist_core.plots.look.units import field_unit, is_signed

QUANTILE = 0.99
"""Fraction of grid points within the colour scale."""


def field_limit(comparison: Comparison) -> float:
    """Return the limit that holds 99 % of the truth in the region, in the unit of display."""
    values = comparison.values("truth")
    return rounded_limit(values, field_unit(comparison.question.field).factor)


def difference_limit(comparison: Comparison) -> float:
    """Return the limit that holds 99 % of the differences between coarse input and truth, in the unit of display.

    It does not depend on the methods, so that it does not change while their answers arrive.
    """
    return rounded_limit(coarse_difference(comparison), field_unit(comparison.question.field).factor)


def coarse_difference(comparison: Comparison) -> np.ndarray:
    """Return the coarse input, repeated over the fine points of each cell, minus the truth; shape ``(latitude, longitude)``."""
    coarse, truth = comparison.values("coarse"), comparison.values("truth")
    assert coarse is not None and truth is not None  # a comparison begins with them
    factor = comparison.question.factor
    spread = np.repeat(np.repeat(coarse, factor, axis=0), factor, axis=1)
    return spread[: truth.shape[0], : truth.shape[1]] - truth


def ends(limit: float, field: str) -> tuple[float, float]:
    """Return low and high end of the scale of a field: symmetric, or from zero for a positive field."""
    return (-limit, limit) if is_signed(field) else (0.0, limit)


def field_ends(comparison: Comparison, fixed: float | None) -> tuple[float, float]:
    """Return both ends of the scale of the field: its own range, or up to 99 % of the truth unless they are ``fixed``, in the unit of display."""
    field = comparison.question.field
    if not has_own_range(field):
        return ends(fixed or field_limit(comparison), field)
    values = comparison.values("truth")
    finite = values[np.isfinite(values)] if values is not None else np.empty(0)
    if not finite.size:
        return 0.0, 1.0
    outside = (1 - QUANTILE) / 2
    low, high = np.quantile(finite, (outside, 1 - outside)) * field_unit(field).factor
    step = 10.0 ** (floor(log10(max(high - low, 1e-6 * abs(high), 1e-9))) - 1)
    return float(np.floor(low / step) * step), float(np.floor(high / step + 1) * step)


def rounded_limit(values: np.ndarray | None, factor: float) -> float:
    """Return the limit that holds 99 % of some values times ``factor``, rounded up to two digits; 1 where there are none."""
    finite = np.abs(values[np.isfinite(values)]) if values is not None else np.empty(0)
    limit = float(np.quantile(finite, QUANTILE)) * factor if finite.size else 0.0
    if not limit > 0:
        return 1.0
    # Two digits, so that the limit does not change at every step through time.
    digits = 1 - floor(log10(limit))
    return float(np.ceil(limit * 10**digits) / 10**digits)
