"""Which times of a period are compared with each other."""

from __future__ import annotations

from math import ceil

import numpy as np

MOST_TIMES = 240
MOST_VALUES = 60_000_000
"""Values of one field of the region at all times that are held at once (240 MB); beyond it, every second (third, ...) time is taken."""

FIRST_TIMES = 80
"""Times that are compared where no period was chosen: ten days of data every three hours."""


def compared_times(index: np.ndarray, points: int, *, chosen: bool) -> tuple[np.ndarray, str]:
    """Return the times that are compared, and a sentence if they are not all times of the period.

    If no user chose the period, the first times are taken, so that there is something to see soon.

    Examples
    --------
    >>> compared_times(np.arange(3), 100, chosen=True)
    (array([0, 1, 2]), '')
    """
    note = ""
    if not chosen and index.size > FIRST_TIMES:
        note = f"The data have {index.size} times; the first {FIRST_TIMES} are compared until a period is chosen."
        index = index[:FIRST_TIMES]
    most = max(2, min(MOST_TIMES, MOST_VALUES // max(points, 1)))
    if index.size <= most:
        return index, note
    every = ceil(index.size / most)
    kept = index[::every]
    return kept, (
        f"{index.size} times of {points} points are too many to compare at once: every {_ordinal(every)} is taken, {kept.size} in all."
    )


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
