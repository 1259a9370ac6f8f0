"""Scores of a prediction against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.geometry import (
    area_weights,
    field_values,
    horizontal_fields,
    time_batches,
    time_values,
    truth_at_points_of,
)
from atmodist_core.evaluation.measures import MEASURES, Measure, Sample, Statistics

POINTS_AT_ONCE = 2_000_000
"""Values of one field held together; it bounds the memory whatever the period."""

Weights = Literal["area", "equal"] | np.ndarray


class Distance(Protocol):
    """What is asked of an AtmoDist here."""

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
    """Statistics of every time from which :func:`finalise_scores` makes the scores.

    Results of other times can be joined with ``xarray.concat(..., "time")``: the scores of the joined
    statistics are those of the whole period.

    Parameters
    ----------
    prediction, truth, factor, distance, fields, weights, measures
        As for :func:`scores`.

    Returns
    -------
    xarray.Dataset
        Float64 statistics over ``(time, field)``, and ``atmodist`` over ``time`` if a distance is given.

    Raises
    ------
    UserError
        As for :func:`scores`.
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
    power = HighWavenumberPower(truth, factor)
    area = _weights(truth, weights)
    batch = max(1, POINTS_AT_ONCE // (truth.sizes["latitude"] * truth.sizes["longitude"]))
    parts: list[Statistics] = []
    distances: list[np.ndarray] = []
    for a, b in zip(time_batches(prediction, batch), time_batches(truth, batch), strict=True):
        sample = Sample(
            prediction=np.stack([field_values(a, name) for name in names], axis=1),
            truth=np.stack([field_values(b, name) for name in names], axis=1),
            weights=area,
            factor=int(factor),
            power=power,
        )
        part: dict[str, np.ndarray] = {}
        for measure in chosen:
            part.update(measure.statistics(sample))
        parts.append(part)
        if distance is not None:
            distances.append(np.atleast_1d(np.asarray(distance.distance(a, b).values, dtype=np.float64)))
    units = [str(truth[name].attrs.get("units", "unknown")) for name in names]
    statistics = xr.Dataset(
        {name: (("time", "field"), np.concatenate([part[name] for part in parts])) for name in parts[0]},
        coords={"time": time_values(truth), "field": names, "units": ("field", units)},
        attrs={
            "factor": int(factor),
            "transform": power.transform,
            "coarse_nyquist_wavelength_km": power.wavelength_km,
            "weights": weights if isinstance(weights, str) else "given",
            "measures": " ".join(measure.name for measure in chosen),
        },
    )
    if distance is not None:
        statistics["atmodist"] = ("time", np.concatenate(distances))
    return statistics


def _measures(names: Iterable[str] | None) -> list[Measure]:
    if names is None:
        return [measure() for measure in MEASURES.values()]
    wanted = list(names)
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        raise UserError(
            f"Expected measures among {', '.join(MEASURES)}, found {unknown[0]!r}; choose among these."
        )
    return [MEASURES[name]() for name in wanted]


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
            f"weight a point."
        )
    return given / given.sum()


def finalise_scores(statistics: xr.Dataset) -> xr.Dataset:
    """Scores from the statistics of any number of times.

    Parameters
    ----------
    statistics : xarray.Dataset
        Result of :func:`sample_statistics`, or several of them joined along ``time``.

    Returns
    -------
    xarray.Dataset
        As :func:`scores` returns it.
    """
    per_time = {str(name): field.variable for name, field in statistics.data_vars.items()}
    mean = {name: field.values.mean(axis=0) for name, field in per_time.items() if "field" in field.dims}
    measures = _measures(statistics.attrs["measures"].split())
    result = xr.Dataset(
        {measure.name: ("field", measure.finalise(mean), _attributes(measure)) for measure in measures},
        coords={"field": statistics["field"].values, "units": ("field", statistics["units"].values)},
    )
    if "atmodist" in statistics:
        result["atmodist"] = statistics["atmodist"].mean("time")
        result["atmodist"].attrs = {
            "long_name": "AtmoDist distance to the truth, mean over time",
            "units": "1",
            "ideal": "zero",
        }
    kept = {key: value for key, value in statistics.attrs.items() if key != "measures"}
    result.attrs = {**kept, "times": statistics.sizes["time"]}
    return result


def _attributes(measure: Measure) -> dict[str, Any]:
    units = "the units of the field" if measure.units == "field" else measure.units
    return {"long_name": measure.long_name, "units": units, "ideal": measure.ideal}


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
    """Scores of a prediction against the truth, over the whole area and all times.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields on the globe or a limited area, without gaps.
    truth : xarray.Dataset
        The same fields at the same points and times; it may have more rows or columns, which are not looked
        at.
    factor : int
        How many times coarser the input of the prediction was.
    distance : AtmoDist, optional
        Adds ``atmodist``, the learned distance of both fields together.
    fields : sequence of str, optional
        Which variables; all that both have when left out.
    weights : {"area", "equal"} or array of shape ``(latitude, longitude)``
        Weights of all means over the area, and of the Wasserstein distance.
    measures : iterable of str, optional
        Names among :data:`MEASURES`; all when left out.

    Returns
    -------
    xarray.Dataset
        Over ``field``: ``rmse`` and ``mae`` [units of the field, s-1], ``correlation``, ``energy_ratio``
        (power beyond the coarse Nyquist wavenumber), ``wasserstein`` [s-1] (Wasserstein-1 of the values over
        the area, mean over time), ``kurtosis``, ``kurtosis_ratio``, ``block_mean_error``; without ``field``:
        ``atmodist``. Every variable says in its attributes what it is and which value is ideal. Ratios and
        moments are made from means over all times, not averaged themselves.

    Raises
    ------
    UserError
        If grids or times differ, a field or measure is unknown, the area is too small, or there are gaps.
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
