"""Patterns locked to the grid: checkerboards and dots that generators produce and weather does not have.

Two independent measures. The first folds the grid-scale part of a field onto the ``factor`` x ``factor`` positions
that a fine point can have in its coarse cell: weather does not depend on coarse cells, so every position must have
the same mean and the same mean square. The second looks for lines in the zonal and the meridional spectrum at
the wavenumbers of such patterns, the multiples of the number of coarse cells (Odena et al., 2016).

References
----------
Odena, A., Dumoulin, V. and Olah, C., 2016: Deconvolution and checkerboard artifacts. Distill, doi
10.23915/distill.00003.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from atmodist_core.evaluation.statistics.row_sums import chunks_of_rows
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic

FAINT = 1e-6
"""The level around a line is at least this share of the spectrum's largest power, so that an empty spectrum has no
lines."""

LINE_LATITUDE = 60.0
"""Spectral lines are sought between this latitude south and north [degrees]: nearer the poles a circle of
latitude is short and its highest wavenumbers are empty."""


class GridPattern(Statistic):
    """Mean and mean square of the grid-scale part by position in a coarse cell, see :func:`folded_moments`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "folded_mean": ("field", "cell_row", "cell_column"),
        "folded_square": ("field", "cell_row", "cell_column"),
    }
    units: ClassVar[Mapping[str, str]] = {"folded_mean": "field", "folded_square": "field2"}

    def __init__(self, weights: np.ndarray, factor: int, *, wraps: bool = True) -> None:
        self._rows, self._factor, self._wraps = weights, factor, wraps

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both."""
        mean, square = folded_moments(snapshot.values, self._rows, self._factor, wraps=self._wraps)
        return {"folded_mean": mean, "folded_square": square}

    def coordinates(self) -> dict[str, Any]:
        """Return the positions in a coarse cell."""
        return {"cell_row": np.arange(self._factor), "cell_column": np.arange(self._factor)}


class LinePower(Statistic):
    """Power per zonal and meridional wavenumber, see :func:`line_spectra`."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "zonal_power": ("field", "zonal_wavenumber"),
        "meridional_power": ("field", "meridional_wavenumber"),
    }
    units: ClassVar[Mapping[str, str]] = {"zonal_power": "field2", "meridional_power": "field2"}

    def __init__(self, latitude: np.ndarray) -> None:
        self._latitude = latitude.astype(float)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both spectra."""
        zonal, meridional = line_spectra(snapshot.values, self._latitude)
        return {"zonal_power": zonal.astype(np.float64), "meridional_power": meridional.astype(np.float64)}


def grid_scale_part(values: np.ndarray) -> np.ndarray:
    """Return the departure of every point from the 1-2-1 smoothed field, in both directions.

    A pattern of a wavelength of two points passes unchanged, of four points to three quarters; large scales hardly pass.
    Longitudes are a full circle; the first and last row of the result are zero.
    """
    rows = np.zeros_like(values)
    rows[..., 1:-1, :] = 0.5 * values[..., 1:-1, :] + 0.25 * (values[..., 2:, :] + values[..., :-2, :])
    smooth = 0.5 * rows
    smooth[..., 1:-1] += 0.25 * (rows[..., 2:] + rows[..., :-2])
    smooth[..., 0] += 0.25 * (rows[..., 1] + rows[..., -1])
    smooth[..., -1] += 0.25 * (rows[..., 0] + rows[..., -2])
    result = values - smooth
    result[..., 0, :] = 0
    result[..., -1, :] = 0
    return result


def fold_on_cells(values: np.ndarray, weights: np.ndarray, factor: int) -> np.ndarray:
    """Return the area mean ``(..., factor, factor)`` by position of the fine points in their coarse cell.

    ``weights`` are area weights of the rows. Rows and columns that fill no cell are left out.
    """
    rows, columns = values.shape[-2] // factor, values.shape[-1] // factor
    part = values[..., : rows * factor, : columns * factor]
    by_column = part.reshape(*part.shape[:-1], columns, factor).mean(axis=-2)
    by_row = by_column.reshape(*by_column.shape[:-2], rows, factor, factor)
    # Each position has its own weights, so that positions in the rows nearer the equator do not count more.
    weight = weights[: rows * factor].reshape(rows, factor)
    return np.einsum("...rpq,rp->...pq", by_row, weight / weight.sum(axis=0))


def folded_moments(
    values: np.ndarray, weights: np.ndarray, factor: int, *, wraps: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Fold the grid-scale part of fields, and its square, on coarse cells.

    The same as :func:`fold_on_cells` of :func:`grid_scale_part`, a few rows at a time, which stay in the cache. Both
    results are area means at every position, float64 ``(field, factor, factor)``. Without a full circle of longitudes
    (``wraps``) the first and the last coarse cell of each row, whose points lack a neighbour, are left out.
    """
    fields, rows, columns = values.shape
    high, wide = rows // factor, columns // factor * factor
    weight = weights[: high * factor].reshape(high, factor)
    weight = (weight / weight.sum(axis=0))[:, :, None]
    sums = np.zeros((2, fields, factor, wide))
    for some in chunks_of_rows((fields, high * factor, columns), factor):
        before, after = min(some.start, 1), min(rows - some.stop, 1)
        with_neighbours = values[:, some.start - before : some.stop + after]
        part = grid_scale_part(with_neighbours)[:, before : before + some.stop - some.start, :wide]
        cells = part.astype(np.float64).reshape(fields, -1, factor, wide)
        of_cells = weight[some.start // factor : some.stop // factor]
        sums[0] += (cells * of_cells).sum(axis=1)
        cells *= cells
        cells *= of_cells
        sums[1] += cells.sum(axis=1)
    if not wraps and wide > 2 * factor:
        sums = sums[..., factor:-factor]
    mean, square = sums.reshape(2, fields, factor, -1, factor).mean(axis=-2)
    return mean, square


def pattern_strength(
    mean: np.ndarray, square: np.ndarray, truth_square: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how much the positions in a coarse cell differ, from means ``(..., factor, factor)``.

    The first result is the root mean square over the positions of the mean, relative to the truth's root mean square: a
    pattern that is always there. The second is the standard deviation over the positions of the mean square, relative to
    the truth's mean square: a pattern that varies with the weather.
    """
    level = truth_square.mean(axis=(-2, -1))
    constant = np.sqrt(mean.var(axis=(-2, -1)) / level)
    return constant, square.std(axis=(-2, -1)) / level


def line_spectra(values: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean power per zonal and meridional wavenumber from 60 S to 60 N.

    The zonal one, ``(..., longitude // 2 + 1)``, is over waves around the globe, weighted by the cosine of latitude; the
    meridional one, ``(..., rows // 2 + 1)``, over waves between the latitudes, under a Hann window. Both are in units of
    ``values`` squared with an arbitrary factor.
    """
    belt = np.flatnonzero(np.abs(latitude) <= LINE_LATITUDE)
    part = np.array(values[..., belt[0] : belt[-1] + 1, :], dtype=np.float32, order="C")
    cosine = np.cos(np.deg2rad(latitude[belt])).astype(np.float32)
    zonal = _mean_square(torch.fft.rfft(torch.from_numpy(part)), cosine / cosine.sum())
    window = np.hanning(belt.size + 2)[1:-1].astype(np.float32)[:, None]
    # Transposed, an axis of waves lies last as well.
    spectrum = torch.fft.rfft(torch.from_numpy(part * window).transpose(-1, -2))
    columns = part.shape[-1]
    return zonal, _mean_square(spectrum, np.full(columns, 1 / columns, np.float32))


def _mean_square(spectrum: Tensor, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over lines of the squared absolute values, ``(..., line, wavenumber)`` to ``(..., wavenumber)``."""
    parts = torch.view_as_real(spectrum.contiguous()).flatten(-2)
    mean = torch.matmul(torch.from_numpy(weights), parts.square())
    return mean.unflatten(-1, (-1, 2)).sum(dim=-1).numpy()


def line_height(spectrum: np.ndarray, points: int, factor: int) -> np.ndarray:
    """Return the height of the highest line at wavenumbers of a grid pattern relative to its surroundings.

    The wavenumbers are ``points / factor`` and its multiples up to ``points / 2``. A line is the largest power
    within 1/80 of ``points / factor`` and one wavenumber more; its surroundings reach from twice to eight times
    as far, and of the two sides the stronger counts, so that the end of a spectrum is no line. ``spectrum`` has shape
    ``(..., points // 2 + 1)``, see :func:`line_spectra`. About 1 or less without a line; missing where the axis is too short.
    """
    half = max(1, int(points / factor / 80) + 1)
    heights = []
    for multiple in range(1, factor // 2 + 1):
        centre = round(points * multiple / factor)
        line = spectrum[..., max(centre - half, 0) : centre + half + 1]
        below = spectrum[..., max(centre - 8 * half, 1) : max(centre - 2 * half, 0)]
        above = spectrum[..., centre + 2 * half + 1 : centre + 8 * half + 1]
        sides = [side.mean(axis=-1) for side in (below, above) if side.shape[-1] >= 2]
        if not sides or not line.shape[-1]:
            continue
        level = np.maximum.reduce([*sides, FAINT * spectrum.max(axis=-1)])
        heights.append(np.divide(line.max(axis=-1), level, out=np.full(level.shape, np.nan), where=level > 0))
    if not heights:
        return np.full(spectrum.shape[:-1], np.nan)
    return np.maximum.reduce(heights)
