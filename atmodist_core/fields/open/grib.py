"""Reading GRIB with ecCodes: fields on regular grids and spherical-harmonic coefficients.

Only headers are read on opening; a message is decoded when its field is read. cfgrib is not used: it writes index
files next to the data and has no lazy form for coefficients.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import QUANTITIES
from atmodist_core.fields.canonical.time_selection import nanoseconds
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.guarded_reading import file_version, refuse_changed
from atmodist_core.fields.open.netcdf import one_line

_LEVEL_NAMES = {
    "isobaricInhPa": ("level", "hPa"),
    "isobaricInPa": ("level", "Pa"),
    "hybrid": ("hybrid", "1"),
    "hybridPressure": ("hybrid", "1"),
    "sigma": ("sigma", "1"),
    "heightAboveGround": ("height", "m"),
    "heightAboveSea": ("height", "m"),
    "theta": ("theta", "K"),
    "potentialVorticity": ("potentialVorticity", "K m2 kg-1 s-1"),
}
_WANTED = {alias for quantity in QUANTITIES.values() for alias in quantity.aliases}
_PARAMETERS = {131: "u", 132: "v", 138: "vo", 155: "d", 165: "10u", 166: "10v"}
_TIME_UNITS = {*range(8), 10, 11, 12, 13, 14, 15, 254, 255}
"""Units of time of GRIB1 (table 4) and GRIB2 (table 4.4); ecCodes divides by zero for some others."""

_lock = threading.Lock()
"""ecCodes handles and its multi-field state are not safe between threads."""


@dataclass(frozen=True)
class Message:
    """One field of a file: where it lies, and its header.

    `offset` [bytes] and `index` (which field of a message with several) locate it; `grid` is its kind and size,
    equal for fields on the same grid; `forecast` is whether it is later than its reference time.
    """

    name: str
    offset: int
    index: int
    level_type: str
    level: float
    time: np.datetime64
    member: int
    grid: tuple[Any, ...]
    units: str
    forecast: bool


def eccodes() -> Any:
    """Import ecCodes; where it is not installed, the error says what to install."""
    # The wheels of ecCodes bring their own PROJ. Loaded before pyproj (of Cartopy) it makes pyproj crash; the
    # other order works.
    if find_spec("pyproj") is not None:
        import_module("pyproj")
    try:
        return import_module("eccodes")
    except (ImportError, RuntimeError) as error:
        raise UserError(
            "Reading GRIB needs ecCodes, which is not installed; install it with: pip install "
            "'atmodist-studio[grib]'."
        ) from error


@contextmanager
def _damage_reported(codes: Any, path: str) -> Iterator[None]:
    """Raise what ecCodes reports, and what follows from headers without sense, as one sentence."""
    try:
        yield
    except UserError:
        raise
    except (codes.CodesInternalError, ValueError, TypeError, OverflowError, IndexError, OSError) as error:
        raise UserError(
            f"The GRIB file {path} is damaged or incomplete ({one_line(error)}); download it again."
        ) from error


def open_grib(path: str, note: Note, more: Collection[str] = ()) -> list[xr.Dataset]:
    """Return lazy datasets, (time, level, latitude, longitude) or (time, level, values), of a GRIB1 or GRIB2 file.

    There is one for each variable, kind of level and grid; ``more`` are short names besides those of wind, vorticity and
    divergence.
    """
    wanted = _WANTED | set(more)
    messages, others = [], set()
    for message in _scan(path):
        if message.name.lower() in wanted:
            messages.append(message)
        else:
            others.add(message.name)
    if not messages:
        listed = ", ".join(f"'{name}'" for name in sorted(others)[:12]) or "none"
        raise UserError(
            f"Expected u and v, or vorticity and divergence, found the fields {listed} in {path}; choose "
            "another file."
        )
    members = sorted({message.member for message in messages})
    if len(members) > 1:
        raise UserError(
            f"Expected one forecast, found {len(members)} ensemble members in {path}; select one first "
            "(grib_copy -w number=0)."
        )
    if any(message.forecast for message in messages):
        note("these are forecasts, later than their reference times, not analyses")
    groups: dict[tuple[Any, ...], list[Message]] = {}
    for message in messages:
        groups.setdefault((message.name, message.level_type, message.grid), []).append(message)
    unreadable = {grid[0] for *_, grid in groups if grid[0] not in ("regular_ll", "regular_gg", "sh")}
    groups = {key: group for key, group in groups.items() if key[-1][0] not in unreadable}
    if not groups:
        raise UserError(
            "Expected a latitude-longitude grid, a regular Gaussian grid or spherical-harmonic "
            f"coefficients, found {', '.join(sorted(unreadable))} in {path}; regrid it first (cdo "
            "setgridtype,regular)."
        )
    return [_dataset(path, group) for group in groups.values()]


def _dataset(path: str, messages: list[Message]) -> xr.Dataset:
    """Datacube of the messages of one variable, one kind of level and one grid."""
    import dask.array as da
    from dask import delayed

    first = messages[0]
    axes, shape = _axes(path, first)
    fields: dict[tuple[np.datetime64, float], Message] = {}
    for message in messages:
        if (message.time, message.level) in fields:
            raise UserError(
                f"Expected each field once, found '{message.name}' at {message.time} on level "
                f"{message.level:g} twice in {path}; remove the duplicate times."
            )
        fields[message.time, message.level] = message
    times, levels = sorted({time for time, _ in fields}), sorted({level for _, level in fields})
    missing = len(times) * len(levels) - len(fields)
    if missing:
        raise UserError(
            f"Expected '{first.name}' at all {len(times)} times on all {len(levels)} levels in {path}, but "
            f"{missing} messages are missing; give a complete file."
        )
    read, version = delayed(_read, pure=True), file_version(path)

    def lazy(message: Message) -> da.Array:
        values = read(path, version, message.offset, message.index)
        return da.from_delayed(values, shape, np.float64)[None, None]

    rows = [da.concatenate([lazy(fields[time, level]) for level in levels], axis=1) for time in times]
    level_name, level_units = _LEVEL_NAMES.get(first.level_type, ("surface", "1"))
    array = xr.DataArray(
        da.concatenate(rows, axis=0),
        dims=("time", level_name, *axes),
        coords={
            "time": ("time", nanoseconds(np.array(times), path), {"standard_name": "time"}),
            level_name: (level_name, levels, {"units": level_units}),
            **axes,
        },
        attrs={"units": first.units, "GRIB_shortName": first.name, "GRIB_gridType": first.grid[0]},
    )
    return array.to_dataset(name=first.name)


def _check_sections(path: str) -> None:
    """Check the lengths of all sections: ecCodes crashes on damaged ones of GRIB2, and skips lost messages.

    GRIB2 is "GRIB", two bytes, discipline, edition and the total length (8 bytes); then sections, each with its
    length (4 bytes) and its number, 1 to 7; then "7777" (WMO Manual on Codes, FM 92 GRIB).
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(b"GRIB")
        while start >= 0 and data[start + 7 : start + 8] == b"\x02":
            end = start + int.from_bytes(data[start + 8 : start + 16], "big") - 4
            if end > size - 4 or data[end : end + 4] != b"7777":
                raise ValueError(f"the message at byte {start} does not end where its header says")
            section = start + 16
            while section < end:
                length = int.from_bytes(data[section : section + 4], "big")
                if length < 5 or section + length > end or not 1 <= data[section + 4] <= 7:
                    raise ValueError(f"the section at byte {section} has no valid length or number")
                section += length
            start = data.find(b"GRIB", end)


