"""Activations of every time of a record, in memory or in a resumable store.

A store is a Zarr 3 group that any Zarr library reads: ``activation`` (time, row, column, feature) in float16, beside time,
latitude and longitude of the fields. A chunk is 64 times of the whole area, without compression, so its file is
memory-mapped and a region touches only its own pages. ``pair_distance`` and ``pair_hours`` hold the distances of pairs of
times of the whole area, behind the percentiles of :func:`~atmodist_core.inference.similar.find_similar.find_similar`. A
chunk file is replaced in one step, and its bytes do not depend on where a run was interrupted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference.atmodist import AtmoDist, load_distance
from atmodist_core.inference.similar.record import EmbeddedRecord
from atmodist_core.inference.similar.record_distances import sampled_pairs
from atmodist_core.models.applicability import applicability_differences
from atmodist_core.models.card import list_models

FORMAT, FORMAT_VERSION = "atmodist-embeddings", 1
BLOCK_TIMES = 64
_LARGEST = float(np.finfo(np.float16).max)
_PAIRS = {
    "pair_distance": ("distance of two times", "1"),
    "pair_hours": ("hours between the two times", "h"),
}


def embed_record(
    fields: xr.Dataset,
    out: str | Path | None = None,
    *,
    model: str | AtmoDist | None = None,
    layer: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> EmbeddedRecord:
    """Embed every time of a record, in memory or into a store that an interrupted run continues.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical, with times; may be lazy.
    out : str or path, optional
        Folder of the store; a call with the same arguments continues it, with the same bytes.
    model : str or AtmoDist, optional
        Distance network; default: that whose training fields differ least from these.
    layer : str, optional
        Of the network; default: the last.
    progress, cancel : callable, optional
        As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

    Raises
    ------
    UserError
        Fields that do not fit the network, times that are no dates in order, or a folder with something else.
    """
    distance = model if isinstance(model, AtmoDist) else load_distance(model or network_for(fields))
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    times = np.asarray(arrays.dataset["time"].values if "time" in arrays.dataset.coords else [])
    if times.dtype.kind != "M" or (np.diff(times) <= np.timedelta64(0)).any():
        raise UserError("Expected fields with dates in order, found others; open the data with open_fields.")
    layer = distance.layers[-1] if layer is None else layer
    described: dict[str, Any] = {
        "model": distance.name,
        "weights_sha256": str(distance.card.weights_sha256),
        "layer": layer,
        "scale": float(distance.card.distance_scale.get(layer, 1.0)),
        "source": str(fields.attrs.get("source", "")),
        "level": str(fields.attrs.get("level", "")),
    }
    watch = ProgressWatch(f"embedding by {distance.name}", times.size, progress, cancel)
    record = times.astype("datetime64[ns]"), arrays.latitude, arrays.longitude, described
    blocks = [slice(start, start + BLOCK_TIMES) for start in range(0, times.size, BLOCK_TIMES)]
    if out is None:
        made = tuple(_embedded(distance, arrays.dataset.isel(time=block), layer, watch) for block in blocks)
        return EmbeddedRecord(made, *record)
    boundaries = Boundaries.of(arrays.latitude, arrays.longitude)
    filters, *cells = distance.inference.activation_shape(
        boundaries, distance.inference.config.check_layer(layer)
    )
    shape = (*cells, filters)
    folder = Path(out).resolve()
    with exclusive_folder(folder, folder.with_name(f".{folder.name}.lock")):
        _create(folder, *record, shape)
        for number, block in enumerate(blocks):
            file = _chunk(folder, number)
            part = arrays.dataset.isel(time=block)
            if file.is_file():
                watch.count += part.sizes["time"]
                continue
            values = np.zeros((BLOCK_TIMES, *shape), "<f2")
            values[: part.sizes["time"]] = _embedded(distance, part, layer, watch)
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as scratch:
                values.tofile(scratch)
        _store_pairs(folder)
    return open_embeddings(folder)


def open_embeddings(path: str | Path) -> EmbeddedRecord:
    """Open a store of :func:`embed_record`; activations are read when they are needed.

    Raises
    ------
    UserError
        When the folder holds no such store, or an unfinished one.
    """
    import zarr

    folder = Path(path)
    attributes = _attributes(folder)
    if attributes is None:
        raise UserError(f"Expected embeddings in {folder}, found none; make them with embed_record.")
    group: Any = zarr.open_group(folder, mode="r")
    times, latitude, longitude = (np.asarray(group[name][...]) for name in ("time", "latitude", "longitude"))
    shape = group["activation"].shape
    blocks = []
    for number, start in enumerate(range(0, shape[0], BLOCK_TIMES)):
        file = _chunk(folder, number)
        if not file.is_file():
            raise UserError(
                f"Expected complete embeddings in {folder}, found the first {start} of {shape[0]} times; run the "
                "command that began them again."
            )
        try:
            whole = np.memmap(file, "<f2", "c", shape=(BLOCK_TIMES, *shape[1:]))
        except ValueError as error:
            raise UserError(
                f"Expected a whole file in {file}, found a damaged one; remove it and embed again."
            ) from error
        blocks.append(np.asarray(whole)[: shape[0] - start])
    described = {name: value for name, value in attributes.items() if not name.startswith("format")}
    stamps = times.astype("datetime64[s]").astype("datetime64[ns]")
    record = EmbeddedRecord(tuple(blocks), stamps, latitude, longitude, described)
    if _has_pairs(folder):
        record.known_pairs[None] = tuple(np.asarray(group[name][...]) for name in _PAIRS)
    return record


def network_of(record: EmbeddedRecord, model: str | Path | AtmoDist | None = None) -> AtmoDist:
    """Load the network that embedded a record, by its name or from ``model``; a UserError if its weights have changed."""
    distance = model if isinstance(model, AtmoDist) else load_distance(model or record.attributes["model"])
    if str(distance.card.weights_sha256) != record.attributes["weights_sha256"]:
        raise UserError(
            f"Expected the weights of {distance.name} that embedded the record, found others; embed it again."
        )
    return distance


def network_for(fields: xr.Dataset) -> str:
    """Return the name of the distance network whose training fields differ least from these; a UserError if there is none."""
    cards = [card for card in list_models() if card.kind == "distance"]
    if not cards:
        raise UserError("Expected a trained distance network, found none; name one with model.")
    arrays = FieldArrays.of(fields, cards[0].channels, "the choice of a distance network")
    return min(cards, key=lambda card: len(applicability_differences(card, arrays))).name


def _embedded(distance: AtmoDist, part: xr.Dataset, layer: str, watch: ProgressWatch) -> NDArray[np.float16]:
    """Activations of a block of times, shape (time, row, column, feature)."""
    found = []
    for time in range(part.sizes["time"]):
        watch.before()
        values = np.moveaxis(distance.embed(part.isel(time=[time]), layer=layer).values[0], 0, -1)
        found.append(np.clip(values, -_LARGEST, _LARGEST).astype(np.float16))
        watch.done()
    return np.stack(found)


def _chunk(folder: Path, number: int) -> Path:
    return folder / "activation" / "c" / str(number) / "0" / "0" / "0"


def _pairs_chunk(folder: Path, name: str) -> Path:
    return folder / name / "c" / "0"


def _has_pairs(folder: Path) -> bool:
    """Whether the distances of pairs are complete; stores of earlier versions have none."""
    return all(_pairs_chunk(folder, name).is_file() for name in _PAIRS)


def _store_pairs(folder: Path) -> None:
    """Add the distances of pairs of times to a store whose activations are complete."""
    import zarr

    if _has_pairs(folder):
        return
    record = open_embeddings(folder)
    group: Any = zarr.open_group(folder, mode="a")
    found = sampled_pairs(record, record.weights(None))
    for values, (name, (long_name, units)) in zip(found, _PAIRS.items(), strict=True):
        group.create_array(
            name,
            shape=values.shape,
            chunks=(max(1, values.size),),
            dtype="float32",
            compressors=None,
            dimension_names=("pair",),
            attributes={"units": units, "long_name": long_name},
            overwrite=True,
        )
        file = _pairs_chunk(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as scratch:
            values.astype("<f4").tofile(scratch)


def _attributes(folder: Path) -> dict[str, Any] | None:
    """Attributes of the store in a folder; None where there is none."""
    try:
        found = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    except (OSError, ValueError, KeyError):
        return None
    return found if found.get("format") == FORMAT and found.get("format_version") == FORMAT_VERSION else None


def _create(
    folder: Path,
    times: NDArray[np.datetime64],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    described: dict[str, Any],
    shape: tuple[int, ...],
) -> None:
    """Create the arrays of a store, or check that those in the folder are of the same record."""
    import zarr

    seconds = times.astype("datetime64[s]").astype(np.int64)
    wanted = {"format": FORMAT, "format_version": FORMAT_VERSION, **described}
    axes = {"time": seconds, "latitude": latitude, "longitude": longitude}
    held = _attributes(folder)
    if held is not None:
        group: Any = zarr.open_group(folder, mode="r")
        same = held == wanted and all(np.array_equal(group[name][...], axis) for name, axis in axes.items())
        if not same:
            raise UserError(
                f"Expected in {folder} embeddings of the same record and network, found others; choose another folder."
            )
        return
    # Without attributes the store was interrupted while it was created, or the folder is something else's.
    own = {"zarr.json", "activation", *axes, *_PAIRS}
    if folder.exists() and {entry.name for entry in folder.iterdir()} - own:
        raise UserError(f"Expected a new or empty folder, found other files in {folder}; choose another.")
    group = zarr.open_group(folder, mode="a")
    group.create_array(
        "activation",
        shape=(times.size, *shape),
        chunks=(BLOCK_TIMES, *shape),
        dtype="float16",
        compressors=None,
        dimension_names=("time", "row", "column", "feature"),
        attributes={"units": "1", "long_name": f"activations of {described['layer']}"},
        overwrite=True,
    )
    units = {"time": "seconds since 1970-01-01", "latitude": "degrees_north", "longitude": "degrees_east"}
    for name, axis in axes.items():
        group.create_array(
            name,
            data=axis,
            chunks=axis.shape,
            dimension_names=(name,),
            overwrite=True,
            attributes={"units": units[name]},
        )
    group.attrs.update(wanted)  # last: it marks the arrays as complete
