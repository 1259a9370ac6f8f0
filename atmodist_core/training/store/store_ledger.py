"""Progress of a training store that is being written."""

from pathlib import Path

import numpy as np
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.common.tensor_files import (
    DamagedFileError,
    previous_path,
    read_newest_intact,
    write_tensors,
)
from atmodist_core.training.store.store_jobs import ShardResult
from atmodist_core.training.store.value_histogram import BINS, ValueHistogram

LEDGER_NAME = "progress.safetensors"


class Ledger:
    """Which shards are written, and the count of the values in them, in one verified file.

    A shard enters after its file is in place. A kill between the two costs that shard's work again, and never
    counts it twice. Counts are whole numbers, so that their sum does not depend on the order.
    """

    def __init__(self, path: Path, shards: int, channels: int) -> None:
        self.path = path
        self.done = np.zeros(shards, dtype=np.uint8)
        self.histogram = ValueHistogram(channels)
        try:
            found, _ = read_newest_intact(path)
            done, counts = found["done"].numpy(), found["counts"].numpy()
        except FileNotFoundError:
            return
        except (DamagedFileError, KeyError) as error:
            raise UserError(
                f"Expected the progress of this store in {path}, found a damaged file ({error}); remove the"
                " store and start again."
            ) from error
        if done.shape != (shards,) or counts.shape != (channels, BINS):
            raise UserError(
                f"Expected the progress of a store of {shards} shards in {path}, found that of another; remove"
                " the store and start again."
            )
        self.done, self.histogram = done, ValueHistogram(channels, counts)

    def enter(self, result: ShardResult) -> None:
        """Note a written shard."""
        if self.done[result.number]:
            raise AssertionError(f"shard {result.number} was written twice")
        for counts, bins, more in zip(self.histogram.counts, result.bins, result.counts, strict=True):
            counts[bins] += more
        self.done[result.number] = 1
        write_tensors(
            self.path,
            {"done": torch.from_numpy(self.done), "counts": torch.from_numpy(self.histogram.counts)},
            {},
        )


def remove_ledger(path: Path) -> None:
    """Remove the files of a ledger; the store is complete."""
    path.unlink(missing_ok=True)
    previous_path(path).unlink(missing_ok=True)
