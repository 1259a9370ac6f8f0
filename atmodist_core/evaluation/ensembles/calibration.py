"""Calibration of ensembles: spread over error, and rank histograms.

References
----------
Fortin, V., Abaza, M., Anctil, F. and Turcotte, R., 2014: Why should ensemble spread match the RMSE of the ensemble
mean? J. Hydrometeorol. 15, 1708-1713.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import power_ratio
from atmodist_core.evaluation.ensembles.kernels import ranks, spread_and_error
from atmodist_core.evaluation.ensembles.member_arrays import (
    field_coordinates,
    matched,
    member_batches,
    require_members,
)
from atmodist_core.evaluation.ensembles.power_of_grid import PowerOfGrid
from atmodist_core.evaluation.geometry import area_weights, latitude_belts

BELT_EDGES = (0.0, 30.0, 60.0, 90.0)
"""Edges of the belts of latitude [degrees from the equator]: the tropics, the middle and the high latitudes."""

By = Literal["area", "latitude", "wavenumber"]


def belt_weights(grid: xr.Dataset, edges: Sequence[float] = BELT_EDGES) -> np.ndarray:
    """Return area weights within belts of latitude, each summing to one: ``(belt, latitude, longitude)``.

    ``edges`` are distances from the equator [degrees] that ascend from 0 to 90; a belt without a row of the grid has zeros.
    Raises ``UserError`` for other edges.
    """
    weights, belts = area_weights(grid), []
    for inside in latitude_belts(grid["latitude"].values, edges):
        part = weights * inside[:, None]
        belts.append(part / (part.sum() or 1.0))
    return np.stack(belts)


def belt_coordinates(edges: Sequence[float] = BELT_EDGES) -> dict[str, Any]:
    """Return the coordinates of the belts."""
    degrees = {"units": "degrees"}
    return {
        "belt": np.arange(len(edges) - 1),
        "belt_edge": ("belt", np.asarray(edges[:-1], dtype=float), degrees),
        "belt_end": ("belt", np.asarray(edges[1:], dtype=float), degrees),
    }


def _parts(
    grid: xr.Dataset, by: str, edges: Sequence[float], allowed: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...], dict[str, Any]]:
    """Weights of the parts of the area, the axis that they lie along, and its coordinates."""
    if by not in allowed:
        raise UserError(f"Expected by among {', '.join(allowed)}, found {by!r}; choose one of these.")
    if by == "latitude":
        return belt_weights(grid, edges), ("belt",), belt_coordinates(edges)
    return area_weights(grid)[None], (), {}


def spread_skill(
    prediction: xr.Dataset,
    truth: xr.Dataset,
    *,
    by: By = "area",
    latitude_edges: Sequence[float] = BELT_EDGES,
) -> xr.Dataset:
    """Return the spread of an ensemble, the error of its mean, and their ratio, over all times.

    Spread: root of the mean variance of the members about their mean (unbiased), times ``(M + 1) / M``. Error: root of
    the mean squared difference of the ensemble mean from the truth. If the truth is like another member, both are equal.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields over ``member``, time, latitude and longitude.
    truth : xarray.Dataset
        The same fields without members.
    by : {"area", "latitude", "wavenumber"}
        Over the whole area, in belts of latitude (both hemispheres together), or per total wavenumber (per wavelength of
        the cosine transform on a limited area).
    latitude_edges : sequence of float
        Edges of the belts [degrees from the equator], from 0 to 90.

    Returns
    -------
    xarray.Dataset
        ``spread`` and ``error`` [units of the field], and ``ratio`` [1; ideal: 1], over ``field`` and belt or wavenumber.

    Raises
    ------
    UserError
        If there are fewer than two members, fields, grids or times differ, or edges are wrong.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> members = xr.concat([0.9 * demo, 1.1 * demo], "member")
    >>> float(spread_skill(members, 1.1 * demo)["ratio"].sel(field="vorticity").round(3))
    1.732
    """
    truth, names = matched(prediction, truth)
    require_members(prediction, "spread and error")
    total: Any = 0.0
    axes: tuple[str, ...]
    if by == "wavenumber":
        power = PowerOfGrid(truth)
        axes, coordinates = (power.axis,), power.coordinates()
        for members, true in member_batches(prediction, truth, names):
            total = total + _spread_and_error_power(power, members, true)
    else:
        weights, axes, coordinates = _parts(truth, by, latitude_edges, ("area", "latitude", "wavenumber"))
        for members, true in member_batches(prediction, truth, names):
            sums = np.stack(spread_and_error(members, true)).sum(axis=2)
            total = total + np.einsum("sfyx,pyx->sfp", sums, weights)
    spread, error = total / truth.sizes.get("time", 1)
    if not axes:
        spread, error = spread[:, 0], error[:, 0]
    dims = ("field", *axes)
    unit = "the units of the field"
    definition = "Spread over error; 1 if the truth is like another member."
    return xr.Dataset(
        {
            "spread": (dims, np.sqrt(spread), {"units": unit, "long_name": "spread of the members"}),
            "error": (dims, np.sqrt(error), {"units": unit, "long_name": "error of the ensemble mean"}),
            "ratio": (
                dims,
                np.sqrt(power_ratio(spread, error)),
                {"units": "1", "long_name": "spread over error", "definition": definition},
            ),
        },
        {**field_coordinates(truth, names), **coordinates},
    )


def spread_and_error_power(
    power: Callable[[np.ndarray], np.ndarray], members: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return spread and squared error as in :func:`.spread_and_error`, per wavenumber: ``(..., wavenumber)`` each."""
    count = len(members)
    mean = members.mean(axis=0, dtype=np.float64).astype(np.float32)
    error = power(mean - truth)
    if count == 1:
        return np.zeros_like(error), error
    variance = np.zeros_like(error)
    for member in members:
        variance += power(member - mean)
    return variance * ((count + 1) / (count * (count - 1))), error


