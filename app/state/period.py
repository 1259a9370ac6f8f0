"""The period that views over many times share: ``first/last`` in the address, empty for all times of the data."""

from __future__ import annotations

import numpy as np

import atmodist_core as ad
from app.state.data_description import DataDescription


def parse_period(text: str) -> tuple[np.datetime64, np.datetime64] | None:
    """Return the first and last time of ``first/last``, None for an empty text; raise a UserError for any other text."""
    if not text:
        return None
    try:
        first, last = (np.datetime64(part, "m") for part in text.split("/"))
        ordered = bool(first <= last)
    except ValueError:
        ordered = False
    if not ordered:
        raise ad.UserError(
            f"Expected a period first/last such as 2001-01-05T00:00/2001-01-20T00:00, found {text!r}; give two dates in order."
        )
    return first, last


def period_times(period: str, step: int, data: DataDescription) -> np.ndarray:
    """Return the indices of every ``step``-th time of the data in a period, shape ``(times,)``.

    All times of the data are taken where none lies in the period: :meth:`app.state.state.StudioState.fit` reports it.
    """
    index = np.arange(data.times.size)
    bounds = parse_period(period)
    if bounds is not None and not np.isnat(data.times).any():
        inside = index[(data.times >= bounds[0]) & (data.times <= bounds[1])]
        index = inside if inside.size else index
    return index[:: max(1, int(step))]


def period_text(first: np.datetime64, last: np.datetime64) -> str:
    """Return the text of a period that :func:`parse_period` reads."""
    return f"{first.astype('datetime64[m]')}/{last.astype('datetime64[m]')}"
