"""The numbers of the tables, made from averages over times of a model's statistics and of the truth's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from atmodist_core.evaluation.energy_ratio import power_ratio
from atmodist_core.evaluation.measures import (
    BlockMeanError,
    Correlation,
    Kurtosis,
    KurtosisRatio,
    MeanAbsoluteError,
    Measure,
    PairMeasure,
    RootMeanSquareError,
)
from atmodist_core.evaluation.statistics.grid_pattern import line_height, pattern_strength
from atmodist_core.evaluation.statistics.histogram import (
    ValueBins,
    histogram_quantile,
)
from atmodist_core.evaluation.statistics.spectral_band import SpectralBand
from atmodist_core.evaluation.wasserstein import histogram_wasserstein

Means = Mapping[str, np.ndarray]
"""Averages over times by name, each of shape ``(replicate, field, ...)``."""

QUANTILES = (0.001, 0.999)

PAIR_MEASURES: tuple[type[PairMeasure], ...] = (
    RootMeanSquareError,
    MeanAbsoluteError,
    Correlation,
    Kurtosis,
    KurtosisRatio,
    BlockMeanError,
)
"""Those of :mod:`atmodist_core.evaluation.measures` whose statistics need prediction and truth together."""


@dataclass(frozen=True)
class ResultMeasure:
    """One column of a table.

    Parameters
    ----------
    name : str
        In JSON.
    head : str
        In a table; "[field]" becomes the units of the field.
    table : str
        Which table it belongs to; empty for JSON alone.
    ideal : {"zero", "one", "none"}
        The value of a perfect prediction.
    finalise : callable
        ``(model, truth) -> (replicate, field)`` from the averages of both.
    raised : bool
        Whether the repeated days of a resampled record raise it, see :func:`remove_excess`.
    """

    name: str
    head: str
    table: str
    ideal: Literal["zero", "one", "none"]
    finalise: Callable[[Means, Means], np.ndarray]
    raised: bool = False


def result_measures(
    band: SpectralBand, lags_km: np.ndarray, points: tuple[int, int], factor: int, units: list[str]
) -> list[ResultMeasure]:
    """Return every measure for one data set.

    Parameters
    ----------
    band : SpectralBand
        Degrees that are judged.
    lags_km : numpy.ndarray
        Lags of the semivariogram [km].
    points : tuple of int
        Points of the spectra of lines: meridional, zonal.
    factor : int
        How many times coarser the input was.
    units : list of str
        Of every field.
    """
    return [
        *_pair_measures(),
        *_spectral_measures(band),
        *_pattern_measures(points, factor),
        *_semivariogram_measures(lags_km),
        *_value_measures(units),
    ]


def _pair_measures() -> list[ResultMeasure]:
    shown = {
        "rmse": ("values", "RMSE [field]"),
        "correlation": ("values", "correlation"),
        "block_mean_error": ("values", "block-mean error"),
        "kurtosis_ratio": ("values", "kurtosis / truth's"),
    }
    found = []
    for kind in PAIR_MEASURES:
        table, head = shown.get(kind.name, ("", kind.long_name))
        found.append(ResultMeasure(kind.name, head, table, kind.ideal, _of_pair(kind())))
    return found


def _of_pair(measure: Measure) -> Callable[[Means, Means], np.ndarray]:
    return lambda model, _: measure.finalise(model)


ROUNDING = 1e-8
"""Share of the band's power that counts as none: what float32 leaves of a field that was truncated."""


