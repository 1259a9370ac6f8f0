"""Write a download: chunk by chunk, checked, resumable, and under its final name only when it is complete."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.progress import Cancel, Progress
from atmodist_core.fields.canonical.time_selection import spell_time
from atmodist_core.fields.download.archive import DownloadPlan, longitudes_of, spell_bytes, time_values_of
from atmodist_core.fields.open.netcdf import one_line
from atmodist_core.fields.open.remote import remote_error, status_of

_LONGEST_WAIT_S = 30.0
_FINAL_ANSWERS = {400, 401, 403, 404, 410}


def partial_store(out: str | Path) -> Path:
    """Return the hidden folder beside ``out`` that holds a download until it is complete."""
    out = Path(out)
    return out.with_name(f".{out.name}.partial")


def write_download(
    plan: DownloadPlan,
    out: str | Path,
    *,
    connections: int = 2,
    retries: int = 5,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Path:
    """Download what was planned into one Zarr store, and return its path.

    The same call continues after an interruption and ends with the same bytes: what is complete is not fetched
    again, and what was damaged is.

    Parameters
    ----------
    plan
        Of `plan_download`.
    out
        The new folder; it appears when everything has arrived and was checked.
    connections
        Chunks fetched at a time; each takes its size in memory.
    retries
        How often a chunk that fails is tried again, after 1, 2, 4, ... seconds.
    progress, cancel
        Called with the fraction done and a message; asked whether to stop.

    Raises
    ------
    UserError
        No room, another download in the folder, a chunk that is missing, not finite, or cannot be fetched.
    Cancelled
        ``cancel`` asked for it; what has arrived is kept.
    OSError
        The disk is full or refuses to be written.
    """
    out = Path(out)
    identity = plan.request.identity(plan.times)
    if out.exists():
        if _identity_of(out) == identity:
            return out
        raise UserError(f"Expected a new folder for --out, found {out} with other contents; choose another.")
    partial = partial_store(out)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_folder(partial, partial.with_suffix(".lock")):
        group = _prepared(plan, partial, identity)
        todo = _missing(plan, group, partial)
        _check_room(plan, partial, len(todo))
        _Fetch(plan, group, connections, retries, progress, cancel).run(todo)
        os.replace(partial, out)
    return out


def _identity_of(folder: Path) -> Any:
    try:
        return zarr.open_group(folder, mode="r", zarr_format=3).attrs.get("download")
    except (OSError, ValueError):
        return None


def _prepared(plan: DownloadPlan, folder: Path, identity: dict[str, Any]) -> zarr.Group:
    """The store of an interrupted download, or a new one with coordinates and empty arrays."""
    found = _identity_of(folder) if folder.is_dir() else None
    if found is not None:
        if found != identity:
            raise UserError(
                f"Expected in {folder} a part of this download, found another one; delete that folder or choose another"
                " --out."
            )
        for torn in folder.rglob("*.partial"):  # files that a kill left behind
            torn.unlink()
        return zarr.open_group(folder, mode="r+", zarr_format=3)
    # The identity is written last: a folder without it holds nothing that counts.
    shutil.rmtree(folder, ignore_errors=True)
    request = plan.request
    store = request.store
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    seconds = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"}
    coordinates: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("time", time_values_of(plan.times), seconds),
        (
            store.level_dimension,
            np.array([request.level_value]),
            {} if request.takes_coefficients else {"units": "hPa"},
        ),
    ]
    if not request.takes_coefficients:
        latitude = np.asarray(plan.dataset["latitude"].values, float)[plan.rows]
        coordinates += [
            ("latitude", latitude, {"units": "degrees_north"}),
            ("longitude", longitudes_of(plan), {"units": "degrees_east"}),
        ]
    for name, values, attributes in coordinates:
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, dimension_names=(name,), attributes=attributes
        )
        array[:] = values
    first = plan.dataset[store.variables[0]]
    points = (plan.rows.size, plan.columns.size) if plan.rows.size else (first.sizes["values"],)
    for name in store.variables:
        kept = {
            key: value
            for key, value in plan.dataset[name].attrs.items()
            if isinstance(value, (str, int, float)) and key != "_FillValue"
        }
        group.create_array(
            name,
            shape=(len(plan.times), 1, *points),
            chunks=(1, 1, *points),
            dtype="float32",
            fill_value=np.nan,
            dimension_names=("time", store.level_dimension, *store.dimensions),
            attributes={**kept, "units": store.units},
        )
    group.attrs.update(
        {
            "source": f"{request.archive.title} ({store.path})",
            "institution": "Copernicus Climate Change Service",
            "citation": request.archive.citation,
            "download": identity,
        }
    )
    return group


def _array(group: zarr.Group, name: str) -> Any:
    return group[name]


def _missing(plan: DownloadPlan, group: zarr.Group, folder: Path) -> list[int]:
    """Times of which a variable is absent or damaged."""
    todo = []
    for index in range(len(plan.times)):
        for name in plan.request.store.variables:
            array = _array(group, name)
            key = array.metadata.encode_chunk_key((index, *[0] * (array.ndim - 1)))
            try:
                complete = (folder / name / key).is_file() and bool(np.isfinite(array[index]).all())
            except (RuntimeError, ValueError, OSError):  # cut by a power failure
                complete = False
            if not complete:
                todo.append(index)
                break
    return todo


def _check_room(plan: DownloadPlan, folder: Path, times: int) -> None:
    needed = plan.kept_bytes * times / len(plan.times)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"Expected {spell_bytes(needed)} of free space for the download, found {spell_bytes(free)}; free some or choose"
            " another --out."
        )


class _Fetch:
    """Fetch the times that are missing, several at once, until one fails or the caller wants to stop."""

    def __init__(
        self,
        plan: DownloadPlan,
        group: zarr.Group,
        connections: int,
        retries: int,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> None:
        self.plan, self.group, self.connections, self.retries = plan, group, connections, retries
        self.progress, self.cancel = progress, cancel
        self.done = 0
        self._stopped = threading.Event()
        self._counting = threading.Lock()

    def run(self, todo: list[int]) -> None:
        """Fetch these times, by the chunk of the archive that holds them."""
        self.done = len(self.plan.times) - len(todo)
        self._report(0)
        parts: dict[int, list[int]] = {}
        for index in todo:
            parts.setdefault(int(self.plan.positions[index]) // self.plan.times_per_chunk, []).append(index)
        with ThreadPoolExecutor(self.connections) as executor:
            futures = [executor.submit(self._part, part) for part in parts.values()]
            wait(futures, return_when=FIRST_EXCEPTION)
            self._stopped.set()  # harmless where all are done; the rest must not go on after a failure
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            raise next((error for error in errors if not isinstance(error, Cancelled)), errors[0])

    def _part(self, indices: list[int]) -> None:
        for name in self.plan.request.store.variables:
            values = self._values(name, indices)
            array = _array(self.group, name)
            for index, field in zip(indices, values, strict=True):
                array[index, 0] = field
        self._report(len(indices))

    def _report(self, count: int) -> None:
        with self._counting:
            self.done += count
            total = len(self.plan.times)
            share = self.done / total
            size = self.plan.transfer_bytes
            message = f"{self.done} of {total} times, {spell_bytes(share * size)} of {spell_bytes(size)}"
            if self.progress is not None:
                self.progress(share, message)

    def _check_cancel(self) -> None:
        if self._stopped.is_set() or (self.cancel is not None and self.cancel()):
            raise Cancelled("The download was stopped; what has arrived is kept.")

    def _values(self, name: str, indices: list[int]) -> np.ndarray:
        """Checked values of some times of a variable, float32, (time, ...)."""
        plan = self.plan
        store = plan.request.store
        lazy = plan.dataset[name].isel(
            {"time": plan.positions[indices], store.level_dimension: plan.level_index}
        )
        for attempt in range(self.retries + 1):
            self._check_cancel()
            try:
                values = lazy.copy().transpose("time", *store.dimensions).values.astype(np.float32)
                break
            except UserError:
                raise
            except Exception as error:  # aiohttp, the codecs and the disk each raise their own kinds
                cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
                if status_of(cause) in _FINAL_ANSWERS:
                    raise remote_error(plan.url, cause) from error
                if attempt == self.retries:
                    raise UserError(
                        f"{name} at {spell_time(plan.times[indices[0]])} could not be fetched in {attempt + 1} attempts"
                        f" ({type(cause).__name__}: {one_line(cause)}); the same command continues later with what has arrived."
                    ) from error
                self._pause(min(2.0**attempt, _LONGEST_WAIT_S))
        if plan.rows.size:
            values = values[:, plan.rows][:, :, plan.columns]
        for index, field in zip(indices, values, strict=True):
            if not np.isfinite(field).all():
                raise UserError(
                    f"Expected finite values of {name} at {spell_time(plan.times[index])}, found missing ones; the archive does not"
                    " hold this time, choose another period."
                )
            if np.abs(field).max() > store.largest:
                raise UserError(
                    f"Expected values of {name} up to {store.largest:g} {store.units}, found {np.abs(field).max():g} at "
                    f"{spell_time(plan.times[index])}; the archive or the way to it is damaged."
                )
        return np.ascontiguousarray(values)

    def _pause(self, seconds: float) -> None:
        """Wait, but notice within a fifth of a second that the caller wants to stop."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._check_cancel()
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))
