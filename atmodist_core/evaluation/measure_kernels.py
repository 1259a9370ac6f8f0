"""How measures are computed from means over time of statistics of a model and of the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.diagnostics.wasserstein import histogram_wasserstein
from atmodist_core.evaluation.statistics.histogram import ValueBins, histogram_quantile
from atmodist_core.evaluation.statistics.pattern import line_height, pattern_strength
from atmodist_core.evaluation.statistics.spectral_band import SpectralBand

Means = Mapping[str, np.ndarray]
"""Means over time by name of the statistic, each of shape ``(replicate, field, ...)``."""

ROUNDING = 1e-8
"""Share of the band's power that counts as none: the rounding of float32 in a truncated field."""


@dataclass(frozen=True)
class DataFacts:
    """Facts about the data that measures depend on.

    Bins of the histograms by field, factor of the coarse grid, total wavenumbers that it lacks (None for a limited area),
    lags of the semivariogram, points of the meridional and the zonal spectra in which lines are sought, and wavelengths of the total
    wavenumbers.
    """

    bins: Sequence[ValueBins]
    factor: int
    band: SpectralBand | None = None
    lags_km: Sequence[float] = ()
    line_points: tuple[int, int] = (0, 0)
    wavelengths_km: Sequence[float] = ()


Finalise = Callable[[Means, Means, DataFacts], np.ndarray]
"""``(means of the model, means of the truth, facts) -> (replicate, field)``."""


@dataclass(frozen=True)
class Measure:
    """One number per field that compares a prediction with the truth.

    Parameters
    ----------
    name, long_name : str
        Name in scores, files and JSON, and a few words for axes and rows.
    definition : str
        How it is computed, in a sentence or two.
    units : str
        Units, or "field" for the units of the field.
    ideal : {"zero", "one", "none"}
        Value of a perfect prediction; "none" where neither more nor less is better.
    section : str
        Section of the report and table that it belongs to.
    statistics : tuple of str
        Statistics that it needs.
    finalise : callable
        ``(means of the model, means of the truth, facts) -> (replicate, field)``.
    head : str
        Column head in tables; empty for measures that tables leave out.
    raised : bool
        Whether repeated days of a resampled record raise it, see
        :func:`~atmodist_core.evaluation.bootstrap.remove_excess`.
    """

    name: str
    long_name: str
    definition: str
    units: str
    ideal: Literal["zero", "one", "none"]
    section: str
    statistics: tuple[str, ...]
    finalise: Finalise
    head: str = ""
    raised: bool = False


def rmse(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the root of the mean squared error."""
    return np.sqrt(model["squared_error"])


def correlation(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return covariance over standard deviations; missing where one field is constant."""
    covariance = model["product"] - model["moment_1"] * truth["moment_1"]
    variances = [each["moment_2"] - each["moment_1"] ** 2 for each in (model, truth)]
    return power_ratio(covariance, np.sqrt(np.maximum(variances[0] * variances[1], 0)))


def kurtosis_of(powers: Sequence[np.ndarray]) -> np.ndarray:
    """Return the fourth central moment over the squared variance from means of the first four powers."""
    first, second, third, fourth = powers
    variance = second - first**2
    central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return power_ratio(central, np.square(np.maximum(variance, 0)))


def kurtosis(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the kurtosis of the model's values."""
    return kurtosis_of([model[f"moment_{k}"] for k in range(1, 5)])


def kurtosis_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the kurtosis over the truth's."""
    return power_ratio(kurtosis(model, truth, facts), kurtosis(truth, truth, facts))


def block_mean_error(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the relative root mean square error of the block means."""
    return np.sqrt(power_ratio(model["block_squared_error"], model["block_power"]))


def energy_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the power beyond the coarse Nyquist wavenumber over the truth's."""
    return power_ratio(model["high_wavenumber_power"], truth["high_wavenumber_power"])


def _per_field(
    facts: DataFacts, of_field: Callable[[int, np.ndarray], np.ndarray], axis: int = -1
) -> np.ndarray:
    """Stack what a function of the field's number and bin edges gives for every field."""
    return np.stack([of_field(n, bins.edges) for n, bins in enumerate(facts.bins)], axis=axis)


def wasserstein(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the Wasserstein-1 distance of the histograms."""
    shares = model["value_share"], truth["value_share"]
    return _per_field(facts, lambda n, edge: histogram_wasserstein(shares[0][:, n], shares[1][:, n], edge))


def quantiles(share: Sequence[float]) -> Finalise:
    """Return a function that computes quantiles of the values, shape ``(replicate, field, quantile)``."""

    def finalise(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
        return _per_field(
            facts,
            lambda n, edge: np.stack(
                [histogram_quantile(model["value_share"][:, n], edge, p) for p in share], axis=-1
            ),
            axis=1,
        )

    return finalise


def quantile_ratio(share: float) -> Finalise:
    """Return a function that computes a quantile over the truth's."""
    of = quantiles([share])
    return lambda model, truth, facts: (of(model, truth, facts) / of(truth, truth, facts))[..., 0]


def mean_of(name: str) -> Finalise:
    """Return a function that gives the mean of a statistic itself."""
    return lambda model, truth, facts: model[name]


def _band(facts: DataFacts) -> SpectralBand:
    assert facts.band is not None  # measures_for leaves these measures out without a band
    return facts.band


def _band_ratios(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    return power_ratio(model["power"], truth["power"])[..., _band(facts).degrees]


def band_power_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the mean power ratio over the degrees of the band."""
    return _band_ratios(model, truth, facts).mean(axis=-1)


def band_log_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the mean absolute log power ratio over the degrees of the band."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(_band_ratios(model, truth, facts))).mean(axis=-1)


def spurious_power(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the power above the band over the truth's power in it."""
    band = _band(facts)
    beyond, inside = model["power"][..., band.beyond], truth["power"][..., band.degrees]
    if not beyond.shape[-1]:
        return np.full(beyond.shape[:-1], np.nan)
    share = power_ratio(beyond.sum(axis=-1), inside.sum(axis=-1))
    return np.where(share < ROUNDING, 0.0, share)


def pattern(which: int) -> Finalise:
    """Return a function that computes the constant (0) or modulated (1) pattern."""
    return lambda model, truth, facts: pattern_strength(
        model["folded_mean"], model["folded_square"], truth["folded_square"]
    )[which]


def line(name: str, axis: int) -> Finalise:
    """Return a function that computes the height of lines in a spectrum."""
    return lambda model, truth, facts: line_height(model[name], facts.line_points[axis], facts.factor)
