"""Distributions of field values as histograms with the same bins for all data, so that they can be added.

Bins are even in ``asinh(x / x0)``: even in x near zero, where most values lie, and even in the logarithm
in the tails. Far from zero a bin is 0.7 per cent of the value wide, and linear interpolation within it is far
more accurate than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.wasserstein import wasserstein
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

BINS = 4096
REACH = 1e6
"""The last bin ends at ``REACH * x0``."""

SCALES = {"s-1": 1e-6, "s**-1": 1e-6, "Pa": 1.0, "m2 s-2": 1.0, "m**2 s**-2": 1.0, "kg kg-1": 1e-5}
"""``x0`` by units; 0.01 for other units."""

CENTRES = {"K": 280.0}
"""Value about which bins are even in ``asinh``, by units: 280 K, for temperatures lie far from zero; 0 for other units."""

USUAL_SCALE = 1e-2


@dataclass(frozen=True)
class ValueBins:
    """Histogram bins of one field: even in x near ``centre``, up to ``scale`` away from it (its units), and in log x beyond."""

    scale: float
    centre: float = 0.0

    @classmethod
    def of_units(cls, units: str) -> ValueBins:
        """Return the bins for a quantity with these units."""
        return cls(SCALES.get(units, USUAL_SCALE), CENTRES.get(units, 0.0))

    @classmethod
    def holding(cls, units: str, largest: float) -> ValueBins:
        """Return the bins for these units, or wider ones where values a thousand times ``largest`` would not fit."""
        usual = cls.of_units(units)
        if largest <= REACH * usual.scale:
            return usual
        return cls(float(10.0 ** np.ceil(np.log10(1000 * largest / REACH))), usual.centre)

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, shape ``(BINS + 1,)``, in the units of the field."""
        limit = np.arcsinh(REACH)
        edges = self.scale * np.sinh(np.linspace(-limit, limit, BINS + 1))
        return edges + self.centre if self.centre else edges

    def histogram(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the share of the weight in every bin, ``(BINS,)``; ``UserError`` for a value beyond the last bin.

        Values and weights have shape ``(points,)``; the result sums to the sum of the weights.
        """
        limit = np.arcsinh(REACH)
        shifted = values.astype(np.float32)
        if self.centre:
            shifted = shifted - np.float32(self.centre)
        scaled = np.arcsinh(shifted * np.float32(1 / self.scale))
        scaled += np.float32(limit)
        scaled *= np.float32(BINS / (2 * limit))
        if not (scaled.min() >= 0 and scaled.max() <= BINS):
            raise UserError(
                f"Expected values between {-REACH * self.scale:g} and {REACH * self.scale:g}, found "
                f"{values.min():g} to {values.max():g}; check the units of the data and that the model is sound."
            )
        index = np.minimum(scaled.astype(np.int32), BINS - 1)
        return np.bincount(index, weights=weights, minlength=BINS)


def histogram_quantile(histogram: np.ndarray, edges: np.ndarray, share: float) -> np.ndarray:
    """Return the value below which a share of the weight lies, with even density inside each bin.

    ``histogram`` has shape ``(..., bins)``, the rising ``edges`` ``(bins + 1,)``, the result ``(...)``.

    Examples
    --------
    >>> import numpy as np
    >>> float(histogram_quantile(np.array([1.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 3.0]), 0.75))
    2.5
    """
    cumulative = np.cumsum(histogram, axis=-1)
    wanted = share * cumulative[..., -1:]
    index = (cumulative < wanted).sum(axis=-1, keepdims=True)
    index = np.minimum(index, histogram.shape[-1] - 1)
    inside = np.take_along_axis(histogram, index, axis=-1)
    above = np.take_along_axis(cumulative, index, axis=-1) - wanted
    fraction = 1 - np.divide(above, inside, out=np.zeros_like(above), where=inside > 0)
    low, high = edges[index], edges[index + 1]
    return (low + fraction * (high - low))[..., 0]


def share_beyond(shares: np.ndarray, edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Return the share of the weight beyond a threshold, with even density inside each bin.

    ``shares`` has shape ``(..., bins)``, the rising ``edges`` ``(bins + 1,)``, the result ``(...)``; the ``tail`` is
    "lower" (below) or "upper" (above).

    Examples
    --------
    >>> import numpy as np
    >>> float(share_beyond(np.array([0.25, 0.75]), np.array([0.0, 1.0, 2.0]), 1.5, "upper"))
    0.375
    """
    part = _part_beyond(edges, threshold, tail)
    return (shares * part).sum(axis=-1) / shares.sum(axis=-1)


def mean_excess(shares: np.ndarray, edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Return the mean distance from a threshold of the values beyond it; missing without any.

    Parameters and shapes as for :func:`share_beyond`.

    Examples
    --------
    >>> import numpy as np
    >>> float(mean_excess(np.array([0.5, 0.5]), np.array([0.0, 1.0, 2.0]), 1.0, "upper"))
    0.5
    """
    part = _part_beyond(edges, threshold, tail)
    inner = np.clip(edges, None, threshold) if tail == "lower" else np.clip(edges, threshold, None)
    distance = np.abs(0.5 * (inner[:-1] + inner[1:]) - threshold)
    weight = (shares * part).sum(axis=-1)
    total = (shares * part * distance).sum(axis=-1)
    return np.divide(total, weight, out=np.full(np.shape(weight), np.nan), where=weight > 0)


def _part_beyond(edges: np.ndarray, threshold: float, tail: str) -> np.ndarray:
    """Share of each bin that lies beyond the threshold."""
    above = np.clip((edges[1:] - threshold) / np.diff(edges), 0, 1)
    return above if tail == "upper" else 1 - above


class ValueDistribution(Statistic):
    """Share of the area (weights over the points, which sum to one) in every bin, see :class:`ValueBins`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"value_share": ("field", "value_bin")}
    units: ClassVar[Mapping[str, str]] = {"value_share": "1"}

    def __init__(self, weights: np.ndarray, bins: Sequence[ValueBins]) -> None:
        self._weights, self._bins = np.ascontiguousarray(weights).ravel(), bins

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the histograms, float32."""
        flat = snapshot.values.reshape(len(snapshot.values), -1)
        shares = [bins.histogram(x, self._weights) for bins, x in zip(self._bins, flat, strict=True)]
        return {"value_share": np.stack(shares).astype(np.float32)}

    def coordinates(self) -> dict[str, Any]:
        """Return the numbers of the bins."""
        return {"value_bin": np.arange(BINS)}


class WassersteinPerTime(Statistic):
    """Exact Wasserstein-1 distance of the values over the weighted points to those of the truth."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"wasserstein_per_time": ("field",)}
    units: ClassVar[Mapping[str, str]] = {"wasserstein_per_time": "field"}
    needs_truth: ClassVar[bool] = True

    def __init__(self, weights: np.ndarray) -> None:
        even = bool(np.ptp(weights) <= 1e-12 * weights.max())
        self._weights = None if even else weights

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return the distance of every field."""
        w = self._weights
        distance = wasserstein(snapshot.values, snapshot.truth, (1, 2), weights_a=w, weights_b=w)
        return {"wasserstein_per_time": distance}
