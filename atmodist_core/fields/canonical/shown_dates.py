"""Dates as they are shown to people: in the calendar of the data, be it that of a climate model.

Inside the library and in links a time is a text of :func:`time_text`, which is not a date of the model where the data
have a model's calendar (:mod:`atmodist_core.fields.canonical.model_calendars`). Whatever a person reads comes from
:class:`ShownDates`.
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
    """Dates of data for people.

    Parameters
    ----------
    model_dates : mapping of str to str
        Date of the model by the text of the time, ``2015-02-30T12:00`` by ``2015-03-02T12:00``; empty for data of the
        standard calendar.

    Examples
    --------
    >>> ShownDates().words("2001-01-05T03:00")
    '2001-01-05 03:00 UTC'
    >>> model = ShownDates({"2015-03-02T12:00": "2015-02-30T12:00"})
    >>> model.words("2015-03-02T12:00"), model.text("2015-03-02T12:00")
    ('2015-02-30 12:00 of the model', '2015-02-30 12:00')
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
        if time == UNDATED:
            return ""
        return f"{self.text(time)} {'of the model' if time in self.model_dates else 'UTC'}"

    def between(self, first: str, last: str) -> str:
        """Return two dates, with their calendar once."""
        return f"{self.text(first)} to {self.words(last)}" if first != last else self.words(first)

    def span(self, times: Sequence[str], count: int | None = None) -> str:
        """Return the first and the last date of several times, and their number, which is ``count`` where not all are given."""
        number = len(times) if count is None else count
        dates = " to ".join(filter(None, dict.fromkeys(map(self.words, (times[0], times[-1])))))
        return dates if number == 1 else ", ".join(filter(None, [dates, f"{number} times"]))


def shown_dates(ds: xr.Dataset | xr.DataArray) -> ShownDates:
    """Return the dates of data with a coordinate ``time``, of one time or several."""
    if MODEL_DATE not in ds.coords or "time" not in ds.coords:
        return ShownDates()
    return ShownDates(dict(zip(time_texts(ds), map(str, np.ravel(ds[MODEL_DATE].values)), strict=True)))


def time_texts(ds: xr.Dataset | xr.DataArray) -> list[str]:
    """Return the times of data as in links."""
    return [time_text(time) for time in np.ravel(ds["time"].values)]


def time_text(time: np.datetime64) -> str:
    """Return a time to the minute as in links, ``2001-01-05T03:00``; ``undated`` for data without dates."""
    return UNDATED if np.isnat(time) else str(time.astype("datetime64[m]"))


def with_model_dates(table: xr.Dataset, source: xr.Dataset | Mapping[str, str]) -> xr.Dataset:
    """Return a table with the model's dates of its times where their source has any: a dataset, or dates by the text of the time."""
    known = shown_dates(source).model_dates if isinstance(source, xr.Dataset) else source
    texts = time_texts(table) if known else []
    if not known or not set(texts) <= set(known):
        return table
    dates = np.array([known[text] for text in texts]).reshape(table["time"].shape)
    return table.assign_coords({MODEL_DATE: (table["time"].dims, dates)})
