"""Grids of measures: spacing, area weights, and whether two fields lie on the same points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.validity import Mask, largest_valid_rectangle, valid_points

HORIZONTAL = ("latitude", "longitude")


def horizontal_fields(ds: xr.Dataset, fields: tuple[str, ...] | list[str] | None = None) -> list[str]:
    """Return the names of variables over latitude and longitude: the wanted ones, or all.

    Raises ``UserError`` if a wanted name is missing, or nothing lies on latitude and longitude.
    """
    present = [str(name) for name, field in ds.data_vars.items() if set(HORIZONTAL) <= set(field.dims)]
    if not present:
        raise UserError(
            "Expected fields on latitude and longitude, found none; open the data with "
            "atmodist_core.open_fields."
        )
    if fields is None:
        return present
    missing = [name for name in fields if name not in present]
    if missing:
        raise UserError(
            f"Expected the field {missing[0]!r}, found {', '.join(present)}; choose among the fields that "
            f"are there."
        )
    return list(fields)


def common_validity(*datasets: xr.Dataset, fields: Sequence[str] | None = None) -> Mask | None:
    """Return which points hold values in all datasets at all times, (latitude, longitude); None if all do.

    Raises ``UserError`` if none does.
    """
    valid: Mask = np.logical_and.reduce([valid_points(ds, fields).values for ds in datasets])
    if valid.all():
        return None
    if not valid.any():
        raise UserError(
            "Expected points with values at all times, found none; choose another region or period."
        )
    return valid


def without_gaps(ds: xr.Dataset, valid: Mask | None = None) -> xr.Dataset:
    """Return the largest rectangle of points that hold values at all times: what spectra are computed from."""
    valid = common_validity(ds) if valid is None else valid
    if valid is None:
        return ds
    rows, columns = largest_valid_rectangle(valid)
    return ds.isel(latitude=rows, longitude=columns)


def field_values(
    ds: xr.Dataset, name: str, *, dtype: type = np.float64, valid: Mask | None = None
) -> np.ndarray:
    """Return a field as an array ``(time, latitude, longitude)``, with a time axis in any case.

    Outside ``valid`` (latitude, longitude) it is zero; such points must have no weight. Raises ``UserError`` if there are
    other dimensions, or values elsewhere that are not finite.
    """
    # The bare variable: carrying the coordinates along would cost more than small fields themselves.
    field = ds.variables[name]
    if "time" not in field.dims:
        field = field.set_dims({"time": 1, **field.sizes})
    if field.ndim != 3:
        extra = ", ".join(sorted(set(map(str, field.dims)) - {"time", *HORIZONTAL}))
        raise UserError(
            f"Expected {name} over time, latitude and longitude, found also {extra}; select one value of "
            f"each first."
        )
    values: np.ndarray = np.asarray(field.transpose("time", *HORIZONTAL).values, dtype=dtype)
    if valid is not None:
        values = np.where(valid, values, dtype(0))
    missing = int(values.size - np.isfinite(values).sum())
    if missing:
        raise UserError(
            f"Expected {name} without gaps, found {missing} missing or infinite values of {values.size}; "
            "choose a region or period without gaps, or fill them first."
        )
    return values


def time_batches(ds: xr.Dataset, size: int) -> Iterator[xr.Dataset]:
    """Parts of ``ds`` of at most ``size`` times, computed one after the other to bound memory."""
    times = ds.sizes.get("time", 1)
    if times == 0:
        raise UserError("Expected at least one time, found none; choose a period within the data.")
    lazy = any(field.chunks is not None for field in ds.data_vars.values())
    for start in range(0, times, size):
        part = ds if times <= size else ds.isel(time=slice(start, start + size))
        yield part.compute() if lazy else part


def time_values(ds: xr.Dataset) -> np.ndarray:
    """Time coordinate of ``ds``, or one "not a time" where there is none; shape ``(time,)``."""
    if "time" in ds.coords:
        return np.atleast_1d(ds["time"].values)
    return np.full(ds.sizes.get("time", 1), np.datetime64("NaT", "ns"))


def squared_units(units: str | None) -> str:
    """Units of the square of a quantity, for the units that occur here."""
    known = {"s-1": "s-2", "s**-1": "s-2", "m s-1": "m2 s-2", "m s**-1": "m2 s-2", "1": "1", "K": "K2"}
    if not units:
        return "unknown"
    return known.get(units, f"({units})2")


def is_global_grid(ds: xr.Dataset) -> bool:
    """Whether the grid of ``ds`` is one of the global grids that spherical harmonics are known for."""
    from atmodist_core.harmonics import is_global

    return is_global(ds["latitude"].values, ds["longitude"].values)


def closes_in_longitude(ds: xr.Dataset) -> bool:
    """Whether the last longitude of ``ds`` is the western neighbour of the first."""
    from atmodist_core.fields.canonical.coordinates import is_full_circle

    return is_full_circle(ds["longitude"].values.astype(float))


def require_same_grid(prediction: xr.Dataset, truth: xr.Dataset) -> None:
    """Raise a UserError unless both datasets have the same latitudes, longitudes and number of times."""
    for axis in HORIZONTAL:
        for label, ds in (("prediction", prediction), ("truth", truth)):
            if axis not in ds.coords:
                raise UserError(
                    f"Expected a coordinate {axis} in the {label}, found "
                    f"{', '.join(map(str, ds.coords)) or 'none'};"
                    " open the data with atmodist_core.open_fields."
                )
        a, b = prediction[axis].values.astype(float), truth[axis].values.astype(float)
        if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=1e-3):
            raise UserError(
                f"Expected prediction and truth on one grid, found {axis} {_span(a)} against {_span(b)}; "
                "select the same region, or coarsen with the model's factor before downscaling."
            )
    times = prediction.sizes.get("time", 1), truth.sizes.get("time", 1)
    if times[0] != times[1]:
        raise UserError(
            f"Expected as many times in the prediction as in the truth, found {times[0]} against {times[1]}; "
            "select the same times."
        )
    a, b = time_values(prediction), time_values(truth)
    if not np.isnat(a).any() and not np.isnat(b).any() and (a != b).any():
        raise UserError(
            f"Expected prediction and truth at the same times, found {a[a != b][0]} against {b[a != b][0]}; "
            "select the same times."
        )


def common_points(prediction: xr.Dataset, truth: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Cut two datasets to the grid points that they share.

    A downscaled field may have fewer rows or columns than the truth (where the coarse grid does not reach as
    far), or begin at another longitude. Points are matched by coordinates, longitudes whatever their turn.

    Parameters
    ----------
    prediction, truth : xarray.Dataset
        With coordinates ``latitude`` and ``longitude`` [degrees].

    Returns
    -------
    prediction, truth : xarray.Dataset
        Both on the shared points, in the order and with the coordinates of the prediction. Lazy data stay
        lazy.

    Raises
    ------
    UserError
        If they share fewer than 2 x 2 points.
    """
    chosen: list[tuple[str, np.ndarray, np.ndarray]] = []
    for axis, period in (("latitude", np.inf), ("longitude", 360.0)):
        a, b = (ds[axis].values.astype(float) for ds in (prediction, truth))
        tolerance = 1e-3 * min(np.abs(np.diff(x)).min() if x.size > 1 else 1.0 for x in (a, b))
        difference = np.abs(a[:, None] - b[None, :])
        if np.isfinite(period):
            difference = np.abs((difference + period / 2) % period - period / 2)
        nearest = difference.argmin(axis=1) if b.size else np.zeros(0, dtype=int)
        matched = np.flatnonzero(difference.min(axis=1) <= tolerance) if b.size else nearest
        if matched.size < 2:
            raise UserError(
                f"Expected prediction and truth to share at least two {axis}s, found {_span(a)} against "
                f"{_span(b)}; "
                "coarsen the truth with the model's factor and downscale that."
            )
        chosen.append((axis, matched, nearest[matched]))
    of_prediction = prediction.isel({axis: _slice(index) for axis, index, _ in chosen})
    of_truth = truth.isel({axis: _slice(index) for axis, _, index in chosen})
    return of_prediction, of_truth.assign_coords({axis: of_prediction[axis] for axis in HORIZONTAL})


