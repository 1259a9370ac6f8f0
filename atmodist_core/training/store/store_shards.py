"""Writing and memory-mapping the shards of a training store."""

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec, ShardingCodec

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import FIELD_ATTRS, field_of
from atmodist_core.training.store.store_layout import ShardLayout, StoreDescription, member_group, shard_path


def create_arrays(
    path: Path,
    description: StoreDescription,
    times: list[NDArray[np.datetime64]],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
) -> None:
    """Make the groups and arrays of a store without values, in a folder that does not exist yet."""
    layout = description.layout
    root = zarr.open_group(path, mode="w", zarr_format=3, attributes=description.to_attributes())
    sharding = ShardingCodec(
        chunk_shape=(1, layout.tile_rows, layout.tile_columns, layout.channels),
        codecs=[BytesCodec(endian="little")],
        index_codecs=[BytesCodec(endian="little")],
    )
    tiles = layout.tiles
    for number, member_times in enumerate(times):
        group = root.create_group(member_group(number), attributes={"name": description.members[number].name})
        group.create_array(
            "values",
            shape=(len(member_times), layout.rows, layout.columns, layout.channels),
            chunks=(
                layout.times,
                tiles[0] * layout.tile_rows,
                tiles[1] * layout.tile_columns,
                layout.channels,
            ),
            dtype=layout.dtype,
            serializer=sharding,
            filters=None,
            compressors=None,
            fill_value=0.0,
            dimension_names=("time", "latitude", "longitude", "channel"),
            attributes={
                "channels": list(description.channels),
                **_meaning(description),
            },
        )
        seconds = member_times.astype("datetime64[s]").astype(np.int64)
        time_attributes = {
            "standard_name": "time",
            "units": "seconds since 1970-01-01",
            "calendar": "proleptic_gregorian",
        }
        _coordinate(group, "time", seconds, time_attributes)
        _coordinate(group, "latitude", latitude, {"standard_name": "latitude", "units": "degrees_north"})
        _coordinate(group, "longitude", longitude, {"standard_name": "longitude", "units": "degrees_east"})


def _meaning(description: StoreDescription) -> dict[str, Any]:
    """Attributes that say what the numbers of an array are."""
    units = [FIELD_ATTRS.get(field_of(channel), {}).get("units", "") for channel in description.channels]
    one = set(units) == {"s-1"}
    found: dict[str, Any] = {"units": "s-1" if one else units, "storage_units": list(description.units)}
    if description.offsets:
        found["storage_offsets"] = list(description.offsets)
    plus = " + storage_offsets" if description.offsets else ""
    return {**found, "comment": f"physical value = values * storage_units{plus}, channel by channel"}


def _coordinate(
    group: zarr.Group, name: str, values: NDArray[np.generic], attributes: dict[str, str]
) -> None:
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        compressors=None,
        dimension_names=(name,),
        attributes=dict(attributes),
    )
    array[:] = values


class ShardWriter:
    """Collects the slices of one shard and writes its file in one move; the last one of a member is shorter."""

    def __init__(self, layout: ShardLayout, times: int) -> None:
        self.layout = layout
        down, across = layout.tiles
        self._tiles = np.zeros(
            (times, down, across, layout.tile_rows, layout.tile_columns, layout.channels), layout.dtype
        )

    def put(self, first: int, block: NDArray[np.floating]) -> None:
        """Take in slices, shape ``(time, latitude, longitude, channel)``, in storage units and type."""
        layout = self.layout
        (down, across), (height, width) = layout.tiles, (layout.tile_rows, layout.tile_columns)
        edges = ((0, 0), (0, down * height - layout.rows), (0, across * width - layout.columns), (0, 0))
        padded = np.pad(block, edges) if any(edge[1] for edge in edges) else block
        shape = (len(block), down, height, across, width, layout.channels)
        self._tiles[first : first + len(block)] = padded.reshape(shape).transpose(0, 1, 3, 2, 4, 5)

    def write(self, path: Path) -> int:
        """Write the file; a kill leaves all of it or nothing. Returns its size."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with partial.open("wb") as file:
            file.write(self._tiles.data)
            file.write(self.layout.index(len(self._tiles)).tobytes())
            file.flush()
            # The ledger will say that this shard is there: it must be, also after a power cut.
            os.fsync(file.fileno())
        os.replace(partial, path)
        return self.layout.shard_bytes(len(self._tiles))


def _check_size(path: Path, expected: int) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        size = -1
    if size != expected:
        raise UserError(
            f"Expected {expected} bytes in {path}, found {'no file' if size < 0 else size}; make the store"
            " again with train/prepare.py."
        )


def read_shard(store: Path, layout: ShardLayout, member: int, shard: int, times: int) -> NDArray[np.floating]:
    """Slices of a whole shard in storage units, shape ``(time, latitude, longitude, channel)``."""
    path = shard_path(store, member, shard)
    _check_size(path, layout.shard_bytes(times))
    (down, across), (height, width) = layout.tiles, (layout.tile_rows, layout.tile_columns)
    count = times * layout.slice_bytes // np.dtype(layout.dtype).itemsize
    tiles = np.fromfile(path, layout.dtype, count=count)
    tiles = tiles.reshape(times, down, across, height, width, layout.channels).transpose(0, 1, 3, 2, 4, 5)
    whole = tiles.reshape(times, down * height, across * width, layout.channels)
    return whole[:, : layout.rows, : layout.columns]


def map_shard(store: Path, layout: ShardLayout, member: int, shard: int, times: int) -> NDArray[np.generic]:
    """Memory-map a shard of ``times`` slices as integers of the size of a number.

    Shape ``(time, tile row, tile column, row, column, channel)``; read from the disk where and when touched.
    A file that is missing, cut short, or has its tiles in another order is a UserError.
    """
    path = shard_path(store, member, shard)
    expected = layout.shard_bytes(times)
    _check_size(path, expected)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # Patches lie at random: reading ahead of them would read many times what is used.
    if hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)
    bits = np.dtype(f"i{np.dtype(layout.dtype).itemsize}")
    index = np.frombuffer(mapped, "<u8", count=layout.index_bytes // 8, offset=expected - layout.index_bytes)
    if not np.array_equal(index.reshape(-1, 2), layout.index(times)):
        raise UserError(
            f"Expected the tiles of {path} in the order in which train/prepare.py writes them, found another;"
            " make the store again."
        )
    count = times * layout.slice_bytes // bits.itemsize
    shape = (times, *layout.tiles, layout.tile_rows, layout.tile_columns, layout.channels)
    return np.frombuffer(mapped, bits, count=count).reshape(shape)
