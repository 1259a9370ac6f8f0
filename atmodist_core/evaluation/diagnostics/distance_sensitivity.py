"""Sensitivity of a distance over many times: the gain of every band with its interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import (
    BOOTSTRAP,
    Bootstrap,
    DayAxis,
    bootstrap_counts,
    day_sums,
    interval,
)
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.inference.atmodist import AtmoDist


def mean_gain(sensitivity: xr.Dataset, bootstrap: Bootstrap = BOOTSTRAP) -> xr.Dataset:
    """Return the gain of every band from the sums over all times, with its interval, and the share of the response.

    Parameters
    ----------
    sensitivity : xarray.Dataset
        As from :func:`atmodist_core.features.sensitivity`.
    bootstrap : Bootstrap
        Resamples blocks of days.

    Returns
    -------
    xarray.Dataset
        ``gain`` and ``share`` over ``(band, layer)``, dimensionless, with ``gain_low`` and ``gain_high``, ``share_low`` and ``share_high``:
        missing for fewer days than three blocks, or without dates. ``share`` is that of the response to all bands, ``error_share``
        that of the squared error, over ``band``. Per wavenumber, ``half_wavenumber`` over ``layer`` is that up to which half of the response
        lies, and ``error_half_wavenumber`` half of the squared error.

    Raises
    ------
    UserError
        If these are no results of a sensitivity.
    """
    responses, errors = _replicates(sensitivity, bootstrap)
    share = responses / responses.sum(axis=1, keepdims=True)
    error_share = errors / errors.sum(axis=1, keepdims=True)
    gain = share / error_share[:, :, None]
    over = ("band", "layer")
    found: dict[str, tuple[object, ...]] = {}
    for name, values, words in (
        ("gain", gain, "share of the response / share of the squared error"),
        ("share", share, "share of the response"),
    ):
        low, high = interval(values, bootstrap.level)
        found |= {name: (over, values[0], {"units": "1", "long_name": words})}
        found |= {f"{name}_low": (over, low, {"units": "1"}), f"{name}_high": (over, high, {"units": "1"})}
    if sensitivity.attrs.get("by") == "wavenumber" and {"first", "last"} <= set(sensitivity.coords):
        ends = sensitivity["first"].values, sensitivity["last"].values
        half = np.array([[half_response_band(one, *ends) for one in each.T] for each in share])
        low, high = interval(half, bootstrap.level)
        for name, values in (("half", half[0]), ("half_low", low), ("half_high", high)):
            found[f"{name}_wavenumber"] = ("layer", values, {"units": "1"})
        found["error_half_wavenumber"] = ((), half_response_band(error_share[0], *ends), {"units": "1"})
    found["error_share"] = ("band", error_share[0], {"units": "1", "long_name": "share of the squared error"})
    kept = {
        name: sensitivity[name] for name in ("band", "first", "last", "layer") if name in sensitivity.coords
    }
    return xr.Dataset(
        found, kept, {**sensitivity.attrs, "times": sensitivity.sizes["time"], "level": bootstrap.level}
    )


def normalised_squared_error(distance: AtmoDist) -> Callable[[xr.Dataset, xr.Dataset], xr.DataArray]:
    """Return the mean squared difference of the fields that enter a network: after its normalisation, before its weights.

    What it shares with a network, and not with the squared error of the fields, is owed to the signed logarithm.

    Parameters
    ----------
    distance : AtmoDist
        Whose normalisation is taken.

    Returns
    -------
    callable
        Of two datasets; gives a distance over ``time`` (dimensionless, weighted by area).
    """
    normalize = distance.inference.normalization.normalize

    def error(a: xr.Dataset, b: xr.Dataset) -> xr.DataArray:
        area = cell_areas(a["latitude"].values)[:, None]
        names = list(distance.card.channels)
        stacked = [
            np.stack([ds[name].transpose("time", "latitude", "longitude").values for name in names], axis=1)
            for ds in (a, b)
        ]
        found = []
        for one, other in zip(*stacked, strict=True):
            first, second = (
                normalize(torch.from_numpy(np.ascontiguousarray(each))).numpy() for each in (one, other)
            )
            squared = np.square(first.astype(np.float64) - second).mean(axis=0)
            found.append((squared * area).sum() / area.sum() / squared.shape[1])
        return xr.DataArray(found, dims="time", attrs={"units": "1"})

    return error


def half_response_band(
    shares: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]
) -> float:
    """Return the total wavenumber up to which half of the sum of all bands lies, linear within a band.

    Examples
    --------
    >>> half_response_band(np.array([0.25, 0.5, 0.25]), np.array([1.0, 4.0, 8.0]), np.array([3.0, 7.0, 15.0]))
    6.0
    """
    ends = np.concatenate([[float(first[0])], np.asarray(last, dtype=float) + 1])
    return float(np.interp(0.5, np.concatenate([[0.0], np.cumsum(shares) / np.sum(shares)]), ends))


def hemispheric_ratio(sensitivity: xr.Dataset, bootstrap: Bootstrap = BOOTSTRAP) -> xr.Dataset:
    """Return the gain of the northern belts of latitude divided by that of the southern ones, with its interval.

    Parameters
    ----------
    sensitivity : xarray.Dataset
        As from :func:`atmodist_core.features.sensitivity` per latitude.
    bootstrap : Bootstrap
        Resamples blocks of days.

    Returns
    -------
    xarray.Dataset
        ``ratio``, ``low`` and ``high`` over ``layer``, dimensionless: 1 for a distance that treats both as the squared error does. The belt at
        the equator is left out.

    Raises
    ------
    UserError
        If these are no results of a sensitivity.
    """
    responses, errors = _replicates(sensitivity, bootstrap)
    belts = sensitivity["band"].values
    north, south = belts > 0, belts < 0
    ratio = responses[:, north].sum(1) / responses[:, south].sum(1)
    ratio = ratio / (errors[:, north].sum(1) / errors[:, south].sum(1))[:, None]
    ends = interval(ratio, bootstrap.level)
    return xr.Dataset(
        {
            name: ("layer", values, {"units": "1"})
            for name, values in zip(("ratio", "low", "high"), (ratio[0], *ends), strict=True)
        },
        {"layer": sensitivity["layer"]},
    )


def _replicates(
    sensitivity: xr.Dataset, bootstrap: Bootstrap
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over time of the response (replicate, band, layer) and the squared error (replicate, band); the record comes first."""
    if not {"response", "squared_error"} <= set(sensitivity.data_vars):
        raise UserError(
            f"Expected response and squared_error over time and band, found {', '.join(map(str, sensitivity.data_vars))}; "
            "give what atmodist_core.features.sensitivity returns."
        )
    response = sensitivity["response"].transpose("time", "band", "layer").values.astype(float)
    error = sensitivity["squared_error"].transpose("time", "band").values.astype(float)
    counts, days, size = _resampled_days(sensitivity, bootstrap)
    responses = np.einsum("rd,dbl->rbl", counts, day_sums(response, days, size))
    errors = counts @ day_sums(error, days, size)
    known = errors.sum(axis=1) > 0  # days without times can be all that is drawn
    return responses[known], errors[known]


def _resampled_days(
    sensitivity: xr.Dataset, bootstrap: Bootstrap
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Counts of every replicate (replicate, day), the day of each time, and the number of days."""
    count = sensitivity.sizes["time"]
    times = sensitivity["time"].values if "time" in sensitivity.coords else np.empty(0)
    if not np.issubdtype(times.dtype, np.datetime64) or np.isnat(times).any():
        return np.ones((1, count)), np.arange(count), count
    axis = DayAxis.of([times])
    return bootstrap_counts(axis, bootstrap), axis.index(0, times), axis.size
