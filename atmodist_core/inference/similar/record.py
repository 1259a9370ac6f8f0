"""The activations of every time of a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.regions import Region
from atmodist_core.inference.distance_matrix import activation_weights


@dataclass(frozen=True, eq=False)
class EmbeddedRecord:
    """Activations of a layer at every time of a record; made by :func:`embed_record` and :func:`open_embeddings`.

    Attributes
    ----------
    blocks : tuple of ndarray
        Activations, each of shape (time, row, column, feature), float16, one after the other in time.
    times : ndarray
        Of shape (time,), datetime64[ns], increasing.
    latitude, longitude : ndarray
        Of the fields [degrees].
    attributes : dict
        ``model``, ``weights_sha256``, ``layer``, ``scale``, ``source`` and ``level``.
    """

    blocks: tuple[NDArray[np.float16], ...]
    times: NDArray[np.datetime64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    attributes: dict[str, Any]
    known_pairs: dict[Any, Any] = field(default_factory=dict)  # distances of sampled pairs, by region

    @property
    def nbytes(self) -> int:
        """Bytes of all activations."""
        return sum(block.nbytes for block in self.blocks)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Number of the first time of every block, and the number of times at the end."""
        return np.cumsum([0, *map(len, self.blocks)])

    def activations(self, time: int) -> NDArray[np.float16]:
        """Return the activations of one time, shape (row, column, feature)."""
        block = int(np.searchsorted(self.starts, time, side="right")) - 1
        return self.blocks[block][time - self.starts[block]]

    def weights(self, region: Region | None) -> NDArray[np.float64]:
        """Return the share of the region's area in each activation's cell, shape (row, column); UserError if it has none."""
        first = self.activations(0)
        inside = None
        if region is not None:
            inside = np.asarray(region.contains(self.latitude[:, None], self.longitude[None, :]))
            if not inside.any():
                raise UserError(
                    f"Expected points of the record in the {region}, found none; choose a region that it covers."
                )
        weights = activation_weights(self.latitude, self.longitude.size, first.shape[:2], inside)
        weights[~np.isfinite(first).all(axis=2)] = 0.0
        if not weights.any():
            raise UserError("Expected values in the region, found only missing ones; choose another region.")
        return weights / weights.sum()
