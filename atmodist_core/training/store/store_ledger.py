"""What is done of a training store while it is being written."""

import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from atmodist_core.common.errors import UserError
from atmodist_core.training.store.store_jobs import ShardResult
from atmodist_core.training.store.value_histogram import BINS, ValueHistogram

LEDGER_NAME = "progress.safetensors"


class Ledger:
    """Which shards are written, and the count of the values in them; one file, replaced in one move.

    A shard enters after its file is in place. A kill between the two costs that shard's work again, and never
    counts it twice. Counts are whole numbers, so that their sum does not depend on the order.

    Parameters
    ----------
    path
        File.
    shards, channels
        Sizes of a new one.
    """

    def __init__(self, path: Path, shards: int, channels: int) -> None:
        self.path = path
        self.done = np.zeros(shards, dtype=np.uint8)
        self.histogram = ValueHistogram(channels)
        if not path.exists():
            return
        try:
            found = load_file(path)
            fits = found["done"].shape == (shards,) and found["counts"].shape == (channels, BINS)
        except (SafetensorError, KeyError, OSError):
            fits = False
        if not fits:
            raise UserError(
                f"Expected the progress of this store in {path}, found a file that does not fit; remove the"
                " store and begin again."
            )
        self.done = found["done"].copy()
        self.histogram = ValueHistogram(channels, found["counts"].copy())

    def enter(self, result: ShardResult) -> None:
        """Note a written shard."""
        if self.done[result.number]:
            raise AssertionError(f"shard {result.number} was written twice")
        for counts, bins, more in zip(self.histogram.counts, result.bins, result.counts, strict=True):
            counts[bins] += more
        self.done[result.number] = 1
        partial = self.path.with_suffix(".partial")
        save_file({"done": self.done, "counts": self.histogram.counts}, partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, self.path)

    def remove(self) -> None:
        """The store is complete."""
        self.path.unlink(missing_ok=True)
