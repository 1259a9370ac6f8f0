"""Time selection: requested times as positions on a time axis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.errors import UserError

_FIRST_TIME, _LAST_TIME = np.datetime64("1678-01-01", "s"), np.datetime64("2261-12-31T23:59:59", "s")
"""Whole years that datetime64[ns] can hold."""


def time_indices(times: np.ndarray, request: Any) -> slice | np.ndarray:
    """Return the positions of requested times among sorted, unique datetime64[ns], shape (n,): increasing indices.

    "2020-01" is the whole month, "2020-01-01T06" that hour; a slice includes both ends; a list is a union. A request
    that matches no time, or is no time, is refused.
    """
    index = pd.DatetimeIndex(times)
    available = f"available are {len(index)} times from {spell_time(times[0])} to {spell_time(times[-1])}"
    if isinstance(request, slice):
        if request.step is not None and not (isinstance(request.step, int) and request.step > 0):
            raise UserError(
                f"Expected a positive whole number as step of a time slice, found {request.step!r}."
            )
        start = _bounds(request.start)[0] if request.start is not None else times[0]
        stop = _bounds(request.stop)[1] if request.stop is not None else times[-1]
        first, last = np.searchsorted(times, start, "left"), np.searchsorted(times, stop, "right")
        if first >= last:
            raise UserError(f"No time lies in {spell_time(start)} to {spell_time(stop)}; {available}.")
        return slice(int(first), int(last), request.step)
    if isinstance(request, str) or not isinstance(
        request, (Sequence, np.ndarray, pd.Index, xr.DataArray, set)
    ):
        start, stop = _bounds(request)
        first, last = np.searchsorted(times, start, "left"), np.searchsorted(times, stop, "right")
        if first >= last:
            raise UserError(f"Time {request} is not in the data; {available}.")
        return slice(int(first), int(last))
    entries = np.atleast_1d(
        request.values if isinstance(request, xr.DataArray) else np.asarray(list(request))
    )
    if entries.size == 0:
        raise UserError(f"Expected at least one time, found an empty list; {available}.")
    positions = [time_indices(times, entry) for entry in entries.ravel()]
    return np.unique(np.concatenate([np.arange(p.start, p.stop) for p in positions if isinstance(p, slice)]))


def _bounds(entry: Any) -> tuple[np.datetime64, np.datetime64]:
    """First and last instant that a request such as "2020-01" stands for."""
    try:
        if isinstance(entry, str):
            period = pd.Period(entry.strip().removesuffix("Z").replace("T", " "))
            return _instant(period.start_time), _instant(period.end_time)
        if isinstance(entry, (np.datetime64, dt.datetime, dt.date)):
            stamp = pd.Timestamp(entry)
            if stamp is pd.NaT:
                raise ValueError("not a time")
            if stamp.tzinfo is not None:
                stamp = stamp.tz_convert("UTC").tz_localize(None)
            whole_day = isinstance(entry, dt.date) and not isinstance(entry, dt.datetime)
            end = stamp + pd.Timedelta(days=1) - pd.Timedelta(1, "ns") if whole_day else stamp
            return _instant(stamp), _instant(end)
    except (ValueError, TypeError, OverflowError) as error:
        raise _not_a_time(entry) from error
    raise _not_a_time(entry)


def _instant(stamp: pd.Timestamp) -> np.datetime64:
    return stamp.as_unit("ns").to_datetime64()


def _not_a_time(entry: Any) -> UserError:
    return UserError(
        f"Expected a time such as '2020-01-01T06', a slice or a list of times, found {entry!r}; times are "
        "UTC."
    )


def nanoseconds(times: np.ndarray, where: str) -> np.ndarray:
    """Return times as datetime64[ns]; years outside 1678-2261, which NumPy would wrap around, are refused."""
    if times.dtype != "datetime64[ns]" and times.size:
        outside = (times < _FIRST_TIME) | (times > _LAST_TIME)
        if outside.any():
            raise UserError(
                f"Expected times in the years 1678 to 2261, found {times[outside].astype('M8[s]')[0]} in "
                f"{where}; shift the years of its time axis first."
            )
    return times.astype("datetime64[ns]")


def spell_time(time: np.datetime64) -> str:
    """Return a time to the minute, for messages."""
    return pd.Timestamp(time).strftime("%Y-%m-%dT%H:%M")


def spell_times(times: Iterable[np.datetime64]) -> str:
    """Return a list of times for messages, the first three spelled out."""
    listed = [spell_time(time) for time in times]
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
