"""The weather of a training run, held in memory for the training's duration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.errors import UserError
from atmodist_core.normalization import SignedLogNormalization

STORAGE_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
_TIMES_READ_AT_ONCE = 16
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Member:
    """One series inside :class:`FieldsInMemory`: its times ``start`` to ``stop`` (exclusive).

    Attributes
    ----------
    name
        Where it came from, for messages.
    start, stop
        Positions along the time axis of :class:`FieldsInMemory`.
    spacing_hours
        Time between two slices [h]; None where the spacing is irregular or there is but one time.
    period
        First and last time in words.
    """

    name: str
    start: int
    stop: int
    spacing_hours: float | None
    period: str
    irregularity: str = ""


@dataclass(frozen=True)
class FieldsInMemory:
    """Fields of several members, one after the other along time.

    Attributes
    ----------
    values
        Shape ``(time, latitude, longitude, channel)``: channels last, so that a patch is cut in long
        runs of memory and comes out in the layout that convolutions like best.
    units
        Shape ``(channel,)``: physical value = values * units (keeps float16 in its range).
        For normalised fields all ones.
    channels
        Names of the channels.
    latitude, longitude
        Degrees, float64; latitude north to south.
    wraps
        Whether the last longitude neighbours the first.
    members
        The series.
    normalized
        Whether the values are normalised (else physical).
    level, source
        Attributes of the data, for the model card.
    device
        Where patches are wanted; the values may stay in the processor's memory if they do not fit there.
    """

    values: Tensor
    units: Tensor
    channels: tuple[str, ...]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    wraps: bool
    members: tuple[Member, ...]
    normalized: bool = False
    level: str = ""
    source: str = ""
    device: torch.device = _CPU

    @property
    def spacing_deg(self) -> float:
        """Mean grid spacing in latitude [degrees]."""
        return float(np.abs(np.diff(self.latitude)).mean())

    @property
    def gigabytes(self) -> float:
        """Memory taken by the values [1e9 bytes]."""
        return self.values.numel() * self.values.element_size() / 1e9

    def physical(self, times: slice) -> Tensor:
        """Physical fields of some times, float32 of shape ``(time, channel, latitude, longitude)``."""
        if self.normalized:
            raise ValueError("Expected physical fields, found normalised ones; load them again.")
        return (self.values[times].float() * self.units).permute(0, 3, 1, 2)

    def normalize_in_place(self, normalization: SignedLogNormalization) -> "FieldsInMemory":
        """Replace the physical values by normalised ones, a few times at once, and return the new view."""
        for first in range(0, len(self.values), _TIMES_READ_AT_ONCE):
            times = slice(first, first + _TIMES_READ_AT_ONCE)
            normal = normalization.normalize(self.physical(times), channel_axis=-3)
            self.values[times] = normal.permute(0, 2, 3, 1).to(self.values.dtype)
        return replace(self, units=torch.ones_like(self.units), normalized=True)

    def to(self, device: torch.device) -> "FieldsInMemory":
        """The same fields for another device, moved there if they take at most half its free memory."""
        values = self.values
        if device.type != "cuda" or values.nbytes <= 0.5 * torch.cuda.mem_get_info(device)[0]:
            values = values.to(device)
        return replace(self, values=values, units=self.units.to(device), device=device)


def load_fields(
    sources: Sequence[Path | str | xr.Dataset],
    *,
    channels: Sequence[str] = ("vorticity", "divergence"),
    storage: str = "float16",
    progress: Callable[[float, str], None] | None = None,
) -> FieldsInMemory:
    """Read every member into memory.

    Parameters
    ----------
    sources
        Paths that :func:`atmodist_core.open_fields` reads, or canonical datasets; one member each.
    channels
        Names of the fields [s-1 for vorticity and divergence].
    storage
        ``float16`` (relative error 0.05 %), ``bfloat16`` or ``float32``.
    progress
        Called with the fraction done and a message.

    Returns
    -------
    FieldsInMemory
        Physical fields.

    Raises
    ------
    UserError
        No member; a field is missing; grids differ; values are missing; the memory does not suffice.
    """
    if not sources:
        raise UserError(
            "Expected at least one folder of fields after --data, found none; name one or use --preset smoke."
        )
    if not channels:
        raise UserError(
            "Expected at least one name after --channels, found none; name fields such as vorticity."
        )
    datasets = [_open(source, channels) for source in sources]
    names = [
        str(source) if not isinstance(source, xr.Dataset) else f"member {i}"
        for i, source in enumerate(sources)
    ]
    first = datasets[0]
    latitude = first.latitude.values.astype(np.float64)
    longitude = first.longitude.values.astype(np.float64)
    for name, dataset in zip(names, datasets, strict=True):
        _check_same_grid(first, dataset, names[0], name)
    shape = (sum(d.sizes["time"] for d in datasets), len(latitude), len(longitude), len(channels))
    dtype = STORAGE_TYPES[storage]
    _check_memory(shape, dtype)

    values = torch.empty(shape, dtype=dtype)
    units = torch.tensor([_unit(first[c].isel(time=0).values) for c in channels], dtype=torch.float32)
    members = []
    position = 0
    for name, dataset in zip(names, datasets, strict=True):
        count = dataset.sizes["time"]
        for start in range(0, count, _TIMES_READ_AT_ONCE):
            part = dataset.isel(time=slice(start, start + _TIMES_READ_AT_ONCE))
            block = np.stack([part[c].values for c in channels], axis=-1).astype(np.float32)
            _check_complete(block, name, part.time.values)
            stop = position + start + len(block)
            values[position + start : stop] = (torch.from_numpy(block) / units).to(dtype)
            if progress is not None:
                progress(stop / shape[0], f"reading {name}")
        members.append(_member(name, position, dataset.time.values))
        position += count
    return FieldsInMemory(
        values,
        units,
        tuple(channels),
        latitude,
        longitude,
        _wraps(longitude),
        tuple(members),
        level=str(first.attrs.get("level", "")),
        source=str(first.attrs.get("source", "")),
    )


def _open(source: Path | str | xr.Dataset, channels: Sequence[str]) -> xr.Dataset:
    if isinstance(source, xr.Dataset):
        dataset = source
    else:
        from atmodist_core.fields import open_fields

        if not Path(source).exists() and "://" not in str(source):
            raise UserError(
                f"Expected a folder or file of fields, found nothing at {source}; check the path after"
                " --data."
            )
        dataset = open_fields(str(source))
    missing = [c for c in channels if c not in dataset]
    if missing:
        raise UserError(
            f"Expected the fields {', '.join(channels)} in"
            f" {source if not isinstance(source, xr.Dataset) else 'the data'}, found"
            f" {', '.join(map(str, dataset.data_vars))}; change --channels or the data."
        )
    return dataset


def _check_same_grid(first: xr.Dataset, other: xr.Dataset, first_name: str, name: str) -> None:
    for axis in ("latitude", "longitude"):
        a, b = first[axis].values, other[axis].values
        if len(a) != len(b) or not np.allclose(a, b, atol=1e-4):
            raise UserError(
                f"Expected the same grid in every member, found {first.sizes['latitude']} x "
                f"{first.sizes['longitude']} in {first_name} and {other.sizes['latitude']} x "
                f"{other.sizes['longitude']} with other {axis}s in {name}; train on members of one grid."
            )


def _check_memory(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    needed = float(np.prod(shape)) * dtype.itemsize
    available = available_memory_bytes()
    if available is not None and needed > 0.9 * available:
        raise UserError(
            f"Expected fields that fit into memory, found {shape[0]} times of {shape[1]} x {shape[2]} that"
            f" need {needed / 1e9:.1f} GB with {available / 1e9:.1f} GB free; train on fewer members or"
            " choose --storage float16."
        )


def available_memory_bytes() -> float | None:
    """Free memory of this machine [bytes], or None where it cannot be told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(found[0]) * 1024 if found else None


