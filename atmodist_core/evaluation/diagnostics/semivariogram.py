"""Semivariogram: how different a field is at two points a given distance apart.

References
----------
Cressie, N., 1993: Statistics for Spatial Data. Wiley, section 2.4 (Matheron's estimator).
Hoffmann, S. and Lessig, C., 2023: AtmoDist. Environ. Data Sci. 2, arXiv 2202.01897 (pairs at great-circle
lags, divided by the variance of the truth).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import (
    area_weights,
    common_validity,
    field_values,
    horizontal_fields,
    is_global_grid,
    squared_units,
    time_batches,
    time_values,
)
from atmodist_core.fields.grid.validity import Mask

LAGS_KM = (25.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0)
"""Great-circle lags of the AtmoDist papers [km]."""

RADIUS_KM = EARTH_RADIUS_M / 1000
ROUNDS = 60
"""Draws after which an area is held to be too small for a lag."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of points about one great-circle distance apart, whose mean is ``mean_distance_km``.

    ``first`` and ``second`` are flat indices into a field of shape ``(latitude, longitude)``.
    """

    first: np.ndarray
    second: np.ndarray
    mean_distance_km: float

    def in_memory_order(self) -> Pairs:
        """Return the pairs sorted by the place of the first points in memory, with address-wide indices.

        Successive reads are then neighbours, and no index is converted: three times faster for 16 bytes a pair.
        """
        order = np.argsort(self.first, kind="stable")
        first, second = (each[order].astype(np.intp) for each in (self.first, self.second))
        return Pairs(first, second, self.mean_distance_km)


def great_circle_distance_km(
    latitude_a: np.ndarray, longitude_a: np.ndarray, latitude_b: np.ndarray, longitude_b: np.ndarray
) -> np.ndarray:
    """Return great-circle distances between points in degrees [km] (haversine, exact for small distances)."""
    phi_a, phi_b = np.deg2rad(latitude_a), np.deg2rad(latitude_b)
    half = np.sin(0.5 * (phi_b - phi_a)) ** 2
    half = (
        half
        + np.cos(phi_a) * np.cos(phi_b) * np.sin(0.5 * np.deg2rad(np.subtract(longitude_b, longitude_a))) ** 2
    )
    return 2 * RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def great_circle_destination(
    latitude: np.ndarray, longitude: np.ndarray, bearing: np.ndarray, distance_km: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points reached from points on a bearing [rad, from north over east], in degrees.

    The longitude is in [0, 360).
    """
    phi, angle = np.deg2rad(latitude), distance_km / RADIUS_KM
    sine = np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearing)
    east = np.sin(bearing) * np.sin(angle) * np.cos(phi)
    north = np.cos(angle) - np.sin(phi) * sine
    return np.rad2deg(np.arcsin(np.clip(sine, -1, 1))), np.mod(
        longitude + np.rad2deg(np.arctan2(east, north)), 360
    )


def smallest_lag_km(ds: xr.Dataset) -> float:
    """Return the largest distance between neighbouring points [km]: shorter lags do not occur everywhere."""
    latitude, longitude = ds["latitude"].values.astype(float), ds["longitude"].values.astype(float)
    kilometres_per_degree = np.pi / 180 * RADIUS_KM
    north_south = np.abs(np.diff(latitude)).max() * kilometres_per_degree
    west_east = np.abs(np.diff(longitude)).max() * kilometres_per_degree * np.cos(np.deg2rad(latitude)).max()
    return float(max(north_south, west_east))


def draw_pairs(
    ds: xr.Dataset, lag_km: float, pairs: int, seed: int, valid: Mask | None = None
) -> Pairs | None:
    """Draw pairs of grid points about ``lag_km`` apart; None if the area is too small for this lag.

    The first point is a grid point drawn by area, the second the grid point nearest to where a great circle
    of length ``lag_km`` in a random direction ends. Taking the nearest point, and not an interpolated value,
    keeps the variance of the smallest scales, which is what is looked for; the price is that the distance is
    off by up to half a cell, and its mean over the pairs is returned. In a limited area pairs that leave the
    area, or have an end outside the ``valid`` points, are drawn again. All datasets on one grid get the same pairs.
    """
    return _draw_pairs(
        tuple(ds["latitude"].values.astype(float)),
        tuple(ds["longitude"].values.astype(float)),
        is_global_grid(ds),
        float(lag_km),
        int(pairs),
        int(seed),
        None if valid is None or valid.all() else valid.tobytes(),
    )


