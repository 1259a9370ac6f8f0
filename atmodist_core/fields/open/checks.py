"""Checks of values: units, fill values and gaps, before anything is derived from them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.time_selection import spell_times
from atmodist_core.fields.canonical.units import (
    check_largest_magnitude,
    check_magnitude_without_units,
    check_units,
    offset_to_stored_units,
)
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.merge_variables import Merged
from atmodist_core.fields.open.netcdf import one_line

LEAST_GAP = 0.01
"""Share of a globe that is missing where a product covers a part of it only; less is a fault of the data."""


def conversions(pair: Merged, note: Note) -> list[tuple[float, float]]:
    """Return by what each field is multiplied, and what is then added; without units, one slice is read."""
    found = []
    for array, variable in zip(pair.arrays, pair.variables, strict=True):
        if pair.kind == "other":
            found.append((1.0, 0.0))
            continue
        units = array.attrs.get("units", array.attrs.get("GRIB_units"))
        if units is None or not str(units).strip():
            if pair.is_coefficients:
                raise UserError(
                    f"Attribute 'units' of the coefficients '{variable}' is missing, where s-1 was expected; "
                    "set it in the store."
                )
            sample = read(array.isel(time=array.sizes["time"] // 2))
            note(check_magnitude_without_units(sample, pair.kind, variable))
            found.append((1.0, 0.0))
            continue
        factor, sentence = check_units(units, pair.kind, variable)
        if sentence is not None:
            note(sentence)
        found.append((factor, offset_to_stored_units(units, pair.kind)))
    return found


def check_values(
    arrays: list[xr.DataArray], pair: Merged, grid: str, note: Note
) -> tuple[list[xr.DataArray], bool]:
    """Return the fields at the times that have values, and whether they are a pair of winds with gaps.

    Gaps are noted. On a globe, few of them, or gaps that change with time, are faults of the data and refused.
    """
    # One field after the other: memory is that of one.
    largest, finite = [], []
    for array in arrays:
        values = read(array)
        good = np.isfinite(values)
        finite.append(good)
        largest.append(float(np.max(np.abs(np.where(good, values, 0.0)), initial=0.0)))
    for value, variable in zip(largest, pair.variables, strict=True):
        check_largest_magnitude(value, pair.kind, variable)
    usable = np.logical_and.reduce([good.any(axis=(1, 2)) for good in finite])
    if not usable.any():
        raise UserError(
            f"Expected values in {' and '.join(map(repr, pair.variables))}, found only missing ones; "
            "check the file, or choose other times."
        )
    if not usable.all():
        empty = arrays[0]["time"].values[~usable]
        note(f"{empty.size} of {usable.size} times hold no values and were left out ({spell_times(empty)})")
        arrays = [array.isel(time=np.flatnonzero(usable)) for array in arrays]
    gaps = [int(np.sum(~good[usable])) for good in finite]
    if not any(gaps):
        return arrays, False
    total = int(finite[0][usable].size)
    spread = ""
    is_wind = pair.kind == "wind" and len(arrays) == 2
    if is_wind:
        valid = (finite[0] & finite[1])[usable]
        is_domain = bool((valid == valid[0]).all()) and valid.mean() < 1 - LEAST_GAP
        if grid != "limited-area" and not is_domain:
            worst = int(np.argmax(gaps))
            raise UserError(
                f"Expected values of '{pair.variables[worst]}' everywhere on the globe, found {gaps[worst]} "
                f"of {total} missing; fill them, choose other times, or cut a limited area without gaps out "
                "of the file."
            )
        spread = "; derivatives beside them are one-sided, or missing where neither side has two more points"
    counts = [f"{gap} of '{name}'" for gap, name in zip(gaps, pair.variables, strict=True)]
    counts[0] = counts[0].replace(" of", " values of", 1)
    note(f"{' and '.join(counts)} of {total} are missing{spread}")
    return arrays, is_wind


def read(array: xr.DataArray) -> np.ndarray:
    """Return the values of a lazy field; a damaged file is reported in one sentence."""
    try:
        return np.asarray(array.values)
    except UserError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, IndexError) as error:
        raise UserError(
            f"The values of '{array.name}' cannot be read ({one_line(error)}); the file is damaged: download "
            "it again."
        ) from error
