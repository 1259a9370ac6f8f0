"""What to download: archive, period, level and area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from atmodist_core.common.errors import UserError
from atmodist_core.fields.download.sources import SOURCES, ArchiveStore, DownloadSource
from atmodist_core.fields.grid.regions import Region

MOST_DAYS = 366


@dataclass(frozen=True)
class DownloadRequest:
    """Settings of one download; everything in it decides which values are written.

    Parameters
    ----------
    source
        Name of an archive in `SOURCES`.
    start
        First time, UTC, such as "2020-01-01" or "2020-01-01T06".
    days
        Number of days from there.
    level
        Pressure level [hPa] of the winds.
    model_level
        Model level of the coefficients; it takes the place of ``level``.
    box
        North, west, south, east [degrees] of the part of the winds to keep; the globe by default.
    every_hours
        Spacing of the times; that of the archive by default.

    Raises
    ------
    UserError
        A value that is out of range, or a combination that the archive does not hold.
    """

    source: str = "arco-era5"
    start: str = ""
    days: float = 1.0
    level: float | None = None
    model_level: int | None = None
    box: tuple[float, float, float, float] | None = None
    every_hours: int | None = None

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UserError(f"Expected --source {', '.join(SOURCES)}, found {self.source!r}; choose one.")
        try:
            first = np.datetime64(pd.Timestamp(self.start).tz_localize(None), "s")
        except (ValueError, TypeError) as error:
            raise UserError(
                f"Expected --start with a date such as 2020-01-01 (UTC), found {self.start!r}; correct it."
            ) from error
        if np.isnat(first):
            raise UserError("Expected --start with a date such as 2020-01-01 (UTC), found none; give one.")
        if not 0 < self.days <= MOST_DAYS:
            raise UserError(f"Expected --days above 0 and up to {MOST_DAYS}, found {self.days:g}; split it.")
        if self.every_hours is not None and self.every_hours < 1:
            raise UserError(f"Expected --every-hours of at least 1, found {self.every_hours}; give more.")
        if self.model_level is None:
            _ = self.region
            return
        if self.level is not None:
            raise UserError("Expected --level or --model-level, found both; leave one out.")
        if SOURCES[self.source].coefficients is None:
            raise UserError(
                f"Expected --level for {self.source}, found --model-level, which it does not hold; give a "
                "pressure level or --source arco-era5."
            )
        if self.box is not None:
            raise UserError(
                "Expected --box with winds on a pressure level, found it with --model-level, whose "
                "coefficients describe the whole globe; give --level, or cut the box out on opening."
            )

    @property
    def archive(self) -> DownloadSource:
        """Return the archive."""
        return SOURCES[self.source]

    @property
    def store(self) -> ArchiveStore:
        """Return the store that holds what is requested: coefficients without a pressure level, where there are any."""
        coefficients = self.archive.coefficients
        return coefficients if coefficients is not None and self.takes_coefficients else self.archive.winds

    @property
    def takes_coefficients(self) -> bool:
        """Return whether coefficients are downloaded: a model level, or neither a level nor a box."""
        wanted = self.model_level is not None or (self.level is None and self.box is None)
        return wanted and self.archive.coefficients is not None

    @property
    def level_value(self) -> float:
        """Return the level: that of the request, else model level 120 or 850 hPa."""
        if self.takes_coefficients:
            return float(120 if self.model_level is None else self.model_level)
        return 850.0 if self.level is None else float(self.level)

    @property
    def level_name(self) -> str:
        """Return the level as users say it."""
        level = self.level_value
        return f"model level {level:g}" if self.takes_coefficients else f"{level:g} hPa"

    @property
    def region(self) -> Region | None:
        """Return the box as a region."""
        if self.box is None:
            return None
        north, west, south, east = self.box
        return Region(south=south, north=north, west=west, east=east)

    @property
    def first_time(self) -> np.datetime64:
        """Return the first time."""
        return np.datetime64(pd.Timestamp(self.start).tz_localize(None), "ns")

    @property
    def end_time(self) -> np.datetime64:
        """Return the time at which the period ends; it is not part of it."""
        return self.first_time + np.timedelta64(round(self.days * 86400), "s")

    def identity(self, times: np.ndarray) -> dict[str, Any]:
        """Return what two downloads must share to be parts of one store, as plain values."""
        return {
            "source": self.source,
            "store": self.store.path,
            "level": self.level_value,
            "box": None if self.box is None else [float(edge) for edge in self.box],
            "first_time": str(times[0].astype("M8[s]")),
            "last_time": str(times[-1].astype("M8[s]")),
            "times": len(times),
        }
