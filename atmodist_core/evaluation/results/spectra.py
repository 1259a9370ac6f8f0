"""Spectra and semivariograms of a finished evaluation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.energy_ratio import power_ratio
from atmodist_core.evaluation.geometry import squared_units
from atmodist_core.evaluation.results.labelled import Finishing, Variable, dataset, described, with_interval
from atmodist_core.evaluation.spectra import kinetic_energy_factor, wavelength_km

BAND = (10, 90)
"""Percentiles of daily mean spectra that bound the band around the mean."""

_POWER = (
    "Mean over time of the sum over all orders of the squared coefficients of each total wavenumber, divided by 4 pi: "
    "all wavenumbers together sum to the area mean of the square."
)
_ENERGY = (
    "a^2 / (2 l (l + 1)) times the power of vorticity and of divergence together, with a the Earth's radius."
)


def spectra_results(finishing: Finishing) -> xr.Dataset:
    """Spectra of all methods and of the truth, with the band of daily means, and ratios to the truth with intervals."""
    methods, fields = finishing.methods, finishing.fields
    axes = ("method", "field", "total_wavenumber")
    units = squared_units(finishing.common_units)
    mean = np.stack([finishing.value(lambda model, _: model["power"], label) for label in methods])
    daily = [_daily_power(finishing, label) for label in methods]
    variables = {"power": described(mean, axes, units, "power per total wavenumber", _POWER)}
    variables |= _band("power", daily, axes, units, "power per total wavenumber")
    if {"vorticity", "divergence"} <= set(fields):
        factor = kinetic_energy_factor(mean.shape[-1] - 1)
        places = [fields.index(name) for name in ("vorticity", "divergence")]
        energy = [factor * each[:, places].sum(axis=1) for each in daily]
        name = "kinetic energy per mass and total wavenumber"
        axes_of_energy = ("method", "total_wavenumber")
        variables["kinetic_energy"] = described(
            factor * mean[:, places].sum(axis=1), axes_of_energy, "m2 s-2", name, _ENERGY
        )
        variables |= _band("kinetic_energy", energy, axes_of_energy, "m2 s-2", name)
    ratios = finishing.of_models(lambda model, truth: power_ratio(model["power"], truth["power"]))
    variables |= with_interval(
        "power_ratio",
        ratios,
        ("method", "field", "total_wavenumber"),
        "1",
        "power per total wavenumber relative to the truth's",
        "Ratio of the means over time; 1 is right.",
    )
    truncation = mean.shape[-1] - 1
    return dataset(
        variables,
        {
            "method": methods,
            **finishing.field_coordinates,
            "total_wavenumber": np.arange(truncation + 1),
            "wavelength_km": ("total_wavenumber", wavelength_km(truncation), {"units": "km"}),
        },
    )


def _daily_power(finishing: Finishing, label: str) -> np.ndarray:
    """Mean spectra of all days that have times, shape ``(day, field, total_wavenumber)``."""
    sums = finishing.sums[label]
    there = sums.count > 0
    return sums.sums["power"][there] / sums.count[there, None, None]


def _band(
    name: str, daily: list[np.ndarray], axes: tuple[str, ...], units: str, long_name: str
) -> dict[str, Variable]:
    found = {}
    for share in BAND:
        values = np.stack([np.percentile(each, share, axis=0) for each in daily])
        found[f"{name}_p{share}"] = described(
            values, axes, units, f"{long_name}, {share} % of days", f"{share} % of the daily means."
        )
    return found


def semivariogram_results(finishing: Finishing) -> xr.Dataset:
    """Semivariances of all methods and of the truth, and ratios to the truth with intervals."""
    lags = np.asarray(finishing.reader.coordinates["lag_km"])
    mean = np.stack(
        [finishing.value(lambda model, _: model["semivariance"], label) for label in finishing.methods]
    )
    ratios = finishing.of_models(
        lambda model, truth: power_ratio(model["semivariance"], truth["semivariance"])
    )
    variables = {
        "semivariance": described(
            mean,
            ("method", "field", "lag_km"),
            squared_units(finishing.common_units),
            "semivariance",
            "Half the mean squared difference of the values at two points this great-circle distance apart, over the same "
            "random pairs of grid points at all times.",
        ),
        **with_interval(
            "semivariance_ratio",
            ratios,
            ("method", "field", "lag_km"),
            "1",
            "semivariance relative to the truth's",
            "Ratio of the means over time; 1 is right.",
        ),
    }
    return dataset(
        variables,
        {
            "method": finishing.methods,
            **finishing.field_coordinates,
            "lag_km": ("lag_km", lags, {"units": "km", "long_name": "great-circle distance"}),
        },
    )
