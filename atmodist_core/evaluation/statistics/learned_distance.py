"""Learned distance of fields to the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic


@dataclass(frozen=True)
class LearnedDistance:
    """A distance network, the layers at which distances to the truth are taken, and values that identify it."""

    network: Any
    layers: tuple[str, ...]
    identity: dict[str, Any]


class DistanceToTruth(Statistic):
    """Learned distance to the truth at every layer."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"atmodist": ("layer",)}
    needs_truth: ClassVar[bool] = True

    def __init__(self, distance: LearnedDistance) -> None:
        self._distance = distance

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the distances."""
        network = self._distance.network
        values = [
            float(network.distance(snapshot.fields, snapshot.truth_fields, layer=layer).values[0])
            for layer in self._distance.layers
        ]
        return {"atmodist": np.array(values)}

    def coordinates(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layer": np.array(self._distance.layers)}
