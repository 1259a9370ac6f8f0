"""Methods that are known exactly: spectra, semivariances, values and extremes that follow from each other.

Every method is the truth with its power beyond the coarse Nyquist multiplied by a share that falls off with
the total wavenumber. Semivariances follow from the spectra by Legendre polynomials, values are distributed as
Student's t with the variance that the spectra sum to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import eval_legendre
from scipy.stats import t as student

from atmodist_core.common.constants import EARTH_RADIUS_M

TRUTH = "truth"
LABELS = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
SHARES = {"bicubic": 0.06, "srgan-4x-mse": 0.48, "srgan-4x-atmodist": 0.76, TRUTH: 1.0}
"""Share of the truth's power at the truncation."""

RMSE = {"bicubic": 1.22, "srgan-4x-mse": 0.99, "srgan-4x-atmodist": 1.15}
FIRST, LAST = 46, 89
DEGREES = np.arange(LAST + 4)
LAGS_KM = np.array([55.0, 100.0, 200.0, 300.0, 500.0, 1000.0])
DEVIATION = {"vorticity": 2.6e-5, "divergence": 1.0e-5}
FREEDOM = 6
PROBABILITIES = np.array([0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999])


def share(label: str) -> float:
    return SHARES.get(label, 0.3 + 0.6 * (sum(map(ord, label)) % 10) / 10)


def power_of(label: str, field: str) -> np.ndarray:
    """Power per total wavenumber, shape ``(total_wavenumber,)``, that sums to the variance of the truth."""
    degree = np.maximum(DEGREES, 1).astype(float)
    power = np.where(
        DEGREES > 0, degree ** (-0.9 if field == "vorticity" else -0.4) * (degree / (degree + 6)) ** 2, 0
    )
    power[DEGREES > LAST] *= 1e-9
    power *= DEVIATION[field] ** 2 / power.sum()
    beyond = np.clip((DEGREES - FIRST) / (LAST - FIRST), 0, 1)
    return power * share(label) ** beyond


def variance(label: str, field: str) -> float:
    return float(power_of(label, field).sum())


def scale(label: str, field: str) -> float:
    """Scale of the t distribution of the values."""
    return float(np.sqrt(variance(label, field) * (FREEDOM - 2) / FREEDOM))


def ratio(label: str, field: str) -> float:
    """Mean ratio of power over the band."""
    part = slice(FIRST, LAST + 1)
    return float((power_of(label, field)[part] / power_of(TRUTH, field)[part]).mean())


def over(methods: Sequence[str], fields: Sequence[str], kernel: object) -> np.ndarray:
    return np.array([[kernel(m, f) for f in fields] for m in methods])  # type: ignore[operator]


class Made:
    """Variables of one group, each with attributes and, where asked for, an interval."""

    def __init__(self, intervals: bool) -> None:
        self.intervals = intervals
        self.variables: dict[str, tuple] = {}

    def add(
        self,
        name: str,
        dims: Sequence[str],
        values: np.ndarray,
        units: str = "1",
        spread: float | None = None,
        prefix: str | None = None,
    ) -> None:
        attrs = {
            "units": units,
            "long_name": name.replace("_", " "),
            "definition": f"The {name.replace('_', ' ')} of the fixture.",
        }
        values = np.asarray(values)
        self.variables[name] = (tuple(dims), values, attrs)
        if spread is not None:
            stem = f"{name}_" if prefix is None else prefix
            for end, sign in (("low", -1), ("high", 1)):
                with np.errstate(invalid="ignore"):
                    bound = (
                        values + sign * spread * np.abs(values)
                        if self.intervals
                        else np.full(values.shape, np.nan)
                    )
                self.variables[stem + end] = (tuple(dims), bound, attrs)

    def dataset(self, **coords: object) -> xr.Dataset:
        return xr.Dataset(self.variables, coords=coords)


def with_fields(fields: Sequence[str]) -> dict[str, object]:
    return {"field": list(fields), "field_units": ("field", ["s-1"] * len(fields))}


