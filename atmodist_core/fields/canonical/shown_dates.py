"""Dates for people: in the calendar of the data, be it that of a climate model.

Links and the library count times as :mod:`atmodist_core.fields.canonical.model_calendars` says, which are not dates of the
model. Whatever a person reads comes from :class:`ShownDates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from atmodist_core.fields.canonical.model_calendars import MODEL_DATE

UNDATED = "undated"
"""Text of a time of data without dates."""


@dataclass(frozen=True)
class ShownDates:
    """Dates of data for people; ``model_dates`` are those of the model by the text of the time, empty for the standard calendar.

    Examples
    --------
    >>> ShownDates().words("2001-01-05T03:00")
    '2001-01-05 03:00 UTC'
    >>> ShownDates({"2015-03-02T12:00": "2015-02-30T12:00"}).words("2015-03-02T12:00")
    '2015-02-30 12:00 of the model'
    """

    model_dates: Mapping[str, str] = field(default_factory=dict)

    def date(self, time: str) -> str:
        """Return the date of a time in ISO format."""
        return self.model_dates.get(time, time)

    def text(self, time: str) -> str:
        """Return the date without a word on its calendar, for lists and axes."""
        return self.date(time).replace("T", " ")

    def words(self, time: str) -> str:
        """Return the date with its calendar; empty for data without dates."""
        calendar = "of the model" if time in self.model_dates else "UTC"
        return "" if time == UNDATED else f"{self.text(time)} {calendar}"

    def between(self, first: str, last: str) -> str:
        """Return two dates, with their calendar once."""
        return f"{self.text(first)} to {self.words(last)}" if first != last else self.words(first)

    def span(self, times: Sequence[str], count: int | None = None) -> str:
        """Return first and last date, and the number of times, which is ``count`` where not all are given."""
        number = len(times) if count is None else count
        dates = " to ".join(filter(None, dict.fromkeys(map(self.words, (times[0], times[-1])))))
        return dates if number == 1 else ", ".join(filter(None, [dates, f"{number} times"]))

    def put_on(self, table: xr.Dataset) -> xr.Dataset:
        """Return a table with the model's dates of its times, where these are known."""
        if not self.model_dates or not set(texts := time_texts(table)) <= set(self.model_dates):
            return table
        dates = np.array([self.model_dates[text] for text in texts]).reshape(table["time"].shape)
        return table.assign_coords({MODEL_DATE: (table["time"].dims, dates)})


def shown_dates(ds: xr.Dataset | xr.DataArray) -> ShownDates:
    """Return the dates of one time or several of data."""
    if MODEL_DATE not in ds.coords or "time" not in ds.coords:
        return ShownDates()
    return ShownDates(dict(zip(time_texts(ds), map(str, np.ravel(ds[MODEL_DATE].values)), strict=True)))


def time_texts(ds: xr.Dataset | xr.DataArray) -> list[str]:
    """Return the times of data as in links."""
    return [time_text(time) for time in np.ravel(ds["time"].values)]


def time_text(time: np.datetime64) -> str:
    """Return a time to the minute as in links, ``2001-01-05T03:00``; ``undated`` for data without dates."""
    return UNDATED if np.isnat(time) else str(time.astype("datetime64[m]"))
