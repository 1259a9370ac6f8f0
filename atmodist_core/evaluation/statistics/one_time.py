"""What the groups of statistics see of one time, and what they share of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import xarray as xr

Shared = TypeVar("Shared")


@dataclass(frozen=True)
class OneTime:
    """What a group sees of one time. It belongs to one thread, and to one time of one run.

    Parameters
    ----------
    values : numpy.ndarray, shape ``(field, latitude, longitude)``
        The fields under judgement, float32.
    truth : numpy.ndarray, shape ``(field, latitude, longitude)``
        The truth at the same points, float32; the same array where the truth itself is looked at.
    fields : xarray.Dataset
        ``values`` with their coordinates, and one time.
    truth_fields : xarray.Dataset
        ``truth``, likewise.
    of_truth : OneTime, optional
        The truth itself: all models of a time share what was computed of it.
    """

    values: np.ndarray
    truth: np.ndarray
    fields: xr.Dataset
    truth_fields: xr.Dataset
    of_truth: OneTime | None = None
    _computed: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_truth(self) -> bool:
        """Whether the truth itself is looked at."""
        return self.values is self.truth

    @property
    def truth_alone(self) -> OneTime:
        """The truth itself."""
        if self.is_truth:
            return self
        return self.of_truth or self.shared(
            "truth", lambda: OneTime(self.truth, self.truth, self.truth_fields, self.truth_fields)
        )

    def shared(self, name: str, compute: Callable[[], Shared]) -> Shared:
        """Compute something once for all groups; it is kept as long as this object.

        Parameters
        ----------
        name : str
            Of the thing.
        compute : callable
            Makes it.
        """
        if name not in self._computed:
            self._computed[name] = compute()
        found: Shared = self._computed[name]
        return found
