"""Which times of a period are used: by the calendar, so that pieces of a period use the times that the whole uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.run.member_run import CITIES, Selection


@dataclass(frozen=True)
class CalendarSelection(Selection):
    """Times whose hours since 1970 are a multiple of a step.

    Parameters
    ----------
    every_hours : int
        Step [h] for all measures but those at cities; 0 uses every time.
    cities_every_hours : int
        Step [h] for the values at cities; 0 uses every time, -1 none.
    """

    every_hours: int = 0
    cities_every_hours: int = 0

    def times(self, data: EvaluationData, group: str) -> np.ndarray:
        """Times of a group of statistics."""
        step = self.cities_every_hours if group == CITIES else self.every_hours
        if step < 0:
            return data.times[:0]
        if step == 0:
            return data.times
        seconds = data.times.astype("datetime64[s]").astype(np.int64)
        return data.times[seconds % (3600 * step) == 0]
