"""Plots as objects: HoloViews elements for notebooks and for the page, from fields and from evaluation results.

Needs ``pip install 'atmodist-studio[plots]'``. HoloViews is imported when a plot is first asked for.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "maps": "atmodist_core.plots.map_plots.panels",
    "geo_map": "atmodist_core.plots.map_plots.geographic",
    "field_maps": "atmodist_core.plots.map_plots.panels",
    "spectra": "atmodist_core.plots.spectrum_plots.spectra",
    "semivariograms": "atmodist_core.plots.spectrum_plots.semivariograms",
    "transect": "atmodist_core.plots.map_plots.transects",
    "distance_matrix": "atmodist_core.plots.distance_plots.matrices",
    "lag_curves": "atmodist_core.plots.distance_plots.lags",
    "confusion_matrix": "atmodist_core.plots.distance_plots.lags",
    "similar_days": "atmodist_core.plots.distance_plots.similar_days",
    "city_densities": "atmodist_core.plots.city_plots",
    "verdict_map": "atmodist_core.plots.city_plots",
    "learning_curves": "atmodist_core.plots.learning_plots",
    "scorecard": "atmodist_core.plots.scorecard_plots",
    "scorecard_table": "atmodist_core.plots.scorecard_plots",
    "ensemble": "atmodist_core.plots.ensemble_plots",
    "rank_histogram": "atmodist_core.plots.ensemble_plots",
    "spread_error": "atmodist_core.plots.ensemble_plots",
    "open_share": "atmodist_core.plots.ensemble_plots",
    "strongest_patches": "atmodist_core.plots.feature_plots.patch_sheets",
    "sensitivity": "atmodist_core.plots.feature_plots.sensitivity_curves",
    "activation_map": "atmodist_core.plots.feature_plots.feature_maps",
    "metamer": "atmodist_core.plots.feature_plots.feature_maps",
    "explore": "atmodist_core.plots.explorer",
    "LivePlot": "atmodist_core.plots.live",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'atmodist_core.plots' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
