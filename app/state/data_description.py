"""Description of an open data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class DataDescription:
    """What an open data set offers to choose from.

    Attributes
    ----------
    key, label : str
        As in :class:`app.compute.catalogue.Source`.
    times : numpy.ndarray
        datetime64[m], shape ``(time,)``, ascending; a single not-a-time where the data have no dates.
    level : str
        The level that was opened; empty where it is unknown.
    levels : tuple of str
        Levels to choose among; empty where there is one or none.
    simulated : bool
        Whether these are simulated fields; the page always labels them.
    is_global : bool
        Whether all longitudes and both poles are covered.
    extent : Region
        The area covered.
    spacing_deg : float
        Distance between neighbouring latitudes [degrees].
    shape : tuple of int
        Number of latitudes and longitudes.
    summary : str
        One line: grid, steps, level, source.
    notes : tuple of str
        What was changed or noticed on opening.
    stamp : str
        Changes when the files change.
    """

    key: str
    label: str
    times: np.ndarray
    level: str
    levels: tuple[str, ...]
    simulated: bool
    is_global: bool
    extent: Any
    spacing_deg: float
    shape: tuple[int, int]
    summary: str
    notes: tuple[str, ...] = ()
    stamp: str = ""

    @property
    def time_texts(self) -> list[str]:
        """Times as written in the address."""
        return [time_text(time) for time in self.times]


def time_text(time: np.datetime64) -> str:
    """Return a time to the minute, ``2001-01-05T03:00``; ``undated`` for data without dates."""
    return "undated" if np.isnat(time) else str(time.astype("datetime64[m]"))
