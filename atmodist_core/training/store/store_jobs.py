"""One shard of a training store: the unit of work and of resuming."""

import time as clock
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import FIELD_ATTRS, field_of
from atmodist_core.training.data.member_reading import check_complete, open_member
from atmodist_core.training.store.store_layout import ShardLayout, shard_path
from atmodist_core.training.store.store_shards import ShardWriter
from atmodist_core.training.store.value_histogram import ValueHistogram

READ_BYTES = 128 * 2**20
"""Fields of a shard are read in blocks of about this size [bytes of float32]."""


@dataclass(frozen=True)
class MemberSource:
    """Source and selection of a member as in PrepareConfig, as plain values that any worker can open."""

    location: str
    level: str | None
    period: tuple[str, str] | None
    every: int
    coarsen: int
    channels: tuple[str, ...]

    def open(self) -> xr.Dataset:
        """The member's fields, lazily; opened once in every process."""
        return _open(self)


@lru_cache(maxsize=64)
def _open(source: MemberSource) -> xr.Dataset:
    period = None if source.period is None else slice(*source.period)
    fields = open_member(source.location, source.channels, level=source.level, time=period)
    fields = fields.isel(time=slice(None, None, source.every))
    if source.coarsen > 1:
        from atmodist_core.fields import coarsen

        fields = coarsen(fields, factor=source.coarsen)
    return fields


def forget_sources() -> None:
    """Close all cached sources, so that changed ones are read again."""
    _open.cache_clear()


@dataclass(frozen=True)
class ShardJob:
    """One shard to write."""

    number: int  # among all shards of the store
    store: Path
    member: int
    shard: int
    source: MemberSource
    first: int  # position in the member
    stop: int
    training: tuple[tuple[int, int], ...]  # parts of these (start, stop) that the moments are measured on
    layout: ShardLayout
    units: tuple[float, ...]
    offsets: tuple[float, ...] = ()
    retries: int = 0  # of a failing read of a remote source


@dataclass(frozen=True)
class ShardResult:
    """The result of a worker."""

    number: int  # the job's
    written: int  # size of the file [bytes]
    bins: tuple[NDArray[np.uint16], ...]  # by channel the 16-bit numbers in the training part
    counts: tuple[NDArray[np.int64], ...]  # how often each occurred


def write_shard(job: ShardJob) -> ShardResult:
    """Read, convert and write a shard, and count its values; missing or too large ones are a UserError."""
    for attempt in range(job.retries + 1):
        try:
            return _write_shard(job)
        except (UserError, MemoryError):
            raise
        except Exception:  # every remote file system has errors of its own; a lasting one ends the loop
            if "://" not in job.source.location or attempt == job.retries:
                raise
            clock.sleep(2.0 ** (attempt + 1))
    raise AssertionError("unreachable")


def _write_shard(job: ShardJob) -> ShardResult:
    layout = job.layout
    fields = job.source.open().isel(time=slice(job.first, job.stop))
    units = np.asarray(job.units, dtype=np.float32)
    writer = ShardWriter(layout, job.stop - job.first)
    histogram = ValueHistogram(layout.channels)
    at_once = max(1, READ_BYTES // (4 * layout.rows * layout.columns * layout.channels))
    for start in range(job.first, job.stop, at_once):
        stop = min(start + at_once, job.stop)
        # One graph for all channels, as they may share their work; in this thread, as shards run side by side.
        part = fields[list(job.source.channels)].isel(time=slice(start - job.first, stop - job.first))
        part = part.compute(scheduler="synchronous")
        block = np.stack([part[name].values for name in job.source.channels], axis=-1)
        check_complete(block, job.source.location, part["time"].values)
        with np.errstate(over="ignore"):
            anomalies = block - np.asarray(job.offsets, dtype=np.float32) if job.offsets else block
            stored = (anomalies / units).astype(layout.dtype)
            counted = stored.astype(np.float16, copy=False)
        if not np.isfinite(counted).all():
            worst = int(np.argmin(np.isfinite(counted).reshape(-1, layout.channels).all(axis=0)))
            unit = FIELD_ATTRS.get(field_of(job.source.channels[worst]), {}).get("units", "")
            raise UserError(
                f"Expected values below {65504 * float(units[worst]):g} {unit}, found larger ones in"
                f" {job.source.location} after {part['time'].values[0]}; check the data's units."
            )
        writer.put(start - job.first, stored)
        for first, last in job.training:
            if max(first, start) < min(last, stop):
                histogram.add(counted[max(first, start) - start : min(last, stop) - start])
    written = writer.write(shard_path(job.store, job.member, job.shard))
    here = [np.flatnonzero(counts) for counts in histogram.counts]
    return ShardResult(
        job.number,
        written,
        tuple(bins.astype(np.uint16) for bins in here),
        tuple(counts[bins] for counts, bins in zip(histogram.counts, here, strict=True)),
    )
