"""The distance network's own task on the times of a data set, streamed into a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.evaluation.lags.lag_pairs import LagPairs
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.run.member_run import FLUSH_SECONDS, LearnedDistance, Selection, Stores
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.evaluation.store.statistics_store import StatisticsStore, block_name, identity_hash

LAG = "lag"
_PAIRS_LOCK = threading.Lock()


class LagRun:
    """Predicted lags for pairs of patches at every time: computes what is missing in the store of one data set.

    Pairs extend beyond the period as far as the data do; the earlier times are those of all groups but the cities. Raises
    ``UserError`` if the data cannot be cut into pairs for this network.
    """

    def __init__(
        self,
        data: EvaluationData,
        stores: Stores,
        distance: LearnedDistance,
        selection: Selection,
        plan: EvaluationPlan,
    ) -> None:
        self.data = data
        self._pairs = LagPairs(distance.network, data.whole[data.names], pairs=plan.lag_pairs, seed=plan.seed)
        self.lags = self._pairs.lags
        about: dict[str, Any] = {"distance": distance.identity, **self._pairs.identity}
        name = f"{LAG}-{identity_hash(about)}"
        identity = {**data.identity, "group": LAG, **about}
        self.store = StatisticsStore(stores.folder / name, identity)
        self.times = self._pairs.times_with_pairs(selection.times(data, LAG))
        self._missing = self.times[self.store.missing(self.times)]

    def missing_times(self) -> np.ndarray:
        """Times still to be done, in their order."""
        return self._missing

    def table(self) -> xr.Dataset:
        """Return all pairs of the period, over ``(time, pair)``; without times where the period has none."""
        return self.store.load(self.times) if self.times.size else self._pairs.labelled([], [])

    def __call__(
        self, progress: Callable[[int], None] | None = None, times: np.ndarray | None = None
    ) -> None:
        """Compute and store pairs, as :class:`MemberRun` does its statistics."""
        wanted = self._missing if times is None else times
        done: list[tuple[np.datetime64, dict[str, np.ndarray]]] = []
        last_flush = time.monotonic()
        try:
            for moment in wanted:
                if done and (
                    time.monotonic() - last_flush > FLUSH_SECONDS
                    or block_name(np.array([moment]))[0] != block_name(np.array([done[-1][0]]))[0]
                ):
                    self._flush(done)
                    last_flush = time.monotonic()
                with _PAIRS_LOCK:  # it reads fields, and remembers them for the next times
                    found = self._pairs(moment)
                done.append((moment, found))
                if progress is not None:
                    progress(1)
        finally:
            self._flush(done)

    def _flush(self, done: list[tuple[np.datetime64, dict[str, np.ndarray]]]) -> None:
        if not done:
            return
        times = np.array([moment for moment, _ in done], dtype="datetime64[ns]")
        self.store.add(self._pairs.labelled(times, [arrays for _, arrays in done]))
        done.clear()