def _scan(path: str) -> list[Message]:
    """Headers of all fields of a file."""
    codes = eccodes()
    messages: list[Message] = []
    with _damage_reported(codes, path):
        _check_sections(path)
    with _lock, _damage_reported(codes, path), open(path, "rb") as file:
        codes.codes_grib_multi_support_on()
        try:
            index, last_offset = 0, -1
            while (handle := codes.codes_grib_new_from_file(file)) is not None:
                try:
                    offset = int(codes.codes_get(handle, "offset"))
                    index = index + 1 if offset == last_offset else 0
                    last_offset = offset
                    messages.append(_message(codes, handle, offset, index))
                finally:
                    codes.codes_release(handle)
        finally:
            codes.codes_grib_multi_support_off()
            codes.codes_grib_multi_support_reset_file(file)
    return messages


def _message(codes: Any, handle: Any, offset: int, index: int) -> Message:
    def get(key: str, default: Any = 0) -> Any:
        return codes.codes_get(handle, key) if codes.codes_is_defined(handle, key) else default

    unit = int(get("indicatorOfUnitOfTimeRange", 1))
    if unit not in _TIME_UNITS:
        raise ValueError(f"unknown unit of time {unit}")
    kind = str(get("gridType", "unknown"))
    keys = {
        "sh": ("J",),
        "regular_ll": ("Ni", "Nj", *_CORNERS),
        "regular_gg": ("Ni", "Nj", "N", *_CORNERS),
    }.get(kind, ())
    date, clock = int(get("validityDate", 19700101)), int(get("validityTime", 0))
    time = np.datetime64(f"{date // 10000:04d}-{date // 100 % 100:02d}-{date % 100:02d}", "s")
    time = time + np.timedelta64(clock // 100, "h") + np.timedelta64(clock % 100, "m")
    parameter = int(get("paramId", 0))
    return Message(
        name=_PARAMETERS.get(parameter, str(get("shortName", "unknown"))),
        offset=offset,
        index=index,
        level_type=str(get("typeOfLevel", "unknown")),
        level=float(get("level", 0)),
        time=time,
        member=int(get("number", 0) or 0),
        grid=(kind, *(get(key) for key in keys)),
        units=str(get("units", "")),
        forecast=str(get("stepRange", "0")) not in ("0", "0m"),
    )


_CORNERS = (
    "latitudeOfFirstGridPointInDegrees",
    "longitudeOfFirstGridPointInDegrees",
    "latitudeOfLastGridPointInDegrees",
    "longitudeOfLastGridPointInDegrees",
)


def _axes(path: str, message: Message) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Coordinates and shape of the fields of a grid, as `_read` returns them."""
    codes = eccodes()
    with _lock, _damage_reported(codes, path):
        handle = _handle(codes, path, message.offset, message.index)
        try:
            count = int(codes.codes_get_size(handle, "values"))
            if message.grid[0] == "sh":
                j, k, m = (codes.codes_get(handle, key) for key in "JKM")
                if not j == k == m:
                    raise UserError(
                        f"Expected coefficients of a triangular truncation, found J={j}, K={k}, M={m} in "
                        f"{path}; transform them to a grid first (cdo sp2gp)."
                    )
                return {"values": ("values", np.arange(count))}, (count,)
            if codes.codes_get(handle, "jPointsAreConsecutive"):
                raise UserError(
                    f"Expected rows of constant latitude, found columns in {path}; regrid it first."
                )
            latitude = np.sort(codes.codes_get_array(handle, "distinctLatitudes"))
            columns = int(codes.codes_get(handle, "Ni"))
            if count != latitude.size * columns:
                raise ValueError(f"{count} values on {latitude.size} x {columns} points")
            if not codes.codes_get(handle, "jScansPositively"):
                latitude = latitude[::-1]
            first = float(codes.codes_get(handle, "longitudeOfFirstGridPointInDegrees"))
            last = float(codes.codes_get(handle, "longitudeOfLastGridPointInDegrees"))
            if codes.codes_get(handle, "iScansNegatively"):
                first, last = last, first
            step = ((last - first) % 360.0) / (columns - 1) if columns > 1 else 0.0
            longitude = first + step * np.arange(columns)
            return {
                "latitude": ("latitude", latitude, {"units": "degrees_north"}),
                "longitude": ("longitude", longitude, {"units": "degrees_east"}),
            }, (latitude.size, columns)
        finally:
            codes.codes_release(handle)


def _read(path: str, version: tuple[int, int] | None, offset: int, index: int) -> np.ndarray:
    """Values of one field, float64, NaN where missing."""
    refuse_changed(path, version)
    codes = eccodes()
    with _lock, _damage_reported(codes, path):
        handle = _handle(codes, path, offset, index)
        try:
            codes.codes_set(handle, "missingValue", 1e36)
            values = codes.codes_get_values(handle)
            if codes.codes_get(handle, "gridType") == "sh":
                return values
            if codes.codes_get(handle, "bitmapPresent"):
                values = np.where(values == 1e36, np.nan, values)
            values = values.reshape(codes.codes_get(handle, "Nj"), codes.codes_get(handle, "Ni"))
            return values[:, ::-1] if codes.codes_get(handle, "iScansNegatively") else values
        finally:
            codes.codes_release(handle)


def _handle(codes: Any, path: str, offset: int, index: int) -> Any:
    """The message at an offset; raises where there is none any more."""
    with open(path, "rb") as file:
        file.seek(offset)
        if index:
            codes.codes_grib_multi_support_on()
        try:
            for _ in range(index):
                codes.codes_release(codes.codes_grib_new_from_file(file))
            handle = codes.codes_grib_new_from_file(file)
        finally:
            if index:
                codes.codes_grib_multi_support_off()
                codes.codes_grib_multi_support_reset_file(file)
    if handle is None:
        raise ValueError(f"no message at byte {offset}")
    return handle
