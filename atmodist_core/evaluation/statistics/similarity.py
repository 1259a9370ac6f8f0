"""Similarity of fields and truth at every time: SSIM and the peak signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.gaussian_windows import SimilarityTruth
from atmodist_core.evaluation.diagnostics.structural_similarity import decibels_of_error
from atmodist_core.evaluation.statistics.moments import AreaSums
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

LARGEST_LATITUDE = 60.0
"""Largest latitude of the rows that are used [degrees]: towards the poles windows of grid points become slivers."""


class Similarity(Statistic):
    """SSIM and peak signal-to-noise ratio [dB] within 60 degrees of the equator; grid points count equally.

    Both use the range of the truth's values there at that time. Raises ``UserError`` if the grid has too few rows there for
    the windows.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {"ssim": ("field",), "psnr": ("field",)}
    units: ClassVar[Mapping[str, str]] = {"ssim": "1", "psnr": "dB"}
    needs_truth: ClassVar[bool] = True

    def __init__(self, sums: AreaSums, latitude: np.ndarray, columns: int) -> None:
        rows = np.flatnonzero(np.abs(latitude) <= LARGEST_LATITUDE)
        if min(rows.size, columns) < 11:
            raise UserError(
                f"Expected at least 11 x 11 points within {LARGEST_LATITUDE:g} degrees of the equator for SSIM, found "
                f"{rows.size} x {columns}; choose a larger region."
            )
        self._rows = slice(int(rows[0]), int(rows[-1]) + 1)
        self._points = rows.size * columns
        self._sums = sums

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both for every field."""
        alone = snapshot.truth_alone
        # All models of a time are compared with it.
        truth = alone.shared("similarity", lambda: SimilarityTruth(alone.values[:, self._rows]))
        errors = self._sums.of_pair(snapshot).squared_error[:, self._rows].sum(axis=1) / self._points
        psnr = [decibels_of_error(error, float(span)) for error, span in zip(errors, truth.span, strict=True)]
        return {
            "ssim": truth.similarity(snapshot.values[:, self._rows]),
            "psnr": np.array(psnr, dtype=np.float64),
        }
