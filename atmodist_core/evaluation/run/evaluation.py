"""Running a plan: blocks of eight days are computed in threads or on a Dask cluster.

Memory of one worker, whatever the length of the period: one time of the truth and one result, each with sums over its
coarse cells, the truth also with its windowed means, and the statistics of the current block. Blocks end at the same
dates for everyone, so a run that was interrupted, resumed, extended or merged writes the same files as an uninterrupted
run.
"""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.common.jobs import results_of
from atmodist_core.evaluation.lags.lag_run import LagRun
from atmodist_core.evaluation.run.data import EvaluationData, open_evaluation_data, require_one_grid
from atmodist_core.evaluation.run.member_run import MemberRun, Selection
from atmodist_core.evaluation.run.models import (
    EvaluatedModel,
    evaluated_fields,
    learned_distance,
    load_models,
    truncated_model,
)
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.evaluation.statistics.learned_distance import LearnedDistance
from atmodist_core.evaluation.store.statistics_store import block_name

Progress = Callable[[int], None]
"""Called with the number of downscaled fields just done."""


class Stopped(Exception):  # noqa: N818 - not an error
    """The run was asked to stop; all results so far are written."""


@dataclass(frozen=True)
class PreparedEvaluation:
    """Models and data of a plan, opened: a run and, with pairs, a lag run for each member.

    ``notes`` names parts that are left out, and why.
    """

    runs: list[MemberRun]
    models: list[EvaluatedModel]
    selection: Selection
    distance: LearnedDistance | None = None
    lag_runs: list[LagRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> list[EvaluationData]:
        """Data of every member."""
        return [run.data for run in self.runs]

    @property
    def labels(self) -> list[str]:
        """Labels of the models."""
        return [model.label for model in self.models]

    @property
    def todo(self) -> int:
        """Downscaled fields, and times with pairs, still to compute."""
        return sum(run.todo for run in self.runs) + sum(run.missing_times().size for run in self.lag_runs)


def prepare_evaluation(plan: EvaluationPlan) -> PreparedEvaluation:
    """Open the data and load the models of a plan.

    Raises ``UserError`` if they cannot be opened or do not belong together, or a store holds other statistics.
    """
    from atmodist_core.fields.grid.geography import cities

    models = load_models(
        plan.models,
        precision=plan.precision,
        device=plan.device,
        factor=plan.factor,
        members=plan.members,
        seed=plan.member_seed,
    )
    factor = models[0].downscaler.factor
    distance = None
    if plan.distance != "none":
        distance = learned_distance(
            plan.distance, layers=plan.distance_layers, precision=plan.precision, device=plan.device
        )
    fields = evaluated_fields(plan.fields, models, distance)
    data = [
        open_evaluation_data(
            source, factor=factor, period=period, level=plan.level, fields=fields, region=plan.region
        )
        for source, period in zip(plan.data, plan.periods, strict=True)
    ]
    require_one_grid(data)
    notes = []
    if plan.truncate:
        models = [truncated_model(model, data[0].template.attrs) for model in models]
        notes.append("Results are truncated at the truncation of the data.")
    selection = Selection(plan.every_hours, plan.cities_every_hours)
    runs = [
        MemberRun(
            member,
            models,
            plan.out,
            selection,
            cities(),
            distance,
            series=plan.series,
            maps=plan.maps,
            latitude_edges=plan.latitude_edges,
            ensemble=plan.members > 0,
        )
        for member in data
    ]
    notes += runs[0].notes
    lag_runs: list[LagRun] = []
    if distance is not None and plan.lag_pairs:
        try:
            lag_runs = [LagRun(run.data, run.stores, distance, selection, plan) for run in runs]
        except UserError as error:
            # The downscalers can be evaluated all the same.
            notes.append(f"The distance network itself was not evaluated on these data: {error}")
    return PreparedEvaluation(runs, models, selection, distance, lag_runs, notes)


@dataclass(frozen=True)
class BlockJob:
    """One block of eight days, named by its first date, of one member (number of the data set in the plan).

    ``run`` identifies this run among those of the same plan: missing times are looked up once per run.
    """

    plan: EvaluationPlan
    run: str
    member: int
    block: str


_prepared: dict[str, PreparedEvaluation] = {}
_preparing = threading.Lock()


def _prepared_here(job: BlockJob) -> PreparedEvaluation:
    """The opened plan of a job, once per process."""
    with _preparing:
        if job.run not in _prepared:
            if job.plan.torch_threads:
                import torch

                torch.set_num_threads(job.plan.torch_threads)
            _prepared.clear()
            _prepared[job.run] = prepare_evaluation(job.plan)
        return _prepared[job.run]


def evaluate_block(
    job: BlockJob, progress: Progress | None = None, stop: Callable[[], bool] = lambda: False
) -> BlockJob | None:
    """Compute and store the missing statistics of a block; return the job, or None if it was stopped.

    ``progress`` and ``stop`` are called after every time; True ends the block after everything computed is written.
    """
    prepared = _prepared_here(job)

    def report(done: int) -> None:
        if progress is not None:
            progress(done)
        if stop():
            raise Stopped

    try:
        for runs in (prepared.runs, prepared.lag_runs):
            if runs:
                run = runs[job.member]
                times = run.missing_times()
                run(report, times[block_name(times) == job.block])
    except Stopped:
        return None
    return job


def evaluate(
    plan: EvaluationPlan,
    *,
    scheduler: str = "threads",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> PreparedEvaluation | None:
    """Compute and store all missing statistics of a plan; return it opened, or None if stopped.

    Parameters
    ----------
    plan : EvaluationPlan
    scheduler, workers
        As for :func:`atmodist_core.common.jobs.results_of`. With threads all share one copy of the networks.
    progress : callable, optional
        Called with the number of fields done and of all fields.
    stop : callable
        Called from time to time; True ends the run after everything computed is written.

    Raises
    ------
    UserError
        If the plan cannot be run, or no scheduler answers.
    """
    token = uuid.uuid4().hex
    prepared = _prepared_here(BlockJob(plan, token, 0, ""))
    counter = _Counter(prepared.todo, progress)
    here = scheduler == "threads"
    work = functools.partial(evaluate_block, progress=counter, stop=stop) if here else evaluate_block
    fields = {(job.member, job.block): n for job, n in _jobs(plan, token, prepared)}
    stopped = False
    try:
        for done in results_of(
            work,
            (job for job, _ in _jobs(plan, token, prepared)),
            scheduler=scheduler,
            workers=workers,
            stop=stop,
        ):
            if done is None:
                stopped = True
                continue
            if not here:
                counter(fields[done.member, done.block])
        # Only now: while blocks are computed, their parts must not change.
        for run in prepared.runs:
            run.fold()
    finally:
        _prepared.pop(token, None)
    return None if stopped or (stop() and counter.left) else prepared


def _jobs(plan: EvaluationPlan, token: str, prepared: PreparedEvaluation) -> Iterator[tuple[BlockJob, int]]:
    """Blocks with missing statistics, and the number of their missing fields."""
    for member, run in enumerate(prepared.runs):
        lacking: dict[str, int] = {}
        for moment in run.missing_times():
            name = str(block_name(np.array([moment]))[0])
            lacking[name] = lacking.get(name, 0) + run.todo_at(moment)
        for lag_run in prepared.lag_runs[member : member + 1]:
            for name in map(str, block_name(lag_run.missing_times())):
                lacking[name] = lacking.get(name, 0) + 1
        for name in sorted(lacking):
            yield BlockJob(plan, token, member, name), lacking[name]


class _Counter:
    """Counts the fields done in all threads."""

    def __init__(self, total: int, report: Callable[[int, int], None] | None) -> None:
        self._total, self._report, self._done = total, report, 0
        self._lock = threading.Lock()
        if report is not None:
            report(0, total)

    def __call__(self, done: int) -> None:
        with self._lock:
            self._done += done
            if self._report is not None:
                self._report(self._done, self._total)

    @property
    def left(self) -> int:
        """Number of fields still to do."""
        return self._total - self._done
