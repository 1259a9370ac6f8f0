"""Look at an archive before a download: its times, its level, its points, and how many bytes will come."""

from __future__ import annotations

import math
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.time_selection import nanoseconds, spell_time, time_indices
from atmodist_core.fields.download.request import DownloadRequest
from atmodist_core.fields.open.remote import remote_error
from atmodist_core.fields.open.zarr_store import open_zarr_url

_SECONDS_WITHOUT_BYTES = 60
_SAMPLED_CHUNKS = 3


@dataclass(frozen=True)
class DownloadPlan:
    """A download that was checked against the archive's metadata.

    Attributes
    ----------
    request
        What was asked for.
    url
        Address of the store.
    dataset
        The store, lazy.
    times : numpy.ndarray, shape (time,)
        Times that will be written, datetime64[ns].
    positions : numpy.ndarray, shape (time,)
        Their places on the time axis of the archive.
    rows, columns : numpy.ndarray
        Points of the archive that are kept, from north to south and from west to east; empty for coefficients.
    level_index
        Place of the level in the archive.
    chunk_bytes, chunks
        Size of one chunk of the archive as it is transferred [B], and how many are needed.
    measured
        Whether the server stated the sizes of chunks; otherwise it is their size in memory.
    kept_bytes
        Size of what is kept, before compression [B].
    """

    request: DownloadRequest
    url: str
    dataset: xr.Dataset
    times: np.ndarray
    positions: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    level_index: int
    chunk_bytes: float
    chunks: int
    measured: bool
    kept_bytes: int

    @property
    def transfer_bytes(self) -> float:
        """Return the size of the download [B]."""
        return self.chunk_bytes * self.chunks

    @property
    def times_per_chunk(self) -> int:
        """Return how many times one chunk of the archive holds."""
        return _chunk_shape(self.dataset[self.request.store.variables[0]])["time"]

    def sentence(self) -> str:
        """Return the size and the content of the download, for the user to agree to."""
        kind = "coefficients of the globe" if self.request.takes_coefficients else "winds"
        size = (
            f"about {spell_bytes(self.transfer_bytes)}"
            if self.measured
            else (f"at most {spell_bytes(self.transfer_bytes)} before compression")
        )
        points = "" if not self.rows.size else f", {self.rows.size} x {self.columns.size} points"
        return (
            f"{self.request.archive.title}: {kind} at {self.request.level_name}{points}, {len(self.times)} times from "
            f"{spell_time(self.times[0])} to {spell_time(self.times[-1])} UTC. The download is {size} in {self.chunks} chunks of the "
            f"archive; up to {spell_bytes(self.kept_bytes)} are kept."
        )


