"""Write a training store from any source, in parallel, resumable at any time."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.jobs import results_of
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.fields.canonical.channels import is_pseudo_scalar
from atmodist_core.training.data.member_reading import (
    check_same_grid,
    describe_member,
    storage_offset,
    storage_unit,
)
from atmodist_core.training.data.patches import split_members
from atmodist_core.training.data.training_fields import Member
from atmodist_core.training.settings.prepare_configuration import FREE_TO_CHANGE, PrepareConfig
from atmodist_core.training.settings.shared_configuration import to_dict
from atmodist_core.training.store.store_jobs import MemberSource, ShardJob, forget_sources, write_shard
from atmodist_core.training.store.store_layout import (
    ShardLayout,
    StoreDescription,
    is_training_store,
    read_description,
    shard_path,
)
from atmodist_core.training.store.store_ledger import LEDGER_NAME, Ledger, remove_ledger
from atmodist_core.training.store.store_shards import create_arrays

Report = Callable[[int, int, int, int], None]
"""Called with the shards done, all shards, the bytes written so far, and all bytes."""
_DISK_RESERVE = 64 * 2**20


def prepare_store(
    config: PrepareConfig,
    *,
    stop: Callable[[], bool] = lambda: False,
    report: Report | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> bool:
    """Write a training store, or continue one; return whether it is complete now.

    ``stop`` is called before each shard; True ends the run when the started shards are written. ``report``
    receives the progress, first that of earlier runs, and ``say`` a sentence about the plan. Sources that
    cannot be read or do not fit each other, a folder in use, and too little disk space are UserErrors.
    """
    check_settings(config)
    if is_training_store(config.out):
        held = read_description(config.out, complete=False)
        _check_same_settings(held, config)
        if held.complete:
            remove_ledger(config.out / LEDGER_NAME)  # a kill may have come just before
            say(f"The store in {config.out} is complete already.")
            return True
        if not config.resume:
            raise UserError(
                f"Expected a new folder, found an unfinished store in {config.out}; add --resume to continue"
                " it or choose another --out."
            )
    elif config.out.exists() and (not config.out.is_dir() or any(config.out.iterdir())):
        raise UserError(f"Expected a new or empty folder, found other files in {config.out}; choose another.")
    out = config.out.resolve()
    try:
        with exclusive_folder(out, out.with_name(f".{out.name}.lock")):
            return _write(config, stop, report, say)
    finally:
        forget_sources()


def _write(
    config: PrepareConfig, stop: Callable[[], bool], report: Report | None, say: Callable[[str], None]
) -> bool:
    sources, datasets = _open_members(config)
    if is_training_store(config.out):
        description = read_description(config.out, complete=False)
        _check_same_members(description, sources, datasets)
    else:
        description = _describe(config, sources, datasets)
        _check_disk(config.out, _total_bytes(description))
        _create(config.out, description, datasets)
    jobs = list(_jobs(config, description, sources))
    ledger = Ledger(config.out / LEDGER_NAME, len(jobs), len(description.channels))
    done = [job for job in jobs if ledger.done[job.number]]
    for job in done:
        if not shard_path(config.out, job.member, job.shard).is_file():
            raise UserError(
                f"Expected the shard {shard_path(config.out, job.member, job.shard)} written before, found"
                " none; remove the store and begin again."
            )
    total = sum(_job_bytes(job) for job in jobs)
    written = sum(_job_bytes(job) for job in done)
    _check_disk(config.out, total - written)
    say(_plan(description, len(jobs), len(done), total))
    count = len(done)
    if report is not None:
        report(count, len(jobs), written, total)
    waiting = (job for job in jobs if not ledger.done[job.number])
    for result in results_of(
        write_shard, waiting, scheduler=config.scheduler, workers=config.workers, stop=stop
    ):
        ledger.enter(result)
        count, written = count + 1, written + result.written
        if report is not None:
            report(count, len(jobs), written, total)
    if count < len(jobs):
        return False
    _finish(config.out, description, ledger)
    return True


def check_settings(config: PrepareConfig) -> None:
    """Raise a UserError for settings that make no store."""
    check_settings_values(config)
    if not config.data:
        raise UserError("Expected at least one source after --data, found none; name files or an address.")
    for name in ("every", "coarsen", "tile"):
        if getattr(config, name) < 1:
            raise UserError(f"Expected --{name} of 1 or more, found {getattr(config, name)}.")
    if config.shard_megabytes <= 0:
        raise UserError(f"Expected --shard-megabytes above 0, found {config.shard_megabytes:g}.")
    if not 0.0 < config.validation_fraction < 1.0 and not config.validation:
        raise UserError(
            f"Expected --validation-fraction between 0 and 1, found {config.validation_fraction:g}; 0.1 holds"
            " out the last tenth."
        )
    if config.gap_hours < 0 or config.workers < 0 or config.retries < 0:
        raise UserError(
            "Expected --gap-hours, --workers and --retries of 0 or more, found a negative number."
        )


def _open_members(config: PrepareConfig) -> tuple[list[MemberSource], list[xr.Dataset]]:
    """All members, those held out as a whole at the end, on one grid."""
    sources = [
        MemberSource(
            _location(path), config.level, config.period, config.every, config.coarsen, config.channels
        )
        for path in (*config.data, *config.validation)
    ]
    datasets = [source.open() for source in sources]
    for source, dataset in zip(sources, datasets, strict=True):
        check_same_grid(datasets[0], dataset, sources[0].location, source.location)
    return sources, datasets


def _location(path: str) -> str:
    """Workers may start elsewhere: local paths become absolute."""
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def _members(sources: list[MemberSource], datasets: list[xr.Dataset]) -> tuple[Member, ...]:
    members, start = [], 0
    for source, dataset in zip(sources, datasets, strict=True):
        name = source.location if "://" in source.location else Path(source.location).name
        members.append(describe_member(name, start, dataset["time"].values))
        start = members[-1].stop
    return tuple(members)


def _describe(
    config: PrepareConfig, sources: list[MemberSource], datasets: list[xr.Dataset]
) -> StoreDescription:
    members = _members(sources, datasets)
    if config.validation:
        trained = members[: len(config.data)]
        training = [(member.start, member.stop) for member in trained]
        held_out = [(member.start, member.stop) for member in members[len(config.data) :]]
    else:
        training, held_out = split_members(members, config.validation_fraction, config.gap_hours)
    if not training or not held_out:
        raise UserError(
            f"Expected times for training and for the held-out part, found {members[-1].stop} time(s) in all,"
            f" too few for --validation-fraction {config.validation_fraction:g} and --gap-hours"
            f" {config.gap_hours:g}; add data or change these."
        )
    first = datasets[0]
    slice_ = first[list(config.channels)].isel(time=0).compute(scheduler="synchronous")
    layout = ShardLayout.fitted(
        (first.sizes["latitude"], first.sizes["longitude"], len(config.channels)),
        config.storage,
        tile=config.tile,
        megabytes=config.shard_megabytes,
        source_times=max(first[config.channels[0]].chunksizes.get("time", (1,))),
    )
    longest = max(member.stop - member.start for member in members)
    layout = replace(layout, times=min(layout.times, longest))

    def attribute(name: str) -> str:
        return str(first.attrs.get(name, ""))

    offsets = tuple(storage_offset(name, slice_[name].values) for name in config.channels)
    return StoreDescription(
        channels=config.channels,
        units=tuple(storage_unit(slice_[name].values) for name in config.channels),
        offsets=offsets if any(offsets) else (),
        layout=layout,
        members=members,
        training=tuple(training),
        held_out=tuple(held_out),
        source=attribute("source"),
        level=attribute("level"),
        grid=attribute("grid"),
        derived_from=attribute("derived_from"),
        notes=attribute("notes"),
        settings=_settings(config),
    )


def _settings(config: PrepareConfig) -> dict[str, Any]:
    return {name: value for name, value in to_dict(config).items() if name not in FREE_TO_CHANGE}


def _check_same_settings(description: StoreDescription, config: PrepareConfig) -> None:
    held, wanted = dict(description.settings), _settings(config)
    changed = [
        f"--{name.replace('_', '-')} ({held.get(name)} -> {wanted[name]})"
        for name in wanted
        if held.get(name) != wanted[name]
    ]
    if changed:
        raise UserError(
            f"Expected the settings that the store in {config.out} was begun with, found {', '.join(changed)};"
            " give the same ones or choose another --out."
        )


def _check_same_members(
    description: StoreDescription, sources: list[MemberSource], datasets: list[xr.Dataset]
) -> None:
    now = _members(sources, datasets)
    for before, after in zip(description.members, now, strict=True):
        if before != after:
            raise UserError(
                f"Expected {before.name} as it was when the store was begun ({before.period}), found it"
                f" changed ({after.period}); choose another --out."
            )


def _create(out: Path, description: StoreDescription, datasets: list[xr.Dataset]) -> None:
    """Make the skeleton elsewhere and move it, so that a kill leaves none or a whole one."""
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    first = datasets[0]
    create_arrays(
        partial,
        description,
        [dataset["time"].values for dataset in datasets],
        first["latitude"].values.astype(np.float64),
        first["longitude"].values.astype(np.float64),
    )
    os.replace(partial, out)


def _jobs(
    config: PrepareConfig, description: StoreDescription, sources: list[MemberSource]
) -> Iterator[ShardJob]:
    """Shards in order of time, member by member."""
    layout, number = description.layout, 0
    for index, (member, source) in enumerate(zip(description.members, sources, strict=True)):
        training = tuple(
            (start - member.start, stop - member.start)
            for start, stop in description.training
            if member.start <= start < member.stop
        )
        for shard, first in enumerate(range(0, member.stop - member.start, layout.times)):
            stop = min(first + layout.times, member.stop - member.start)
            yield ShardJob(
                number=number,
                store=config.out.resolve(),
                member=index,
                shard=shard,
                source=source,
                first=first,
                stop=stop,
                training=training,
                layout=layout,
                units=description.units,
                offsets=description.offsets,
                retries=config.retries,
            )
            number += 1


def _job_bytes(job: ShardJob) -> int:
    return job.layout.shard_bytes(job.stop - job.first)


def _total_bytes(description: StoreDescription) -> int:
    layout = description.layout
    sizes = [member.stop - member.start for member in description.members]
    return sum(n * layout.slice_bytes + layout.shards(n) * layout.index_bytes for n in sizes)


def _check_disk(out: Path, needed: int) -> None:
    folder = next(parent for parent in (out, *out.resolve().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if needed + _DISK_RESERVE > free:
        raise UserError(
            f"Expected {needed / 1e9:.2f} GB of free space for the store in {out}, found {free / 1e9:.2f} GB;"
            " choose another disk, a shorter --period, --every or --coarsen."
        )


def _plan(description: StoreDescription, shards: int, done: int, total: int) -> str:
    layout = description.layout
    times = description.members[-1].stop
    held = sum(stop - start for start, stop in description.held_out)
    begun = f", {done} of them written" if done else ""
    return (
        f"{times} times of {layout.rows} x {layout.columns} points, {held} held out, {layout.channels}"
        f" channel(s) of {layout.dtype}: {total / 1e9:.2f} GB in {shards} shards of {layout.times} times{begun}."
    )


def _finish(out: Path, description: StoreDescription, ledger: Ledger) -> None:
    """Write the moments, which make the store complete."""
    import zarr

    for torn in out.rglob("*.partial"):  # of writers that were killed
        torn.unlink()
    odd = [name for name in description.channels if is_pseudo_scalar(name)]
    moments = partial(ledger.histogram.normalization, offsets=description.offsets)
    whole = replace(
        description,
        normalization=moments(description.channels, description.units),
        mirrored_normalization=moments(description.channels, description.units, odd=odd),
    )
    zarr.open_group(out, mode="r+", zarr_format=3).update_attributes(whole.to_attributes())
    remove_ledger(out / LEDGER_NAME)
