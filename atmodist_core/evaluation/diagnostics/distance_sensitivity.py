"""Sensitivity of a distance over many times: the gain of every band with its interval."""

from __future__ import annotations

import numpy as np
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
        that of the squared error, over ``band``.

    Raises
    ------
    UserError
        If these are no results of a sensitivity.
    """
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
    found["error_share"] = ("band", error_share[0], {"units": "1", "long_name": "share of the squared error"})
    kept = {
        name: sensitivity[name] for name in ("band", "first", "last", "layer") if name in sensitivity.coords
    }
    return xr.Dataset(
        found, kept, {**sensitivity.attrs, "times": sensitivity.sizes["time"], "level": bootstrap.level}
    )


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
