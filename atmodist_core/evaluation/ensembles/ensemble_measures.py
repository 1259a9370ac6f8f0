"""Measures of ensembles and of structure, for the registry :data:`atmodist_core.evaluation.measures.MEASURES`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.ensembles.calibration import rank_deviation
from atmodist_core.evaluation.ensembles.coherence import HALF, ROUNDING
from atmodist_core.evaluation.ensembles.power_of_grid import (
    coherence_of,
    falls_below,
    log_spectral_distance_of,
)
from atmodist_core.evaluation.measure_kernels import DataFacts, Finalise, Means, Measure, kurtosis_of, mean_of

POWER = "power"
BIN_POWER = "bin_power"


def _has_power(truth: Means) -> np.ndarray:
    """Whether the truth has power at a wavenumber: beyond its truncation only rounding errors are left."""
    power = truth[POWER if POWER in truth else BIN_POWER]
    there: np.ndarray = power > ROUNDING * power.max(axis=-1, keepdims=True)
    return there


def coherence_curve(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the coherence per wavenumber, ``(replicate, field, wavenumber)``; missing where the truth has no power."""
    name = POWER if POWER in truth else BIN_POWER
    return np.where(_has_power(truth), coherence_of(model[name], truth[name], model["error_power"]), np.nan)


def band_coherence(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the mean coherence over the band."""
    assert facts.band is not None  # measures_for leaves it out without a band
    return coherence_curve(model, truth, facts)[..., facts.band.degrees].mean(axis=-1)


def effective_resolution(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the wavelength at which the coherence falls below one half."""
    curve = coherence_curve(model, truth, facts)[..., 1:]
    return falls_below(curve, np.asarray(facts.wavelengths_km)[1:], HALF)


def log_spectral_distance(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the log-spectral distance over the degrees from 1 to the truncation."""
    assert facts.band is not None  # as above
    degrees = slice(1, facts.band.last + 1)
    return log_spectral_distance_of(model[POWER][..., degrees], truth[POWER][..., degrees])


def spread_error_ratio(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return spread over error by part of the area, ``(replicate, field, part)``."""
    return np.sqrt(power_ratio(model["spread_square"], model["error_square"]))


def spread_error_of_degrees(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return spread over error per wavenumber, ``(replicate, field, wavenumber)``; missing where the truth has no power."""
    ratio = np.sqrt(power_ratio(model["spread_power"], model["mean_error_power"]))
    return np.where(_has_power(truth), ratio, np.nan)


def spread_error_of_bands(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return spread over error of the parts of the band, ``(replicate, field, part)``."""
    assert facts.band is not None  # there are no curves of bands without one
    sums = [
        np.stack([model[name][..., part].sum(axis=-1) for part in facts.band.parts()], axis=-1)
        for name in ("spread_power", "mean_error_power")
    ]
    return np.sqrt(power_ratio(*sums))


def lag_correlations(model: Means, truth: Means, facts: DataFacts) -> np.ndarray:
    """Return the correlation in time, ``(replicate, field, lag)``, of values whose mean is near zero."""
    return power_ratio(model["lag_product"], np.sqrt(model["square_before"] * model["square_after"]))


def gradient_kurtosis(means: Means) -> np.ndarray:
    """Return the kurtosis of the differences of neighbouring points."""
    return kurtosis_of([means[f"gradient_moment_{k}"] for k in range(1, 5)])


def _step_square(means: Means) -> np.ndarray:
    return means["square_before"][..., 0] + means["square_after"][..., 0] - 2 * means["lag_product"][..., 0]


_CURVES: dict[str, tuple[tuple[str, ...], Finalise]] = {
    "coherence": (("error_power",), coherence_curve),
    "spread_error_by_area": (("spread_square",), spread_error_ratio),
    "spread_error_by_wavenumber": (("spread_power",), spread_error_of_degrees),
    "spread_error_by_band": (("spread_power", POWER), spread_error_of_bands),
    "rank_share": (("rank_share",), mean_of("rank_share")),
    "band_rank_share": (("band_rank_share", POWER), mean_of("band_rank_share")),
    "lag_correlation": (("lag_product",), lag_correlations),
}
"""Curves of a model by name: statistics that they need, and how they are computed."""


def ensemble_curves(statistics: Iterable[str]) -> dict[str, Finalise]:
    """Return the functions of the curves that can be computed from statistics."""
    known = set(statistics)
    return {name: function for name, (needed, function) in _CURVES.items() if known >= set(needed)}


_LAGGED = ("lag_product", "square_before", "square_after")

ENSEMBLE_MEASURES = (
    Measure(
        "crps",
        "continuous ranked probability score",
        "Fair CRPS of the members, mean over area and time; the mean absolute error of a single field.",
        "field",
        "zero",
        "ensemble",
        ("crps",),
        mean_of("crps"),
        "CRPS [field]",
    ),
    Measure(
        "energy_score",
        "energy score on tiles",
        "Fair energy score on tiles of 16 x 16 points, with the root mean square over a tile as the norm; the mean root mean "
        "square error of a tile for a single field. Mean over area and time.",
        "field",
        "zero",
        "ensemble",
        ("energy_score",),
        mean_of("energy_score"),
        "energy score [field]",
    ),
    Measure(
        "variogram_score",
        "variogram score on tiles",
        "Fair variogram score of order 0.5 on tiles of 4 x 4 points, one in every 16 x 16, mean over pairs of points, area and "
        "time.",
        "field",
        "zero",
        "ensemble",
        ("variogram_score",),
        mean_of("variogram_score"),
        "variogram score [field]",
    ),
    Measure(
        "spread_error_ratio",
        "spread over error",
        "Root of the mean variance of M members times (M + 1) / M over the root mean square error of their mean; 0 for a single "
        "field.",
        "1",
        "one",
        "ensemble",
        ("spread_square", "error_square"),
        lambda model, truth, facts: spread_error_ratio(model, truth, facts)[..., 0],
        "spread / error",
    ),
    Measure(
        "rank_deviation",
        "deviation of the rank histogram from flat",
        "Largest departure of a rank's share of area and time from 1 / (M + 1), relative to it; missing for a single field.",
        "1",
        "zero",
        "ensemble",
        ("rank_share",),
        lambda model, truth, facts: rank_deviation(model["rank_share"][..., 0, :]),
        "rank deviation",
        raised=True,
    ),
    Measure(
        "band_coherence",
        "coherence with the truth, mean over the band",
        "Cross power with the truth over the root of the product of both powers, per total wavenumber, averaged over the "
        "wavenumbers that the coarse grid lacks.",
        "1",
        "one",
        "structure",
        (POWER, "error_power"),
        band_coherence,
        "coherence, mean over degrees {band.first}-{band.last}",
    ),
    Measure(
        "effective_resolution",
        "effective resolution",
        "Wavelength at which the coherence with the truth falls below 0.5; smaller is better, at best the wavelength of the "
        "truth's truncation.",
        "km",
        "zero",
        "structure",
        (POWER, "error_power"),
        effective_resolution,
        "effective resolution [km]",
    ),
    Measure(
        "log_spectral_distance",
        "log-spectral distance",
        "Root of the mean over total wavenumbers from 1 to the truncation of the squared power ratio in decibels, of mean "
        "spectra.",
        "dB",
        "zero",
        "structure",
        (POWER,),
        log_spectral_distance,
        "log-spectral distance [dB]",
    ),
    Measure(
        "lag_correlation_ratio",
        "correlation in time relative to the truth",
        "Correlation of the values at 1,000 points with those at the next time, over the truth's.",
        "1",
        "one",
        "structure",
        _LAGGED,
        lambda model, truth, facts: power_ratio(
            lag_correlations(model, truth, facts)[..., 0], lag_correlations(truth, truth, facts)[..., 0]
        ),
        "lag correlation / truth's",
    ),
    Measure(
        "step_change_ratio",
        "change in time relative to the truth",
        "Root mean square change of the values at 1,000 points from one time to the next, over the truth's.",
        "1",
        "one",
        "structure",
        _LAGGED,
        lambda model, truth, facts: np.sqrt(power_ratio(_step_square(model), _step_square(truth))),
        "change in time / truth's",
    ),
    Measure(
        "joint_extremes_ratio",
        "joint extremes relative to the truth",
        "Share of area and time where vorticity and divergence both exceed the truth's 99 % quantile of the absolute value at that "
        "time, over the truth's share; one number for both fields.",
        "1",
        "one",
        "structure",
        ("joint_share",),
        lambda model, truth, facts: power_ratio(model["joint_share"], truth["joint_share"]),
        "joint extremes / truth's",
    ),
    Measure(
        "tail_dependence_ratio",
        "tail dependence relative to the truth",
        "Share of area and time where vorticity and divergence both exceed the model's own 99 % quantile at that time, over the "
        "truth's share: whether extremes coincide as often, however large they are.",
        "1",
        "one",
        "structure",
        ("own_joint_share",),
        lambda model, truth, facts: power_ratio(model["own_joint_share"], truth["own_joint_share"]),
        "tail dependence / truth's",
    ),
    Measure(
        "gradient_kurtosis_ratio",
        "kurtosis of gradients relative to the truth",
        "Kurtosis of the differences of neighbouring points over their distance [s-1 km-1], eastward and northward together, "
        "over that of the truth, within 60 degrees of the equator: whether fronts are as sharp and as rare.",
        "1",
        "one",
        "structure",
        tuple(f"gradient_moment_{k}" for k in range(1, 5)),
        lambda model, truth, facts: power_ratio(gradient_kurtosis(model), gradient_kurtosis(truth)),
        "gradient kurtosis / truth's",
    ),
    Measure(
        "vortex_count_ratio",
        "number of vortices relative to the truth",
        "Number of connected regions where the absolute value exceeds the truth's 99 % quantile at that time, within 60 degrees "
        "of the equator, over the truth's number; of vorticity vortices, of divergence cores of ascent and descent.",
        "1",
        "one",
        "structure",
        ("vortex_count",),
        lambda model, truth, facts: power_ratio(model["vortex_count"], truth["vortex_count"]),
        "vortices / truth's",
    ),
    Measure(
        "vortex_size_ratio",
        "mean size of vortices relative to the truth",
        "Mean area [km2] of the same regions, over the truth's.",
        "1",
        "one",
        "structure",
        ("vortex_count", "vortex_area"),
        lambda model, truth, facts: power_ratio(
            power_ratio(model["vortex_area"], model["vortex_count"]),
            power_ratio(truth["vortex_area"], truth["vortex_count"]),
        ),
        "size of vortices / truth's",
    ),
)
