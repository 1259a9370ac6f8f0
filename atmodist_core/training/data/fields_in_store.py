"""Training fields on disk: patches are cut from memory-mapped shards of a training store."""

import bisect
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.training_fields import TrainingFields, as_bits, empty_windows
from atmodist_core.training.store.store_layout import StoreDescription
from atmodist_core.training.store.store_shards import map_shard

_FEWEST_WINDOWS_A_THREAD = 8


class ShardMaps:
    """The shards of a store, memory-mapped when first needed; safe to use from several threads.

    ``workers`` threads copy windows (and wait for the disk) at once; with 0 the caller's own does it.
    """

    def __init__(self, path: Path, description: StoreDescription, workers: int) -> None:
        self.path, self.layout = path, description.layout
        self._members = description.members
        self._starts = [member.start for member in description.members]
        self._maps: dict[tuple[int, int], NDArray[np.generic]] = {}
        self._lock = threading.Lock()
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers, "store") if workers > 0 else None

    def tiles(self, time: int) -> NDArray[np.generic]:
        """Tiles of one time, shape ``(tile row, tile column, row, column, channel)``, as integers."""
        member = bisect.bisect_right(self._starts, time) - 1
        shard, within = divmod(time - self._starts[member], self.layout.times)
        mapped = self._maps.get((member, shard))
        if mapped is None:
            with self._lock:
                mapped = self._maps.get((member, shard))
                if mapped is None:
                    entry = self._members[member]
                    times = min(self.layout.times, entry.stop - entry.start - shard * self.layout.times)
                    mapped = map_shard(self.path, self.layout, member, shard, times)
                    self._maps[member, shard] = mapped
        return mapped[within]

    def fill(
        self,
        windows: NDArray[np.generic],
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        mirrored: NDArray[np.bool_] | None,
    ) -> None:
        """Copy windows; each is its own piece of memory, so that any number of threads gives the same."""
        parts = min(self.workers, len(times) // _FEWEST_WINDOWS_A_THREAD)
        if self._pool is None or parts < 2:
            self._fill(windows, times, rows, columns, mirrored)
            return
        shares = [slice(part, None, parts) for part in range(parts)]
        list(
            self._pool.map(
                lambda share: self._fill(
                    windows[share],
                    times[share],
                    rows[share],
                    columns[share],
                    None if mirrored is None else mirrored[share],
                ),
                shares,
            )
        )

    def _fill(
        self,
        windows: NDArray[np.generic],
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        mirrored: NDArray[np.bool_] | None,
    ) -> None:
        size, layout = windows.shape[1], self.layout
        turned = [False] * len(times) if mirrored is None else mirrored.tolist()
        for window, time, row, column, turn in zip(
            windows, times.tolist(), rows.tolist(), columns.tolist(), turned, strict=True
        ):
            tiles = self.tiles(time)
            target = window[::-1] if turn else window
            down = _pieces(row, size, layout.tile_rows, layout.rows)
            across = _pieces(column, size, layout.tile_columns, layout.columns)
            for tile_row, inner_rows, outer_rows in down:
                for tile_column, inner_columns, outer_columns in across:
                    target[outer_rows, outer_columns] = tiles[
                        tile_row, tile_column, inner_rows, inner_columns
                    ]


def _pieces(first: int, size: int, length: int, count: int) -> list[tuple[int, slice, slice]]:
    """Tiles that a window of one axis covers: the number of each, the part inside it, the part of the window.

    Examples
    --------
    >>> _pieces(6, 5, 4, 10)  # 6 7, 8 9, and around the circle 0
    [(1, slice(2, 4, None), slice(0, 2, None)), (2, slice(0, 2, None), slice(2, 4, None)), (0, slice(0, 1, None), slice(4, 5, None))]
    """
    pieces, done, position = [], 0, first
    while done < size:
        tile, inside = divmod(position, length)
        step = min(length - inside, count - position, size - done)
        pieces.append((tile, slice(inside, inside + step), slice(done, done + step)))
        done += step
        position = (position + step) % count
    return pieces


@dataclass(frozen=True, kw_only=True)
class FieldsInStore(TrainingFields):
    """Fields of a training store that stay on the disk.

    The operating system keeps what was read in otherwise free memory, so that a store of the size of the
    memory is soon as fast as memory. ``chosen`` holds the positions of the wanted channels; None for all in
    order.
    """

    shards: ShardMaps
    chosen: Sequence[int] | None = None

    @property
    def gigabytes(self) -> float:
        """Memory taken by the values: none."""
        return 0.0

    @property
    def residence(self) -> str:
        """Where the values are stored, for messages."""
        return f"the store {self.shards.path}"

    def gather(
        self,
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        size: int,
        mirrored: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """Windows as they are stored, see :meth:`TrainingFields.gather`."""
        layout = self.shards.layout
        dtype = torch.float16 if layout.dtype == "float16" else torch.float32
        windows = empty_windows(len(times), size, layout.channels, dtype, self.device)
        self.shards.fill(as_bits(windows), times, rows, columns, mirrored)
        return windows if self.chosen is None else windows[..., list(self.chosen)]

    def normalize_in_place(self, normalization: SignedLogNormalization) -> "FieldsInStore":
        """The same fields, of which patches are normalised when they are cut; the store stays as it is."""
        return replace(self, normalization=normalization)

    def to(self, device: torch.device, *, resident: bool | None = None) -> "FieldsInStore":
        """The same fields, with patches for another device."""
        offsets = None if self.offsets is None else self.offsets.to(device)
        return replace(self, units=self.units.to(device), offsets=offsets, device=device)
