"""Training fields in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.member_reading import (
    Source,
    check_complete,
    check_same_grid,
    constant_validity,
    describe_member,
    open_members,
    storage_offset,
    storage_unit,
    wraps_around,
)
from atmodist_core.training.data.training_fields import (
    TrainingFields,
    as_bits,
    empty_windows,
    gather_by_index,
    gather_windows,
    move_to,
)

STORAGE_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
_TIMES_READ_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class FieldsInMemory(TrainingFields):
    """Fields of several members in the memory of the processor or of a GPU.

    ``values`` is ``(time, latitude, longitude, channel)``: channels last, so that a patch is cut in long runs
    of memory and comes out in the layout that convolutions like best. With ``keep_physical`` patches are
    normalised when they are cut, not the fields: a training store's patches are then the same wherever it
    lies.
    """

    values: Tensor
    keep_physical: bool = False

    @property
    def gigabytes(self) -> float:
        """Memory taken by the values [1e9 bytes]."""
        return self.values.numel() * self.values.element_size() / 1e9

    @property
    def residence(self) -> str:
        """Where the values are stored, for messages."""
        return "memory" if self.values.device.type == "cpu" else "the GPU's memory"

    def physical(self, times: slice) -> Tensor:
        """Physical fields of some times, float32 of shape ``(time, channel, latitude, longitude)``."""
        if self.normalized:
            raise ValueError("Expected physical fields, found normalised ones; load them again.")
        values = self.values[times].float() * self.units
        if self.offsets is not None:
            values = values + self.offsets
        return values.permute(0, 3, 1, 2)

    def stored(self, times: slice) -> Tensor:
        """Stored values of some times, float32, divided by their amplitudes: ``(time, latitude, longitude, channel)``.

        Where points are missing, the valid ones in a row: ``(value, 1, 1, channel)``.
        """
        values = self.values[times].float()
        if self.amplitudes is not None:
            values = values / self.amplitudes[times][:, None, None, :]
        if self.valid is not None:
            values = values[:, torch.from_numpy(self.valid)].flatten(0, 1)[:, None, None, :]
        return values

    def gather(
        self,
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        size: int,
        mirrored: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """Windows as they are stored, see :meth:`TrainingFields.gather`."""
        if self.values.device.type != "cpu":
            return gather_by_index(self.values, times, rows, columns, size, mirrored)
        windows = empty_windows(len(times), size, len(self.channels), self.values.dtype, self.device)
        gather_windows(as_bits(self.values), times, rows, columns, as_bits(windows), mirrored)
        return windows

    def normalize_in_place(self, normalization: SignedLogNormalization) -> "FieldsInMemory":
        """Replace the physical values by normalised ones, a few times at once, and return the new view."""
        if self.keep_physical or self.amplitudes is not None:
            return replace(self, normalization=normalization)
        for first in range(0, len(self.values), _TIMES_READ_AT_ONCE):
            times = slice(first, first + _TIMES_READ_AT_ONCE)
            normal = normalization.normalize(self.physical(times), channel_axis=-3)
            self.values[times] = normal.permute(0, 2, 3, 1).to(self.values.dtype)
        return replace(self, units=torch.ones_like(self.units), offsets=None, normalized=True)

    def to(self, device: torch.device, *, resident: bool | None = None) -> "FieldsInMemory":
        """The same fields for another device, see :meth:`TrainingFields.to`."""
        values = self.values
        if resident is None:
            resident = device.type != "cuda" or values.nbytes <= 0.5 * torch.cuda.mem_get_info(device)[0]
        if resident:
            values = move_to(values, device)
        amplitudes, offsets = (
            None if each is None else each.to(device) for each in (self.amplitudes, self.offsets)
        )
        units = self.units.to(device)
        return replace(
            self, values=values, units=units, offsets=offsets, amplitudes=amplitudes, device=device
        )


def load_fields(
    sources: Sequence[Source],
    *,
    channels: Sequence[str] = ("vorticity", "divergence"),
    storage: str = "float16",
    progress: Callable[[float, str], None] | None = None,
    like: FieldsInMemory | None = None,
) -> FieldsInMemory:
    """Read every member (a path that open_fields reads, a canonical dataset, or one that is open) into memory, physical.

    ``storage`` is ``float16`` (relative error 0.05 %), ``bfloat16`` or ``float32``, in the units and from the
    offsets of ``like`` if it is given. A UserError says when a member, field, value or memory is missing, or grids differ. Points may be missing if they are
    at all times: they stay NaN, and no patch reaches them.
    """
    if not sources:
        raise UserError(
            "Expected at least one folder of fields after --data, found none; name one or use --preset smoke."
        )
    if not channels:
        raise UserError(
            "Expected at least one name after --channels, found none; name fields such as vorticity."
        )
    opened = open_members(sources, channels)
    datasets, names = [member.dataset for member in opened], [member.name for member in opened]
    first = datasets[0]
    latitude = first.latitude.values.astype(np.float64)
    longitude = first.longitude.values.astype(np.float64)
    for name, dataset in zip(names, datasets, strict=True):
        check_same_grid(first, dataset, names[0], name)
    shape = (sum(d.sizes["time"] for d in datasets), len(latitude), len(longitude), len(channels))
    dtype = STORAGE_TYPES[storage]
    check_memory(shape, dtype)

    values = torch.empty(shape, dtype=dtype)
    if like is None:
        slices = {c: first[c].isel(time=0).values for c in channels}
        units = torch.tensor([storage_unit(slices[c]) for c in channels], dtype=torch.float32)
        offset = torch.tensor([storage_offset(c, slices[c]) for c in channels], dtype=torch.float32)
        offsets = offset if bool(offset.any()) else None
    else:
        units, offsets = like.units, like.offsets
    members = []
    position = 0
    valid: NDArray[np.bool_] | None = None
    for name, dataset in zip(names, datasets, strict=True):
        count = dataset.sizes["time"]
        for start in range(0, count, _TIMES_READ_AT_ONCE):
            part = dataset.isel(time=slice(start, start + _TIMES_READ_AT_ONCE))
            block = np.stack([part[c].values for c in channels], axis=-1).astype(np.float32)
            if position + start == 0:
                valid = constant_validity(block)
            check_complete(block, name, part.time.values, valid)
            stop = position + start + len(block)
            anomalies = torch.from_numpy(block) if offsets is None else torch.from_numpy(block) - offsets
            values[position + start : stop] = (anomalies / units).to(dtype)
            if progress is not None:
                progress(stop / shape[0], f"reading {name}")
        members.append(describe_member(name, position, dataset.time.values))
        position += count
    return FieldsInMemory(
        values=values,
        units=units,
        offsets=offsets,
        channels=tuple(channels),
        latitude=latitude,
        longitude=longitude,
        wraps=wraps_around(longitude),
        members=tuple(members),
        level="; ".join(dict.fromkeys(str(d.attrs["level"]) for d in datasets if d.attrs.get("level"))),
        source=str(first.attrs.get("source", "")),
        valid=valid,
    )


def check_memory(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    advice: str = "train on fewer members or choose --storage float16",
) -> None:
    """Raise a UserError with this advice if an array does not fit into the memory that is free."""
    needed = float(np.prod(shape)) * dtype.itemsize
    available = available_memory_bytes()
    if available is not None and needed > 0.9 * available:
        raise UserError(
            f"Expected fields that fit into memory, found {shape[0]} times of {shape[1]} x {shape[2]} that"
            f" need {needed / 1e9:.1f} GB with {available / 1e9:.1f} GB free; {advice}."
        )


def available_memory_bytes() -> float | None:
    """Free memory of this machine [bytes], or None where it is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(found[0]) * 1024 if found else None
