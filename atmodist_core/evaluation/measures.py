"""The registry of measures: each is defined here once, for scores, evaluations, the page, the report and the docs.

A measure is computed from means over time of statistics of a model and of the truth (see
:mod:`atmodist_core.evaluation.statistics`). Since only means enter, a period may be computed in parts, on several
machines, and be extended later, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from atmodist_core.evaluation import measure_kernels as kernels
from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.ensembles.ensemble_measures import ENSEMBLE_MEASURES
from atmodist_core.evaluation.measure_kernels import DataFacts, Means, Measure
from atmodist_core.evaluation.statistics.similarity import LARGEST_LATITUDE

_ERRORS = ("squared_error", "absolute_error", "product")
_MOMENTS = tuple(f"moment_{k}" for k in range(1, 5))
_FOLDED = ("folded_mean", "folded_square")
_NEAR = (
    f"within {LARGEST_LATITUDE:g} degrees of the equator, grid points counting equally; range: that of the truth there "
    "at that time. Mean over time."
)

_ALL = (
    Measure(
        "rmse",
        "root mean square error",
        "Root of the mean squared difference from the truth, over area and time.",
        "field",
        "zero",
        "values",
        _ERRORS[:1],
        kernels.rmse,
        "RMSE [field]",
    ),
    Measure(
        "mae",
        "mean absolute error",
        "Mean absolute difference from the truth, over area and time.",
        "field",
        "zero",
        "values",
        _ERRORS[1:2],
        kernels.mean_of("absolute_error"),
    ),
    Measure(
        "correlation",
        "correlation",
        "Pearson correlation of the values with the truth's, over area and time.",
        "1",
        "one",
        "values",
        (*_ERRORS[2:], *_MOMENTS[:2]),
        kernels.correlation,
        "correlation",
    ),
    Measure(
        "energy_ratio",
        "power beyond the coarse Nyquist wavenumber relative to the truth",
        "Power of all waves shorter than the coarse grid resolves, over that of the truth; of spherical harmonics on the "
        "globe, of the discrete cosine transform on a limited area.",
        "1",
        "one",
        "spectra",
        ("high_wavenumber_power",),
        kernels.energy_ratio,
        "power beyond the coarse Nyquist",
    ),
    Measure(
        "wasserstein",
        "Wasserstein-1 distance",
        "Area between the distribution functions of the values of result and truth, pooled over area and all times.",
        "field",
        "zero",
        "values",
        ("value_share",),
        kernels.wasserstein,
        "Wasserstein-1 [field]",
        raised=True,
    ),
    Measure(
        "wasserstein_per_time",
        "Wasserstein-1 distance, mean over time",
        "Area between the distribution functions of the values of result and truth over the area at each time, then "
        "the mean over time.",
        "field",
        "zero",
        "values",
        ("wasserstein_per_time",),
        kernels.mean_of("wasserstein_per_time"),
    ),
    Measure(
        "kurtosis",
        "kurtosis",
        "Fourth moment about the mean over the squared variance, over area and time; 3 for normal values.",
        "1",
        "none",
        "values",
        _MOMENTS,
        kernels.kurtosis,
    ),
    Measure(
        "kurtosis_ratio",
        "kurtosis relative to the truth",
        "Kurtosis over that of the truth.",
        "1",
        "one",
        "values",
        _MOMENTS,
        kernels.kurtosis_ratio,
        "kurtosis / truth's",
    ),
    Measure(
        "quantile_0.1_ratio",
        "0.1 % quantile relative to the truth",
        "Value below which 0.1 % of area and time lie, over the truth's.",
        "1",
        "one",
        "values",
        ("value_share",),
        kernels.quantile_ratio(0.001),
        "0.1 % quantile / truth's",
    ),
    Measure(
        "quantile_99.9_ratio",
        "99.9 % quantile relative to the truth",
        "Value below which 99.9 % of area and time lie, over the truth's.",
        "1",
        "one",
        "values",
        ("value_share",),
        kernels.quantile_ratio(0.999),
        "99.9 % quantile / truth's",
    ),
    Measure(
        "block_mean_error",
        "error of the block means",
        "Conservation: root mean square difference between the block means of the result and its coarse input, "
        "relative to the root mean square of the input.",
        "1",
        "zero",
        "conservation",
        ("block_squared_error", "block_power"),
        kernels.block_mean_error,
        "block-mean error",
    ),
    Measure(
        "band_power_ratio",
        "power ratio, mean over the band",
        "Power per total wavenumber over the truth's, averaged over the wavenumbers that the coarse grid lacks.",
        "1",
        "one",
        "spectra",
        ("power",),
        kernels.band_power_ratio,
        "power ratio, mean over degrees {band.first}-{band.last}",
    ),
    Measure(
        "band_log_ratio",
        "mean absolute log ratio of power",
        "Mean absolute logarithm of the same ratios: excess and lack do not cancel.",
        "1",
        "zero",
        "spectra",
        ("power",),
        kernels.band_log_ratio,
        "mean abs. log ratio",
    ),
    Measure(
        "spurious_power",
        "power above the truncation",
        "Power at wavenumbers above the truth's truncation over the truth's power in the band.",
        "1",
        "zero",
        "spectra",
        ("power",),
        kernels.spurious_power,
        "power above {band.last}",
    ),
    Measure(
        "pattern_constant",
        "constant grid pattern",
        "Rms over the positions in a coarse cell of the time mean of the grid-scale part, over the truth's grid-scale "
        "rms.",
        "1",
        "zero",
        "grid",
        _FOLDED,
        kernels.pattern(0),
        "constant pattern",
        raised=True,
    ),
    Measure(
        "pattern_modulated",
        "modulated grid pattern",
        "Standard deviation over the positions in a coarse cell of the variance of the grid-scale part, over the "
        "truth's variance.",
        "1",
        "zero",
        "grid",
        _FOLDED,
        kernels.pattern(1),
        "modulated pattern",
        raised=True,
    ),
    Measure(
        "zonal_line",
        "line in the zonal spectrum",
        "Height of the zonal spectrum at the wavenumber of the coarse grid over that of its neighbours.",
        "1",
        "none",
        "grid",
        ("zonal_power",),
        kernels.line("zonal_power", 1),
        "zonal line",
    ),
    Measure(
        "meridional_line",
        "line in the meridional spectrum",
        "Height of the meridional spectrum at the wavenumber of the coarse grid over that of its neighbours.",
        "1",
        "none",
        "grid",
        ("meridional_power",),
        kernels.line("meridional_power", 0),
        "meridional line",
    ),
    Measure(
        "ssim",
        "structural similarity",
        f"Structural similarity index (Wang et al. 2004) with an 11 x 11 Gaussian window, {_NEAR}",
        "1",
        "one",
        "series",
        ("ssim",),
        kernels.mean_of("ssim"),
    ),
    Measure(
        "psnr",
        "peak signal-to-noise ratio",
        f"10 log10 of the squared range over the mean squared error, {_NEAR}",
        "dB",
        "none",
        "series",
        ("psnr",),
        kernels.mean_of("psnr"),
    ),
    Measure(
        "atmodist",
        "AtmoDist to the truth",
        "Learned distance of all fields together to the truth, mean over time; one number for all fields.",
        "1",
        "zero",
        "distance",
        ("atmodist",),
        kernels.mean_of("atmodist"),
    ),
    *ENSEMBLE_MEASURES,
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
"""The measures by name. Those of parts of the band and of single lags are made by :func:`measures_for`."""

SCORES = (
    *("rmse", "mae", "correlation", "energy_ratio", "wasserstein", "wasserstein_per_time"),
    *("kurtosis", "kurtosis_ratio", "block_mean_error"),
)
"""Measures that :func:`atmodist_core.evaluation.scores` computes by default."""


def power_ratio_measure(part: slice) -> Measure:
    """Return the measure of the power of some total wavenumbers together."""
    first, last = part.start, part.stop - 1

    def finalise(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
        return power_ratio(model["power"][..., part].sum(axis=-1), truth["power"][..., part].sum(axis=-1))

    return Measure(
        f"power_ratio_{first}_{last}",
        f"power of total wavenumbers {first}-{last} relative to the truth",
        f"Power of total wavenumbers {first} to {last} together, over the truth's.",
        "1",
        "one",
        "spectra",
        ("power",),
        finalise,
        f"{first}-{last}",
    )


def semivariance_ratio_measure(place: int, lag_km: float) -> Measure:
    """Return the measure of the semivariance at one lag, the ``place``-th of those stored."""

    def finalise(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
        return power_ratio(model["semivariance"][..., place], truth["semivariance"][..., place])

    return Measure(
        f"semivariance_ratio_{lag_km:g}_km",
        f"semivariance at {lag_km:g} km relative to the truth",
        f"Half the mean squared difference of values {lag_km:g} km apart, over the truth's.",
        "1",
        "one",
        "semivariogram",
        ("semivariance",),
        finalise,
        f"{lag_km:g} km",
    )


def measures_for(facts: DataFacts, statistics: Iterable[str]) -> list[Measure]:
    """Return the measures that can be computed from statistics, with those of the data's band and lags."""
    found, known = list(_ALL), set(statistics)
    if facts.band is not None:
        place = 1 + [measure.name for measure in found].index("band_log_ratio")
        found[place:place] = [power_ratio_measure(part) for part in facts.band.parts()]
    found += [semivariance_ratio_measure(n, float(lag)) for n, lag in enumerate(facts.lags_km)]
    return [measure for measure in found if set(measure.statistics) <= known]
