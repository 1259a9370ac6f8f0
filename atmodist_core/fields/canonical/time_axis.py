"""Time axis: valid times of a field, under whatever name the file holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE, STANDARD_CALENDARS, elapsed_times
from atmodist_core.fields.canonical.names import REFERENCE_TIME_NAMES, STEP_NAMES, TIME_NAMES, find_dimension
from atmodist_core.fields.canonical.time_selection import nanoseconds, spell_time

PLACEHOLDER_YEAR = 2001
"""Year of the dates given to files without a time axis (monthly climatologies and single fields)."""

_STEP_SECONDS = {"nanosecond": 1e-9, "second": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LARGEST_STEP_SECONDS = 100 * 366 * 86400.0
TIME_ATTRS = {"standard_name": "time", "long_name": "time", "axis": "T"}


_PLACEHOLDER_DIMENSIONS = (
    *("month", "months", "season", "dayofyear", "doy", "day", "hour"),
    *("record", "sample", "step"),
)
"""Dimensions that stand for time in files without a time axis."""


def name_time_axis(
    array: xr.DataArray, variable: str, note: Callable[[str], None]
) -> tuple[xr.DataArray, bool]:
    """Return a field with a dimension ``time`` of valid times in stored order, and False for placeholder dates."""
    array = _combine_reference_time_and_step(array, variable, note)
    found = _find_time(array)
    if found is None:
        return _placeholder_dates(array, variable, note), False
    dated = found in array.coords
    model_dates = None
    if not dated:
        days = np.datetime64(f"{PLACEHOLDER_YEAR}-01-01", "D") + np.arange(array.sizes[found])
        values = nanoseconds(days, f"dimension '{found}' of '{variable}'")
        note(
            f"dimension '{found}' has no values; placeholder dates from {PLACEHOLDER_YEAR}-01-01, one a day, "
            "were given"
        )
    else:
        if array[found].ndim == 0:
            array = array.expand_dims(found)
        elif array[found].dims[0] != found:
            array = array.swap_dims({array[found].dims[0]: found})
        values = _as_datetime64(array[found], variable, note)
        if _model_calendar(array[found]):
            model_dates = elapsed_times(array[found].values)[1]
    if found != "time":
        array = array.drop_vars("time", errors="ignore").rename({found: "time"})
    array = array.assign_coords(time=("time", values, TIME_ATTRS))
    return array if model_dates is None else array.assign_coords({MODEL_DATE: ("time", model_dates)}), dated


def note_spacing(times: np.ndarray, note: Callable[[str], None]) -> float | None:
    """Return the spacing of sorted times [hours]; None for a single time, and for uneven spacing, which is noted."""
    if times.size < 2:
        return None
    hours = np.diff(times) / np.timedelta64(1, "s") / 3600.0
    if np.ptp(hours) < 1e-6:
        return float(hours[0])
    note(
        f"times are irregularly spaced: most are {float(pd.Series(hours).mode()[0]):g} h apart, but steps "
        f"range from {hours.min():g} to {hours.max():g} h"
    )
    return None


def _find_time(array: xr.DataArray) -> str | None:
    """The time axis: valid time before anything else, then by name, then by type."""
    # cfgrib keeps the reference time as 'time' and what a forecast is valid for beside it.
    valid = array.coords.get("valid_time")
    if valid is not None and valid.ndim <= 1 and (valid.ndim or not {"time", "step"} & set(array.dims)):
        return "valid_time"
    if "time" in array.dims:
        return "time"
    found = find_dimension(array, TIME_NAMES, "standard_name", "time")
    if found is not None:
        return found
    for name in map(str, array.dims):
        if name in array.coords and array[name].dtype.kind == "M":
            return name
    return None


def _combine_reference_time_and_step(
    array: xr.DataArray, variable: str, note: Callable[[str], None]
) -> xr.DataArray:
    """Turn forecasts, (reference time, step), into valid times."""
    step = next((str(d) for d in array.dims if str(d).lower() in STEP_NAMES), None)
    reference = next(
        (str(c) for c in (*array.dims, *array.coords) if str(c).lower() in (*REFERENCE_TIME_NAMES, "time")),
        None,
    )
    if step is None:
        if reference is not None and reference in array.dims and "valid_time" in array.coords:
            valid = array["valid_time"]
            if valid.dims == (reference,):
                return array.swap_dims({reference: "valid_time"}).drop_vars(reference)
        return array
    if reference is None or reference not in array.coords or step not in array.coords:
        raise UserError(
            f"Variable '{variable}' has forecast steps ('{step}') but no reference time to add them to; add "
            "the coordinate 'time' (start of the forecast) to the file."
        )
    steps = array[step].values
    if steps.dtype.kind != "m":
        unit = str(array[step].attrs.get("units", "hours")).lower()
        seconds = next((s for word, s in _STEP_SECONDS.items() if unit.startswith(word)), None)
        if seconds is None:
            raise UserError(
                f"Attribute 'units' of forecast steps '{step}' of '{variable}' is '{unit}', where hours were "
                "expected; correct the attribute."
            )
        numbers = steps.astype(float) * seconds
        if not np.all(np.abs(numbers) < _LARGEST_STEP_SECONDS):
            raise UserError(
                f"Forecast steps '{step}' of '{variable}' must be finite and shorter than 100 years, found "
                f"{steps[~(np.abs(numbers) < _LARGEST_STEP_SECONDS)][0]} {unit}; correct the coordinate."
            )
        steps = np.round(numbers * 1e6).astype("timedelta64[us]")
    starts = np.atleast_1d(_as_datetime64(array[reference], variable, note)).astype("datetime64[us]")
    sums = (starts[:, None] + steps[None, :].astype("timedelta64[us]")).ravel()
    valid_times = nanoseconds(sums, f"forecast steps '{step}' of '{variable}'")
    if reference not in array.dims:
        array = array.drop_vars([reference, "valid_time"], errors="ignore").rename({step: "time"})
    elif array.sizes[reference] == 1:
        array = (
            array.isel({reference: 0}, drop=True)
            .drop_vars("valid_time", errors="ignore")
            .rename({step: "time"})
        )
    else:
        array = array.drop_vars("valid_time", errors="ignore")
        if not array.chunks:
            # Stacking lazily indexed data would load them.
            array = array.chunk({reference: 1, step: 1})
        array = array.stack(_forecast=(reference, step))
        array = array.drop_vars(["_forecast", reference, step]).rename({"_forecast": "time"})
    note("forecast steps were added to their reference times; these are forecasts, not analyses")
    return array.assign_coords(time=("time", valid_times))


def _placeholder_dates(array: xr.DataArray, variable: str, note: Callable[[str], None]) -> xr.DataArray:
    """Give dates to a field without a time axis: by month, day or hour numbers where there are any."""
    start = np.datetime64(f"{PLACEHOLDER_YEAR}-01-01", "ns")
    name = next((str(d) for d in array.dims if str(d).lower() in _PLACEHOLDER_DIMENSIONS), None)
    if name is None:
        note(f"the file has no time axis; the placeholder date {PLACEHOLDER_YEAR}-01-01 was given")
        return array.expand_dims("time").assign_coords(time=("time", np.array([start]), TIME_ATTRS))
    count = array.sizes[name]
    numbers = array[name].values if name in array.coords else np.arange(1, count + 1)
    kind = name.lower()
    whole = numbers.dtype.kind in "iuf" and bool(np.all((numbers >= 0) & (numbers <= 100_000)))
    if kind.startswith("month") and whole and numbers.min() >= 1 and numbers.max() <= 12:
        months = np.datetime64(f"{PLACEHOLDER_YEAR}-01", "M") + (numbers.astype(int) - 1)
        values = months.astype("datetime64[ns]")
    elif kind in ("dayofyear", "doy", "day") and whole:
        values = start + (numbers.astype(int) - 1) * np.timedelta64(1, "D")
    elif kind == "hour" and whole:
        values = start + numbers.astype(int) * np.timedelta64(1, "h")
    else:
        values = nanoseconds(start.astype("M8[D]") + np.arange(count), f"dimension '{name}' of '{variable}'")
    listed = ", ".join(str(n) for n in numbers[:3]) + (", ..." if count > 3 else "")
    note(
        f"the file has no time axis; its dimension '{name}' ({listed}) was given placeholder dates from "
        f"{spell_time(values[0])} to {spell_time(values[-1])}"
    )
    array = array.drop_vars(name, errors="ignore").rename({name: "time"})
    return array.assign_coords(time=("time", values, TIME_ATTRS))


def _as_datetime64(coordinate: xr.DataArray, variable: str, note: Callable[[str], None]) -> np.ndarray:
    """Times of any decoded kind as datetime64[ns]."""
    values = coordinate.values
    name = coordinate.name
    if values.dtype.kind == "M":
        if np.any(np.isnat(values)):
            raise UserError(
                f"Time axis '{name}' of '{variable}' has {int(np.isnat(values).sum())} missing times; "
                "correct it."
            )
        return nanoseconds(values, f"time axis '{name}' of '{variable}'")
    if values.dtype.kind in "OUS":
        return _from_objects(np.atleast_1d(values), str(name), variable, note).reshape(values.shape)
    raise UserError(
        f"Time axis '{name}' of '{variable}' holds numbers without a unit such as 'hours since 2000-01-01' "
        f"(found units {coordinate.attrs.get('units', 'none')!r}); set its attribute 'units'."
    )


def _from_objects(values: np.ndarray, name: str, variable: str, note: Callable[[str], None]) -> np.ndarray:
    """Dates of model calendars and dates spelled out as text."""
    calendar = str(getattr(values.ravel()[0], "calendar", ""))
    where = f"time axis '{name}' of '{variable}'"
    if calendar not in STANDARD_CALENDARS:
        note(
            f"times of calendar '{calendar}' are as far apart as in the model, from the first date on; where the calendar "
            "lacks days, later dates differ from the model's, which are kept in 'model_date'"
        )
        return nanoseconds(elapsed_times(values)[0], where)
    try:
        texts = [v.isoformat() if hasattr(v, "isoformat") else _text(v) for v in values.ravel()]
        result = np.array(texts, dtype="datetime64[us]")
        if np.any(np.isnat(result)):
            raise ValueError("missing time")
    except (ValueError, TypeError) as error:
        kind = f"calendar '{calendar}'" if calendar else "text"
        raise UserError(
            f"Time axis '{name}' of '{variable}' ({kind}) holds dates that the standard calendar lacks, such as "
            f"{values.ravel()[0]}; convert it first (xarray's convert_calendar)."
        ) from error
    return nanoseconds(result, where)


def _model_calendar(coordinate: xr.DataArray) -> bool:
    """Whether dates are those of a calendar other than the standard one."""
    if coordinate.dtype.kind != "O" or not coordinate.size:
        return False
    return str(getattr(coordinate.values.ravel()[0], "calendar", "")) not in STANDARD_CALENDARS


def _text(value: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    return text.strip().removesuffix("Z")