def truth_at_points_of(prediction: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """Return the truth at the points of the prediction, which may be a part of those of the truth.

    Coarsening leaves out rows that fill no block, so the prediction often ends before the truth does.
    Anything else that differs is a mistake: ``UserError`` if the prediction has points that the truth lacks, or their
    times differ.
    """
    has_axes = all(axis in ds.coords and ds[axis].ndim for ds in (prediction, truth) for axis in HORIZONTAL)
    sizes = [tuple(ds.sizes.get(axis, 0) for axis in HORIZONTAL) for ds in (prediction, truth)]
    if has_axes and sizes[0] != sizes[1] and all(a <= b for a, b in zip(*sizes, strict=True)):
        cut, part = common_points(prediction, truth)
        if cut.sizes == prediction.sizes:
            truth = part
    require_same_grid(prediction, truth)
    return truth


def _slice(index: np.ndarray) -> slice | np.ndarray:
    """A run of successive indices as a slice, which neither copies nor gathers."""
    if (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _span(values: np.ndarray) -> str:
    if values.size == 0:
        return "without points"
    return f"{values[0]:g}..{values[-1]:g} ({values.size} points)"


def grid_spacing_km(ds: xr.Dataset) -> tuple[float, float]:
    """Return the spacing north-south and west-east [km] at the middle latitude.

    They are ``a dlat`` and ``a cos(latitude_middle) dlon`` with the Earth's radius a. Raises ``UserError`` if an axis has
    fewer than two points, or its spacing varies by more than 5 per cent.
    """
    latitude, longitude = ds["latitude"].values.astype(float), ds["longitude"].values.astype(float)
    steps = []
    for name, values in (("latitudes", latitude), ("longitudes", longitude)):
        if values.size < 2:
            raise UserError(f"Expected at least two {name}, found {values.size}; choose a larger region.")
        difference = np.abs(np.diff(values))
        step = float(difference.mean())
        if np.abs(difference - step).max() > 0.05 * step:
            raise UserError(
                f"Expected evenly spaced {name}, found steps from {difference.min():g} to "
                f"{difference.max():g} "
                "degrees; interpolate to an even grid first."
            )
        steps.append(step)
    middle = np.deg2rad(0.5 * (latitude[0] + latitude[-1]))
    kilometres_per_degree = EARTH_RADIUS_M * np.pi / 180 / 1000
    return steps[0] * kilometres_per_degree, steps[1] * kilometres_per_degree * float(np.cos(middle))


def area_weights(ds: xr.Dataset, valid: Mask | None = None) -> np.ndarray:
    """Return the weights ``(latitude, longitude)`` of an area mean on the grid of ``ds``; they sum to one.

    Points outside ``valid`` (latitude, longitude) have none.

    Areas are those of :func:`~atmodist_core.fields.grid.cell_areas.cell_areas`, which block means use as well: a
    field whose block means are conserved has the same area mean.
    """
    rows = cell_areas(ds["latitude"].values)
    columns = ds.sizes["longitude"]
    weights = np.broadcast_to((rows / (rows.sum() * columns))[:, None], (rows.size, columns))
    return weights if valid is None else valid_weights(weights, valid)


def valid_weights(weights: np.ndarray, valid: Mask) -> np.ndarray:
    """Return weights ``(latitude, longitude)`` of the valid points alone, with a sum of one."""
    left = weights * valid
    return left / left.sum()


def latitude_belts(latitude: np.ndarray, edges: Sequence[float]) -> list[np.ndarray]:
    """Return which rows lie in each belt between distances from the equator [degrees], both hemispheres together.

    Raises ``UserError`` unless the edges ascend from 0 to 90.
    """
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != 90 or any(b <= a for a, b in pairwise(edges)):
        raise UserError(
            f"Expected belt edges that ascend from 0 to 90 degrees, found {' '.join(map(str, edges)) or 'none'}; give for example 0 30 60 90."
        )
    distance = np.abs(latitude)
    # The last belt holds the pole itself.
    return [(distance >= near) & ((distance < far) | (far == 90)) for near, far in pairwise(edges)]
