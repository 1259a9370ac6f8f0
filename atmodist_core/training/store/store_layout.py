"""Layout of a training store: attributes, arrays, bytes of the shards.

A store is a Zarr 3 group with one group a member, ``member_000`` and so on. Its array ``values`` (time, latitude,
longitude, channel) is cut into shards of some times of the whole globe, one file each. Inside a shard lie
uncompressed tiles of one time, one after the other by time, latitude and longitude; edge tiles are filled up
with zeros. Any Zarr 3 library reads this. Knowing the order, patches are cut straight from the memory-mapped
file, without an index and without decoding.

Tiles are not compressed: fields in 16 bits shrinks by 3 to 22 % only (``docs/data.md``), and decoding costs
ten times what copying does. Channels last, because a patch then needs half as many runs of memory.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.training_fields import Member

FORMAT = "atmodist-training-store"
FORMAT_VERSION = 1
_SMALLEST_TILE_SHARE, _LARGEST_TILE_SHARE = 0.75, 1.25
_INDEX_ENTRY = 16
_MISSING = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class ShardLayout:
    """Sizes of the shards of one store."""

    times: int  # slices in a shard
    rows: int
    columns: int
    channels: int
    tile_rows: int  # of an inner chunk
    tile_columns: int
    dtype: str  # float16 or float32

    @classmethod
    def fitted(
        cls, shape: tuple[int, int, int], dtype: str, *, tile: int, megabytes: float, source_times: int = 1
    ) -> "ShardLayout":
        """Layout of about the given side of a tile and size of a shard [1e6 bytes].

        ``shape`` is rows, columns, channels. A shard holds a multiple of ``source_times``, the slices in a
        chunk of the source, where that is not much larger, so that no chunk of the source is read twice.
        """
        rows, columns, channels = shape
        tile_rows, tile_columns = _tile_length(rows, tile), _tile_length(columns, tile)
        whole = cls(1, rows, columns, channels, tile_rows, tile_columns, dtype)
        times = max(1, int(megabytes * 1e6 / whole.slice_bytes))
        if 1 < source_times <= 4 * times:
            times = max(1, times // source_times) * source_times
        return cls(times, rows, columns, channels, tile_rows, tile_columns, dtype)

    @property
    def tiles(self) -> tuple[int, int]:
        """Tiles along latitude and longitude."""
        return -(-self.rows // self.tile_rows), -(-self.columns // self.tile_columns)

    @property
    def tile_bytes(self) -> int:
        """Size of a tile."""
        return self.tile_rows * self.tile_columns * self.channels * np.dtype(self.dtype).itemsize

    @property
    def slice_bytes(self) -> int:
        """Size of one time, edges filled up."""
        return self.tile_bytes * self.tiles[0] * self.tiles[1]

    @property
    def index_bytes(self) -> int:
        """Size of the index at the end of a shard."""
        return self.times * self.tiles[0] * self.tiles[1] * _INDEX_ENTRY

    def shard_bytes(self, times: int) -> int:
        """Size of a shard of which ``times`` slices are used."""
        return times * self.slice_bytes + self.index_bytes

    def shards(self, times: int) -> int:
        """Number of shards that a series takes."""
        return -(-times // self.times)

    def index(self, times: int) -> NDArray[np.uint64]:
        """Offset and size of every tile of a shard; tiles of unused times are marked as missing."""
        count = self.tiles[0] * self.tiles[1]
        index = np.full((self.times * count, 2), _MISSING, dtype="<u8")
        index[: times * count, 0] = np.arange(times * count, dtype=np.uint64) * np.uint64(self.tile_bytes)
        index[: times * count, 1] = self.tile_bytes
        return index


def _tile_length(count: int, wanted: int) -> int:
    """A tile length near the wanted one that wastes the least at the edge."""
    if count <= wanted * _LARGEST_TILE_SHARE:
        return count
    lengths = range(max(1, int(wanted * _SMALLEST_TILE_SHARE)), max(2, int(wanted * _LARGEST_TILE_SHARE) + 1))
    return min(lengths, key=lambda length: (-count % length, abs(length - wanted)))


@dataclass(frozen=True)
class StoreDescription:
    """The attributes of a training store; its normalisations are None until the store is complete."""

    channels: tuple[str, ...]
    units: tuple[float, ...]  # physical value of one storage unit of each channel, in the unit of the field
    layout: ShardLayout
    members: tuple[Member, ...]  # the series, one group each
    training: tuple[tuple[int, int], ...]  # segments (start, stop) of the time axis of all members together
    held_out: tuple[tuple[int, int], ...]
    source: str
    level: str
    grid: str
    derived_from: str
    notes: str
    settings: Mapping[str, Any]  # those of the command that wrote it
    normalization: SignedLogNormalization | None = None
    mirrored_normalization: SignedLogNormalization | None = None  # of the fields with their mirrors
    offsets: tuple[float, ...] = ()  # added to value * unit, by channel; none: nothing

    @property
    def complete(self) -> bool:
        """Whether every shard is written and the moments are known."""
        return self.normalization is not None

    def to_attributes(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        values = asdict(self)
        for name in ("normalization", "mirrored_normalization"):
            moments = getattr(self, name)
            values[name] = None if moments is None else moments.to_dict()
        if not self.offsets:
            del values["offsets"]  # as in stores of fields about zero
        plain = json.loads(json.dumps(values))
        return {"format": FORMAT, "format_version": FORMAT_VERSION, **plain}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], path: Path) -> "StoreDescription":
        """Read the attributes of the store at ``path``; another version, or damaged ones, are a UserError."""
        version = attributes.get("format_version")
        if version != FORMAT_VERSION:
            raise UserError(
                f"Expected a training store of version {FORMAT_VERSION}, found version {version} in {path};"
                " make it again with train/prepare.py of this version."
            )
        values = {name: value for name, value in attributes.items() if not name.startswith("format")}
        try:
            values["layout"] = ShardLayout(**values["layout"])
            values["members"] = tuple(
                Member(**member | {"breaks": tuple(member.get("breaks", ()))}) for member in values["members"]
            )
            values["channels"], values["units"] = tuple(values["channels"]), tuple(values["units"])
            values["offsets"] = tuple(values.get("offsets", ()))
            for name in ("training", "held_out"):
                values[name] = tuple((int(start), int(stop)) for start, stop in values[name])
            for name in ("normalization", "mirrored_normalization"):
                if values[name] is not None:
                    values[name] = SignedLogNormalization.from_dict(values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"Expected the attributes of a training store, found damaged ones in {path} ({error}); make it"
                " again with train/prepare.py."
            ) from error


def member_group(number: int) -> str:
    """Name of the group of a member."""
    return f"member_{number:03d}"


def shard_path(store: Path, member: int, shard: int) -> Path:
    """File of a shard, where Zarr looks for it."""
    return store / member_group(member) / "values" / "c" / str(shard) / "0" / "0" / "0"


def is_training_store(path: Any) -> bool:
    """Whether a folder is a training store, of any version."""
    return store_attributes(path).get("format") == FORMAT


def store_attributes(path: Any) -> dict[str, Any]:
    """Attributes of the Zarr group in a folder; none if there is no group."""
    try:
        metadata = json.loads((Path(str(path)) / "zarr.json").read_text(encoding="utf-8"))
        attributes = metadata.get("attributes", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def read_description(path: Path, *, complete: bool = True) -> StoreDescription:
    """Description of the store in a folder, or a UserError; an unfinished one only without ``complete``."""
    attributes = store_attributes(path)
    if attributes.get("format") != FORMAT:
        raise UserError(f"Expected a training store in {path}, found none; make one with train/prepare.py.")
    description = StoreDescription.from_attributes(attributes, path)
    if complete and not description.complete:
        raise UserError(
            f"Expected a complete training store, found an unfinished one in {path}; continue with the command"
            " that began it and --resume."
        )
    return description
