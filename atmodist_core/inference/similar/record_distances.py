"""Distances between the times of an embedded record."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.inference.similar.record import EmbeddedRecord

ANCHORS = 32
"""Times whose distances to all others stand for all pairs of a record of more than :data:`FEW_TIMES`."""
FEW_TIMES = 256
_VALUES_AT_ONCE = 2**19
"""Activations that are widened together: 2 MB, which stay in the cache."""
HOUR = np.timedelta64(1, "h")


def distances_to(
    record: EmbeddedRecord, activations: NDArray[np.float16], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of every time to one state (row, column, feature), shape (time,), by direct differences."""
    query = torch.from_numpy(_cells(activations[None], weights)).float()
    share = torch.from_numpy(weights[weights > 0]).float()
    found = []
    for values in _widened(record, weights):
        squares = torch.sub(values, query).square_().mean(dim=2)
        found.append((squares @ share).numpy())
    return np.concatenate(found).astype(np.float64) * record.attributes["scale"]


def distances_of_pairs(
    record: EmbeddedRecord, anchors: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of some times to all, shape (anchor, time), through scalar products."""
    root = torch.from_numpy(np.sqrt(weights[weights > 0] / record.blocks[0].shape[3])).float()[None, :, None]
    first = np.stack([record.activations(int(anchor)) for anchor in anchors])
    chosen = torch.from_numpy(_cells(first, weights)).float()
    centre = chosen.mean(dim=0, keepdim=True)
    chosen = ((chosen - centre) * root).flatten(1)
    norms = chosen.square().sum(dim=1)[:, None]
    found = []
    for values in _widened(record, weights):
        flat = ((values - centre) * root).flatten(1)
        found.append(norms + flat.square().sum(dim=1)[None, :] - 2.0 * chosen @ flat.T)
    return np.maximum(torch.cat(found, dim=1).numpy().astype(np.float64), 0.0) * record.attributes["scale"]


def sampled_pairs(
    record: EmbeddedRecord, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return distances and hours between two times, each of shape (pair,), of all pairs of a record or of a sample.

    All pairs count in records of up to :data:`FEW_TIMES` times, else those of :data:`ANCHORS` times with all others.
    """
    count = record.times.size
    anchors = np.arange(count)
    if count > FEW_TIMES:
        anchors = np.linspace(0, count - 1, ANCHORS).round().astype(np.int64)
    matrix = distances_of_pairs(record, anchors, weights)
    hours = np.abs(record.times[anchors][:, None] - record.times[None, :]) / HOUR
    # Every pair once, and no time with itself.
    once = (hours > 0) & ~(
        np.isin(np.arange(count), anchors)[None, :] & (anchors[:, None] > np.arange(count))
    )
    return matrix[once].astype(np.float32), hours[once].astype(np.float32)


def _cells(values: NDArray[np.float16], weights: NDArray[np.float64]) -> NDArray[np.float16]:
    """The cells (time, cell, feature) that count."""
    flat = values.reshape(len(values), -1, values.shape[-1])
    inside = np.flatnonzero(weights)
    return flat if inside.size == flat.shape[1] else flat[:, inside]


def _widened(record: EmbeddedRecord, weights: NDArray[np.float64]) -> Any:
    """All times in float32, a few at once: (time, cell, feature)."""
    step = max(1, _VALUES_AT_ONCE // (int((weights > 0).sum()) * record.blocks[0].shape[3]))
    for block in record.blocks:
        for start in range(0, len(block), step):
            yield torch.from_numpy(_cells(block[start : start + step], weights)).float()