@lru_cache(maxsize=128)
def _draw_pairs(
    latitude_key: tuple[float, ...],
    longitude_key: tuple[float, ...],
    on_the_globe: bool,
    lag_km: float,
    pairs: int,
    seed: int,
    valid_key: bytes | None,
) -> Pairs | None:
    allowed = None if valid_key is None else np.frombuffer(valid_key, dtype=bool)
    latitude, longitude = np.asarray(latitude_key), np.asarray(longitude_key)
    cumulative = _cumulative_area(latitude_key, longitude_key)
    # The lag is part of the seed: asking for other lags beside this one changes nothing here.
    random = np.random.default_rng([seed, round(1000 * lag_km)])
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    found = 0
    for _ in range(ROUNDS):
        row = np.minimum(np.searchsorted(cumulative, random.random(pairs)), latitude.size - 1)
        column = random.integers(longitude.size, size=pairs)
        bearing = random.uniform(0, 2 * np.pi, pairs)
        end = great_circle_destination(latitude[row], longitude[column], bearing, lag_km)
        end_row, inside = _nearest(latitude, end[0], closed=False, unbounded=on_the_globe)
        end_column, inside_too = _nearest(longitude, end[1], closed=True, unbounded=on_the_globe)
        start, stop = row * longitude.size + column, end_row * longitude.size + end_column
        valid = inside & inside_too & (start != stop)
        if allowed is not None:
            valid &= allowed[start] & allowed[stop]
        first.append(start[valid])
        second.append(stop[valid])
        found += int(valid.sum())
        if found >= pairs:
            break
    if found < pairs:
        return None
    a, b = np.concatenate(first)[:pairs], np.concatenate(second)[:pairs]
    rows, columns = np.divmod(np.stack([a, b]), longitude.size)
    distance = great_circle_distance_km(
        latitude[rows[0]], longitude[columns[0]], latitude[rows[1]], longitude[columns[1]]
    )
    return Pairs(a.astype(np.int32), b.astype(np.int32), float(distance.mean()))


@lru_cache(maxsize=16)
def _cumulative_area(latitude_key: tuple[float, ...], longitude_key: tuple[float, ...]) -> np.ndarray:
    """Part of the area down to the end of each row, shape ``(latitude,)``."""
    grid = xr.Dataset(coords={"latitude": np.asarray(latitude_key), "longitude": np.asarray(longitude_key)})
    row_weights = area_weights(grid).sum(axis=1).clip(min=0)
    return np.asarray(np.cumsum(row_weights) / row_weights.sum())


