"""Scores of predictions against the truth, from the statistics and measures of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.geometry import (
    area_weights,
    common_validity,
    field_values,
    horizontal_fields,
    is_global_grid,
    time_batches,
    time_values,
    truth_at_points_of,
    valid_weights,
    without_gaps,
)
from atmodist_core.evaluation.measure_kernels import DataFacts
from atmodist_core.evaluation.measures import MEASURES, SCORES, Measure
from atmodist_core.evaluation.statistics.histogram import (
    CENTRES,
    ValueBins,
    ValueDistribution,
    WassersteinPerTime,
)
from atmodist_core.evaluation.statistics.moments import AreaSums, Errors, Moments
from atmodist_core.evaluation.statistics.power import CosinePower, DegreePower
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Group, Statistic
from atmodist_core.fields.grid.validity import Mask

POINTS_AT_ONCE = 2_000_000
"""Values of one field held together; it bounds the memory whatever the period."""

_TRUTH = "truth_"
"""Prefix of the statistics of the truth."""

Weights = Literal["area", "equal"] | np.ndarray


class Distance(Protocol):
    """The part of an AtmoDist that scores use."""

    def distance(self, a: xr.Dataset, b: xr.Dataset) -> xr.DataArray:
        """Distance of two states at every time, dims ``(time,)``."""


def sample_statistics(
    prediction: xr.Dataset,
    truth: xr.Dataset,
    *,
    factor: int,
    distance: Distance | None = None,
    fields: Sequence[str] | None = None,
    weights: Weights = "area",
    measures: Iterable[str] | None = None,
) -> xr.Dataset:
    """Return the statistics of every time from which :func:`finalise_scores` computes the scores.

    Parameters and errors as for :func:`scores`. Results for other times can be joined with ``xarray.concat(..., "time")``:
    the scores of the joined statistics are those of the whole period.

    Returns
    -------
    xarray.Dataset
        Statistics over ``(time, field)``, those of the truth with the prefix ``truth_``, and ``atmodist`` over ``time``
        if a distance is given.
    """
    truth = truth_at_points_of(prediction, truth)
    if fields is None:
        fields = [name for name in horizontal_fields(truth) if name in prediction.data_vars]
        if not fields:
            raise UserError(
                f"Expected a field that prediction and truth share, found "
                f"{', '.join(map(str, prediction.data_vars))} "
                f"against {', '.join(map(str, truth.data_vars))}; give both the same fields."
            )
    names = horizontal_fields(truth, list(fields))
    horizontal_fields(prediction, names)
    chosen = _measures(measures)
    valid = common_validity(prediction, truth, fields=names)
    window = without_gaps(truth, valid) if valid is not None else truth
    high = HighWavenumberPower(window, factor)
    units = [str(truth[name].attrs.get("units", "unknown")) for name in names]
    area = _weights(truth, weights)
    if valid is not None:
        area = valid_weights(area, valid)
    batch = max(1, POINTS_AT_ONCE // (truth.sizes["latitude"] * truth.sizes["longitude"]))
    group: Group | None = None
    bins: list[ValueBins] = []
    arrays: dict[str, list[np.ndarray]] = {}
    distances: list[np.ndarray] = []
    for a, b in zip(time_batches(prediction, batch), time_batches(truth, batch), strict=True):
        values, true = (
            np.stack([field_values(ds, name, valid=valid) for name in names], axis=1) for ds in (a, b)
        )
        if group is None:
            largest = np.maximum(np.abs(values).max(axis=(0, 2, 3)), np.abs(true).max(axis=(0, 2, 3)))
            bins = [ValueBins.holding(unit, float(x)) for unit, x in zip(units, largest, strict=True)]
            group = _group(chosen, window, factor, area, bins, high, valid)
        for one, other in zip(values, true, strict=True):
            of_truth = Snapshot(other, other, b, b)
            for prefix, found in (
                ("", group(Snapshot(one, other, a, b, of_truth))),
                (_TRUTH, group(of_truth)),
            ):
                for name, array in found.items():
                    arrays.setdefault(prefix + name, []).append(array)
        if distance is not None:
            distances.append(np.atleast_1d(np.asarray(distance.distance(a, b).values, dtype=np.float64)))
    assert group is not None  # time_batches gives one batch or more
    dimensions = {name: axes for each in group.statistics for name, axes in each.dimensions.items()}
    statistics = xr.Dataset(
        {
            name: (("time", *dimensions[name.removeprefix(_TRUTH)]), np.stack(each))
            for name, each in arrays.items()
        },
        coords={
            "time": time_values(truth),
            "field": names,
            "units": ("field", units),
            "bin_scale": ("field", [each.scale for each in bins]),
        },
        attrs={
            "factor": int(factor),
            "transform": high.transform,
            "coarse_nyquist_wavelength_km": high.wavelength_km,
            "weights": weights if isinstance(weights, str) else "given",
            "share_of_area": 1.0 if valid is None else float(_weights(truth, weights)[valid].sum()),
            "measures": " ".join(measure.name for measure in chosen),
        },
    )
    if distance is not None:
        statistics["atmodist"] = ("time", np.concatenate(distances))
    return statistics


def _group(
    chosen: Sequence[Measure],
    grid: xr.Dataset,
    factor: int,
    weights: np.ndarray,
    bins: Sequence[ValueBins],
    high: HighWavenumberPower,
    valid: Mask | None,
) -> Group:
    """The statistics that some measures need."""
    needed = {name for measure in chosen for name in measure.statistics}
    sums = AreaSums(weights, int(factor))
    power = DegreePower(high) if is_global_grid(grid) else CosinePower(grid, high, valid)
    every: tuple[Statistic, ...] = (
        *(Moments(sums), Errors(sums), power),
        *(ValueDistribution(weights, bins), WassersteinPerTime(weights)),
    )
    return Group("scores", [each for each in every if needed & set(each.dimensions)])


def _measures(names: Iterable[str] | None) -> list[Measure]:
    wanted = list(SCORES if names is None else names)
    unknown = [name for name in wanted if name not in SCORES]
    if unknown:
        raise UserError(
            f"Expected measures among {', '.join(SCORES)}, found {unknown[0]!r}; choose among these."
        )
    return [MEASURES[name] for name in wanted]


def _weights(ds: xr.Dataset, weights: Weights) -> np.ndarray:
    shape = ds.sizes["latitude"], ds.sizes["longitude"]
    if isinstance(weights, str):
        if weights == "area":
            return area_weights(ds)
        if weights == "equal":
            return np.full(shape, 1 / (shape[0] * shape[1]))
        raise UserError(f"Expected weights 'area', 'equal' or an array, found {weights!r}; use 'area'.")
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != shape or not np.isfinite(given).all() or (given < 0).any() or not given.sum() > 0:
        raise UserError(
            f"Expected weights of shape {shape}, none negative, found shape {given.shape}; give one "
            f"weight per point."
        )
    return given / given.sum()


def finalise_scores(statistics: xr.Dataset) -> xr.Dataset:
    """Return the scores, as :func:`scores` does, from the statistics of any number of times.

    Parameters
    ----------
    statistics : xarray.Dataset
        Result of :func:`sample_statistics`, or several of them joined along ``time``.
    """
    model, truth = time_means(statistics)
    scales, units = statistics["bin_scale"].values, statistics["units"].values
    bins = [ValueBins(float(x), CENTRES.get(str(unit), 0.0)) for x, unit in zip(scales, units, strict=True)]
    facts = DataFacts(bins, statistics.attrs["factor"])
    result = xr.Dataset(
        {
            measure.name: ("field", measure.finalise(model, truth, facts)[0], _attributes(measure))
            for measure in _measures(statistics.attrs["measures"].split())
        },
        coords={"field": statistics["field"].values, "units": ("field", statistics["units"].values)},
    )
    if "atmodist" in statistics:
        result["atmodist"] = statistics["atmodist"].mean("time")
        result["atmodist"].attrs = _attributes(MEASURES["atmodist"])
    kept = {key: value for key, value in statistics.attrs.items() if key != "measures"}
    result.attrs = {**kept, "times": statistics.sizes["time"]}
    return result


def time_means(statistics: xr.Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the means over time of the model's and of the truth's statistics, each of shape ``(1, field, ...)``."""
    means = {
        str(name): field.values.mean(axis=0, dtype=np.float64)[None]
        for name, field in statistics.data_vars.items()
    }
    truth = {name.removeprefix(_TRUTH): x for name, x in means.items() if name.startswith(_TRUTH)}
    return {name: x for name, x in means.items() if not name.startswith(_TRUTH)}, truth


