"""Spectra, semivariograms and power by latitude of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.evaluation.diagnostics.spectra import kinetic_energy_factor, wavelength_km
from atmodist_core.evaluation.geometry import squared_units
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.results.labelled import (
    Variable,
    described,
    with_interval,
    with_missing_truth,
)
from atmodist_core.evaluation.run.groups import LATITUDES
from atmodist_core.evaluation.store.statistics_store import TRUTH

BAND = (10, 90)
"""Percentiles of daily mean spectra that bound the band around the mean."""

_POWER = (
    "Mean over time of the sum over all orders of the squared coefficients of each total wavenumber, divided by 4 pi: "
    "all wavenumbers together sum to the area mean of the square."
)
_BIN_POWER = (
    "Mean over time of the power of the discrete cosine transform in each bin of wavenumber; all bins sum to the "
    "variance over the area."
)
_ENERGY = (
    "a^2 / (2 l (l + 1)) times the power of vorticity and of divergence together, with a the Earth's radius."
)
_RATIO = "Ratio of the means over time; the ideal value is 1."


def spectra_results(result: EvaluationResult) -> xr.Dataset:
    """Return spectra of all models and the truth with bands of daily means, and ratios to the truth."""
    regional = result.facts.band is None
    name, axis, definition, long_name = (
        ("bin_power", "wavelength_km", _BIN_POWER, "power per bin of wavenumber")
        if regional
        else ("power", "total_wavenumber", _POWER, "power per total wavenumber")
    )
    axes = ("model", "field", axis)
    units = squared_units(result.common_units)
    mean = np.stack([result.mean(name, label) for label in result.with_truth])
    daily = [_daily(result, name, label) for label in result.with_truth]
    variables = {"power": described(mean, axes, units, long_name, definition)}
    variables |= _band("power", daily, axes, units, long_name)
    coordinates: dict[str, Any] = {
        "model": result.with_truth,
        "field": result.fields,
        "field_units": ("field", result.units),
    }
    if regional:
        wavelength = result.reader.first("area")["wavelength_km"].values
        coordinates[axis] = (axis, wavelength, {"units": "km"})
    else:
        truncation = mean.shape[-1] - 1
        coordinates[axis] = np.arange(truncation + 1)
        coordinates["wavelength_km"] = (axis, wavelength_km(truncation), {"units": "km"})
        if {"vorticity", "divergence"} <= set(result.fields):
            factor = kinetic_energy_factor(truncation)
            places = [result.fields.index(each) for each in ("vorticity", "divergence")]
            energy = "kinetic energy per mass and total wavenumber"
            axes_of_energy = ("model", axis)
            variables["kinetic_energy"] = described(
                factor * mean[:, places].sum(axis=1), axes_of_energy, "m2 s-2", energy, _ENERGY
            )
            energies = [factor * each[:, places].sum(axis=1) for each in daily]
            variables |= _band("kinetic_energy", energies, axes_of_energy, "m2 s-2", energy)
    variables |= with_interval(
        "power_ratio",
        _of_models(result, "power_ratio"),
        axes,
        "1",
        f"{long_name} relative to the truth",
        _RATIO,
    )
    return xr.Dataset(variables, coordinates)


def _of_models(result: EvaluationResult, name: str) -> np.ndarray:
    """A curve of all models, shape ``(1 + replicates, model, ...)``; missing for the truth."""
    return with_missing_truth([result.curves[name, label] for label in result.labels], axis=1)


def _daily(result: EvaluationResult, name: str, label: str) -> np.ndarray:
    """Mean spectra of all days that have times, shape ``(day, field, wavenumber)``."""
    sums = result.sums[label]
    there = sums.count > 0
    return sums.sums[name][there] / sums.count[there, None, None]


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


def semivariogram_results(result: EvaluationResult) -> xr.Dataset:
    """Return semivariances of all models and the truth, and ratios to the truth with intervals."""
    axes = ("model", "field", "lag_km")
    variables = {
        "semivariance": described(
            np.stack([result.mean("semivariance", label) for label in result.with_truth]),
            axes,
            squared_units(result.common_units),
            "semivariance",
            "Half the mean squared difference of the values at two points this great-circle distance apart, over the "
            "same random pairs of grid points at all times.",
        ),
        **with_interval(
            "semivariance_ratio",
            _of_models(result, "semivariance_ratio"),
            axes,
            "1",
            "semivariance relative to the truth",
            _RATIO,
        ),
    }
    return xr.Dataset(
        variables,
        {
            "model": result.with_truth,
            "field": result.fields,
            "field_units": ("field", result.units),
            "lag_km": ("lag_km", result.facts.lags_km, {"units": "km", "long_name": "great-circle distance"}),
        },
    )


def latitude_results(result: EvaluationResult) -> xr.Dataset:
    """Return the power of the band in belts of latitude relative to the truth, and the truth's share per belt."""
    stored = result.reader.first(LATITUDES)
    axes = ("model", "field", "belt")
    ratios = np.stack([result.curves["latitude_ratio", label] for label in result.labels], axis=1)
    variables = {
        **with_interval(
            "latitude_ratio",
            ratios,
            axes,
            "1",
            "power of the band in a belt of latitude relative to the truth",
            "Mean square of the degrees of the band between two distances from the equator, both hemispheres together, "
            "over the truth's; the ideal value is 1.",
        ),
        **with_interval(
            "truth_share",
            result.curves["latitude_share", TRUTH],
            axes[1:],
            "1",
            "share of a belt in the truth's power",
            "The truth's power in the belt over that of all belts.",
        ),
    }
    edges = {name: ("belt", stored[name].values, {"units": "degrees"}) for name in ("belt_edge", "belt_end")}
    return xr.Dataset(
        variables,
        {
            "model": result.labels,
            "field": result.fields,
            **edges,
            "belt_area": ("belt", stored["belt_area"].values, {"units": "1"}),
        },
    )
