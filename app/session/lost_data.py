"""A data set that could not be read, and the way back to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.state.state import StudioState
from atmodist_core.figures.numbers.data_sets import Source


@dataclass(frozen=True)
class LostData:
    """A data set that could not be read, with what was shown of it."""

    key: str
    level: str
    time: str
    region: str
    stamp: str  # of the files that could not be read; empty if there were none

    def is_changed(self, found: Mapping[str, Source]) -> bool:
        """Return whether its files are among those found and are not those that could not be read."""
        return self.key in found and found[self.key].stamp != self.stamp

    def restore(self, state: StudioState) -> None:
        """Choose again what was shown."""
        state.param.update(data_set=self.key, level=self.level, time=self.time, region=self.region)
