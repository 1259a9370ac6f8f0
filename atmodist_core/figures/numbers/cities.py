"""Local statistics of several models at cities: the numbers behind the Cities view.

References
----------
Lessig, C., 2021: AtmoDist (talk); Hoffmann, S. and Lessig, C., 2023: AtmoDist. Environ. Data Sci. 2, arXiv 2202.01897 (densities at 150 cities,
Wasserstein-1 distances, better or worse beyond 10 per cent).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.local_statistics import (
    TOLERANCE,
    better_equal_worse,
    local_statistics,
    local_wasserstein,
)
from atmodist_core.evaluation.results.city_file import BOXES, FIELDS, POINT_BOX
from atmodist_core.evaluation.store.statistics_store import TRUTH

QUANTILES = (0.02, 0.09, 0.25, 0.5, 0.75, 0.91, 0.98)


def city_values(fields: xr.Dataset, cities: pd.DataFrame) -> NDArray[np.float32]:
    """Return the values of one time in the boxes around cities.

    Parameters
    ----------
    fields : xarray.Dataset
        Vorticity and divergence of one time, of the globe or a part of it.
    cities : pandas.DataFrame
        As from :func:`atmodist_core.cities`.

    Returns
    -------
    ndarray, float32, shape (city, field, point)
        Points of the boxes of :data:`BOXES` in succession; NaN for cities whose boxes the fields do not cover.
    """
    values = np.full((len(cities), len(FIELDS), POINT_BOX.size), np.nan, dtype=np.float32)
    # Numbers in place of names: nothing says that a table's names differ.
    numbered = cities[["latitude", "longitude"]].assign(name=[str(i) for i in range(len(cities))])
    try:
        found = local_statistics(fields[list(FIELDS)], numbered, BOXES)
    except UserError:
        if len(cities):
            return values
        raise
    rows = found["city"].values.astype(int)
    for column, name in enumerate(FIELDS):
        values[rows, column] = found[name].transpose("time", "city", "point").values[0]
    return values


def wasserstein_table(series: xr.Dataset) -> xr.Dataset:
    """Return Wasserstein-1 distances to the truth.

    Parameters
    ----------
    series : xarray.Dataset
        From :func:`~atmodist_core.evaluation.results.city_file.city_series`.

    Returns
    -------
    xarray.Dataset
        Both fields over ``(model, city, box)`` without the truth, in their units; NaN for cities without values.
    """
    known = known_cities(series)
    part = series.isel(city=np.flatnonzero(known))
    truth = part.sel({"model": TRUTH}, drop=True)
    methods = [str(name) for name in series["model"].values if name != TRUTH]
    shape = (len(methods), series.sizes["city"], len(BOXES))
    tables = {name: np.full(shape, np.nan) for name in FIELDS}
    if known.any() and series.sizes["time"]:
        for row, method in enumerate(methods):
            distances = local_wasserstein(part.sel({"model": method}, drop=True), truth)
            for name in FIELDS:
                tables[name][row, known] = distances[name].transpose("city", "box").values
    coordinates = {name: series[name] for name in ("city", "country", "latitude", "longitude")}
    return xr.Dataset(
        {
            name: (
                ("model", "city", "box"),
                table,
                {"units": "s-1", "long_name": f"Wasserstein-1 distance of local {name} to the truth"},
            )
            for name, table in tables.items()
        },
        {**coordinates, "model": methods, "box": list(BOXES)},
        {"times": series.sizes["time"]},
    )


def known_cities(series: xr.Dataset) -> NDArray[np.bool_]:
    """Whether all values of a city are there; shape ``(city,)``."""
    known = np.ones(series.sizes["city"], dtype=bool)
    for name in FIELDS:
        known &= np.isfinite(series[name].transpose("city", ...).values).all(axis=(1, 2, 3))
    return known


def verdicts(
    distances: xr.Dataset, candidate: str, baseline: str, tolerance: float = TOLERANCE
) -> xr.Dataset:
    """Return where a model is closer to the truth than another: 1 better, 0 about equal, -1 worse.

    ``distances`` come from :func:`wasserstein_table`; relative differences up to ``tolerance`` are equal. The result has
    both fields over ``(city, box)``, NaN where a distance is unknown. Raises ``UserError`` for a missing model.
    """
    methods = [str(name) for name in distances["model"].values]
    for name in (candidate, baseline):
        if name not in methods:
            raise UserError(
                f"Expected two of the methods {', '.join(methods)} to compare, found '{name}'; choose another."
            )
    one, other = (distances.sel({"model": name}, drop=True) for name in (candidate, baseline))
    known = np.isfinite(one["vorticity"]) & np.isfinite(other["vorticity"])
    verdict = better_equal_worse(one.fillna(0.0), other.fillna(0.0), tolerance)
    return verdict.astype(float).where(known)


def totals(verdict: NDArray[np.float64]) -> dict[str, int]:
    """How many cities are better, equal, worse and unknown."""
    return {
        "better": int((verdict == 1).sum()),
        "equal": int((verdict == 0).sum()),
        "worse": int((verdict == -1).sum()),
        "unknown": int(np.isnan(verdict).sum()),
    }


def sample_of(series: xr.Dataset, method: str, city: str, field: str, box: int) -> NDArray[np.float32]:
    """Values of a method at a city, shape ``(time, point)`` with the points of one box."""
    inside = np.flatnonzero(series["box"].values == box)
    values = series[field].sel({"model": method, "city": city}).isel(point=inside)
    return values.transpose("time", "point").values


def bin_edges(samples: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return edges of even bins that hold all values of several samples.

    Their number follows the first sample, 2 n^(1/3) (the rule of Rice), between 8 and 40.
    """
    low = min(float(np.min(one)) for one in samples)
    high = max(float(np.max(one)) for one in samples)
    if not high > low:
        spread = max(abs(low), 1e-12)
        low, high = low - 0.5 * spread, high + 0.5 * spread
    count = int(np.clip(round(2 * np.size(samples[0]) ** (1 / 3)), 8, 40))
    return np.linspace(low, high, count + 1)


