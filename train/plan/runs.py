"""An experiment of a plan on this machine: command, folders, progress."""

import contextlib
import csv
import dataclasses
import fnmatch
import functools
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import try_lock
from train import _cli
from train.plan.experiment import Experiment, Plan

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK_NAME, LOG_NAME, FAILURE_NAME = "experiment.lock", "output.log", "failure.txt"

State = Literal["done", "running", "stopped", "failed", "missing", "other settings"]


@dataclass(frozen=True)
class Place:
    """Where and with what the experiments of a plan run."""

    out: Path  # folder of all runs; the models go to out/models
    hardware: str = "cpu"  # name of the plan's settings for this kind of machine
    budget_scale: float = 1.0  # factor of the steps in an epoch
    settings: Mapping[str, Any] = field(default_factory=dict)  # of this machine: data, device, threads
    # name of an experiment to the model that takes its place
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """An experiment on this machine."""

    experiment: Experiment
    arguments: tuple[str, ...]  # flags of its command, without --resume
    needs: tuple[str, ...]  # experiments whose models it takes
    folder: Path  # of the run
    model: Path

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.experiment.name

    @property
    def script(self) -> str:
        """The command, relative to the checkout."""
        return "train/ensemble.py" if self.is_flow else f"train/{self.experiment.command}.py"

    @property
    def is_flow(self) -> bool:
        """Whether the command has the flag ``--flow``."""
        return self.experiment.command == "flow"

    @property
    def begun(self) -> bool:
        """Whether a run has started."""
        return (self.folder / "config.json").is_file()

    @property
    def _flow(self) -> list[str]:
        return ["--flow"] if self.is_flow else []

    def shell_line(self) -> str:
        """Return the equivalent shell command."""
        return shlex.join(["python", self.script, *self._flow, *self.arguments])

    def process_arguments(self) -> list[str]:
        """Return the command line of the process; a started run is resumed."""
        return [
            *(sys.executable, str(REPOSITORY / self.script)),
            *(*self._flow, *self.arguments),
            *(["--resume"] if self.begun else []),
        ]

    @functools.cached_property
    def config(self) -> Any:
        """The settings that the command will have; a UserError where the plan does not fit the command."""
        kind, presets = _kinds()[self.experiment.command]
        try:
            return _cli.parse(kind, presets, self.arguments, self.script)
        except UserError as error:
            raise UserError(f"Experiment {self.name}: {error}") from None

    def samples(self) -> tuple[int, str]:
        """Budget: pairs or patches that the optimiser sees, and which of them."""
        c = self.config
        if self.experiment.command == "gan":
            epochs = c.epochs + c.final_epochs + (0 if c.start_from else c.pretraining_epochs)
            return epochs * c.batches_per_epoch * c.batch_size, "patches"
        subset = min(getattr(c, "subset_epochs", 0), c.epochs)
        steps = (c.epochs - subset) * c.batches_per_epoch + subset * getattr(c, "subset_batches", 0)
        return steps * c.batch_size, "pairs" if self.experiment.command == "distance" else "patches"


@functools.cache
def _kinds() -> dict[str, tuple[Any, Mapping[str, Any]]]:
    from atmodist_core.training import configuration as c

    return {
        "distance": (c.DistanceConfig, c.DISTANCE_PRESETS),
        "autoencoder": (c.AutoencoderConfig, c.AUTOENCODER_PRESETS),
        "gan": (c.GanConfig, c.GAN_PRESETS),
        "ensemble": (c.EnsembleConfig, c.ENSEMBLE_PRESETS),
        "flow": (c.FlowMatchingConfig, c.FLOW_PRESETS),
    }


def jobs_of(plan: Plan, place: Place) -> list[Job]:
    """All experiments of a plan on this machine, each after those it needs, or a UserError."""
    by_name = {experiment.name: experiment for experiment in plan.experiments}
    if len(by_name) < len(plan.experiments):
        raise UserError("Expected experiments of different names in the plan, found two of one name.")
    for name in place.given:
        if name not in by_name:
            raise UserError(
                f"Expected --given of an experiment of the plan ({', '.join(by_name)}), found {name!r}."
            )
    ordered: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise UserError(
                f"Expected a plan without circles, found {' needs '.join([*path, name])}; mend the plan."
            )
        if name not in by_name:
            raise UserError(
                f"Expected the experiments {', '.join(by_name)}, found that {path[-1]} needs {name!r}."
            )
        if name not in ordered:
            for needed in by_name[name].needs.values():
                visit(needed, (*path, name))
            ordered.append(name)

    for name in by_name:
        visit(name, ())
    return [_job(plan, by_name[name], place) for name in ordered if name not in place.given]


