"""Structural similarity in float32, fast: Gaussian means over windows as products with banded matrices.

Agrees with :func:`~atmodist_core.evaluation.diagnostics.structural_similarity.structural_similarity` to 1e-5. With ``d = a - b``,
windowed means mu and ``C1, C2`` as there, the index of a window is ``(1 - mu_d^2 / (mu_a^2 + mu_b^2 + C1)) (1 - s_d^2 /
(s_a^2 + s_b^2 + C2))``: where fields are alike, differences of nearly equal numbers are taken before and not after
squaring. A constant is taken from both fields before the variances are, so that a large mean costs no digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from atmodist_core.evaluation.diagnostics.structural_similarity import (
    STABILITY,
    WINDOW_RADIUS,
    gaussian_window,
    require_window,
)

_WIDTH = 48
"""Points that one product makes: a wide band is mostly zeros, a narrow one makes small products."""


@lru_cache(maxsize=1)
def _band() -> Tensor:
    """Banded matrix of shape ``(_WIDTH + 10, _WIDTH)`` that takes the windowed means of neighbouring points."""
    window = gaussian_window()
    band = np.zeros((_WIDTH + window.size - 1, _WIDTH), np.float32)
    for column in range(_WIDTH):
        band[column : column + window.size, column] = window
    return torch.from_numpy(band)


def windowed_means(fields: Tensor) -> Tensor:
    """Return Gaussian means around every point whose 11 x 11 window lies within the field.

    float32 on the CPU, from ``(n, rows, columns)`` to ``(n, rows - 10, columns - 10)``.
    """
    rows = fields.shape[1] - 2 * WINDOW_RADIUS
    return torch.cat([_means_of_rows(fields[:, some]) for some in _strips(rows)], dim=1)


def _strips(rows: int) -> Iterator[slice]:
    """Rows that make some rows of means: all that is made of them stays in the cache."""
    for start in range(0, rows, _WIDTH):
        yield slice(start, min(start + _WIDTH, rows) + 2 * WINDOW_RADIUS)


def _means_of_rows(fields: Tensor) -> Tensor:
    """Windowed means of at most :data:`_WIDTH` rows."""
    band, margin = _band(), 2 * WINDOW_RADIUS
    count, rows, columns = fields.shape
    high = rows - margin
    tall = fields.new_empty((count, high, columns))
    across = band[:rows, :high].T
    for number in range(count):
        torch.mm(across, fields[number], out=tall[number])
    lines = tall.view(count * high, columns)
    means = fields.new_empty((count * high, columns - margin))
    for left in range(0, columns - margin, _WIDTH):
        right = min(left + _WIDTH, columns - margin)
        part = band if right == left + _WIDTH else band[: right - left + margin, : right - left]
        torch.mm(lines[:, left : right + margin], part, out=means[:, left:right])
    return means.view(count, high, columns - margin)


class SimilarityTruth:
    """Truths with their windowed means, computed once for comparison with many predictions.

    ``truth`` is float32 of shape ``(field, rows, columns)``; each field must vary, and ``span`` is its range. Raises
    ``UserError`` if fields are smaller than the window of 11 x 11 points.
    """

    def __init__(self, truth: np.ndarray) -> None:
        require_window(truth)
        lowest, highest = truth.min(axis=(1, 2)).astype(np.float64), truth.max(axis=(1, 2)).astype(np.float64)
        self.span = highest - lowest
        self._middle = (0.5 * (lowest + highest)).astype(np.float32)
        self._values = torch.from_numpy(truth - self._middle[:, None, None])
        self._means = windowed_means(self._values)

    def similarity(self, prediction: np.ndarray) -> np.ndarray:
        """Return the structural similarity ``(field,)`` of a prediction, float32 ``(field, rows, columns)``.

        The range of the truth is the ``value_range``.
        """
        found = [self._of_field(number, field) for number, field in enumerate(prediction)]
        return np.array(found, dtype=np.float64)

    def _of_field(self, number: int, field: np.ndarray) -> float:
        middle, (c1, c2) = float(self._middle[number]), ((k * self.span[number]) ** 2 for k in STABILITY)
        total, (rows, columns) = 0.0, self._means.shape[1:]
        for some in _strips(rows):
            truth, truth_mean = (
                self._values[number, some],
                self._means[number, some.start : some.stop - 2 * WINDOW_RADIUS],
            )
            stack = truth.new_empty((3, *truth.shape))
            values, error_square, both_squares = stack
            np.subtract(field[some], self._middle[number], out=values.numpy())
            torch.sub(values, truth, out=error_square).square_()
            torch.mul(values, values, out=both_squares).addcmul_(truth, truth)
            mean, of_error, of_both = _means_of_rows(stack)
            squared_difference = torch.sub(mean, truth_mean).square_()
            level = torch.mul(mean, mean).addcmul_(truth_mean, truth_mean)
            structure = of_error.sub_(squared_difference).div_(of_both.sub_(level).add_(c2))
            if middle:
                level = mean.add_(middle).square_().add_((truth_mean + middle).square_())
            luminance = squared_difference.div_(level.add_(c1))
            index = structure.sub_(1.0).mul_(luminance.sub_(1.0))
            # Rows of some hundred points lose nothing in float32.
            total += float(index.sum(dim=1).sum(dtype=torch.float64))
        return total / (rows * columns)
