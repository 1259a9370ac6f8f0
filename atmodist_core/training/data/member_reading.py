"""Checks of a member: fields, grid, times, no missing values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS, is_standardized
from atmodist_core.training.data.training_fields import Member


def open_member(
    source: Path | str | xr.Dataset, channels: Sequence[str], *, level: Any = None, time: Any = None
) -> xr.Dataset:
    """Open a path, an address or a canonical dataset lazily and check that it holds the channels.

    ``path@500 hPa`` is one of the levels of a file that has several.
    """
    if isinstance(source, xr.Dataset):
        dataset = source
    else:
        from atmodist_core.fields import open_fields

        path, _, named = str(source).rpartition("@")
        if level is None and path and Path(path).exists() and not Path(source).exists():
            source, level = path, named
        if not Path(source).exists() and "://" not in str(source):
            raise UserError(
                f"Expected a folder or file of fields, found nothing at {source}; check the path after"
                " --data."
            )
        fields = None if set(channels) <= set(DEFAULT_FIELDS) else tuple(channels)
        choices = {"level": level, "time": time, "fields": fields}
        try:
            dataset = open_fields(str(source), **{k: v for k, v in choices.items() if v is not None})
        except UserError as error:
            if fields is None:
                raise
            raise UserError(f"{str(error).rstrip('.')}; or change --channels or the data.") from error
    missing = [c for c in channels if c not in dataset]
    if missing:
        raise UserError(
            f"Expected the fields {', '.join(channels)} in"
            f" {source if not isinstance(source, xr.Dataset) else 'the data'}, found"
            f" {', '.join(map(str, dataset.data_vars))}; change --channels or the data."
        )
    return dataset


@dataclass(frozen=True)
class OpenMember:
    """A member that was opened and holds the channels, with its name in messages."""

    name: str
    dataset: xr.Dataset


Source = Path | str | xr.Dataset | OpenMember
"""What a member is read from."""


def open_members(sources: Sequence[Source], channels: Sequence[str]) -> list[OpenMember]:
    """Open members as :func:`open_member` does, those that are not open yet."""
    found = []
    for number, source in enumerate(sources):
        if isinstance(source, OpenMember):
            found.append(source)
            continue
        name = f"member {number}" if isinstance(source, xr.Dataset) else str(source)
        found.append(OpenMember(name, open_member(source, channels)))
    return found


def same_grid(first: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two members lie on the same latitudes and longitudes, to 1e-4 degrees."""
    pairs = [(first[axis].values, other[axis].values) for axis in ("latitude", "longitude")]
    return all(len(a) == len(b) and np.allclose(a, b, atol=1e-4) for a, b in pairs)


def check_same_grid(first: xr.Dataset, other: xr.Dataset, first_name: str, name: str) -> None:
    """Raise a UserError if two members lie on different grids."""
    if not same_grid(first, other):
        raise UserError(
            f"Expected the same grid in every member, found {first.sizes['latitude']} x "
            f"{first.sizes['longitude']} in {first_name} and {other.sizes['latitude']} x "
            f"{other.sizes['longitude']} or other places in {name}; train on members of one grid."
        )


def grouped_by_grid(sources: Sequence[Source], channels: Sequence[str]) -> list[list[OpenMember]]:
    """Open sources and return them by their grid, in the order of the first of each."""
    groups: list[list[OpenMember]] = []
    for member in open_members(sources, channels):
        for group in groups:
            if same_grid(group[0].dataset, member.dataset):
                group.append(member)
                break
        else:
            groups.append([member])
    return groups


def check_complete(
    block: NDArray[np.float32],
    name: str,
    times: NDArray[np.datetime64],
    valid: NDArray[np.bool_] | None = None,
) -> None:
    """Raise a UserError if a block (time, latitude, longitude, channel) has missing or infinite values.

    With ``valid`` (latitude, longitude), values may be missing outside it.
    """
    finite = np.asarray(np.isfinite(block).all(axis=-1))
    bad = ~np.asarray(finite if valid is None else finite | ~valid).all(axis=(1, 2))
    if bad.any():
        when = np.datetime_as_string(times[int(np.argmax(bad))], unit="m")
        raise UserError(
            f"Expected complete fields for training, or gaps that stay at the same points, found missing or "
            f"infinite values in {name} at {when}; fill them or leave that period out."
        )


def constant_validity(block: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return which points of a block (time, latitude, longitude, channel) hold values at its first time; None if all.

    A model's domain or a swath ends at the same points at all times; other gaps are faults of the data.
    """
    valid: NDArray[np.bool_] = np.isfinite(block[0]).all(axis=-1)
    return None if valid.all() or not valid.any() else valid


def storage_unit(values: NDArray[np.floating]) -> float:
    """Unit of storage of a field: the power of ten near the standard deviation, so that float16 neither overflows nor loses digits."""
    spread = float(np.nanstd(values.astype(np.float64)))
    return 10.0 ** round(float(np.log10(spread))) if spread > 0 else 1.0


def storage_offset(channel: str, values: NDArray[np.floating]) -> float:
    """Middle of the stored numbers of a field: the mean where it is far from zero, as that of a temperature.

    16 bits of a temperature would otherwise be steps of 0.1 to 0.25 K. Winds and their derivatives lie about zero.
    """
    mean, spread = float(np.nanmean(values.astype(np.float64))), float(np.nanstd(values.astype(np.float64)))
    return float(np.float32(mean)) if is_standardized(channel) and abs(mean) > 2.0 * spread else 0.0


def wraps_around(longitude: NDArray[np.float64]) -> bool:
    """Whether evenly spaced longitudes go all around the globe."""
    step = float(np.diff(longitude).mean()) if len(longitude) > 1 else 360.0
    return abs(len(longitude) * step - 360.0) < 0.5 * step


def describe_member(name: str, start: int, times: NDArray[np.datetime64]) -> Member:
    """Describe one series.

    Where times are missing it is one of unbroken parts. A spacing that is irregular otherwise matters to the pretext task
    only, so it is kept as a sentence.
    """
    words = [str(np.datetime_as_string(t, unit="h")) for t in (times[0], times[-1])]
    period = f"{words[0]} to {words[1]}"
    steps = np.diff(times) / np.timedelta64(1, "s") / 3600.0
    if len(steps) == 0:
        return Member(name, start, start + len(times), None, period, f"{name} holds a single time")
    typical, shortest = float(np.median(steps)), float(steps.min())
    multiples = steps / shortest
    if np.abs(multiples - np.rint(multiples)).max() > 1e-6:
        at = int(np.argmax(np.abs(steps - typical) > 1e-6))
        irregularity = (
            f"in {name} the step after {np.datetime_as_string(times[at], unit='m')} is {steps[at]:g} h "
            f"where others are {typical:g} h"
        )
        return Member(name, start, start + len(times), None, period, irregularity, typical)
    breaks = tuple(int(position) + start + 1 for position in np.flatnonzero(multiples > 1.5))
    return Member(name, start, start + len(times), shortest, period, "", typical, breaks)
