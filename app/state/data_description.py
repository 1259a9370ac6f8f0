"""Description of an open data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from atmodist_core.fields.canonical.shown_dates import ShownDates, time_text
from atmodist_core.models.fit import DataTraits


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
    # What models and evaluations are chosen by; of simulated data only what is known without reading, None where the fields cannot be read
    traits: DataTraits | None = None
    # Dates of the calendar of a climate model, ``2015-02-30T12:00``, where it is not the standard one
    model_dates: tuple[str, ...] = ()
    further_fields: tuple[str, ...] = ()  # fields that the data hold besides, see FURTHER_FIELDS

    @property
    def time_texts(self) -> list[str]:
        """Times as written in the address."""
        return [time_text(time) for time in self.times]

    @property
    def date_texts(self) -> list[str]:
        """Times as the data date them, which are not those of the address for a calendar of a climate model."""
        return list(self.model_dates) or self.time_texts

    @cached_property
    def dates(self) -> ShownDates:
        """Dates of these times for people."""
        return ShownDates(
            dict(zip(self.time_texts, self.model_dates, strict=True)) if self.model_dates else {}
        )
