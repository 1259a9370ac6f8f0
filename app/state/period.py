"""The period that views over many times share: in the address as ``first/last``, empty for all of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import atmodist_core as ad

if TYPE_CHECKING:
    from app.state.state import DataDescription, StudioState


def parse_period(text: str) -> tuple[np.datetime64, np.datetime64] | None:
    """First and last time of ``first/last``; None for an empty text.

    Raises
    ------
    UserError
        If the text is no such pair of dates.
    """
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


def period_times(state: StudioState, data: DataDescription) -> np.ndarray:
    """Indices of the times of the data that lie in the period, every ``step``-th of them; shape ``(times,)``.

    Where none lies in it, all of the data are taken: :meth:`app.state.state.StudioState.fit` says so.
    """
    index = np.arange(data.times.size)
    bounds = parse_period(state.period)
    if bounds is not None and not np.isnat(data.times).any():
        inside = index[(data.times >= bounds[0]) & (data.times <= bounds[1])]
        index = inside if inside.size else index
    return index[:: max(1, int(state.step))]


def period_text(first: np.datetime64, last: np.datetime64) -> str:
    """Text of a period as :func:`parse_period` reads it."""
    return f"{first.astype('datetime64[m]')}/{last.astype('datetime64[m]')}"
