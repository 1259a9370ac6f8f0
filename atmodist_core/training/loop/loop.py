"""The loop that every training runs in: steps, curves, checkpoints, and an orderly end."""

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import UserError
from atmodist_core.training.configuration import RunConfig, differences, from_dict, to_dict
from atmodist_core.training.loop.checkpoints import (
    CHECKPOINT_NAME,
    has_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from atmodist_core.training.loop.distributed import (
    any_process,
    mean_over_processes,
    process_count,
    same_on_all_processes,
)
from atmodist_core.training.loop.trainer import Trainer
from atmodist_core.training.records.logs import CurveLog, Progress
from atmodist_core.training.records.run_folder import write_environment
from atmodist_core.training.records.samples import draw_samples_if_due

CONFIG_NAME = "config.json"
_STEPS_BETWEEN_AGREEMENTS = 10


class StopRequest:
    """Notices SIGINT and SIGTERM, so that a step can be finished and saved; a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.name = ""

    def _handle(self, number: int, frame: Any) -> None:
        if self.name and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name

    @contextmanager
    def listening(self) -> Iterator["StopRequest"]:
        """Listen inside a ``with`` block; the former handlers come back afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield self  # Python delivers signals to the main thread only
            return
        former = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


class Averages:
    """Means of the numbers of several steps; reading them waits for the device, so it is done seldom."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.count = 0

    def add(self, numbers: Mapping[str, Tensor]) -> None:
        """Add the numbers of one step."""
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach().double()
        self.count += 1

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: float(total) / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"sums": {name: float(total) for name, total in self.sums.items()}, "count": self.count}

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.sums, self.count = dict(state["sums"]), int(state["count"])


def check_run_folder(config: Any) -> None:
    """Refuse a folder with another run, or, with ``--resume``, none or one of other settings."""
    run: RunConfig = config.run
    path = run.out / CONFIG_NAME
    if run.resume:
        if not path.is_file():
            raise UserError(
                f"Expected a run to resume in {run.out}, found no {CONFIG_NAME} there; check --out."
            )
        former = _read_json(path)
        kind = former.pop("kind", "")
        if kind != type(config).__name__:
            raise UserError(
                f"Expected a run of the same command in {run.out}, found settings of {kind or 'another'}; "
                "check --out."
            )
        # Read back through the dataclass: a setting that came after the run began had its default then.
        changed = differences(to_dict(from_dict(type(config), former)), to_dict(config))
        if changed:
            raise UserError(
                f"Expected the settings of the run in {run.out} for --resume, found {', '.join(changed)}; "
                "use the same ones or another --out."
            )
    elif has_checkpoint(run.out):
        raise UserError(
            f"Expected an unused folder for a new run, found the checkpoint of another in {run.out}; "
            "add --resume to continue or choose another --out."
        )


def write_run_config(config: Any) -> None:
    """Write the ``config.json`` of a run."""
    run: RunConfig = config.run
    values = to_dict(config) | {"kind": type(config).__name__}
    with replacing(run.out / CONFIG_NAME) as path:
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UserError(
            f"Expected the JSON settings of a run, found a broken file at {path}; restore it."
        ) from error
    return values


def run_training(trainer: Trainer, run: RunConfig) -> bool:
    """Train until the last step, an early stop, or a signal.

    True when all steps are done or the training ended itself early; False after SIGINT or SIGTERM (a
    checkpoint is then written).
    """
    checkpoint = run.out / CHECKPOINT_NAME
    done, averages = 0, Averages()
    if run.resume and has_checkpoint(run.out):  # a run killed before its first one starts over
        tensors, state = read_checkpoint(checkpoint)
        trainer.restore(tensors, state["trainer"])
        averages.load(state["averages"])
        done = int(state["step"])
    if not same_on_all_processes(done):
        raise UserError(
            f"Expected every process to see one checkpoint in {run.out}, found different ones; give an --out"
            " on a disk that all nodes share."
        )
    main = trainer.is_main_process
    if main:
        write_environment(run, trainer.hardware, done)
    log = CurveLog(run.out, trainer.columns, done) if main else None
    progress = Progress(
        trainer.total_steps, done, trainer.samples_per_step, trainer.unit, shown=run.progress and main
    )

    def save() -> None:
        if main:
            state = {"step": done, "averages": averages.state(), "trainer": trainer.state()}
            write_checkpoint(checkpoint, trainer.tensors(), state)

    saved_at, saved_step = time.monotonic(), done
    latest: dict[str, float] = {}
    over, stopping = done >= trainer.total_steps or trainer.stopped_early, False
    try:
        with StopRequest().listening() as stop:
            while not over and not stopping:
                averages.add(mean_over_processes(trainer.step(done)))
                epoch = trainer.epoch_of(done)
                done += 1
                progress.advance()
                row: dict[str, float] = {}
                if done % run.log_interval == 0 or done == trainer.total_steps:
                    row = averages.take()
                    _check_finite(row, done, run.out)
                    row["samples_per_second"] = progress.samples_per_second
                if done == trainer.total_steps or trainer.epoch_of(done) != epoch:
                    row |= trainer.end_epoch(done - 1)
                    over = done == trainer.total_steps or trainer.stopped_early
                    draw_samples_if_due(trainer, run, epoch, done, last=over)
                if row:
                    latest |= row
                    progress.show({k: latest[k] for k in trainer.shown if k in latest})
                    if log is not None:
                        log.write(done, epoch, row)
                if done % _STEPS_BETWEEN_AGREEMENTS == 0 or process_count() == 1:
                    stopping = any_process(bool(stop.name))  # all processes leave after the same step
                minutes = (time.monotonic() - saved_at) / 60.0
                due = run.checkpoint_minutes > 0 and minutes >= run.checkpoint_minutes
                due |= run.checkpoint_steps > 0 and done % run.checkpoint_steps == 0
                if due or stopping or over:
                    save()
                    saved_at, saved_step = time.monotonic(), done
        if saved_step != done:
            save()
        progress.show({k: latest[k] for k in trainer.shown if k in latest}, always=True)
        if stopping and not over:
            progress.say(
                f"Stopped by {stop.name or 'another process'} after step {done} of {trainer.total_steps}; a"
                f" checkpoint is in {run.out}, add --resume to continue."
            )
        elif done < trainer.total_steps:
            progress.say(f"The held-out loss no longer falls: ended after step {done}.")
    finally:
        progress.close()
        if log is not None:
            log.close()
    return over


def _check_finite(row: Mapping[str, float], step: int, folder: Path) -> None:
    bad = [name for name, value in row.items() if not torch.isfinite(torch.tensor(value))]
    if bad:
        raise UserError(
            f"Expected a finite {bad[0].replace('_', ' ')}, found it diverged before step {step} of the run"
            f" in {folder}; lower --learning-rate or use --precision float32."
        )
