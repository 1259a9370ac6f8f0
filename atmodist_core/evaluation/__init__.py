"""Evaluation of fields: spectra, semivariogram, scores, lag curves, local statistics.

Functions take canonical datasets and return labelled ones with units.
"""

from atmodist_core.evaluation.diagnostics.atmosphere_statistics import (
    atmosphere_statistics,
    lag_correlation,
    spectral_slope,
)
from atmodist_core.evaluation.diagnostics.energy_ratio import (
    coarse_nyquist_wavelength_km,
    high_wavenumber_energy_ratio,
)
from atmodist_core.evaluation.diagnostics.global_spectrum import global_spectrum
from atmodist_core.evaluation.diagnostics.learned_score import atmodist
from atmodist_core.evaluation.diagnostics.local_statistics import (
    better_equal_worse,
    local_statistics,
    local_wasserstein,
)
from atmodist_core.evaluation.diagnostics.regional_spectra import regional_spectrum
from atmodist_core.evaluation.diagnostics.semivariogram import semivariogram
from atmodist_core.evaluation.diagnostics.spectra import energy_spectrum
from atmodist_core.evaluation.diagnostics.structural_similarity import (
    peak_signal_to_noise,
    structural_similarity,
)
from atmodist_core.evaluation.diagnostics.wasserstein import wasserstein
from atmodist_core.evaluation.diagnostics.wind_speed import wind_speed
from atmodist_core.evaluation.ensembles.calibration import rank_histogram, spread_skill
from atmodist_core.evaluation.ensembles.coherence import (
    coherence,
    effective_resolution,
    log_spectral_distance,
)
from atmodist_core.evaluation.ensembles.proper_scores import crps, energy_score, variogram_score
from atmodist_core.evaluation.geometry import area_weights, common_points
from atmodist_core.evaluation.lags.lag_curves import lag_curve, scaled_together
from atmodist_core.evaluation.measures import MEASURES, Measure
from atmodist_core.evaluation.model_scores import downscaling_scores, downscaling_statistics, scores_table
from atmodist_core.evaluation.scores import finalise_scores, sample_statistics, scores

__all__ = [
    "MEASURES",
    "Measure",
    "area_weights",
    "atmodist",
    "atmosphere_statistics",
    "better_equal_worse",
    "coarse_nyquist_wavelength_km",
    "coherence",
    "common_points",
    "crps",
    "downscaling_scores",
    "downscaling_statistics",
    "effective_resolution",
    "energy_score",
    "energy_spectrum",
    "finalise_scores",
    "global_spectrum",
    "high_wavenumber_energy_ratio",
    "lag_correlation",
    "lag_curve",
    "local_statistics",
    "local_wasserstein",
    "log_spectral_distance",
    "peak_signal_to_noise",
    "rank_histogram",
    "regional_spectrum",
    "sample_statistics",
    "scaled_together",
    "scores",
    "scores_table",
    "semivariogram",
    "spectral_slope",
    "spread_skill",
    "structural_similarity",
    "variogram_score",
    "wasserstein",
    "wind_speed",
]
