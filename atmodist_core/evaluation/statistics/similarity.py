"""Similarity of downscaled fields and truth at every time: SSIM and the peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np

from atmodist_core.evaluation.gaussian_windows import SimilarityTruth
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.area_means import GlobalSums
from atmodist_core.evaluation.statistics.field_statistics import Arrays
from atmodist_core.evaluation.statistics.groups import StatisticGroup
from atmodist_core.evaluation.statistics.one_time import OneTime
from atmodist_core.evaluation.structural_similarity import decibels_of_error

SERIES = "series"
LARGEST_LATITUDE = 60.0
"""Only rows so near the equator count [degrees]: towards the poles windows of grid points shrink to slivers."""


class SimilarityGroup(StatisticGroup):
    """SSIM and peak signal-to-noise ratio [dB] within 60 degrees of the equator, every grid point counting the same.

    The range of values that both need is that of the truth there, at that time.

    Parameters
    ----------
    data : EvaluationData
        Gives the grid.
    """

    name = SERIES
    of_truth = False

    def __init__(self, data: EvaluationData) -> None:
        rows = np.flatnonzero(np.abs(data.template["latitude"].values) <= LARGEST_LATITUDE)
        self._rows = slice(int(rows[0]), int(rows[-1]) + 1)
        self._points = rows.size * data.template.sizes["longitude"]
        self._sums = GlobalSums(data)

    def __call__(self, moment: OneTime) -> Arrays:
        """Return both for every field."""
        alone = moment.truth_alone
        # All models of a time are compared with it.
        truth = alone.shared("similarity", lambda: SimilarityTruth(alone.values[:, self._rows]))
        errors = self._sums.of_pair(moment).squared_error[:, self._rows].sum(axis=1) / self._points
        psnr = [decibels_of_error(error, float(span)) for error, span in zip(errors, truth.span, strict=True)]
        return {
            "ssim": truth.similarity(moment.values[:, self._rows]),
            "psnr": np.array(psnr, dtype=np.float64),
        }

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return the units; the dimension is ``field``."""
        return {}, {"ssim": "1", "psnr": "dB"}
