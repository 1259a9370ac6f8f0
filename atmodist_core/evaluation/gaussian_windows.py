"""Structural similarity in float32, fast: Gaussian means over windows as products with banded matrices.

Agrees with :func:`~atmodist_core.evaluation.structural_similarity.structural_similarity` to 1e-5. With ``d = a - b``,
windowed means mu and ``C1, C2`` as there, the index of a window is ``(1 - mu_d^2 / (mu_a^2 + mu_b^2 + C1)) (1 - s_d^2 /
(s_a^2 + s_b^2 + C2))``: where fields are alike, differences of nearly equal numbers are taken before and not after
squaring. A constant is taken from both fields before the variances are, so that a large mean costs no digits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from atmodist_core.evaluation.structural_similarity import (
    STABILITY,
    WINDOW_RADIUS,
    gaussian_window,
    require_window,
)

_WIDTH = 48
"""Points that one product makes: a wide band is mostly zeros, a narrow one makes small products."""


@lru_cache(maxsize=1)
def _band() -> Tensor:
    """Banded matrix of shape ``(_WIDTH, _WIDTH + 10)`` that takes the windowed means of neighbouring points."""
    window = gaussian_window()
    band = np.zeros((_WIDTH, _WIDTH + window.size - 1), np.float32)
    for row in range(_WIDTH):
        band[row, row : row + window.size] = window
    return torch.from_numpy(band)


def windowed_means(fields: Tensor) -> Tensor:
    """Gaussian mean around every point whose 11 x 11 window lies within the field.

    Parameters
    ----------
    fields : Tensor, shape ``(n, rows, columns)``
        float32 on the CPU, at least 11 x 11 points.

    Returns
    -------
    Tensor, shape ``(n, rows - 10, columns - 10)``
        float32.
    """
    band, margin = _band(), 2 * WINDOW_RADIUS
    count, rows, columns = fields.shape
    tall = fields.new_empty((rows - margin, columns))
    means = fields.new_empty((count, rows - margin, columns - margin))
    for field, result in zip(fields, means, strict=True):
        for start in range(0, rows - margin, _WIDTH):
            stop = min(start + _WIDTH, rows - margin)
            part = band[: stop - start, : stop - start + margin]
            torch.mm(part, field[start : stop + margin], out=tall[start:stop])
        for start in range(0, columns - margin, _WIDTH):
            stop = min(start + _WIDTH, columns - margin)
            part = band[: stop - start, : stop - start + margin]
            torch.mm(tall[:, start : stop + margin], part.T, out=result[:, start:stop])
    return means


class SimilarityTruth:
    """Truths with their windowed means, computed once for comparison with many predictions.

    Parameters
    ----------
    truth : numpy.ndarray, shape ``(field, rows, columns)``
        float32, at least 11 x 11 points; each field must vary.

    Attributes
    ----------
    span : numpy.ndarray, shape ``(field,)``
        Range of the values of each field, in its units.

    Raises
    ------
    UserError
        If the fields are smaller than the window.
    """

    def __init__(self, truth: np.ndarray) -> None:
        require_window(truth)
        lowest, highest = truth.min(axis=(1, 2)).astype(np.float64), truth.max(axis=(1, 2)).astype(np.float64)
        self.span = highest - lowest
        self._middle = (0.5 * (lowest + highest)).astype(np.float32)
        self._values = torch.from_numpy(truth - self._middle[:, None, None])
        self._means = windowed_means(self._values)

    def similarity(self, prediction: np.ndarray) -> np.ndarray:
        """Structural similarity of predictions, with the range of the truth as ``value_range``.

        Parameters
        ----------
        prediction : numpy.ndarray, shape ``(field, rows, columns)``
            In the units of the truth, float32.

        Returns
        -------
        numpy.ndarray, shape ``(field,)``
        """
        found = [self._of_field(number, field) for number, field in enumerate(prediction)]
        return np.array(found, dtype=np.float64)

    def _of_field(self, number: int, field: np.ndarray) -> float:
        middle, (c1, c2) = float(self._middle[number]), ((k * self.span[number]) ** 2 for k in STABILITY)
        truth, mean = self._values[number], self._means[number]
        values = torch.from_numpy(np.subtract(field, self._middle[number], dtype=np.float32))
        difference = values - truth
        both_squares = torch.mul(values, values).addcmul_(truth, truth)
        stack = torch.stack([values, difference, difference.square(), both_squares])
        of_values, of_difference, of_square, of_both = windowed_means(stack)
        level = of_values.square().addcmul_(mean, mean)
        squared_difference = of_difference.square_()
        structure = of_square.sub_(squared_difference).div_(of_both.sub_(level).add_(c2))
        if middle:
            level = (of_values + middle).square_().add_((mean + middle).square_())
        luminance = squared_difference.div_(level.add_(c1))
        index = structure.sub_(1.0).mul_(luminance.sub_(1.0))
        return float(index.mean(dtype=torch.float64))