def _spread_and_error_power(power: PowerOfGrid, members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sums over the times of a batch, ``(2, field, wavenumber)``."""
    return np.stack(spread_and_error_power(power, members, truth)).sum(axis=2)


def rank_histogram(
    prediction: xr.Dataset,
    truth: xr.Dataset,
    *,
    by: Literal["area", "latitude"] = "area",
    latitude_edges: Sequence[float] = BELT_EDGES,
    seed: int = 0,
) -> xr.Dataset:
    """Return how often the truth has each rank among the members, over all points (by area) and times.

    Rank r: r members lie below the truth; ties are broken at random. A calibrated ensemble has a flat histogram; a U-shape
    says too little spread, a hump too much, a slope a bias (Hamill 2001).

    Parameters
    ----------
    prediction, truth, by, latitude_edges
        As for :func:`spread_skill`.
    seed : int
        Of the random ranks of ties.

    Returns
    -------
    xarray.Dataset
        ``share`` [1; flat: 1 / (members + 1)] over ``field``, ``rank`` and, by latitude, ``belt``; ``deviation`` [1; ideal:
        0], the largest ``|share (members + 1) - 1|`` of all ranks.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> members = xr.concat([demo - 1, demo + 1], "member")
    >>> rank_histogram(members, demo)["share"].sel(field="vorticity").values.round(6)
    array([0., 1., 0.])
    """
    truth, names = matched(prediction, truth)
    count = require_members(prediction, "a rank histogram")
    weights, axes, coordinates = _parts(truth, by, latitude_edges, ("area", "latitude"))
    random = np.random.default_rng(seed)
    total: Any = 0.0
    for members, true in member_batches(prediction, truth, names):
        total = total + rank_shares(ranks(members, true, random), weights, count).sum(axis=1)
    share = total / truth.sizes.get("time", 1)
    if not axes:
        share = share[:, 0]
    return xr.Dataset(
        {
            "share": (
                ("field", *axes, "rank"),
                share,
                {"units": "1", "long_name": "share of area and time"},
            ),
            "deviation": (
                ("field", *axes),
                rank_deviation(share),
                {"units": "1", "long_name": "largest deviation of the rank histogram from flat"},
            ),
        },
        {**field_coordinates(truth, names), **coordinates, "rank": np.arange(count + 1)},
    )


def rank_shares(rank: np.ndarray, weights: np.ndarray, members: int) -> np.ndarray:
    """Return the weight of every rank, ``(..., part, rank)``, from ranks ``(..., latitude, longitude)`` and weights of parts."""
    parts, size = len(weights), members + 1
    flat = rank.reshape(-1, rank.shape[-2] * rank.shape[-1])
    shares = np.empty((len(flat), parts, size))
    for part, weight in enumerate(weights.reshape(parts, -1)):
        for number, one in enumerate(flat):
            shares[number, part] = np.bincount(one, weights=weight, minlength=size)
    return shares.reshape(*rank.shape[:-2], parts, size)


def rank_deviation(share: np.ndarray) -> np.ndarray:
    """Return the largest deviation of rank histograms ``(..., rank)`` from flat, relative to flat; shape ``(...)``."""
    total = share.sum(axis=-1, keepdims=True)
    relative = np.divide(
        share * share.shape[-1], total, out=np.full(np.shape(share), np.nan), where=total > 0
    )
    return np.abs(relative - 1).max(axis=-1)
