"""Winds of satellites: speed and direction, with quality flags, at the cells of a swath."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError

SPEED_NAMES = ("wind_speed", "wind_speed_10m", "ws", "wspd")
DIRECTION_NAMES = ("wind_dir", "wind_direction", "wind_to_direction", "wind_from_direction", "wd", "wdir")
REJECTED = (
    *("fails", "over_land", "over_ice", "not_successful", "not_enough", "too_large", "rain_detected"),
    *("noise_content", "event_flag"),
)
"""A cell with a flag whose meaning holds one of these words has no wind. Weak and strong winds are kept."""


def winds_of_speed_and_direction(
    dataset: xr.Dataset, origin: str, note: Callable[[str], None]
) -> tuple[xr.Dataset, bool]:
    """Return a dataset with eastward and northward wind in place of speed and direction, and whether it is a swath.

    Only datasets without other winds are changed. Cells that quality flags reject are missing. A direction of unknown
    convention is refused.
    """
    speed_name, direction_name = (_named(dataset, names) for names in (SPEED_NAMES, DIRECTION_NAMES))
    if speed_name is None or direction_name is None:
        return dataset, False
    speed, direction = dataset[speed_name], dataset[direction_name]
    if speed.dims != direction.dims:
        raise UserError(
            f"Expected '{speed_name}' and '{direction_name}' of {origin} with the same dimensions, found {speed.dims} "
            f"and {direction.dims}; download the file again."
        )
    to_east = _sign(dataset, direction, origin, note)
    units = str(direction.attrs.get("units", "degree")).lower()
    if not units.startswith(("deg", "rad")):
        raise UserError(
            f"Attribute 'units' of '{direction_name}' is '{units}', where degrees were expected; correct the attribute."
        )
    angle = np.deg2rad(direction) if units.startswith("deg") else direction
    good = _accepted(dataset, speed, note)
    attrs = {"units": speed.attrs.get("units", "m s-1")}
    dataset = dataset.drop_vars([speed_name, direction_name])
    for name, standard_name, part in (
        ("u10", "eastward_wind", np.sin(angle)),
        ("v10", "northward_wind", np.cos(angle)),
    ):
        component = (to_east * speed * part).where(good)
        dataset[name] = component.assign_attrs(attrs, standard_name=standard_name)
    note("eastward and northward wind were computed from speed and direction")
    times = _times_of_cells(dataset, speed)
    if times is not None:
        dataset = _at_one_time(dataset, times, note)
    return dataset, times is not None


def _named(dataset: xr.Dataset, names: tuple[str, ...]) -> str | None:
    known = {str(name).lower(): str(name) for name in dataset.data_vars}
    return next((known[name] for name in names if name in known), None)


def _sign(dataset: xr.Dataset, direction: xr.DataArray, origin: str, note: Callable[[str], None]) -> float:
    """1 for a direction that the wind blows to, -1 for one that it comes from."""
    standard_name = str(direction.attrs.get("standard_name", "")).lower()
    texts = (*direction.attrs.values(), *dataset.attrs.values())
    words = " ".join(str(text).lower() for text in texts if isinstance(text, str))
    if standard_name == "wind_to_direction" or direction.name == "wind_to_direction":
        return 1.0
    if standard_name == "wind_from_direction" or direction.name == "wind_from_direction":
        return -1.0
    conventions = [word for word in ("oceanographic", "meteorological convention") if word in words]
    if len(conventions) != 1:
        raise UserError(
            f"Expected '{direction.name}' of {origin} to say whether the wind blows to or comes from it, found no such "
            "attribute; set its standard_name to wind_to_direction or wind_from_direction."
        )
    note(f"wind directions are of the {conventions[0].split()[0]} convention, as the file says")
    return 1.0 if conventions[0] == "oceanographic" else -1.0


def _accepted(dataset: xr.Dataset, speed: xr.DataArray, note: Callable[[str], None]) -> xr.DataArray:
    """Cells that have a speed and that no quality flag rejects."""
    good = speed.notnull()
    for name, flag in dataset.data_vars.items():
        masks, meanings = flag.attrs.get("flag_masks"), str(flag.attrs.get("flag_meanings", "")).split()
        if masks is None or flag.dims != speed.dims:
            continue
        bits = np.atleast_1d(masks)
        if len(bits) != len(meanings):
            raise UserError(
                f"Expected as many flag_meanings as flag_masks in '{name}', found {len(meanings)} and {len(bits)}; "
                "correct the attributes."
            )
        wrong = [any(word in meaning for word in REJECTED) for meaning in meanings]
        rejected = int(np.bitwise_or.reduce(bits[wrong])) if any(wrong) else 0
        bad = (flag.fillna(0).astype(np.int64) & rejected) != 0
        count = int((bad & good).sum())
        if count:
            named = ", ".join(meaning for meaning, is_wrong in zip(meanings, wrong, strict=True) if is_wrong)
            note(f"{count} of {int(good.sum())} winds were left out for their quality flags ({named})")
        good = good & ~bad
    if not bool(good.any()):
        raise UserError(
            f"Expected winds in '{speed.name}' that their quality flags accept, found none; choose another file."
        )
    return good


def _times_of_cells(dataset: xr.Dataset, speed: xr.DataArray) -> xr.DataArray | None:
    times = dataset.get("time")
    return times if times is not None and times.ndim and set(times.dims) <= set(speed.dims) else None


def _at_one_time(dataset: xr.Dataset, times: xr.DataArray, note: Callable[[str], None]) -> xr.Dataset:
    if times.dtype.kind != "M" or bool(times.isnull().all()):
        raise UserError(
            "Expected times of the cells of a swath with units such as 'seconds since 1990-01-01', found none; correct "
            "the variable 'time'."
        )
    first, last = times.min().values, times.max().values
    middle = (first + (last - first) / 2).astype("datetime64[m]").astype("datetime64[ns]")
    spelled = [str(moment.astype("datetime64[m]")) for moment in (first, last, middle)]
    note(f"the swath from {spelled[0]} to {spelled[1]} was taken as of one time, {spelled[2]}")
    return dataset.drop_vars("time").assign_coords(time=middle)
