"""Run independent jobs: in threads, in processes, or on a Dask cluster."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from multiprocessing import get_context
from typing import Any, TypeVar

from atmodist_core.common.errors import UserError

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
_CONNECT_SECONDS = 30
_QUEUED_PER_WORKER = 2
"""Jobs submitted for every worker, so that none waits for the next."""


def results_of(
    work: Callable[[JobT], ResultT],
    jobs: Iterable[JobT],
    *,
    scheduler: str,
    workers: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[ResultT]:
    """Yield the results of jobs in the order in which they end.

    `work` is a function of a module, so that processes and clusters can import it; jobs are taken as they are needed,
    so that after a failure no more are submitted. The scheduler is ``threads``, ``processes``, or the address of a
    Dask scheduler, whose workers must have this package and see the same files. ``workers=0`` takes one for every
    processor or every thread of the cluster. `stop` is called before each submission; True ends the run when the
    submitted jobs are done.
    """
    if scheduler == "threads":
        count = workers or os.cpu_count() or 1
        with ThreadPoolExecutor(count, "job") as pool:
            yield from _as_completed(pool.submit, work, jobs, count, stop)
    elif scheduler == "processes":
        count = workers or os.cpu_count() or 1
        # Not forked: a fork copies the locks of threads that do not exist in the child.
        with ProcessPoolExecutor(count, get_context("spawn"), initializer=_one_thread) as pool:
            yield from _as_completed(pool.submit, work, jobs, count, stop)
    elif "://" in scheduler:
        yield from _on_cluster(work, jobs, scheduler, workers, stop)
    else:
        raise UserError(
            f"Expected --scheduler threads, processes or an address such as tcp://host:8786, found {scheduler!r}."
        )


def _one_thread() -> None:
    """A process for every processor leaves one thread for each."""
    import torch

    torch.set_num_threads(1)


def _as_completed(
    submit: Callable[..., Future[Any]],
    work: Callable[[JobT], ResultT],
    jobs: Iterable[JobT],
    workers: int,
    stop: Callable[[], bool],
) -> Iterator[ResultT]:
    waiting = iter(jobs)
    running: set[Future[Any]] = set()
    try:
        while True:
            while len(running) < _QUEUED_PER_WORKER * workers and not stop():
                job = next(waiting, None)
                if job is None:
                    break
                running.add(submit(work, job))
            if not running:
                return
            # Woken now and then, so that a signal is seen.
            done, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            if stop():
                for future in [future for future in running if future.cancel()]:
                    running.discard(future)
    finally:
        for future in running:
            future.cancel()


_alone_lock = threading.Lock()
_alone_count = 0
_alone_setting: Any = None


def _alone(work: Callable[[JobT], ResultT], job: JobT) -> ResultT:
    """Work in a thread of a Dask worker, with whatever lazy data it reads computed in that thread.

    Otherwise reading would hand tasks back to the cluster, and a job that waits for them while another one waits
    for its turn would wait for ever.
    """
    global _alone_count, _alone_setting
    import dask

    with _alone_lock:
        _alone_count += 1
        if _alone_count == 1:
            _alone_setting = dask.config.set(scheduler="synchronous")
    try:
        return work(job)
    finally:
        # The setting is one for all threads of the process: it is undone by the last.
        with _alone_lock:
            _alone_count -= 1
            if _alone_count == 0:
                _alone_setting.__exit__(None, None, None)


def _on_cluster(
    work: Callable[[JobT], ResultT],
    jobs: Iterable[JobT],
    address: str,
    workers: int,
    stop: Callable[[], bool],
) -> Iterator[ResultT]:
    try:
        from distributed import Client
        from distributed import wait as wait_for
    except ImportError as error:
        raise UserError(
            "A Dask cluster needs the package distributed, which is not installed; install it with: pip"
            " install distributed."
        ) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"Expected a Dask scheduler at {address}, found none that answers ({error}); check the address."
        ) from error
    with client:
        count = workers or sum(client.nthreads().values())
        if not count:
            raise UserError(f"Expected workers at the Dask scheduler {address}, found none; start some.")
        waiting = iter(jobs)
        running: set[Any] = set()
        try:
            while True:
                while len(running) < _QUEUED_PER_WORKER * count and not stop():
                    job = next(waiting, None)
                    if job is None:
                        break
                    # Not pure: the same job of an earlier, killed run must be done again, not remembered.
                    running.add(client.submit(_alone, work, job, pure=False))
                if not running:
                    return
                try:
                    state = wait_for(list(running), timeout=1.0, return_when=FIRST_COMPLETED)
                except TimeoutError:
                    continue
                for future in state.done:
                    running.discard(future)
                    yield future.result()
        finally:
            client.cancel(list(running))
