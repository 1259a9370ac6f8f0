"""Write a training store from any source that open_fields reads, for fast random patches.

python train/prepare.py --data SOURCE [SOURCE ...] --out data/store [--resume] [--scheduler ADDRESS] [any field as a flag]
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli

_SECONDS_BETWEEN_LINES = 60.0


class PrepareProgress:
    """Progress in bytes: a bar on a terminal, one line a minute elsewhere.

    Parameters
    ----------
    shown
        Off: says nothing.
    """

    def __init__(self, shown: bool) -> None:
        self.shown = shown
        self._bar: Any = None
        self._began: tuple[float, int] | None = None
        self._last_line = time.monotonic()

    def __call__(self, shards: int, all_shards: int, written: int, total: int) -> None:
        """Show the progress; the first call passes that of earlier runs."""
        if not self.shown:
            return
        now = time.monotonic()
        if self._began is None:
            self._began = (now, written)
            if sys.stderr.isatty():
                from tqdm import tqdm

                self._bar = tqdm(total=total, initial=written, unit="B", unit_scale=True, dynamic_ncols=True)
        elif self._bar is not None:
            self._bar.update(written - self._bar.n)
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES or shards == all_shards:
            self._last_line = now
            began, before = self._began
            speed = max(written - before, 1) / max(now - began, 1e-6)
            hours, rest = divmod(round((total - written) / speed), 3600)
            print(
                f"shard {shards} of {all_shards}, {written / 1e9:.2f} of {total / 1e9:.2f} GB,"
                f" {speed / 1e6:.1f} MB/s, {hours}:{rest // 60:02d}:{rest % 60:02d} left",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.settings.prepare_configuration import PREPARE_PRESETS, PrepareConfig

    config = _cli.parse(PrepareConfig, PREPARE_PRESETS, arguments, "python train/prepare.py")
    from atmodist_core.training.store.store_writing import prepare_store

    stopping = _cli.stop_requests("Stopping when the shards being written are done")
    progress = PrepareProgress(config.progress)

    def say(sentence: str) -> None:
        if config.progress:
            print(sentence, file=sys.stderr, flush=True)

    complete = prepare_store(config, stop=stopping, report=progress, say=say)
    progress.close()
    if not complete:
        print(f"Stopped; {config.out} holds what was done, --resume continues.", file=sys.stderr)
        return _cli.EXIT_INTERRUPTED
    print(f"The training store is in {config.out}; train with --data {config.out}.")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
