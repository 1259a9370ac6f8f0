"""Opening a training store for a run: left on the disk, or read into memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import zarr

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.fields_in_memory import FieldsInMemory, available_memory_bytes, check_memory
from atmodist_core.training.data.fields_in_store import FieldsInStore, ShardMaps
from atmodist_core.training.data.member_reading import wraps_around
from atmodist_core.training.data.training_fields import TrainingFields
from atmodist_core.training.store.store_layout import StoreDescription, member_group, read_description
from atmodist_core.training.store.store_shards import read_shard

MEMORY_SHARE = 0.5
"""With ``auto``, a store is read into memory when it takes at most this share of the free memory."""


@dataclass(frozen=True)
class StoreData:
    """A store's fields, split (segments of their time axis) and moments over the training segments.

    The second normalisation is that of the fields together with their mirrors.
    """

    fields: TrainingFields
    training: list[tuple[int, int]]
    held_out: list[tuple[int, int]]
    normalization: SignedLogNormalization
    mirrored_normalization: SignedLogNormalization


def open_store(
    path: Path,
    channels: tuple[str, ...],
    *,
    residence: str = "auto",
    workers: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> StoreData:
    """Open a complete training store with the wanted channels, in any order.

    ``residence`` is ``store``, ``memory``, ``gpu`` (read into memory here, moved by ``to``), or ``auto``:
    memory if it takes no more than half of what is free. ``workers`` threads read from the disk. A store that
    is absent, unfinished, damaged or too large, or lacks a channel, is a UserError.
    """
    description = read_description(path)
    missing = [name for name in channels if name not in description.channels]
    if missing:
        raise UserError(
            f"Expected the fields {', '.join(channels)} in {path}, found {', '.join(description.channels)};"
            " change --channels or make a store with them."
        )
    chosen = [description.channels.index(name) for name in channels]
    group = zarr.open_group(path / member_group(0), mode="r")
    latitude, longitude = (np.asarray(group[name][:], dtype=np.float64) for name in ("latitude", "longitude"))  # type: ignore[index]
    common = {
        "units": torch.tensor([description.units[number] for number in chosen], dtype=torch.float32),
        "offsets": _offsets(description, chosen),
        "channels": channels,
        "latitude": latitude,
        "longitude": longitude,
        "wraps": wraps_around(longitude),
        "members": description.members,
        "level": description.level,
        "source": description.source,
    }
    fields: TrainingFields
    if residence == "store" or (residence == "auto" and not _fits(description, len(chosen))):
        whole = chosen == list(range(len(description.channels)))
        shards = ShardMaps(path, description, workers)
        fields = FieldsInStore(shards=shards, chosen=None if whole else tuple(chosen), **common)  # type: ignore[arg-type]
    else:
        values = _read(path, description, chosen, progress)
        fields = FieldsInMemory(values=values, keep_physical=True, **common)  # type: ignore[arg-type]
    moments, mirrored = description.normalization, description.mirrored_normalization
    if moments is None or mirrored is None:
        raise UserError(f"Expected the moments of a training store in {path}, found none; make it again.")
    return StoreData(
        fields,
        list(description.training),
        list(description.held_out),
        _of_channels(moments, chosen),
        _of_channels(mirrored, chosen),
    )


def _offsets(description: StoreDescription, chosen: list[int]) -> torch.Tensor | None:
    """What is added to the values of the chosen channels; None where it is nothing."""
    if not description.offsets:
        return None
    return torch.tensor([description.offsets[number] for number in chosen], dtype=torch.float32)


def _bytes(description: StoreDescription, channels: int) -> int:
    layout = description.layout
    times = description.members[-1].stop
    return times * layout.rows * layout.columns * channels * np.dtype(layout.dtype).itemsize


def _fits(description: StoreDescription, channels: int) -> bool:
    """Whether memory is the natural place; each process of this machine holds its own copy."""
    available = available_memory_bytes()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return available is not None and _bytes(description, channels) * processes <= MEMORY_SHARE * available


def _read(
    path: Path,
    description: StoreDescription,
    chosen: list[int],
    progress: Callable[[float, str], None] | None,
) -> torch.Tensor:
    layout = description.layout
    dtype = torch.float16 if layout.dtype == "float16" else torch.float32
    total = description.members[-1].stop
    shape = (total, layout.rows, layout.columns, len(chosen))
    check_memory(shape, dtype, "choose --residence store")
    values = torch.empty(shape, dtype=dtype)
    target = values.numpy()
    for number, member in enumerate(description.members):
        for first in range(member.start, member.stop, layout.times):
            stop = min(first + layout.times, member.stop)
            shard = (first - member.start) // layout.times
            target[first:stop] = read_shard(path, layout, number, shard, stop - first)[..., chosen]
            if progress is not None:
                progress(stop / total, f"reading {path}")
    return values


def _of_channels(moments: SignedLogNormalization, chosen: list[int]) -> SignedLogNormalization:
    names = ("channels", "mean", "std", "mean_y", "std_y")
    parts = {name: tuple(getattr(moments, name)[number] for number in chosen) for name in names}
    return SignedLogNormalization(alpha=moments.alpha, linear=moments.linear, **parts)  # type: ignore[arg-type]
