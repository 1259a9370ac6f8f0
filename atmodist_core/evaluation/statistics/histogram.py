"""Distributions of field values as histograms whose bins are the same for all data, so that they can be added up.

Bins are even in ``asinh(x / x0)``: even in x near zero, where nearly all values lie, and even in the logarithm
in the tails, where a fixed relative width is what matters. A quantile is found to within a bin; a bin is 0.7
per cent of the value wide, and linear interpolation within it leaves far less than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atmodist_core.common.errors import UserError

BINS = 4096
REACH = 1e6
"""The last bin ends at ``REACH * x0``."""

SCALES = {"s-1": 1e-6, "s**-1": 1e-6}
"""``x0`` by units; where nothing else is said it is 0.01."""

USUAL_SCALE = 1e-2


@dataclass(frozen=True)
class ValueBins:
    """Bins of one field.

    Parameters
    ----------
    scale : float
        ``x0``, in the units of the field: below it bins are even in x, above it in log x.
    """

    scale: float

    @classmethod
    def of_units(cls, units: str) -> ValueBins:
        """Return the bins of a quantity with these units."""
        return cls(SCALES.get(units, USUAL_SCALE))

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, shape ``(BINS + 1,)``, in the units of the field."""
        limit = np.arcsinh(REACH)
        return self.scale * np.sinh(np.linspace(-limit, limit, BINS + 1))

    def histogram(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Share of the weight in every bin.

        Parameters
        ----------
        values : numpy.ndarray, shape ``(points,)``
            Of the field.
        weights : numpy.ndarray, shape ``(points,)``
            Of the points.

        Returns
        -------
        numpy.ndarray, shape ``(BINS,)``
            Sums to the sum of the weights.

        Raises
        ------
        UserError
            If a value lies beyond the last bin.
        """
        limit = np.arcsinh(REACH)
        scaled = np.arcsinh(values.astype(np.float32) * np.float32(1 / self.scale))
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
    """Value below which a share of the weight lies, with even density inside each bin.

    Parameters
    ----------
    histogram : numpy.ndarray, shape ``(..., bins)``
        Weights in the bins.
    edges : numpy.ndarray, shape ``(bins + 1,)``
        Their edges, rising.
    share : float
        Between 0 and 1.

    Returns
    -------
    numpy.ndarray, shape ``(...)``
        In the units of the edges.

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
