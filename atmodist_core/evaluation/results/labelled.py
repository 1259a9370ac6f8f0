"""Labels of the numbers of an evaluation: units, long name, definition, interval."""

from __future__ import annotations

import numpy as np

from atmodist_core.evaluation.bootstrap import interval

Variable = tuple[tuple[str, ...], np.ndarray, dict[str, str]]
"""Dimensions, values and attributes."""

INTERVAL = "% of the replicates of a bootstrap over blocks of days."


def described(
    values: np.ndarray, dimensions: tuple[str, ...], units: str, long_name: str, definition: str
) -> Variable:
    """Return a variable with the attributes that every number of an evaluation has."""
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    return dimensions, values, {"units": units, "long_name": long_name, "definition": definition}


def with_interval(
    name: str,
    replicates: np.ndarray,
    dimensions: tuple[str, ...],
    units: str,
    long_name: str,
    definition: str,
) -> dict[str, Variable]:
    """Return a variable and the two ends of its interval from ``(1 + replicates, ...)``, the record first."""
    found = {name: described(replicates[0], dimensions, units, long_name, definition)}
    for end, values, share in zip(("low", "high"), interval(replicates), ("2.5", "97.5"), strict=True):
        found[f"{name}_{end}"] = described(
            values, dimensions, units, f"{long_name}, {share} %", f"{share} {INTERVAL}"
        )
    return found


def with_missing_truth(values: list[np.ndarray], axis: int = 0) -> np.ndarray:
    """Stack arrays of the models, and missing values for the truth, which is last."""
    return np.stack([*values, np.full_like(values[0], np.nan)], axis=axis)
