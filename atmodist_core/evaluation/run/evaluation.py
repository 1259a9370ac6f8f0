"""Streaming through the times of a plan: blocks of eight days are worked on in threads or on a Dask cluster.

Memory of one worker, whatever the length of the period: one time of the truth and one result, each with sums over its
coarse cells, the truth also with its windowed means, and the statistics of the block in hand. Blocks end at the same dates
for everyone, so the stores of a run that was killed, resumed, extended or put together from pieces are the files of one
that ran through.
"""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.common.jobs import results_of
from atmodist_core.evaluation.period.lag_run import LagRun
from atmodist_core.evaluation.run.data import EvaluationData, open_evaluation_data, require_one_grid
from atmodist_core.evaluation.run.member_run import EvaluatedModel, LearnedDistance, MemberRun
from atmodist_core.evaluation.run.models import learned_distance, load_models
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.evaluation.run.selection import CalendarSelection
from atmodist_core.evaluation.statistics.moment_maps import MomentMaps
from atmodist_core.evaluation.statistics.similarity import SimilarityGroup
from atmodist_core.evaluation.store.statistics_store import block_name

Progress = Callable[[int], None]
"""Called with the number of downscaled fields just done."""


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """The run was asked to stop; what is computed is written."""


@dataclass(frozen=True)
class PreparedEvaluation:
    """Models and data of a plan, opened.

    Parameters
    ----------
    data : list of EvaluationData
        One for each member.
    models : list of EvaluatedModel
        In the order of the plan.
    distance : LearnedDistance or None
        Whose distances to the truth are reported.
    selection : CalendarSelection
        Which times serve what.
    runs : list of MemberRun
        One for each member: what is missing.
    lag_runs : list of LagRun
        One for each member; empty without pairs.
    notes : list of str
        What could not be done, and why.
    """

    data: list[EvaluationData]
    models: list[EvaluatedModel]
    distance: LearnedDistance | None
    selection: CalendarSelection
    runs: list[MemberRun]
    lag_runs: list[LagRun]
    notes: list[str]

    @property
    def todo(self) -> int:
        """Downscaled fields, and times with pairs, still to compute."""
        return sum(run.todo for run in self.runs) + sum(run.missing_times().size for run in self.lag_runs)


def prepare_evaluation(plan: EvaluationPlan) -> PreparedEvaluation:
    """Open the data and load the models of a plan.

    Raises
    ------
    UserError
        What is wrong with them; or a store in the plan's folder holds something else.
    """
    from atmodist_core.fields.grid.geography import cities

    models = load_models(plan.models, precision=plan.precision, device=plan.device, factor=plan.factor)
    factor = models[0].downscaler.factor
    data = [
        open_evaluation_data(source, factor=factor, period=plan.period, level=plan.level)
        for source in plan.data
    ]
    require_one_grid(data)
    distance = (
        None
        if plan.distance == "none"
        else learned_distance(plan.distance, precision=plan.precision, device=plan.device)
    )
    selection = CalendarSelection(every_hours=plan.every_hours, cities_every_hours=plan.cities_every_hours)
    runs = []
    for member in data:
        more = [
            *([MomentMaps(member)] if plan.maps else []),
            *([SimilarityGroup(member)] if plan.series else []),
        ]
        runs.append(MemberRun(member, models, plan.out, selection, cities(), distance, more))
    lag_runs: list[LagRun] = []
    notes = []
    if distance is not None and plan.lag_pairs:
        try:
            lag_runs = [
                LagRun(member, run.stores, distance, selection, plan)
                for member, run in zip(data, runs, strict=True)
            ]
        except UserError as error:
            # The downscalers can be judged all the same.
            notes.append(f"The distance network itself was not evaluated on these data: {error}")
    return PreparedEvaluation(data, models, distance, selection, runs, lag_runs, notes)


@dataclass(frozen=True)
class BlockJob:
    """One block of eight days of one member.

    Parameters
    ----------
    plan : EvaluationPlan
        What to do.
    run : str
        Tells this run from another of the same plan: what is missing is looked up once in each.
    member : int
        Place of the data set in the plan.
    block : str
        First date of the block.
    """

    plan: EvaluationPlan
    run: str
    member: int
    block: str


_prepared: dict[str, PreparedEvaluation] = {}
_preparing = threading.Lock()


def _prepared_here(job: BlockJob) -> PreparedEvaluation:
    """The opened plan of a job, once in each process."""
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
    """Compute and store what a block lacks.

    Parameters
    ----------
    job : BlockJob
        Which.
    progress : callable, optional
        Called after every time.
    stop : callable
        Asked after every time; True ends the block, with everything written that is done.

    Returns
    -------
    BlockJob or None
        The job; None if it was stopped.
    """
    prepared = _prepared_here(job)

    def tell(done: int) -> None:
        if progress is not None:
            progress(done)
        if stop():
            raise Stopped

    try:
        for runs in (prepared.runs, prepared.lag_runs):
            if runs:
                run = runs[job.member]
                times = run.missing_times()
                run(tell, times[block_name(times) == job.block])
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
    """Compute and store everything that a plan lacks.

    Parameters
    ----------
    plan : EvaluationPlan
        What to do.
    scheduler, workers
        As for :func:`atmodist_core.common.jobs.results_of`. With threads all share one copy of the networks.
    progress : callable, optional
        Called with the number of fields done and of all; the first call says how many there are.
    stop : callable
        Asked now and then; True ends the run early, with everything written that is done.

    Returns
    -------
    PreparedEvaluation or None
        The opened plan, whose stores are now complete; None if the run was stopped.

    Raises
    ------
    UserError
        What is wrong with the plan, or no scheduler answers.
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
        # Only now: while blocks are worked on, nobody else touches their pieces.
        fold_sums(prepared)
    finally:
        _prepared.pop(token, None)
    return None if stopped or (stop() and counter.left) else prepared


def fold_sums(prepared: PreparedEvaluation) -> None:
    """Add the pieces of all sums to their totals."""
    for run in prepared.runs:
        for group in run.groups:
            if group.summed:
                for model in [*run.models, None]:
                    run.stores.sums_of(model, group.name).fold()


def _jobs(plan: EvaluationPlan, token: str, prepared: PreparedEvaluation) -> Iterator[tuple[BlockJob, int]]:
    """Blocks that lack something, with the number of fields that they lack."""
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
    """Adds up what is done in all threads."""

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
        """What is still to do."""
        return self._total - self._done
