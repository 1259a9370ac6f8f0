"""A small but complete evaluation, made of the formulas of :mod:`tests.report.known_methods`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.stats import t as student

from atmodist_core.fields.grid.geography import cities as all_cities
from tests.report.known_methods import (
    DEVIATION,
    FIRST,
    FREEDOM,
    LABELS,
    LAST,
    RMSE,
    TRUTH,
    Made,
    extremes_group,
    over,
    padded,
    scale,
    scores_group,
    semivariogram_group,
    share,
    spectra_group,
    values_group,
    with_fields,
)

GROUPS = (
    "spectra",
    "semivariogram",
    "scores",
    "values",
    "extremes",
    "series",
    "maps",
    "cities",
    "verdicts",
    "distance",
)


def _series(labels: list[str], fields: list[str], intervals: bool, times: int = 240) -> xr.Dataset:
    made, random = Made(intervals), np.random.default_rng(1)
    hours = np.arange(times)
    weather = 1 + 0.1 * np.sin(2 * np.pi * hours / 120) + 0.02 * random.standard_normal(times)
    rmse = over(labels, fields, lambda m, f: 0.4 * DEVIATION[f] * RMSE.get(m, 1.1) * weather)
    made.add("rmse", ("model", "field", "time"), rmse, "s-1")
    made.add(
        "ssim",
        ("model", "field", "time"),
        over(labels, fields, lambda m, f: 1 - 0.1 * RMSE.get(m, 1.1) * weather),
    )
    made.add(
        "psnr",
        ("model", "field", "time"),
        over(labels, fields, lambda m, f: 38 - 3 * RMSE.get(m, 1.1) * weather),
        "dB",
    )
    made.add("atmodist", ("model", "time"), np.array([(1.4 - share(m)) * weather for m in labels]))
    return made.dataset(
        model=labels,
        time=np.datetime64("2001-01-01", "ns") + hours * np.timedelta64(3, "h"),
        **with_fields(fields),
    )


def _maps(labels: list[str], fields: list[str], intervals: bool) -> xr.Dataset:
    made, all_methods = Made(intervals), [*labels, TRUTH]
    latitude, longitude = np.arange(85.0, -90, -10), np.arange(5.0, 360, 10)
    storms = np.exp(-(((np.abs(latitude) - 45) / 20) ** 2))[:, None] * (
        1.2 + 0.3 * np.cos(np.deg2rad(3 * longitude))
    )
    wave = np.cos(np.deg2rad(latitude))[:, None] * np.sin(np.deg2rad(2 * longitude))

    def on_map(values: np.ndarray, kernel: object) -> np.ndarray:
        return np.array([[kernel(m, f) * values for f in fields] for m in all_methods])  # type: ignore[operator]

    dims = ("model", "field", "latitude", "longitude")
    made.add("mean", dims, on_map(wave, lambda m, f: 0.1 * DEVIATION[f]), "s-1")
    made.add("standard_deviation", dims, on_map(0.4 + storms, scale), "s-1")
    made.add("skewness", dims, on_map(np.sign(latitude)[:, None] * storms, lambda m, f: share(m)))
    made.add("kurtosis", dims, on_map(3 + storms, lambda m, f: 1.0))
    made.add(
        "rmse",
        dims,
        padded(
            on_map(0.3 + storms, lambda m, f: 0.4 * DEVIATION[f] * RMSE.get(m, 1.1))[:-1], len(all_methods)
        ),
        "s-1",
    )
    return made.dataset(model=all_methods, latitude=latitude, longitude=longitude, **with_fields(fields))


def _some_cities(number: int) -> dict[str, object]:
    table = all_cities()
    table = table[(table["name"] == "Seattle") | (np.arange(len(table)) % max(1, 150 // number) == 0)]
    columns = {name: ("city", table[name].to_numpy()) for name in ("latitude", "longitude")}
    return {
        "city": table["name"].to_numpy(str),
        "country": ("city", table["country"].to_numpy(str)),
        **columns,
    }


def _cities(labels: list[str], fields: list[str], intervals: bool, number: int = 30) -> xr.Dataset:
    made, all_methods, random = Made(intervals), [*labels, TRUTH], np.random.default_rng(2)
    place, boxes, probability = _some_cities(number), [1, 2, 3], np.array([0.001, 0.01, 0.5, 0.99, 0.999])
    local = 1 + 0.4 * random.random(len(place["city"]))  # type: ignore[arg-type]
    # Cities differ in how well a method does there, by half.
    luck = {m: np.exp(0.5 * random.standard_normal((len(boxes), local.size))) for m in all_methods}
    distance = np.array(
        [[luck[m] * DEVIATION[f] * (1.05 - share(m)) * 0.1 * local for f in fields] for m in all_methods]
    )
    dims = ("model", "field", "box", "city")
    made.add("wasserstein", dims, padded(distance[:-1], len(all_methods)), "s-1", spread=0.15)
    quantile = np.array(
        [
            [
                [[scale(m, f) * c * student.ppf(probability, FREEDOM) for c in local] for _ in boxes]
                for f in fields
            ]
            for m in all_methods
        ]
    )
    made.add("quantile", (*dims, "probability"), quantile, "s-1")
    edges = np.array([8 * DEVIATION[f] * np.linspace(-1, 1, 41) for f in fields])
    centre = 0.5 * (edges[:, 1:] + edges[:, :-1])
    density = np.array(
        [
            [
                [
                    [student.pdf(centre[k] / (scale(m, f) * c), FREEDOM) / (scale(m, f) * c) for c in local]
                    for _ in boxes
                ]
                for k, f in enumerate(fields)
            ]
            for m in all_methods
        ]
    )
    density[density < 1 / (240 * DEVIATION["vorticity"] * 8)] = 0.0  # what a short record never shows
    made.add("density", (*dims, "density_bin"), density, "s")
    made.add("samples", ("box",), np.array([240, 960, 2160]))
    bins = {
        f"density_edge_{side}": (("field", "density_bin"), edges[:, part])
        for side, part in (("left", slice(None, -1)), ("right", slice(1, None)))
    }
    return made.dataset(
        model=all_methods,
        box=boxes,
        probability=probability,
        density_bin=np.arange(40),
        **place,
        **bins,
        **with_fields(fields),
    )


def _verdicts(cities: xr.Dataset, reference: str, intervals: bool) -> xr.Dataset:
    candidates = [str(m) for m in cities["model"].values if m not in (TRUTH, reference)]
    own, other = (
        cities["wasserstein"].sel({"model": candidates}).values,
        cities["wasserstein"].sel({"model": reference}).values,
    )
    verdict = np.where(own < 0.9 * other, 1, np.where(own > other / 0.9, -1, 0)).astype("int8")
    sure = ((verdict != 0) & (np.abs(np.log(own / other)) > 0.4)).astype("int8")
    made, dims = Made(intervals), ("candidate", "field", "box")
    made.add("verdict", (*dims, "city"), verdict)
    made.add("sure", (*dims, "city"), sure)
    for name, sign in (("better", 1), ("equal", 0), ("worse", -1)):
        made.add(name, dims, (verdict == sign).sum(axis=-1))
        if sign:
            made.add(f"{name}_sure", dims, ((verdict == sign) & (sure == 1)).sum(axis=-1))
    better, worse = made.variables["better"][1], made.variables["worse"][1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(better + worse > 0, better / worse, 1.0)
    made.add("improved_to_degraded", dims, ratio)
    for end, values in (("low", np.where(np.isinf(ratio), 9.0, 0.7 * ratio)), ("high", 1.4 * ratio)):
        made.add(f"improved_to_degraded_{end}", dims, values if intervals else np.full(ratio.shape, np.nan))
    return made.dataset(
        candidate=candidates,
        box=cities["box"].values,
        city=cities["city"].values,
        **with_fields([str(f) for f in cities["field"].values]),
    )


def _distance(intervals: bool) -> xr.Dataset:
    made, classes = Made(intervals), 23
    lag = 3.0 * np.arange(1, classes + 1)
    confusion = 100 * np.exp(-(((lag[:, None] - lag) / (3 + 0.15 * lag[:, None])) ** 2))
    made.add("confusion", ("lag", "predicted_lag"), confusion.round().astype(int))
    for name, value, chance, units in (
        ("loss", 2.2, np.log(classes), "nat"),
        ("accuracy", 0.22, 1 / classes, "1"),
        ("top3", 0.55, 3 / classes, "1"),
        ("lag_error", 7.9, 17.0, "h"),
    ):
        made.add(name, (), np.array(value), units, spread=0.03)
        made.add(f"chance_{name}", (), np.array(chance), units)
    decay = np.array([40.0, 18.0, 20.0, 12.0])
    made.add(
        "curve_mean",
        ("metric", "lag"),
        (1 - np.exp(-lag / decay[:, None])) * np.array([2.0, 5e-5, 3e-5, 0.6])[:, None],
    )
    made.add("curve_std", ("metric", "lag"), 0.2 * made.variables["curve_mean"][1])
    made.add("curve_scale", ("metric",), 1 / made.variables["curve_mean"][1][:, -1])
    latitude, longitude = np.arange(55.0, -60, -10), np.arange(5.0, 360, 10)
    made.add(
        "lag_error_map",
        ("latitude", "longitude"),
        6 + 4 * np.cos(np.deg2rad(latitude))[:, None] * np.ones(longitude.size),
        "h",
    )
    made.add("pairs_map", ("latitude", "longitude"), np.full((latitude.size, longitude.size), 40))
    made.add("pairs", (), np.array(20000))
    table = made.dataset(
        lag=lag,
        predicted_lag=lag,
        metric=["atmodist", "l2", "l1", "1-ssim"],
        latitude=latitude,
        longitude=longitude,
    )
    return table.assign_attrs(network="atmodist-23")


def evaluation_tree(
    labels: Sequence[str] = LABELS,
    fields: Sequence[str] = ("vorticity", "divergence"),
    *,
    groups: Sequence[str] = GROUPS,
    intervals: bool = True,
    reference: str = "srgan-4x-mse",
    simulated: bool = True,
) -> xr.DataTree:
    """Make an evaluation of these models with these groups."""
    models, names = list(labels), list(fields)
    cities = _cities(models, names, intervals)
    makers = {
        "spectra": spectra_group,
        "semivariogram": semivariogram_group,
        "scores": scores_group,
        "values": values_group,
        "extremes": extremes_group,
        "series": _series,
        "maps": _maps,
    }
    parts = {name: make(models, names, intervals) for name, make in makers.items()}
    parts |= {"cities": cities, "distance": _distance(intervals)}
    if reference in models:
        parts["verdicts"] = _verdicts(cities, reference, intervals)
    tree = xr.DataTree.from_dict({f"/{name}": parts[name] for name in groups if name in parts})
    tree.attrs = {
        "evaluation_version": 2,
        "command": "python train/evaluate.py --data weather --models " + " ".join(models),
        "versions": json.dumps({"atmodist-studio": "0.1.0", "numpy": "2.0.0"}),
        "models": json.dumps(
            [
                {
                    "label": m,
                    "name": m,
                    "description": f"The {m} of the fixture.",
                    "precision": "float32",
                    "weights": "0123456789abcdef",
                }
                for m in models
            ]
        ),
        "data": json.dumps(
            [
                {
                    "label": "weather",
                    "source": "simulated" if simulated else "ERA5",
                    "level": "sigma 0.883",
                    "grid": "90 x 180",
                    "first_time": "2001-01-01T00:00",
                    "last_time": "2001-01-30T21:00",
                    "simulated": simulated,
                }
            ]
        ),
        **{
            "factor": 4,
            "times": 240,
            "city_times": 240,
            "days": 30,
            "block_days": 3,
            "replicates": 1000,
            "seed": 0,
        },
        **{
            "band_first": FIRST,
            "band_last": LAST,
            "band_origin": f"degrees {FIRST} to {LAST}, the truncation that the data state",
        },
        **{"reference": reference, "notes": "Fields are single precision.\nThe fixture is made of formulas."},
    }
    return tree


def write_evaluation(path: Path, **choices: object) -> Path:
    """Write an evaluation to a file."""
    evaluation_tree(**choices).to_netcdf(path, engine="h5netcdf")  # type: ignore[arg-type]
    return path