def _check_complete(block: NDArray[np.float32], name: str, times: NDArray[np.datetime64]) -> None:
    bad = ~np.isfinite(block).all(axis=(1, 2, 3))
    if bad.any():
        when = np.datetime_as_string(times[int(np.argmax(bad))], unit="m")
        raise UserError(
            f"Expected complete fields for training, found missing or infinite values in {name} at {when}; "
            "fill them or leave that period out."
        )


def _unit(values: NDArray[np.floating]) -> float:
    """Power of ten near the standard deviation, so that float16 neither overflows nor loses digits."""
    spread = float(np.nanstd(values.astype(np.float64)))
    return 10.0 ** round(float(np.log10(spread))) if spread > 0 else 1.0


def _wraps(longitude: NDArray[np.float64]) -> bool:
    step = float(np.diff(longitude).mean()) if len(longitude) > 1 else 360.0
    return abs(len(longitude) * step - 360.0) < 0.5 * step


def _member(name: str, start: int, times: NDArray[np.datetime64]) -> Member:
    """Describe one series; an irregular spacing is kept as a sentence, as only the pretext task minds."""
    words = [str(np.datetime_as_string(t, unit="h")) for t in (times[0], times[-1])]
    period = f"{words[0]} to {words[1]}"
    steps = np.diff(times) / np.timedelta64(1, "s") / 3600.0
    spacing: float | None = None
    irregularity = ""
    if len(steps) == 0:
        irregularity = f"{name} holds a single time"
    elif np.ptp(steps) > 1e-6:
        at = int(np.argmax(np.abs(steps - np.median(steps)) > 1e-6))
        irregularity = (
            f"in {name} the step after {np.datetime_as_string(times[at], unit='m')} is {steps[at]:g} h "
            f"where others are {np.median(steps):g} h"
        )
    else:
        spacing = float(steps[0])
    return Member(name, start, start + len(times), spacing, period, irregularity)