def density(sample: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of a sample per bin and unit of the value: its integral over the bins is one.

    Examples
    --------
    >>> density(np.array([0.5, 1.5, 1.6, 1.7]), np.array([0.0, 1.0, 3.0])).tolist()
    [0.25, 0.375]
    """
    counts, _ = np.histogram(np.asarray(sample, dtype=np.float64), edges)
    return counts / (np.size(sample) * np.diff(edges))


def quantiles(sample: NDArray[np.float32]) -> NDArray[np.float64]:
    """Quantiles of :data:`QUANTILES` of all values of a sample."""
    return np.quantile(np.asarray(sample, dtype=np.float64), QUANTILES)


def spread_order(count: int) -> NDArray[np.int64]:
    """Return 0..count-1 in an order whose beginnings are spread over the range (golden section steps).

    Halving steps would be as even, but fall on the same hour of the day.

    Examples
    --------
    >>> spread_order(8).tolist()
    [0, 4, 1, 6, 3, 5, 2, 7]
    """
    steps = np.arange(4 * count) * ((np.sqrt(5.0) - 1.0) / 2.0)
    found = np.floor((steps % 1.0) * count).astype(np.int64)
    return np.array(list(dict.fromkeys([*found.tolist(), *range(count)])), dtype=np.int64)


def city_tables(
    series: xr.Dataset,
    distances: xr.Dataset,
    cities: Sequence[str],
    methods: Sequence[str],
    *,
    field: str,
    box: int,
    candidate: str,
    baseline: str,
) -> dict[str, xr.Dataset]:
    """Return the tables behind the figure of the view Cities.

    They are ``values`` (the series at the selected cities that have values), ``distances`` of all cities, and, where
    both ``candidate`` and ``baseline`` are there, ``verdict`` over ``city`` for ``field`` and ``box``. ``methods`` are
    shown in this order, the truth first.
    """
    known = {str(name) for name in series["city"].values[known_cities(series)]}
    chosen = [name for name in cities if name in known]
    present = [name for name in methods if name in series["model"].values]
    attributes = {"field": field, "box": box, "candidate": candidate, "baseline": baseline}
    tables = {"distances": distances.assign_attrs(attributes)}
    if chosen:
        tables["values"] = series.sel({"city": chosen, "model": present}).assign_attrs(attributes)
    if {candidate, baseline} <= set(map(str, distances["model"].values)):
        verdict = verdicts(distances, candidate, baseline)[field].sel(box=box, drop=True)
        verdict.attrs = {
            "long_name": f"{candidate} against {baseline}: 1 closer to the truth, 0 equal, -1 farther",
            "units": "1",
        }
        tables["verdict"] = xr.Dataset({"verdict": verdict}, attrs=attributes)
    return tables