def spell_bytes(count: float) -> str:
    """Return a size in MB, or in GB from 1 GB on.

    Examples
    --------
    >>> spell_bytes(3_300_000), spell_bytes(2.5e9)
    ('3.3 MB', '2.5 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def plan_download(request: DownloadRequest, mirror: str | None = None) -> DownloadPlan:
    """Read the metadata and coordinates of an archive and return what a download will fetch.

    Parameters
    ----------
    request
        What to download.
    mirror
        Address that takes the place of the archive's host: ``MIRROR/BUCKET/STORE``.

    Raises
    ------
    UserError
        The archive cannot be reached, has another layout, or lacks the times, the level or the area.
    """
    url = f"{(mirror or request.archive.host).rstrip('/')}/{request.store.path}"
    dataset = _opened(url)
    _check_layout(dataset, request, url)
    times, positions = _times(dataset, request)
    level_index = _level_index(dataset, request)
    rows, columns = _points(dataset, request)
    first = dataset[request.store.variables[0]]
    shape = _chunk_shape(first)
    parts = math.prod(-(-first.sizes[name] // shape[name]) for name in request.store.dimensions)
    chunks = 2 * parts * np.unique(positions // shape["time"]).size
    in_memory = math.prod(shape.values()) * first.dtype.itemsize
    stated = _stated_sizes(url, dataset, request, positions, level_index)
    points = rows.size * columns.size or first.sizes.get("values", 0)
    return DownloadPlan(
        request=request,
        url=url,
        dataset=dataset,
        times=times,
        positions=positions,
        rows=rows,
        columns=columns,
        level_index=level_index,
        chunk_bytes=float(np.mean(stated)) if stated else float(in_memory),
        chunks=int(chunks),
        measured=bool(stated),
        kept_bytes=2 * 4 * len(times) * points,
    )


def _opened(url: str) -> xr.Dataset:
    if find_spec("aiohttp") is None or find_spec("fsspec") is None:
        raise UserError(
            "Expected the packages fsspec and aiohttp for downloads, found them missing; install them with: pip install"
            " 'atmodist-studio[remote]'."
        )
    import aiohttp

    # The default ends a request after five minutes, which cuts large chunks on slow connections.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=_SECONDS_WITHOUT_BYTES)
    try:
        return open_zarr_url(url, {"client_kwargs": {"timeout": timeout}})
    except UserError:
        raise
    except Exception as error:  # aiohttp raises kinds of its own
        raise remote_error(url, error) from error


def _chunk_shape(array: xr.DataArray) -> dict[str, int]:
    """Chunk of the archive along each dimension."""
    chunks = array.encoding.get("chunks") or array.shape
    return dict(zip(map(str, array.dims), chunks, strict=True))


def _check_layout(dataset: xr.Dataset, request: DownloadRequest, url: str) -> None:
    """Refuse an archive whose variables, dimensions or units are not those that this version knows."""
    store = request.store
    wanted = {"time", store.level_dimension, *store.dimensions}
    for name in store.variables:
        if name not in dataset:
            found = f"only {', '.join(map(str, list(dataset.data_vars)[:6])) or 'no variable'}"
        elif set(dataset[name].dims) != wanted:
            found = f"the dimensions {', '.join(map(str, dataset[name].dims))}"
        elif dataset[name].dtype.kind != "f":
            found = f"values of type {dataset[name].dtype}"
        elif str(dataset[name].attrs.get("units", store.units)) not in _same_units(store.units):
            found = f"the units {dataset[name].attrs['units']}"
        else:
            absent = [each for each in wanted - {"values"} if each not in dataset.coords]
            if not absent:
                continue
            found = f"no coordinate {absent[0]}"
        raise UserError(
            f"Expected in {url} the variable {name} over {', '.join(sorted(wanted))} in {store.units}, found {found}; the"
            " archive has another layout, for which a newer version of this package is needed."
        )


def _same_units(units: str) -> tuple[str, ...]:
    return units, units.replace("**", ""), units.replace("**", "^"), "m/s" if "m " in units else "1/s"


def _times(dataset: xr.Dataset, request: DownloadRequest) -> tuple[np.ndarray, np.ndarray]:
    """The requested times and their places on the time axis."""
    axis = nanoseconds(dataset["time"].values, "the archive")
    begin, end = dataset.attrs.get("valid_time_start"), dataset.attrs.get("valid_time_stop")
    held = np.arange(len(axis))
    if begin and end:  # outside of this period the arrays are allocated but empty
        held = held[time_indices(axis, slice(str(begin), str(end)))]
    available = axis[held]
    positions = held[0] + np.flatnonzero((available >= request.first_time) & (available < request.end_time))
    step = float(np.median(np.diff(available)) / np.timedelta64(1, "h")) if len(available) > 1 else 1.0
    every = request.every_hours or step
    wanted = np.arange(
        request.first_time, request.end_time, np.timedelta64(round(every * 3600), "s").astype("m8[ns]")
    )
    positions = positions[np.isin(axis[positions], wanted)]
    times = axis[positions]
    if len(times) != len(wanted):
        absent = np.setdiff1d(wanted, times)
        raise UserError(
            f"Expected every {every:g} hours from {spell_time(wanted[0])} on, found no {spell_time(absent[0])} in the archive, "
            f"which holds {spell_time(available[0])} to {spell_time(available[-1])} every {step:g} hours; change --start, --days"
            " or --every-hours."
        )
    return times, positions


def _level_index(dataset: xr.Dataset, request: DownloadRequest) -> int:
    levels = np.asarray(dataset[request.store.level_dimension].values, dtype=float)
    found = np.flatnonzero(levels == request.level_value)
    if not found.size:
        raise UserError(
            f"Expected {request.level_name} among the levels of the archive, found {', '.join(f'{x:g}' for x in levels)};"
            " choose one of these."
        )
    return int(found[0])


def _points(dataset: xr.Dataset, request: DownloadRequest) -> tuple[np.ndarray, np.ndarray]:
    """Rows from north to south and columns from west to east; both empty for coefficients."""
    if request.takes_coefficients:
        return np.empty(0, int), np.empty(0, int)
    latitude, longitude = (np.asarray(dataset[name].values, float) for name in ("latitude", "longitude"))
    rows = np.argsort(-latitude)
    columns = np.argsort(longitude % 360.0)
    if request.region is not None:
        south, north = request.region.south - 1e-6, request.region.north + 1e-6
        rows = rows[(latitude[rows] >= south) & (latitude[rows] <= north)]
        eastward = (longitude - request.region.west + 1e-6) % 360.0
        columns = np.argsort(eastward)
        columns = columns[eastward[columns] <= request.region.width + 2e-6]
    if min(rows.size, columns.size) < 8:
        raise UserError(
            f"Expected a box of at least 8 x 8 points of the archive, found {rows.size} x {columns.size}; give a larger --box"
            " (north, west, south, east)."
        )
    return rows, columns


def _stated_sizes(
    url: str, dataset: xr.Dataset, request: DownloadRequest, positions: np.ndarray, level_index: int
) -> list[int]:
    """Sizes of a few chunks as the server states them [B]; none where it does not."""
    import zarr
    from zarr.storage import FsspecStore

    name = request.store.variables[0]
    array: Any = zarr.open_array(FsspecStore.from_url(url, read_only=True), path=name, mode="r")
    shape = _chunk_shape(dataset[name])
    sizes = []
    for place in np.unique(np.linspace(0, len(positions) - 1, _SAMPLED_CHUNKS).round().astype(int)):
        indices = {"time": positions[place], request.store.level_dimension: level_index}
        chunk = tuple(int(indices.get(str(d), 0) // shape[str(d)]) for d in dataset[name].dims)
        question = urllib.request.Request(
            f"{url}/{name}/{array.metadata.encode_chunk_key(chunk)}", method="HEAD"
        )
        try:
            with urllib.request.urlopen(question, timeout=30) as answer:
                sizes.append(int(answer.headers["Content-Length"]))
        except (OSError, TypeError, ValueError):
            continue  # a missing chunk is reported when it is read
    return sizes


def time_values_of(times: np.ndarray) -> np.ndarray:
    """Return times as whole seconds since 1970."""
    return times.astype("M8[s]").astype(np.int64)


def longitudes_of(plan: DownloadPlan) -> np.ndarray:
    """Return increasing longitudes of the kept columns [degrees east], from the west of the box on."""
    longitude = np.asarray(plan.dataset["longitude"].values, float)[plan.columns]
    west = 0.0 if plan.request.region is None else plan.request.region.west
    # Whole turns only, so that no longitude is rounded.
    return longitude - 360.0 * np.floor((longitude - west + 1e-6) / 360.0)
