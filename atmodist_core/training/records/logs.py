"""Output of a running training: curves as CSV, TensorBoard events, and a progress bar."""

import csv
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

CURVES_NAME = "curves.csv"
_SECONDS_BETWEEN_LINES = 60.0


class CurveLog:
    """Rows of numbers over the steps of a run, as CSV and (where installed) TensorBoard.

    ``step`` and ``epoch`` are added in front of the columns, and at the end ``seconds``: wall-clock time
    since the start of the run [s], without the time between a stop and its continuation. Rows after
    ``resume_step`` are dropped, as those steps are repeated.
    """

    def __init__(self, folder: Path, columns: list[str], resume_step: int | None = None) -> None:
        self.path = folder / CURVES_NAME
        self.columns = ["step", "epoch", *columns, "seconds"]
        kept = [] if resume_step is None else _rows_until(self.path, resume_step)
        self._started = time.monotonic() - _seconds_of(kept)
        self._file = self.path.open("w", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, self.columns, restval="", extrasaction="ignore")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._file.flush()
        self._board = _tensorboard(folder / "tensorboard", resume_step)

    def write(self, step: int, epoch: int, numbers: Mapping[str, float]) -> None:
        """Add a row (and TensorBoard scalars)."""
        known = {name: value for name, value in numbers.items() if name in self.columns}
        row: dict[str, Any] = {"step": step, "epoch": epoch, **{k: _rounded(v) for k, v in known.items()}}
        row["seconds"] = f"{time.monotonic() - self._started:.2f}"
        self._writer.writerow(row)
        self._file.flush()
        if self._board is not None:
            for name, value in known.items():
                group = "held out" if name.startswith("held_out_") else "training"
                self._board.add_scalar(f"{group}/{name.removeprefix('held_out_')}", value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _rounded(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _seconds_of(rows: list[dict[str, str]]) -> float:
    """Time that the rows took; zero for those of a version that did not write it."""
    seconds = (rows[-1].get("seconds") or "") if rows else ""
    return float(seconds) if seconds.replace(".", "", 1).isdigit() else 0.0


def _rows_until(path: Path, step: int) -> list[dict[str, str]]:
    """Whole rows up to a step; a line cut short by a kill is left out."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    return [row for row in rows if row.get("step", "").isdigit() and int(row["step"]) <= step]


def _tensorboard(folder: Path, resume_step: int | None) -> Any:
    """A TensorBoard writer, or None without the package: the CSV holds the same numbers."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=None if resume_step is None else resume_step + 1)


@contextmanager
def reading_progress(shown: bool) -> Iterator[Callable[[float, str], None] | None]:
    """A bar for the reading of fields, on terminals only; gives a function of fraction and message."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from tqdm import tqdm

    with tqdm(
        total=100, bar_format="{desc} {bar} {percentage:3.0f}% {remaining} left", dynamic_ncols=True
    ) as bar:

        def report(fraction: float, message: str) -> None:
            bar.set_description_str(message, refresh=False)
            bar.n = round(100 * fraction, 1)
            bar.refresh()

        yield report


class Progress:
    """A progress bar on a terminal, one line a minute elsewhere; silent unless ``shown``."""

    def __init__(
        self,
        total: int,
        done: int,
        samples_per_step: int,
        unit: str,
        *,
        shown: bool = True,
        stream: TextIO | None = None,
    ) -> None:
        self.total, self.done, self.samples, self.unit = total, done, samples_per_step, unit
        self.shown, self.stream = shown, stream or sys.stderr
        self._started, self._start_step = time.monotonic(), done
        self._last_line = self._started
        self._bar: Any = None
        if shown and self.stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=done, unit="step", dynamic_ncols=True, file=self.stream)

    @property
    def samples_per_second(self) -> float:
        """Speed since the start of this process (evaluations and checkpoints included)."""
        elapsed = time.monotonic() - self._started
        return (self.done - self._start_step) * self.samples / elapsed if elapsed > 0 else 0.0

    def advance(self) -> None:
        """One step more."""
        self.done += 1
        if self._bar is not None:
            self._bar.update(1)

    def show(self, numbers: Mapping[str, float], *, always: bool = False) -> None:
        """Show the latest numbers."""
        if not self.shown:
            return
        text = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
        text += f", {self.samples_per_second:.0f} {self.unit}/s"
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
        elif always or time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            print(
                f"step {self.done} of {self.total}, {text}, {self._time_left()} left",
                file=self.stream,
                flush=True,
            )

    def say(self, sentence: str) -> None:
        """Print a sentence without breaking the bar."""
        if not self.shown:
            return
        if self._bar is not None:
            self._bar.write(sentence, file=self.stream)
        else:
            print(sentence, file=self.stream, flush=True)

    def _time_left(self) -> str:
        done = self.done - self._start_step
        if done == 0:
            return "unknown time"
        seconds = (time.monotonic() - self._started) / done * (self.total - self.done)
        hours, rest = divmod(round(seconds), 3600)
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()
