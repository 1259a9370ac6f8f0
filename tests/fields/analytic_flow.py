"""A wind whose vorticity and divergence are known in closed form, on any latitude-longitude points."""

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M

M, N = 4, 3
"""Orders of the two harmonics."""
STREAM, POTENTIAL = 5.0e7, 1.5e7
"""Amplitudes of stream function and velocity potential [m2 s-1]."""
TURN_PER_DAY = np.pi / 8
"""The pattern travels east by this angle a day [rad]."""


def flow(latitude, longitude, days=0.0):
    """u, v [m s-1], vorticity, divergence [s-1], each of shape (n, m), float64.

    The stream function cos^m(phi) sin(phi) cos(m lambda) is a spherical harmonic of degree m + 1, the
    potential cos^n(phi) cos(n lambda) one of degree n: their Laplacians are multiples of themselves.
    """
    phi, lam = np.deg2rad(np.asarray(latitude))[:, None], np.deg2rad(np.asarray(longitude))[None, :]
    lam = lam - TURN_PER_DAY * days
    c, s, a = np.cos(phi), np.sin(phi), EARTH_RADIUS_M
    psi = STREAM * c**M * s * np.cos(M * lam)
    chi = POTENTIAL * c**N * np.cos(N * lam)
    psi_phi = STREAM * (c ** (M + 1) - M * c ** (M - 1) * s**2) * np.cos(M * lam)
    psi_lam = -STREAM * M * c ** (M - 1) * s * np.sin(M * lam)
    chi_phi = -POTENTIAL * N * c ** (N - 1) * s * np.cos(N * lam)
    chi_lam = -POTENTIAL * N * c ** (N - 1) * np.sin(N * lam)
    u, v = (-psi_phi + chi_lam) / a, (psi_lam + chi_phi) / a
    return u, v, -(M + 1) * (M + 2) / a**2 * psi, -N * (N + 1) / a**2 * chi


def flow_arrays(latitude, longitude, times):
    """The four fields of `flow` as DataArrays over (time, latitude, longitude), float32."""
    times = np.asarray(times, dtype="datetime64[ns]")
    days = (times - times[0]) / np.timedelta64(1, "D")
    stacked = np.stack([np.stack(flow(latitude, longitude, day)) for day in days], axis=1).astype(np.float32)
    coords = {"time": times, "latitude": np.asarray(latitude), "longitude": np.asarray(longitude)}
    return [xr.DataArray(values, coords, ("time", "latitude", "longitude")) for values in stacked]


def expected(dataset):
    """Vorticity and divergence [s-1] of the flow on the points and times of an opened dataset."""
    _, _, vorticity, divergence = flow_arrays(dataset.latitude, dataset.longitude, dataset.time)
    return vorticity, divergence


def largest_error(dataset, start=None):
    """Largest deviation from the flow, relative to the largest value, of both fields.

    `start` is the time at which the flow starts (default: the first of the dataset).
    """
    times = dataset.time.values
    start = times[0] if start is None else np.datetime64(start, "ns")
    worst = 0.0
    for index, time in enumerate(times):
        day = (time - start) / np.timedelta64(1, "D")
        fields = flow(dataset.latitude.values, dataset.longitude.values, day)
        for name, truth in (("vorticity", fields[2]), ("divergence", fields[3])):
            error = np.abs(dataset[name].isel(time=index).values - truth).max() / np.abs(truth).max()
            worst = max(worst, float(error))
    return worst
