"""Proper scores of ensembles against the truth: CRPS, energy score and variogram score, all in their fair forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.kernels import (
    fair_crps,
    fair_energy_score,
    fair_variogram_score,
    tile_points,
)
from atmodist_core.evaluation.ensembles.member_arrays import matched, member_batches
from atmodist_core.evaluation.geometry import area_weights, time_values

ENERGY_TILE = 16
"""Side of the tiles of the energy score [points]."""

VARIOGRAM_TILE = 4
"""Side of the tiles of the variogram score [points], in the middle of those of the energy score."""

ORDER = 0.5
"""Order of the variogram score."""


def crps(prediction: xr.Dataset, truth: xr.Dataset, *, at_points: bool = False) -> xr.Dataset:
    """Return the fair continuous ranked probability score (CRPS) of an ensemble.

    At every point, for M members x_i and the truth y, ``mean_i |x_i - y| - 1 / (2 M (M - 1)) sum_ij |x_i - x_j|``
    (Gneiting and Raftery 2007; fair: Ferro 2014). Of a single field it is the absolute error.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields over ``member`` (or without it, for a single field), time, latitude and longitude.
    truth : xarray.Dataset
        The same fields without members; it may have more rows or columns.
    at_points : bool
        Return the score at every point instead of the area mean.

    Returns
    -------
    xarray.Dataset
        Every field [its units] over ``time``, or over time, latitude and longitude; smaller is better.

    Raises
    ------
    UserError
        If they share no field, or grids or times differ.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1)).load()
    >>> members = xr.concat([demo - 1, demo + 1], "member")  # each 1 from the truth, and 2 apart
    >>> abs(round(float(crps(members, demo)["vorticity"].item()), 6))
    0.0
    """
    truth, names = matched(prediction, truth)
    weights = area_weights(truth)
    parts = []
    for members, true in member_batches(prediction, truth, names):
        score = fair_crps(members, true)
        parts.append(score if at_points else np.tensordot(score, weights, axes=2))
    values = np.concatenate(parts, axis=1)
    axes = ("time", "latitude", "longitude") if at_points else ("time",)
    coordinates: dict[str, Any] = {"time": time_values(truth)}
    if at_points:
        coordinates |= {axis: truth[axis] for axis in ("latitude", "longitude")}
    return _scores(truth, names, values, axes, coordinates, "fair CRPS")


def energy_score(prediction: xr.Dataset, truth: xr.Dataset, *, tile: int = ENERGY_TILE) -> xr.Dataset:
    """Return the fair energy score of an ensemble on tiles.

    The CRPS with the root mean square over the points of a tile in place of the absolute value; a tile of one point gives the
    CRPS. It is the mean over tiles side by side, weighted by their area. Of a single field it is the root mean square error
    on a tile.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        As for :func:`crps`.
    tile : int
        Points along a side of a tile.

    Returns
    -------
    xarray.Dataset
        Every field [its units] over ``time``; smaller is better.
    """
    return _on_tiles(prediction, truth, tile, tile, fair_energy_score, "fair energy score")


def variogram_score(
    prediction: xr.Dataset, truth: xr.Dataset, *, tile: int = VARIOGRAM_TILE, order: float = ORDER
) -> xr.Dataset:
    """Return the fair variogram score of an ensemble on tiles, which sees wrong dependence between points.

    For two points a and b of a tile, with the order p, the squared difference of the ensemble mean of ``|x(a) - x(b)|^p`` and
    ``|y(a) - y(b)|^p`` (Scheuerer and Hamill 2015), without the share that is due to the finite number of members; then the
    mean over all pairs of different points, and over tiles, weighted by area. There is one tile in every 16 x 16 points.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        As for :func:`crps`.
    tile : int
        Points along a side of a tile, 2 to 16; the work grows with the fourth power.
    order : float
        Order p; 0.5 is usual.

    Returns
    -------
    xarray.Dataset
        Every field over ``time``, in its units to the power of 2 p (for 0.5, its units); smaller is better.
    """
    if not (isinstance(tile, int) and 2 <= tile <= ENERGY_TILE and order > 0):
        raise UserError(
            f"Expected a tile of 2 to {ENERGY_TILE} points and an order above 0, found {tile!r} and {order!r}; "
            f"{VARIOGRAM_TILE} and {ORDER} are usual."
        )

    def score(members: np.ndarray, true: np.ndarray) -> np.ndarray:
        return fair_variogram_score(members, true, order)

    return _on_tiles(prediction, truth, tile, ENERGY_TILE, score, "fair variogram score", 2 * order)


def tile_weights(weights: np.ndarray, side: int, every: int) -> np.ndarray:
    """Return the share of each tile in the area of all tiles, shape ``(tile row, tile column)``."""
    areas = tile_points(weights, side, every).sum(axis=-1)
    return areas / areas.sum()


def require_tile(shape: tuple[int, int], side: int) -> None:
    """Raise a UserError unless a tile of ``side`` points fits into a grid."""
    if not isinstance(side, int) or not 1 <= side <= min(shape):
        raise UserError(
            f"Expected tiles that fit into {shape[0]} x {shape[1]} points, found a side of {side!r}; choose a smaller "
            "tile or a larger region."
        )


def _on_tiles(
    prediction: xr.Dataset,
    truth: xr.Dataset,
    side: int,
    every: int,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
    what: str,
    power: float = 1.0,
) -> xr.Dataset:
    truth, names = matched(prediction, truth)
    require_tile((truth.sizes["latitude"], truth.sizes["longitude"]), every)
    weights = tile_weights(area_weights(truth), side, every)
    parts = [
        np.tensordot(
            score(tile_points(members, side, every), tile_points(true, side, every)), weights, axes=2
        )
        for members, true in member_batches(prediction, truth, names)
    ]
    coordinates = {"time": time_values(truth)}
    return _scores(truth, names, np.concatenate(parts, axis=1), ("time",), coordinates, what, power)


def _scores(
    truth: xr.Dataset,
    names: list[str],
    values: np.ndarray,
    axes: tuple[str, ...],
    coordinates: dict[str, Any],
    what: str,
    power: float = 1.0,
) -> xr.Dataset:
    def units(name: str) -> str:
        own = str(truth[name].attrs.get("units", "unknown"))
        return own if power == 1 else f"({own})^{power:g}"

    fields = {
        name: (axes, each, {"long_name": f"{what} of {name.replace('_', ' ')}", "units": units(name)})
        for name, each in zip(names, values, strict=True)
    }
    return xr.Dataset(fields, coordinates)
