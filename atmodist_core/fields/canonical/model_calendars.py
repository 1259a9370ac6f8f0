"""Calendars of climate models: 360 days, or no leap days.

Times are kept as datetime64 that are as far apart as in the model, so that lags and steps are exact; the first has its
own date. Later dates drift from the model's by the days that its calendar lacks, so the model's dates are kept as text.
"""

from __future__ import annotations

import numpy as np

MODEL_DATE = "model_date"
"""Coordinate along time: dates of the model's calendar as text."""

STANDARD_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")

_YEAR = 2000


def elapsed_times(dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dates of a model calendar as datetime64[us], counted from its 1 January 2000, and as text."""
    start = dates.ravel()[0].replace(year=_YEAR, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    elapsed = np.array([np.timedelta64(date - start) for date in dates.ravel()], dtype="timedelta64[us]")
    texts = np.array([date.isoformat()[:16] for date in dates.ravel()])
    return np.datetime64(f"{_YEAR}-01-01", "us") + elapsed, texts


def sortable_dates(texts: np.ndarray) -> np.ndarray:
    """Return dates of the standard calendar in the order of model dates, by which months and days are selected.

    29 and 30 February of years that lack them become the last seconds of that month.
    """
    result = np.empty(texts.size, dtype="datetime64[ns]")
    for index, text in enumerate(map(str, texts)):
        try:
            result[index] = np.datetime64(text, "ns")
        except ValueError:
            # Day 30 after day 29, and times of the day in order: an instant each within the last minute.
            last = np.datetime64(f"{text[:7]}-28T23:59:00", "ns")
            minutes = int(text[11:13]) * 60 + int(text[14:16])
            seconds = 20 * (int(text[8:10]) - 29) + 20 * minutes / 1440
            result[index] = last + np.timedelta64(round(1e9 * seconds), "ns")
    return result