def _job(plan: Plan, experiment: Experiment, place: Place) -> Job:
    command = experiment.command
    folder, model = place.out / experiment.name, place.out / "models" / experiment.name
    settings: dict[str, Any] = {
        **plan.common.get(command, {}),
        **plan.hardware.get(place.hardware, {}).get(command, {}),
        **experiment.settings,
    }
    if place.budget_scale != 1.0:
        # The steps of an epoch, not the epochs: small numbers of epochs would be rounded to unequal budgets.
        preset = _kinds()[command][1][plan.preset]
        steps = settings.get("batches_per_epoch", preset.batches_per_epoch)
        settings["batches_per_epoch"] = max(1, round(steps * place.budget_scale))
    settings |= {
        name: place.given.get(needed, str(place.out / "models" / needed))
        for name, needed in experiment.needs.items()
    }
    settings |= place.settings
    settings |= {"seed": experiment.seed, "out": str(folder), "export": str(model)}
    arguments = ["--preset", plan.preset]
    for name, value in settings.items():
        arguments += _flag(name, value)
    needs = tuple(needed for needed in experiment.needs.values() if needed not in place.given)
    return Job(experiment, tuple(arguments), needs, folder, model)


def _flag(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if isinstance(value, (tuple, list)):
        return [f"--{flag}", *map(str, value)]
    return [f"--{flag}", str(value)]


def chosen(jobs: Sequence[Job], only: Sequence[str], optional: bool) -> list[Job]:
    """The jobs of these names or patterns (``srgan-*``; all without them) and those they need, in order."""
    by_name = {job.name: job for job in jobs}
    for pattern in only:
        if not fnmatch.filter(by_name, pattern):
            raise UserError(f"Expected --only to name {', '.join(by_name)}, found {pattern!r}.")
    wanted: set[str] = set()

    def take(name: str) -> None:
        wanted.add(name)
        for needed in by_name[name].needs:
            take(needed)

    for job in jobs:
        named = any(fnmatch.fnmatch(job.name, pattern) for pattern in only)
        if named or (not only and (optional or not job.experiment.optional)):
            take(job.name)
    return [job for job in jobs if job.name in wanted]


@dataclass(frozen=True)
class Progress:
    """Progress of an experiment."""

    state: State
    detail: str = ""  # why it failed, or which settings differ
    seconds: float | None = None  # wall-clock time of the run so far [s]


def progress_of(job: Job) -> Progress:
    """Return the progress of a job from its folders."""
    from atmodist_core.training.configuration import differences, from_dict, to_dict

    config_path = job.folder / "config.json"
    seconds = _seconds(job.folder / "curves.csv")
    if is_locked(job.folder):
        return Progress("running", "", seconds)
    # The curves are copied beside the card last of all.
    finished = all((job.model / name).is_file() for name in ("model.safetensors", "card.json", "curves.csv"))
    if config_path.is_file():
        try:
            former = json.loads(config_path.read_text(encoding="utf-8"))
            former.pop("kind", None)
            changed = differences(to_dict(from_dict(type(job.config), former)), to_dict(job.config))
        except (UserError, json.JSONDecodeError) as error:
            return Progress("other settings", f"its config.json cannot be used: {error}", seconds)
        if changed:
            return Progress("other settings", ", ".join(changed), seconds)
        if finished:
            return Progress("done", "", seconds)
    failure = job.folder / FAILURE_NAME
    if failure.is_file():
        return Progress("failed", failure.read_text(encoding="utf-8").strip(), seconds)
    return Progress("stopped" if config_path.is_file() else "missing", "", seconds)


def _seconds(curves: Path) -> float | None:
    if not curves.is_file():
        return None
    with curves.open(newline="", encoding="utf-8") as file:
        cells = [row.get("seconds") or "" for row in csv.DictReader(file)]
    numbers = [cell for cell in cells if cell.replace(".", "", 1).isdigit()]
    return float(numbers[-1]) if numbers else None


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[int | None]:
    """Hold a run's lock; gives its file descriptor, or None when another process holds it.

    A process that inherits the descriptor keeps the lock: a training that outlives a killed
    train/experiments.py is still seen to run.
    """
    handle = try_lock(folder / LOCK_NAME)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether a training writes to a folder now."""
    if not (folder / LOCK_NAME).is_file():
        return False
    with lock(folder) as handle:
        return handle is None


def card_scores(job: Job) -> dict[str, float]:
    """Held-out scores on the card of a finished model."""
    try:
        scores = json.loads((job.model / "card.json").read_text(encoding="utf-8"))["scores"]
    except (OSError, json.JSONDecodeError, KeyError):
        return {}
    return {k: v for k, v in scores.items() if k.startswith("held_out_") and "bicubic" not in k}


def place_settings(command: Any, names: Sequence[str]) -> dict[str, Any]:
    """Those of a command's fields that were given, as settings of the trainings."""
    values = {name: getattr(command, name) for name in names}
    defaults = {entry.name: entry.default for entry in dataclasses.fields(command)}
    return {
        name: tuple(map(str, value)) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value != defaults[name]
    }
