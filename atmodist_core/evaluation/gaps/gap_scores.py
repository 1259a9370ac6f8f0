"""Score what fills gaps: cut gaps into true fields, fill them, and compare inside the gaps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.evaluation.bootstrap import (
    BOOTSTRAP,
    Bootstrap,
    DayAxis,
    bootstrap_counts,
    day_sums,
    interval,
)
from atmodist_core.evaluation.gaps.gap_statistics import STATISTICS, gap_statistics
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.gap_shapes import GAP_SHAPES, random_gaps
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.patches import TRAINED_LATITUDES_DEG, rows_within
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.inference.gaps.gap_filling import GapFiller

FIELDS = ("vorticity", "divergence")
"""Fields that are scored."""

GAP_MEASURES: dict[str, tuple[str, str]] = {
    "rmse": ("root-mean-square error in the gaps, of the mean of the members", "unit of the field"),
    "crps": ("fair CRPS in the gaps; of a single field the mean absolute error", "unit of the field"),
    "spread_error_ratio": (
        "root of the members' mean variance times (M + 1) / M, over the error of their mean",
        "1",
    ),
    "gradient_ratio": ("squared difference of neighbours in the gaps, over that of the truth", "1"),
    "far_ratio": ("the same for points 4 apart", "1"),
    "edge_ratio": ("squared difference across the edge of the gaps, over that of the truth", "1"),
    "distance": (
        "AtmoDist distance of filled and true area, over the share of the area that is missing",
        "1",
    ),
}
"""Definition and unit of each measure; the distance belongs to all fields together."""


def gap_sums(
    fields: xr.Dataset,
    fillers: Mapping[str, GapFiller],
    distance: AtmoDist | None = None,
    *,
    areas: int = 4,
    size: int = 64,
    shapes: Sequence[str] = GAP_SHAPES,
    members: int = 8,
    distance_members: int = 4,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> xr.Dataset:
    """Return the sums over gaps that the scores are made of, for every time.

    At each time so many areas are cut out at random places, centred within 60 degrees of the equator, and one gap of each shape
    into each. All methods fill the same gaps, and see the area alone.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical true fields without gaps.
    fillers : mapping of str to GapFiller
        What is scored, by label.
    distance : AtmoDist, optional
        Adds its distance, at its last layer.
    areas, size : int
        Areas at each time, and points along a side of them.
    shapes : sequence of str
        Of the gaps, each scored apart.
    members : int
        That ensembles draw.
    distance_members : int
        Members whose distance is taken, the first ones; their mean counts.
    seed : int
        Of places, gaps and noise.
    progress : callable, optional
        Called with the fraction done and a message.

    Returns
    -------
    xarray.Dataset
        ``sums`` over (model, shape, field, statistic, time), ``distance`` and ``share`` over (model, shape, time).

    Raises
    ------
    UserError
        The fields are too small, or have gaps of their own.
    """
    arrays = FieldArrays.of(fields, FIELDS, "scores of gaps")
    times = arrays.time_count
    sums = np.zeros((len(fillers), len(shapes), len(FIELDS), len(STATISTICS), times))
    distances, shares = np.zeros((2, len(fillers), len(shapes), times))
    for time in range(times):
        for area, (truth, gaps) in enumerate(_areas(arrays, time, areas, size, shapes, seed)):
            if progress is not None:
                progress((time * areas + area) / (times * areas), f"time {time + 1} of {times}")
            weights = cell_areas(truth["latitude"].values)
            for number, missing in enumerate(gaps):
                states = [
                    _filled(filler, truth, missing, members, seed + area) for filler in fillers.values()
                ]
                for which, filled in enumerate(states):
                    for place, name in enumerate(FIELDS):
                        sums[which, number, place, :, time] += gap_statistics(
                            filled[name].values[:, 0], truth[name].values[0], missing, weights
                        )
                if distance is not None:
                    chosen = [filled.isel(member=slice(distance_members)) for filled in states]
                    distances[:, number, time] += _distances(distance, chosen, truth)
                    shares[:, number, time] += np.average(missing.mean(axis=1), weights=weights)
    return xr.Dataset(
        {
            "sums": (("model", "shape", "field", "statistic", "time"), sums),
            "distance": (("model", "shape", "time"), distances),
            "share": (("model", "shape", "time"), shares),
        },
        coords={
            "model": list(fillers),
            "shape": list(shapes),
            "field": list(FIELDS),
            "statistic": list(STATISTICS),
            "time": arrays.dataset["time"].values,
        },
        attrs={"areas": areas, "size": size, "members": members, "seed": seed}
        | ({} if distance is None else {"distance_model": distance.name}),
    )


def example_areas(
    fields: xr.Dataset,
    fillers: Mapping[str, GapFiller],
    *,
    size: int = 64,
    shapes: Sequence[str] = GAP_SHAPES,
    seed: int = 0,
) -> dict[str, NDArray[np.float32]]:
    """Return the first area that :func:`gap_sums` scores, with its gaps, as each method fills them, and as it is.

    Each is ``(shape, field, size, size)`` [s-1]; of ensembles the first member.
    """
    arrays = FieldArrays.of(fields, FIELDS, "an example of gaps")
    truth, gaps = next(_areas(arrays, 0, 1, size, shapes, seed))
    values = np.concatenate([truth[name].values for name in FIELDS])
    found = {"with gaps": np.stack([np.where(missing, np.nan, values) for missing in gaps])}
    for label, filler in fillers.items():
        parts = [_filled(filler, truth, missing, 1, seed).isel(member=0, time=0) for missing in gaps]
        found[label] = np.stack([np.stack([part[name].values for name in FIELDS]) for part in parts])
    return found | {"truth": np.stack([values] * len(gaps))}


def _areas(
    arrays: FieldArrays, time: int, areas: int, size: int, shapes: Sequence[str], seed: int
) -> Iterator[tuple[xr.Dataset, list[NDArray[np.bool_]]]]:
    """Yield areas of a time at random places, each with a gap of every shape."""
    rows, _ = rows_within(arrays.latitude, size, TRAINED_LATITUDES_DEG)
    columns = arrays.longitude.size
    if size > arrays.latitude.size or size > columns or not len(rows) or areas < 1:
        raise UserError(
            f"Expected at least one area of {size} x {size} points centred within {TRAINED_LATITUDES_DEG:g} degrees of the equator,"
            f" found {areas} on a grid of {arrays.latitude.size} x {columns}: choose smaller ones."
        )
    corners = columns if Boundaries.of(arrays.latitude, arrays.longitude).wraps else columns - size + 1
    values = arrays.read(time)
    random = np.random.default_rng([seed, arrays.moment(time)])
    for _ in range(areas):
        row, column = int(random.choice(rows)), int(random.integers(corners))
        gaps = [random_gaps(random, 1, size, [shape])[0] for shape in shapes]
        yield _cut(arrays, values, time, row, column, size), gaps


def _cut(
    arrays: FieldArrays, values: NDArray[np.float32], time: int, row: int, column: int, size: int
) -> xr.Dataset:
    """One area at one time as a dataset; its longitudes go on increasing where it lies across the seam."""
    places = np.arange(column, column + size)
    columns = arrays.longitude.size
    longitude = arrays.longitude[places % columns] + 360.0 * (places // columns)
    axes = ("time", "latitude", "longitude")
    part = values[:, None, row : row + size][..., places % columns]
    moment = arrays.dataset["time"].values[time : time + 1]
    latitude = arrays.latitude[row : row + size]
    return xr.Dataset(
        {name: (axes, field) for name, field in zip(arrays.channels, part, strict=True)},
        coords={"time": moment, "latitude": latitude, "longitude": longitude},
        attrs={"level": arrays.dataset.attrs.get("level", "")},
    )


def _filled(
    filler: GapFiller, truth: xr.Dataset, missing: NDArray[np.bool_], members: int, seed: int
) -> xr.Dataset:
    """The area with its gap filled, over member first."""
    gaps = truth.where(~xr.DataArray(missing, dims=("latitude", "longitude")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)  # about each small area, whose spread varies
        if filler.is_ensemble:
            return filler(gaps, members=members, seed=seed)
        return filler(gaps).expand_dims("member")


def _distances(distance: AtmoDist, filled: Sequence[xr.Dataset], truth: xr.Dataset) -> list[float]:
    """Mean distance of the members of each filling to the truth."""
    axes = ("time", "latitude", "longitude")
    together = xr.Dataset(
        {name: (axes, np.concatenate([each[name].values[:, 0] for each in filled])) for name in FIELDS},
        coords={axis: truth[axis] for axis in axes[1:]},
        attrs=truth.attrs,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        found = distance.distance(together, truth).values
    ends = np.cumsum([each.sizes["member"] for each in filled])
    return [float(part.mean()) for part in np.split(found, ends[:-1])]


def gap_measures(sums: xr.Dataset, bootstrap: Bootstrap = BOOTSTRAP) -> xr.Dataset:
    """Return the measures of :data:`GAP_MEASURES` with the ends of their intervals, per shape and for all shapes together.

    Parameters
    ----------
    sums : xarray.Dataset
        Of :func:`gap_sums`; days are resampled.
    bootstrap : Bootstrap
        How.

    Returns
    -------
    xarray.Dataset
        Each measure over (model, shape, field), the distance without field, with ``_low`` and ``_high`` beside it; the last shape
        is ``all``.
    """
    axis = DayAxis.of([sums["time"].values])
    days = axis.index(0, sums["time"].values)
    counts = bootstrap_counts(axis, bootstrap)

    def resampled(name: str) -> NDArray[np.float64]:
        values = np.moveaxis(sums[name].values, -1, 0)  # (time, model, shape, ...)
        values = np.concatenate([values, values.sum(axis=2, keepdims=True)], axis=2)
        return np.tensordot(counts, day_sums(values, days, axis.size), axes=1)

    totals = resampled("sums")
    of = {name: totals[..., place] for place, name in enumerate(STATISTICS)}
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "rmse": np.sqrt(of["squared_error"] / of["weight"]),
            "crps": of["crps"] / of["weight"],
            "spread_error_ratio": np.sqrt(of["variance"] / of["squared_error"]),
            "gradient_ratio": of["near"] / of["near_truth"],
            "far_ratio": of["far"] / of["far_truth"],
            "edge_ratio": of["edge"] / of["edge_truth"],
            "distance": resampled("distance") / resampled("share"),
        }
    result = xr.Dataset(
        coords={
            "model": sums["model"].values,
            "shape": [*sums["shape"].values, "all"],
            "field": sums["field"].values,
        },
        attrs={**sums.attrs, "block_days": bootstrap.block_days, "replicates": len(counts) - 1},
    )
    for name, replicates in found.items():
        definition, unit = GAP_MEASURES[name]
        axes = ("model", "shape", "field")[: replicates.ndim - 1]
        units = "s-1" if unit == "unit of the field" else unit
        low, high = interval(replicates, bootstrap.level)
        for suffix, values in (("", replicates[0]), ("_low", low), ("_high", high)):
            result[name + suffix] = (axes, values, {"long_name": definition, "units": units})
    return result