def _spectral_measures(band: SpectralBand) -> list[ResultMeasure]:
    def per_degree(model: Means, truth: Means) -> np.ndarray:
        return power_ratio(model["power"], truth["power"])[..., band.degrees]

    def part_ratio(part: slice) -> Callable[[Means, Means], np.ndarray]:
        return lambda model, truth: power_ratio(
            model["power"][..., part].sum(axis=-1), truth["power"][..., part].sum(axis=-1)
        )

    def log_ratio(model: Means, truth: Means) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.abs(np.log(per_degree(model, truth))).mean(axis=-1)

    def spurious(model: Means, truth: Means) -> np.ndarray:
        beyond, inside = model["power"][..., band.beyond], truth["power"][..., band.degrees]
        if not beyond.shape[-1]:
            return np.full(beyond.shape[:-1], np.nan)
        share = power_ratio(beyond.sum(axis=-1), inside.sum(axis=-1))
        return np.where(share < ROUNDING, 0.0, share)

    return [
        ResultMeasure(
            "band_power_ratio",
            f"power ratio, mean over degrees {band.first}-{band.last}",
            "spectra",
            "one",
            lambda model, truth: per_degree(model, truth).mean(axis=-1),
        ),
        ResultMeasure("band_log_ratio", "mean abs. log ratio", "spectra", "zero", log_ratio),
        *(
            ResultMeasure(
                f"power_ratio_{part.start}_{part.stop - 1}",
                f"{part.start}-{part.stop - 1}",
                "spectra",
                "one",
                part_ratio(part),
            )
            for part in band.parts()
        ),
        ResultMeasure("spurious_power", f"power above {band.last}", "spectra", "zero", spurious),
    ]


def _pattern_measures(points: tuple[int, int], factor: int) -> list[ResultMeasure]:
    def strength(which: int) -> Callable[[Means, Means], np.ndarray]:
        return lambda model, truth: pattern_strength(
            model["folded_mean"], model["folded_square"], truth["folded_square"]
        )[which]

    def line(name: str, count: int) -> Callable[[Means, Means], np.ndarray]:
        return lambda model, _: line_height(model[name], count, factor)

    rows, columns = points
    return [
        ResultMeasure("pattern_constant", "constant pattern", "grid", "zero", strength(0), raised=True),
        ResultMeasure("pattern_modulated", "modulated pattern", "grid", "zero", strength(1), raised=True),
        ResultMeasure("zonal_line", "zonal line", "grid", "none", line("zonal_power", columns)),
        ResultMeasure("meridional_line", "meridional line", "grid", "none", line("meridional_power", rows)),
    ]


def _semivariogram_measures(lags_km: np.ndarray) -> list[ResultMeasure]:
    def ratio(place: int) -> Callable[[Means, Means], np.ndarray]:
        return lambda model, truth: power_ratio(
            model["semivariance"][..., place], truth["semivariance"][..., place]
        )

    return [
        ResultMeasure(f"semivariance_ratio_{lag:g}_km", f"{lag:g} km", "semivariogram", "one", ratio(place))
        for place, lag in enumerate(map(float, lags_km))
    ]


def _value_measures(units: list[str]) -> list[ResultMeasure]:
    edges = [ValueBins.of_units(each).edges for each in units]

    def quantile_ratio(share: float) -> Callable[[Means, Means], np.ndarray]:
        def finalise(model: Means, truth: Means) -> np.ndarray:
            parts = [
                histogram_quantile(model["value_share"][:, n], edge, share)
                / histogram_quantile(truth["value_share"][:, n], edge, share)
                for n, edge in enumerate(edges)
            ]
            return np.stack(parts, axis=-1)

        return finalise

    def distance(model: Means, truth: Means) -> np.ndarray:
        parts = [
            histogram_wasserstein(model["value_share"][:, n], truth["value_share"][:, n], edge)
            for n, edge in enumerate(edges)
        ]
        return np.stack(parts, axis=-1)

    return [
        ResultMeasure("wasserstein", "Wasserstein-1 [field]", "values", "zero", distance, raised=True),
        *(
            ResultMeasure(
                f"quantile_{100 * share:g}_ratio",
                f"{100 * share:g} % quantile / truth's",
                "values",
                "one",
                quantile_ratio(share),
            )
            for share in QUANTILES
        ),
    ]
