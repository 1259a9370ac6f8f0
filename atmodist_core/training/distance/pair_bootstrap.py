"""Intervals of means over pairs of patches, by resampling blocks of days (all their pairs together)."""

import numpy as np
from numpy.typing import NDArray

from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, Estimate, bootstrap_counts
from atmodist_core.training.data.training_fields import Member


class PairBootstrap:
    """The same resampled days for all quantities, so that their ratios are of the same weather.

    Parameters
    ----------
    members
        The series, of regular spacing.
    block_days
        Length of a block.
    seed
        Of the resampling.
    """

    def __init__(self, members: tuple[Member, ...], block_days: int, seed: int = 0) -> None:
        self.members = members
        lengths = [self._day(member, np.array([member.stop - 1]))[0] + 1 for member in members]
        # Days are counted from the start of each member; the calendar does not matter here.
        first = np.datetime64("2000-01-01", "D")
        self.axis = DayAxis((first,) * len(members), tuple(int(length) for length in lengths))
        self.counts = bootstrap_counts(self.axis, Bootstrap(block_days, seed=seed))

    @staticmethod
    def _day(member: Member, times: NDArray[np.int64]) -> NDArray[np.int64]:
        return ((times - member.start) * (member.spacing_hours or 24.0) // 24.0).astype(np.int64)

    def days(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Day of each time (position along the axis of all members), numbered through all members."""
        found, before = np.zeros(len(times), dtype=np.int64), 0
        for member, length in zip(self.members, self.axis.days, strict=True):
            inside = (times >= member.start) & (times < member.stop)
            found[inside] = before + self._day(member, times[inside])
            before += length
        return found

    def means(self, values: NDArray[np.floating], days: NDArray[np.int64]) -> NDArray[np.float64]:
        """Means over pairs: of the data themselves, then of every replicate.

        Parameters
        ----------
        values
            Shape ``(pairs,)``.
        days
            Of :meth:`days`.

        Returns
        -------
        Array ``(1 + replicates,)``; without replicates where the data are shorter than three blocks.
        """
        sums = np.bincount(days, values, self.axis.size)
        numbers = np.bincount(days, minlength=self.axis.size)
        with np.errstate(invalid="ignore"):
            return np.asarray((self.counts @ sums) / (self.counts @ numbers))


def with_interval(name: str, replicates: NDArray[np.float64]) -> dict[str, float]:
    """A value as ``name`` and, where there are replicates, its 95 % interval as ``name_low``, ``name_high``."""
    estimate = Estimate.of(replicates)
    ends = {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {name: estimate.value} | {key: value for key, value in ends.items() if np.isfinite(value)}