def _attributes(measure: Measure) -> dict[str, Any]:
    units = "the units of the field" if measure.units == "field" else measure.units
    return {
        "long_name": measure.long_name,
        "units": units,
        "ideal": measure.ideal,
        "definition": measure.definition,
    }


def scores(
    prediction: xr.Dataset,
    truth: xr.Dataset,
    *,
    factor: int,
    distance: Distance | None = None,
    fields: Sequence[str] | None = None,
    weights: Weights = "area",
    measures: Iterable[str] | None = None,
) -> xr.Dataset:
    """Return the scores of a prediction against the truth, over the whole area and all times.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields on the globe or a limited area. Points that are missing in prediction or truth at any time are left out;
        power is then that of the largest rectangle of points without gaps. The attribute ``share_of_area`` is that of the
        points that count.
    truth : xarray.Dataset
        The same fields at the same points and times; it may have more rows or columns, which are ignored.
    factor : int
        How many times coarser the input of the prediction was.
    distance : AtmoDist, optional
        Adds ``atmodist``, the learned distance of both fields together.
    fields : sequence of str, optional
        Which variables; all that both have by default.
    weights : {"area", "equal"} or array of shape ``(latitude, longitude)``
        Weights of all means over the area, and of the distributions of values.
    measures : iterable of str, optional
        Names among :data:`~atmodist_core.evaluation.measures.SCORES`; all of them by default.

    Returns
    -------
    xarray.Dataset
        Over ``field``: ``rmse`` and ``mae`` [units of the field], ``correlation``, ``energy_ratio``
        (power beyond the coarse Nyquist wavenumber), ``wasserstein`` (values pooled over area and times, as histograms)
        and ``wasserstein_per_time`` (exact at each time, then the mean) [units of the field], ``kurtosis``,
        ``kurtosis_ratio``, ``block_mean_error``; without ``field``: ``atmodist``. The attributes of each variable
        give its definition and ideal value. Ratios and moments are computed from means over all times.

    Raises
    ------
    UserError
        If grids or times differ, a field or measure is unknown, or the area is too small.
    """
    return finalise_scores(
        sample_statistics(
            prediction,
            truth,
            factor=factor,
            distance=distance,
            fields=fields,
            weights=weights,
            measures=measures,
        )
    )