def spectra_group(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    made, all_methods = Made(intervals), [*labels, TRUTH]
    power = over(all_methods, fields, power_of)
    dims = ("model", "field", "total_wavenumber")
    made.add("power", dims, power, "s-2")
    made.add("power_p10", dims, 0.8 * power, "s-2")
    made.add("power_p90", dims, 1.2 * power, "s-2")
    degree = np.maximum(DEGREES, 1)
    energy = EARTH_RADIUS_M**2 / (2 * degree * (degree + 1)) * power.sum(axis=1)
    for suffix, factor in (("", 1.0), ("_p10", 0.8), ("_p90", 1.2)):
        made.add(f"kinetic_energy{suffix}", ("model", "total_wavenumber"), factor * energy, "m2 s-2")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(power[-1] > 0, power[:-1] / power[-1], np.nan)
    made.add("power_ratio", ("ratio_method", *dims[1:]), ratios, spread=0.03)
    wavelength = 2 * np.pi * EARTH_RADIUS_M / 1000 / np.sqrt(degree * (degree + 1))
    made.variables = {
        name: (("model", *d[1:]) if d[0] == "ratio_method" else d, padded(v, len(all_methods)), a)
        for name, (d, v, a) in made.variables.items()
    }
    return made.dataset(
        model=all_methods,
        total_wavenumber=DEGREES,
        wavelength_km=("total_wavenumber", wavelength),
        **with_fields(fields),
    )


def padded(values: np.ndarray, methods: int) -> np.ndarray:
    """Values of the methods with NaN for the truth, so that both kinds lie on one coordinate."""
    if values.shape[0] == methods:
        return values
    return np.concatenate([values, np.full((1, *values.shape[1:]), np.nan)])


def semivariogram_group(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    angle = np.cos(LAGS_KM * 1000 / EARTH_RADIUS_M)
    table = 1 - eval_legendre(DEGREES[:, None], angle)

    def semivariance(label: str, field: str) -> np.ndarray:
        return power_of(label, field) @ table / variance(TRUTH, field)

    made, all_methods = Made(intervals), [*labels, TRUTH]
    values = over(all_methods, fields, semivariance)
    made.add("semivariance", ("model", "field", "lag_km"), values)
    made.add(
        "semivariance_ratio",
        ("model", "field", "lag_km"),
        padded(values[:-1] / values[-1], len(all_methods)),
        spread=0.02,
    )
    for name in ("semivariance_ratio_low", "semivariance_ratio_high"):
        dims, bound, attrs = made.variables[name]
        made.variables[name] = (dims, padded(bound, len(all_methods)), attrs)
    return made.dataset(model=all_methods, lag_km=LAGS_KM, **with_fields(fields))


MEASURES = {
    # name: (long name, ideal, units, section, kernel)
    "rmse": ("RMSE", "zero", "field", "values", lambda m, f: 0.4 * DEVIATION[f] * RMSE.get(m, 1.1)),
    "correlation": ("correlation", "one", "1", "values", lambda m, f: 1 - 0.08 * RMSE.get(m, 1.1)),
    "kurtosis_ratio": (
        "kurtosis / truth's",
        "one",
        "1",
        "values",
        lambda m, f: 1.0 if m == "srgan-4x-atmodist" else 0.9,
    ),
    "band_power_ratio": ("power ratio, mean over the band", "one", "1", "spectra", ratio),
    "spurious_power": ("power above the band", "zero", "1", "spectra", lambda m, f: 0.04 * share(m)),
    "pattern_constant": ("constant pattern", "zero", "1", "grid", lambda m, f: 0.02 * share(m)),
    "zonal_line": ("zonal line", "none", "1", "grid", lambda m, f: 3 * share(m)),
    "psnr": ("PSNR", "none", "dB", "series", lambda m, f: 38 - 3 * RMSE.get(m, 1.1)),
    "quantile_99.9_ratio": (
        "99.9 % quantile / truth's",
        "one",
        "1",
        "extremes",
        lambda m, f: scale(m, f) / scale(TRUTH, f),
    ),
    "block_mean_error": (
        "block-mean error",
        "zero",
        "1",
        "conservation",
        lambda m, f: 0.16 if m == "bicubic" else 7e-5,
    ),
    "area_mean_error": (
        "error of the area mean",
        "zero",
        "field",
        "conservation",
        lambda m, f: 1e-10 * share(m),
    ),
}


def scores_group(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    made = Made(intervals)
    values = np.stack([over(labels, fields, entry[4]) for entry in MEASURES.values()])
    made.add("value", ("measure", "model", "field"), values, spread=0.02, prefix="")
    made.add("truth_kurtosis", ("field",), np.full(len(fields), 6.0))
    columns = {
        name: ("measure", [entry[k] for entry in MEASURES.values()])
        for k, name in enumerate(("long_name", "ideal", "units", "section"))
    }
    columns["definition"] = (
        "measure",
        [f"How the {entry[0]} of the fixture is made." for entry in MEASURES.values()],
    )
    return made.dataset(measure=list(MEASURES), model=labels, **columns, **with_fields(fields))


def values_group(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    made, all_methods = Made(intervals), [*labels, TRUTH]
    edges = np.array([12 * DEVIATION[f] * np.linspace(-1, 1, 81) for f in fields])
    centre = 0.5 * (edges[:, 1:] + edges[:, :-1])
    density = np.array(
        [
            [student.pdf(centre[k] / scale(m, f), FREEDOM) / scale(m, f) for k, f in enumerate(fields)]
            for m in all_methods
        ]
    )
    made.add("density", ("model", "field", "value_bin"), density, "s")
    made.add(
        "quantile",
        ("model", "field", "probability"),
        over(all_methods, fields, lambda m, f: scale(m, f) * student.ppf(PROBABILITIES, FREEDOM)),
        "s-1",
        spread=0.03,
    )
    bins = {
        "value_left": (("field", "value_bin"), edges[:, :-1]),
        "value_right": (("field", "value_bin"), edges[:, 1:]),
    }
    return made.dataset(
        model=all_methods, value_bin=np.arange(80), probability=PROBABILITIES, **bins, **with_fields(fields)
    )


def extremes_group(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    made, all_methods = Made(intervals), [*labels, TRUTH]
    threshold = {f: scale(TRUTH, f) * student.ppf(0.999, FREEDOM) for f in fields}
    upper = over(all_methods, fields, lambda m, f: student.sf(threshold[f] / scale(m, f), FREEDOM))
    shares = np.stack([upper, upper], axis=-1)
    made.add("threshold", ("field", "tail"), [[threshold[f], -threshold[f]] for f in fields], "s-1")
    made.add("area_share", ("model", "field", "tail"), shares)
    with np.errstate(divide="ignore"):
        made.add("return_time", ("model", "field", "tail"), 3 / shares, "h")
    made.add(
        "return_ratio",
        ("model", "field", "tail"),
        padded(shares[:-1] / shares[-1], len(all_methods)),
        spread=0.08,
    )
    made.add(
        "mean_excess",
        ("model", "field", "tail"),
        np.stack([0.2 * over(all_methods, fields, scale)] * 2, axis=-1),
        "s-1",
    )
    return made.dataset(model=all_methods, tail=["upper", "lower"], **with_fields(fields))
