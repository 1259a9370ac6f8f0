"""Similarity of downscaled fields and truth at every time: SSIM and the peak signal-to-noise ratio."""

from __future__ import annotations

import threading

import numpy as np

from atmodist_core.evaluation.judging.field_statistics import Arrays
from atmodist_core.evaluation.judging.judged_data import JudgedData
from atmodist_core.evaluation.judging.judging_groups import OneTime, StatisticGroup
from atmodist_core.evaluation.structural_similarity import WindowedField, peak_signal_to_noise

SERIES = "series"
LARGEST_LATITUDE = 60.0
"""Only rows so near the equator count [degrees]: towards the poles windows of grid points shrink to slivers."""


class SimilarityGroup(StatisticGroup):
    """SSIM and peak signal-to-noise ratio [dB] within 60 degrees of the equator, every grid point counting the same.

    The range of values that both need is that of the truth there, at that time.

    Parameters
    ----------
    data : JudgedData
        Gives the grid.
    """

    name = SERIES
    of_truth = False

    def __init__(self, data: JudgedData) -> None:
        rows = np.flatnonzero(np.abs(data.template["latitude"].values) <= LARGEST_LATITUDE)
        self._rows = slice(int(rows[0]), int(rows[-1]) + 1)
        # Of each thread the truth looked at last, with its windows: all models of a time are compared with it.
        self._last = threading.local()

    def __call__(self, moment: OneTime) -> Arrays:
        """Return both for every field."""
        ssim, psnr = [], []
        windows = self._windows(moment.truth)
        for values, truth in zip(moment.values[:, self._rows], windows, strict=True):
            span = float(truth.values.max() - truth.values.min())
            ssim.append(truth.similarity(WindowedField(values), span))
            psnr.append(peak_signal_to_noise(values, truth.values, value_range=span))
        return {"ssim": np.array(ssim, dtype=np.float64), "psnr": np.array(psnr, dtype=np.float64)}

    def _windows(self, truth: np.ndarray) -> list[WindowedField]:
        known: tuple[np.ndarray, list[WindowedField]] | None = getattr(self._last, "truth", None)
        if known is None or known[0] is not truth:
            known = truth, [WindowedField(field) for field in truth[:, self._rows]]
            self._last.truth = known
        return known[1]

    def described(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Return the units; the dimension is ``field``."""
        return {}, {"ssim": "1", "psnr": "dB"}
