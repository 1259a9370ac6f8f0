"""Where the filters of a distance network are active, and the patches of a record that excite each most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.patches import TRAINED_LATITUDES_DEG
from atmodist_core.fields.grid.transects import place_text
from atmodist_core.inference.atmodist import AtmoDist

COUNT = 9
"""Patches of a filter, as in Zeiler and Fergus (2014)."""

SMALLEST, LARGEST = 32, 128
"""Points along a side of a patch: eight times the spacing of the activations, within these bounds."""


def activation_map(distance: AtmoDist, fields: xr.Dataset, *, layer: str | None = None) -> xr.DataArray:
    """Return the activations of a stage with the latitudes and longitudes of the points they stand for.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, as for ``AtmoDist.embed``.
    layer : str, optional
        Of ``distance.layers``; default: the last.

    Returns
    -------
    xarray.DataArray
        Dimensionless, never negative, over ``(time, filter, latitude, longitude)``: the middle of the block of
        points [degrees] that each stands for.
    """
    layer = distance.layers[-1] if layer is None else layer
    found = distance.embed(fields, layer=layer)
    found = found.rename(feature="filter", row="latitude", column="longitude")
    stride = distance.inference.config.stride(layer)
    return found.assign_coords(
        {name: _blocks(fields[name].values, stride) for name in ("latitude", "longitude")}
    )


def strongest_places(
    distance: AtmoDist,
    fields: xr.Dataset,
    *,
    layer: str | None = None,
    count: int = COUNT,
    size: int | None = None,
    hours: float = 24.0,
    latitude_limit: float = TRAINED_LATITUDES_DEG,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> xr.Dataset:
    """Find where in a record every filter of a stage is most active; times are read one by one.

    Of every time the ``count`` strongest places count that are a patch apart; of all these, the strongest of which no
    two are closer than a patch and ``hours`` together: else all would show one storm.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical; lazy fields are read one time at a time.
    layer : str, optional
        Of ``distance.layers``; default: the last.
    count : int
        Places of every filter.
    size : int, optional
        Points along a side of a patch; default: eight times the spacing of the activations, from 32 to 128, or
        what the fields have.
    hours : float
        Time between two places that overlap [h].
    latitude_limit : float
        Largest distance of a place from the equator [degrees]: models are trained within 60.
    progress, cancel : callable, optional
        As for ``AtmoDist.embed``.

    Returns
    -------
    xarray.Dataset
        ``activation`` (dimensionless; missing where a filter has fewer places), ``row`` and ``column`` of the
        activation, ``time_index``, and the coordinates ``time``, ``latitude`` and ``longitude``; over ``(filter, rank)``.

    Raises
    ------
    UserError
        For an unknown layer, a patch larger than the fields, or fields that do not fit.
    """
    layer = distance.inference.config.check_layer(distance.layers[-1] if layer is None else layer)
    stride = distance.inference.config.stride(layer)
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    shape = arrays.latitude.size, arrays.longitude.size
    size = min(max(8 * stride, SMALLEST), LARGEST, *shape) if size is None else size
    if not stride <= size <= min(shape) or count < 1:
        raise UserError(
            f"Expected one place or more and patches of {stride} to {min(shape)} points, found {count} and {size}; "
            "choose a larger region, an earlier layer or another size."
        )
    wraps = Boundaries.of(arrays.latitude, arrays.longitude).wraps
    latitude, longitude = (_blocks(axis, stride) for axis in (arrays.latitude, arrays.longitude))
    reach = -(-size // stride)
    watch = ProgressWatch(distance.name, arrays.time_count, progress, cancel)
    found = []
    for time in range(arrays.time_count):
        watch.before()
        activations = distance.embed(arrays.dataset.isel(time=[time]), layer=layer).values[0]
        activations[:, np.abs(latitude) > latitude_limit] = np.nan
        found.append(_peaks(activations, count, reach, wraps=wraps))
        watch.done()
    # (filter, time * count, 4): activation, time, row, column
    candidates = np.concatenate(
        [
            np.concatenate([each[..., :1], np.full_like(each[..., :1], t), each[..., 1:]], -1)
            for t, each in enumerate(found)
        ],
        axis=1,
    )
    since = _hours(arrays)
    columns = longitude.size if wraps else 0
    chosen = np.stack([_apart(each, count, reach, since, hours, columns) for each in candidates])
    activation, (index, row, column) = chosen[..., 0], np.moveaxis(chosen[..., 1:], -1, 0).astype(np.int64)
    over = ("filter", "rank")
    places = xr.Dataset(
        {
            "activation": (over, activation, {"units": "1", "long_name": "activation"}),
            **{n: (over, v) for n, v in (("time_index", index), ("row", row), ("column", column))},
        },
        {
            "filter": np.arange(activation.shape[0]),
            "rank": np.arange(1, count + 1),
            "latitude": (over, latitude[row], {"units": "degrees_north", "standard_name": "latitude"}),
            "longitude": (over, longitude[column], {"units": "degrees_east", "standard_name": "longitude"}),
        },
        {"model": distance.name, "layer": layer, "patch_size": size},
    )
    times = arrays.dataset.get("time")
    if times is None:
        return places
    return shown_dates(arrays.dataset).put_on(places.assign_coords(time=(over, times.values[index])))


def patches_at(distance: AtmoDist, fields: xr.Dataset, places: xr.Dataset) -> xr.Dataset:
    """Cut out the fields around the places of :func:`strongest_places`.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Those in which the places were found.
    places : xarray.Dataset
        All of them, or some filters and ranks.

    Returns
    -------
    xarray.Dataset
        The places with the network's channels over ``(filter, rank, y, x)`` in their own units; ``y`` and ``x`` are the
        degrees north and east of the place. Missing where there is no place, where the fields have gaps, and beyond their edge.
    """
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    boundaries = Boundaries.of(arrays.latitude, arrays.longitude)
    size, shape = int(places.attrs["patch_size"]), places["activation"].shape
    values = np.full((*shape, len(arrays.channels), size, size), np.nan, dtype=np.float32)
    for time in np.unique(places["time_index"].values):
        field, valid = arrays.read_filled(int(time))
        field = np.where(valid, field, np.float32(np.nan))
        here = np.isfinite(places["activation"].values) & (places["time_index"].values == time)
        for at in zip(*np.nonzero(here), strict=True):
            top, left = corner(distance, places, at)
            window = (top, top + size), (left, left + size)
            values[at] = boundaries.gather(field, *window)
            if not boundaries.wraps:  # beyond the edge a network sees the edge again
                values[at][:, ~_inside(field.shape[1:], *window)] = np.nan
    return with_patches(places, arrays, values)


def strongest_patches(
    distance: AtmoDist, fields: xr.Dataset, *, filters: Sequence[int] | None = None, **options: Any
) -> xr.Dataset:
    """Return the patches of a record that excite the filters of a stage most.

    Parameters
    ----------
    distance, fields, **options
        As for :func:`strongest_places`.
    filters : sequence of int, optional
        Which filters to cut patches of; default: all.

    Returns
    -------
    xarray.Dataset
        As from :func:`patches_at`, strongest first.
    """
    places = strongest_places(distance, fields, **options)
    return patches_at(distance, fields, places if filters is None else places.sel(filter=list(filters)))


def patch_text(place: xr.Dataset) -> str:
    """Return time and place of a patch.

    Examples
    --------
    >>> patch_text(xr.Dataset(coords={"latitude": -48.0, "longitude": 350.0, "time": np.datetime64("2001-01-02T06")}))
    '01-02 06h 48°S 10°W'
    """
    where = place_text(float(place["latitude"]), float(place["longitude"]), digits=0)
    time = place["time"].values if "time" in place.coords else None
    if time is None or not np.issubdtype(time.dtype, np.datetime64) or np.isnat(time):
        return where
    text = shown_dates(place).text(time_texts(place)[0])
    return f"{text[5:10]} {text[11:13]}h {where}"


def corner(distance: AtmoDist, places: xr.Dataset, at: tuple[int, ...]) -> tuple[int, int]:
    """Return the first row and column of the patch around a place, in points of the fields."""
    stride = distance.inference.config.stride(places.attrs["layer"])
    size = int(places.attrs["patch_size"])
    top, left = (int(places[name].values[at]) * stride + (stride - size) // 2 for name in ("row", "column"))
    return top, left


def with_patches(places: xr.Dataset, arrays: FieldArrays, values: NDArray[np.float32]) -> xr.Dataset:
    """Add patches (filter, rank, channel, y, x) to their places, with coordinates relative to the middle."""
    size = values.shape[-1]
    middle = np.arange(size) - (size - 1) / 2
    steps = float(arrays.latitude[1] - arrays.latitude[0]), float(arrays.longitude[1] - arrays.longitude[0])
    over = ("filter", "rank", "y", "x")
    return places.assign(
        {
            name: (over, values[:, :, number], arrays.dataset[name].attrs)
            for number, name in enumerate(arrays.channels)
        }
    ).assign_coords(
        y=("y", middle * steps[0], {"units": "degrees", "long_name": "degrees north of the place"}),
        x=("x", middle * steps[1], {"units": "degrees", "long_name": "degrees east of the place"}),
    )


def _inside(shape: tuple[int, ...], rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[np.bool_]:
    """Which points of a window lie on a grid (rows, columns)."""
    down, across = np.arange(*rows), np.arange(*columns)
    return ((down >= 0) & (down < shape[0]))[:, None] & ((across >= 0) & (across < shape[1]))[None]


def _peaks(activations: NDArray[np.float32], count: int, reach: int, *, wraps: bool) -> NDArray[np.float64]:
    """Strongest activations of each filter that are apart, (filter, count, 3): value, row, column."""
    filters, _, columns = activations.shape
    left = np.where(activations > 0, activations, -np.inf)  # missing values and silent filters never count
    peaks = np.zeros((filters, count, 3))
    every = np.arange(filters)
    for rank in range(count):
        row, column = np.unravel_index(left.reshape(filters, -1).argmax(axis=1), left.shape[1:])
        peaks[:, rank] = np.stack([left[every, row, column], row, column], axis=-1)
        for one, r, c in zip(left, row, column, strict=True):
            near = np.arange(c - reach + 1, c + reach)
            near = near % columns if wraps else near[(near >= 0) & (near < columns)]
            one[max(r - reach + 1, 0) : r + reach, near] = -np.inf
    return peaks


def _apart(
    candidates: NDArray[np.float64],
    count: int,
    reach: int,
    since: NDArray[np.float64],
    hours: float,
    columns: int,
) -> NDArray[np.float64]:
    """Strongest candidates (number, 4) of which no two overlap in space and time; rows without one are missing."""
    chosen = np.zeros((count, 4))
    chosen[:, 0] = np.nan
    number = 0
    for each in candidates[np.argsort(-candidates[:, 0], kind="stable")]:
        if number == count or not np.isfinite(each[0]):
            break
        others = chosen[:number]
        beside = np.abs(others[:, 3] - each[3])
        beside = np.minimum(beside, columns - beside) if columns else beside
        apart = (np.abs(others[:, 2] - each[2]) >= reach) | (beside >= reach)
        apart |= np.abs(since[others[:, 1].astype(int)] - since[int(each[1])]) >= hours
        if apart.all():
            chosen[number] = each
            number += 1
    return chosen


def _hours(arrays: FieldArrays) -> NDArray[np.float64]:
    """Hours since the first time; an hour a step where there are no dates."""
    values = arrays.dataset["time"].values if "time" in arrays.dataset.coords else np.empty(0)
    if not np.issubdtype(values.dtype, np.datetime64):
        return np.arange(arrays.time_count, dtype=np.float64)
    return (values - values[0]) / np.timedelta64(1, "h")


def _blocks(axis: NDArray[np.floating], stride: int) -> NDArray[np.float64]:
    """Middle of each block of ``stride`` values."""
    starts = np.arange(0, axis.size, stride)
    counts = np.minimum(stride, axis.size - starts)
    return np.asarray(np.add.reduceat(axis.astype(np.float64), starts) / counts)
