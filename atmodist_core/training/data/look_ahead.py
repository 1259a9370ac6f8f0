"""Batches that are made ready while the network still computes the ones before."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


class LookAhead(Generic[ResultT]):
    """A function of the step that threads compute for the next steps already.

    Batches are functions of the step alone (:class:`~atmodist_core.training.data.patches.PatchSampler`), so
    that neither the number of threads nor their order changes what a step gets.

    Examples
    --------
    >>> squares = LookAhead(lambda step: step**2, workers=2)
    >>> [squares(step) for step in (3, 4, 7)]
    [9, 16, 49]
    >>> squares.close()
    """

    def __init__(self, function: Callable[[int], ResultT], workers: int = 1) -> None:
        self._function = function
        self._steps = workers + 1
        self._pool = ThreadPoolExecutor(workers, "batch") if workers > 0 else None
        self._pending: dict[int, Future[ResultT]] = {}

    def __call__(self, step: int) -> ResultT:
        """The function's value at a step; those of the following steps are begun."""
        if self._pool is None:
            return self._function(step)
        wanted = range(step, step + self._steps + 1)
        for other in [other for other in self._pending if other not in wanted]:
            self._pending.pop(other).cancel()
        for other in wanted:
            if other not in self._pending:
                self._pending[other] = self._pool.submit(self._function, other)
        return self._pending.pop(step).result()

    def close(self) -> None:
        """Cancel what has not started and end the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pending.clear()
