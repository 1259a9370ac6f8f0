"""Measures in the order in which a newcomer asks: small scales, values, cities, errors, artefacts."""

from __future__ import annotations

GROUPS = {
    "power": "Small scales: as much power as in the truth?",
    "values": "Values: the right distribution?",
    "cities": "Cities: the right distribution at each place?",
    "errors": "Errors: the right value at each point?",
    "artefacts": "Artefacts: is the input kept, and the coarse grid invisible?",
    "others": "Further measures",
}
"""Titles by name of the group, in order."""

HEADLINE = (
    *("energy_ratio", "band_log_ratio", "semivariance_ratio_100_km"),
    *("wasserstein", "kurtosis_ratio", "quantile_0.1_ratio", "quantile_99.9_ratio"),
    *("cities_1", "cities_3"),
    *("rmse", "correlation", "ssim", "atmodist", "crps"),
    *("block_mean_error", "spurious_power", "pattern_constant", "pattern_modulated"),
)
"""Measures that a short scorecard shows; the others repeat them at single scales."""

CITY_PREFIX = "cities_"
"""Beginning of the names of counts of cities; the points along a side of the box follow."""

_ERRORS = ("rmse", "mae", "correlation", "ssim", "atmodist", "crps")
_SECTIONS = {
    "spectra": "power",
    "semivariogram": "power",
    "values": "values",
    "extremes": "values",
    "grid": "artefacts",
    "conservation": "artefacts",
}


def group_of(measure: str, section: str) -> str:
    """Return the group of a measure, from its name and its section of the report.

    Examples
    --------
    >>> group_of("rmse", "values"), group_of("wasserstein", "values"), group_of("new", "of another kind")
    ('errors', 'values', 'others')
    """
    if measure in _ERRORS:
        return "errors"
    if measure.startswith(CITY_PREFIX):
        return "cities"
    return "artefacts" if measure == "spurious_power" else _SECTIONS.get(section, "others")


def headline_of(measures: list[str]) -> list[str]:
    """Return the measures of a short scorecard among those there are, in the same order; all if none of them is there."""
    chosen = [name for name in measures if name in HEADLINE]
    if "energy_ratio" not in measures and "band_power_ratio" in measures:
        chosen = [name for name in measures if name in (*HEADLINE, "band_power_ratio")]
    return chosen or measures
