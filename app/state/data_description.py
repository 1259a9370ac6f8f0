"""Description of an open data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class DataDescription:
    """What an open data set offers to choose from."""

    key: str  # as in the catalogue of data sets
    label: str
    # datetime64[m], shape ``(time,)``, ascending; a single not-a-time where the data have no dates
    times: np.ndarray
    level: str  # the level that was opened; empty where it is unknown
    levels: tuple[str, ...]  # levels to choose among; empty where there is one or none
    simulated: bool  # whether these are simulated fields; the page always labels them
    is_global: bool  # whether all longitudes and both poles are covered
    extent: Any  # the area covered
    spacing_deg: float  # distance between neighbouring latitudes [degrees]
    shape: tuple[int, int]  # number of latitudes and longitudes
    summary: str  # one line: grid, steps, level, source
    notes: tuple[str, ...] = ()  # what was changed or noticed on opening
    stamp: str = ""  # changes when the files change

    @property
    def time_texts(self) -> list[str]:
        """Times as written in the address."""
        return [time_text(time) for time in self.times]


def time_text(time: np.datetime64) -> str:
    """Return a time to the minute, ``2001-01-05T03:00``; ``undated`` for data without dates."""
    return "undated" if np.isnat(time) else str(time.astype("datetime64[m]"))
