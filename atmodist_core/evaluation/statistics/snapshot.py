"""Fields of one time beside the truth, and what the statistics share of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import xarray as xr

Shared = TypeVar("Shared")


@dataclass(frozen=True)
class Snapshot:
    """Fields of a model, or of the truth, at one time. It belongs to one thread.

    Parameters
    ----------
    values, truth : numpy.ndarray, shape ``(field, latitude, longitude)``
        Fields to evaluate and the truth at the same points, float32; the same array for a snapshot of the truth itself.
    fields, truth_fields : xarray.Dataset
        ``values`` and ``truth`` with their coordinates, and one time.
    of_truth : Snapshot, optional
        Snapshot of the truth: all models of a time share what was computed from it.
    members : numpy.ndarray, shape ``(member, field, latitude, longitude)``, optional
        All members of an ensemble, of which ``values`` is the first.
    """

    values: np.ndarray
    truth: np.ndarray
    fields: xr.Dataset
    truth_fields: xr.Dataset
    of_truth: Snapshot | None = None
    members: np.ndarray | None = None
    _computed: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_truth(self) -> bool:
        """Whether this is a snapshot of the truth itself."""
        return self.values is self.truth

    @property
    def ensemble(self) -> np.ndarray:
        """All members; of a single field that alone."""
        return self.values[None] if self.members is None else self.members

    @property
    def truth_alone(self) -> Snapshot:
        """Snapshot of the truth."""
        if self.is_truth:
            return self
        return self.of_truth or self.shared(
            "truth", lambda: Snapshot(self.truth, self.truth, self.truth_fields, self.truth_fields)
        )

    def shared(self, name: str, compute: Callable[[], Shared]) -> Shared:
        """Return the result of ``compute``, which is called once for all statistics that use this name."""
        if name not in self._computed:
            self._computed[name] = compute()
        found: Shared = self._computed[name]
        return found