def _nearest(
    axis: np.ndarray, values: np.ndarray, *, closed: bool, unbounded: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Index of the nearest coordinate, and whether the value lies within half a cell of the axis."""
    order = np.argsort(axis)
    ascending = axis[order]
    low = ascending[0] - 0.5 * (ascending[1] - ascending[0])
    high = ascending[-1] + 0.5 * (ascending[-1] - ascending[-2])
    if closed:  # longitude: bring every value into the turn that begins at the western edge
        values = low + np.mod(values - low, 360.0)
    index = np.searchsorted(0.5 * (ascending[1:] + ascending[:-1]), values)
    inside = np.ones(values.shape, dtype=bool) if unbounded else (values >= low) & (values <= high)
    return order[index], inside


def semivariogram(
    ds: xr.Dataset,
    lags_km: Sequence[float] = LAGS_KM,
    *,
    pairs: int = 20_000,
    seed: int = 0,
    normalise_by: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return the semivariance of every field at great-circle lags.

    ``gamma(h) = mean over pairs (p, q) with |p - q| = h of (x(p) - x(q))^2 / 2``; far beyond the correlation
    length it tends to the variance of the field. The pairs depend on the grid, the lag, ``pairs`` and
    ``seed`` alone, so fields on one grid are compared at the same pairs; see :func:`draw_pairs` for how they
    are drawn. The standard error of a value is about ``gamma sqrt((kurtosis - 1) / pairs)``.

    Parameters
    ----------
    ds : xarray.Dataset
        Fields of the globe or of a limited area; points that are missing at any time take no part.
    lags_km : sequence of float
        Great-circle distances [km], positive.
    pairs : int
        Pairs per lag, drawn once and used at every time.
    seed : int
        Seed of the pairs.
    normalise_by : xarray.Dataset, optional
        The truth: every field is divided by its area-weighted variance over all times of this dataset.

    Returns
    -------
    xarray.Dataset
        Every field over ``(time, lag_km)``, in its units squared, or without units if normalised. Lags below
        the grid spacing, and lags the area has no room for, are missing values, and the attribute ``notes``
        says so. The coordinate ``mean_distance_km`` is the mean true distance of the pairs.

    Raises
    ------
    UserError
        If a lag is not positive, or ``pairs`` is less than one.
    """
    lags = np.asarray(lags_km, dtype=float).ravel()
    if lags.size == 0 or not (np.isfinite(lags) & (lags > 0)).all():
        raise UserError(f"Expected positive lags in km, found {list(lags_km)}; give distances such as 100.0.")
    if pairs < 1:
        raise UserError(f"Expected at least one pair of points per lag, found {pairs}; 20000 are usual.")
    names = horizontal_fields(ds)
    if min(ds.sizes["latitude"], ds.sizes["longitude"]) < 2:
        raise UserError(
            "Expected an area of at least 2 x 2 points for a semivariogram; choose a larger region."
        )
    spacing = smallest_lag_km(ds)
    # A hair of tolerance: a lag given as the rounded spacing is meant to be the spacing.
    there = common_validity(ds, fields=names)
    drawn = [None if lag < 0.999 * spacing else draw_pairs(ds, lag, pairs, seed, there) for lag in lags]
    notes = [
        f"The lag of {lag:g} km is below the grid spacing of {spacing:.1f} km and was left out."
        if lag < 0.999 * spacing
        else f"The area is too small for the lag of {lag:g} km, which was left out."
        for lag, found in zip(lags, drawn, strict=True)
        if found is None
    ]
    result: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for part in time_batches(ds, 16):
        for name in names:
            flat = field_values(part, name, valid=there).reshape(part.sizes.get("time", 1), -1)
            result[name].append(np.stack([pair_semivariance(flat, found) for found in drawn], axis=-1))
    gamma = {name: np.concatenate(parts) for name, parts in result.items()}
    units = {name: squared_units(ds[name].attrs.get("units")) for name in names}
    if normalise_by is not None:
        for name in names:
            gamma[name] = gamma[name] / _variance(normalise_by, name)
            units[name] = "1"
    return xr.Dataset(
        {
            name: (
                ("time", "lag_km"),
                gamma[name],
                {"long_name": f"semivariance of {name.replace('_', ' ')}", "units": units[name]},
            )
            for name in names
        },
        coords={
            "time": time_values(ds),
            "lag_km": ("lag_km", lags, {"units": "km", "long_name": "great-circle lag"}),
            "mean_distance_km": (
                "lag_km",
                [np.nan if found is None else found.mean_distance_km for found in drawn],
                {"units": "km", "long_name": "mean true distance of the pairs"},
            ),
        },
        attrs={
            "pairs": pairs,
            "seed": seed,
            "normalised": "by the variance of the truth" if normalise_by is not None else "no",
            "notes": "\n".join(notes),
        },
    )


def pair_semivariance(flat: np.ndarray, pairs: Pairs | None) -> np.ndarray:
    """Return half the mean squared difference over pairs of points, ``(n,)`` in units of ``flat`` squared.

    ``flat`` has shape ``(n, points)``; None in place of pairs gives missing values.
    """
    if pairs is None:
        return np.full(flat.shape[0], np.nan)
    result = np.empty(flat.shape[0])
    for number, field in enumerate(flat):
        # The indices are known to be valid: "clip" spares the check. In float32 a difference keeps all its digits, or
        # is rounded to 24 bits of its own.
        difference = field.take(pairs.first, mode="clip")
        difference -= field.take(pairs.second, mode="clip")
        difference = difference.astype(np.float64, copy=False)
        result[number] = 0.5 * np.square(difference, out=difference).mean()
    return result


def _variance(truth: xr.Dataset, name: str) -> float:
    """Area-weighted variance of one field over all its times."""
    horizontal_fields(truth, [name])
    valid = common_validity(truth, fields=[name])
    weights = area_weights(truth, valid)
    moments = np.zeros(2)
    for part in time_batches(truth, 16):
        values = field_values(part, name, valid=valid)
        moments += [np.sum(values * weights), np.sum(values**2 * weights)]
    moments /= truth.sizes.get("time", 1)
    variance = float(moments[1] - moments[0] ** 2)
    if not variance > 0:
        raise UserError(
            f"Expected a truth that varies to divide by, found {name} constant; choose another period."
        )
    return variance
