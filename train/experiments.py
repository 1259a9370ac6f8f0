"""Run the missing trainings of docs/models.md and docs/experiments.md.

python train/experiments.py --data DIR [DIR ...] --out runs/experiments [--plan demo|smoke] [--only NAME ...]
    [--jobs N] [--list | --print | --tables]
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli
from train.plan.experiment_plan import PLANS
from train.plan.queue import Queue, clock, evaluate
from train.plan.runs import Job, Place, card_scores, chosen, jobs_of, place_settings, progress_of
from train.plan.tables import score_table


@dataclasses.dataclass(frozen=True)
class ExperimentsCommand:
    """Experiments to run, their folders and data."""

    preset: Literal["cpu", "gpu"] = "cpu"
    """Kind of machine: the batch sizes that suit it."""
    plan: str = "demo"
    """Plan in train/plan/experiment_plan.py: demo (what ships), rivals (competing losses, pretext tasks, 8x and
    16x), rivals-short (the same with a few minutes each) or smoke (minutes, on synthetic fields, a test only)."""
    only: tuple[str, ...] = ()
    """Names or patterns ('srgan-*') of experiments; those they need are run too."""
    optional: bool = False
    """Also those that the plan marks optional."""
    given: tuple[str, ...] = ()
    """Models to take instead of training them, as experiment=model, e.g. atmodist-23=assets/models/atmodist-23."""
    list: bool = False
    """Show the state of every experiment and run nothing."""
    print: bool = False
    """Print the equivalent shell commands and run nothing."""
    tables: bool = False
    """Print one table of the finished models, with scores and cost, and run nothing."""
    out: Path = Path("runs/experiments")
    """Folder of the runs; the models are written to its folder models."""
    data: tuple[Path, ...] = ()
    """Fields to train on, as for the trainings."""
    validation: tuple[Path, ...] = ()
    """Held-out members, as for the trainings."""
    validation_fraction: float | None = None
    """Held-out share of each member, as for the trainings."""
    gap_hours: float | None = None
    """Hours left unused before the held-out part, as for the trainings."""
    device: str | None = None
    """Where to compute, as for the trainings."""
    precision: str | None = None
    """Precision, as for the trainings."""
    threads: int | None = None
    """CPU threads of each training."""
    jobs: int = 1
    """Trainings at once."""
    budget_scale: float = 1.0
    """Factor of the steps of every epoch: all budgets shrink or grow alike, and equal ones stay equal."""
    evaluate: bool = False
    """Afterwards, evaluate all finished generators with train/evaluate.py."""
    evaluate_data: tuple[str, ...] = ()
    """Held-out weather for the evaluation."""
    evaluate_every_hours: int = 0
    """Use times of it that are a multiple of so many hours; 0 for all."""


_REFERENCE = "srgan-4x-mse"

_OF_THE_MACHINE = (
    *("data", "validation", "validation_fraction", "gap_hours"),
    *("device", "precision", "threads"),
)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    presets = {"cpu": ExperimentsCommand(), "gpu": ExperimentsCommand(preset="gpu")}
    command = _cli.parse(ExperimentsCommand, presets, arguments, "python train/experiments.py")
    jobs = _jobs(command)
    if command.print:
        print("\n".join(job.shell_line() for job in jobs))
        return _cli.EXIT_OK
    if command.list:
        print(overview(jobs))
        return _cli.EXIT_OK
    if command.tables:
        evaluated = command.out / "evaluation" / "evaluation.json"
        print(score_table(jobs, evaluated if evaluated.is_file() else None))
        return _cli.EXIT_OK
    if not command.data and command.plan != "smoke":
        raise UserError("Expected at least one folder of fields after --data, found none.")
    if command.evaluate and not command.evaluate_data:
        raise UserError("Expected --evaluate-data with held-out weather, found none; name it.")
    queue = Queue(jobs, command.jobs, say=lambda sentence: print(sentence, flush=True))
    finished = queue.run()
    table = summary(jobs, queue.failed)
    (command.out / "summary.md").write_text(table + "\n", encoding="utf-8")
    print(f"\n{table}")
    if not finished:
        print("Stopped; the same command continues.", file=sys.stderr)
        return _cli.EXIT_INTERRUPTED
    code = _cli.EXIT_USER_ERROR if queue.failed else _cli.EXIT_OK
    if command.evaluate:
        code = evaluate(evaluate_arguments(command, jobs)) or code
    return code


def _jobs(command: ExperimentsCommand) -> list[Job]:
    """The jobs of a command, each with checked settings."""
    if command.plan not in PLANS:
        raise UserError(f"Expected --plan {', '.join(PLANS)}, found {command.plan!r}.")
    if command.jobs < 1:
        raise UserError(f"Expected --jobs of 1 or more, found {command.jobs}.")
    if not command.budget_scale > 0:
        raise UserError(f"Expected a positive --budget-scale, found {command.budget_scale}.")
    given = dict(entry.partition("=")[::2] for entry in command.given)
    if not all(given.values()):
        raise UserError(f"Expected --given experiment=model, found {' '.join(command.given)!r}.")
    settings = place_settings(command, _OF_THE_MACHINE)
    place = Place(command.out, command.preset, command.budget_scale, settings, given)
    jobs = chosen(jobs_of(PLANS[command.plan], place), command.only, command.optional)
    for job in jobs:
        _ = job.config  # a plan that a training would refuse fails before the first one begins
    return jobs


def overview(jobs: Sequence[Job]) -> str:
    """Table of the jobs: state, budget, what they need."""
    lines = ["| experiment | state | time | budget | needs | for |", "|---|---|---|---:|---|---|"]
    for job in jobs:
        progress = progress_of(job)
        samples, unit = job.samples()
        state = f"{progress.state}: {progress.detail}" if progress.detail else progress.state
        time = "" if progress.seconds is None else clock(progress.seconds)
        cells = (job.name, state, time, f"{samples:,} {unit}", ", ".join(job.needs), job.experiment.question)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(jobs: Sequence[Job], failed: dict[str, str]) -> str:
    """Return a table of the finished and failed jobs with the held-out scores of their cards."""
    lines = ["| experiment | state | time | held-out scores |", "|---|---|---|---|"]
    for job in jobs:
        progress = progress_of(job)
        scores = card_scores(job) if progress.state == "done" else {}
        shown = [
            f"{name.removeprefix('held_out_').replace('_', ' ')} {value:.4g}"
            for name, value in scores.items()
        ]
        detail = failed.get(job.name) or progress.detail
        state = progress.state if progress.state == "done" or not detail else f"{progress.state}: {detail}"
        time = "" if progress.seconds is None else clock(progress.seconds)
        lines.append(f"| {job.name} | {state} | {time} | {', '.join(shown)} |")
    return "\n".join(lines)


def evaluate_arguments(command: ExperimentsCommand, jobs: Sequence[Job]) -> list[str]:
    """Return flags for train/evaluate.py: bicubic and every finished generator; all but the MSE ones against the MSE GAN."""
    generators = [
        job
        for job in jobs
        if job.experiment.command in ("gan", "ensemble", "flow") and progress_of(job).state == "done"
    ]
    candidates = [job.name for job in generators if job.experiment.settings.get("content") != "mse"]
    return [
        *("--data", *command.evaluate_data, "--every-hours", str(command.evaluate_every_hours)),
        *("--models", "bicubic", *(f"{job.name}={job.model}" for job in generators)),
        *(("--candidates", *candidates, "--reference", _REFERENCE) if candidates else ("--no-targets",)),
        *("--out", str(command.out / "evaluation")),
    ]


if __name__ == "__main__":
    _cli.run(main)
