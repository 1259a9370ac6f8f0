"""The times of a record whose atmosphere is most like a given one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.regions import Region, as_region
from atmodist_core.inference.similar.embedded_record import embed_record, network_of, open_embeddings
from atmodist_core.inference.similar.record import EmbeddedRecord
from atmodist_core.inference.similar.record_distances import HOUR, distances_to, sampled_pairs


def find_similar(
    ds_or_store: xr.Dataset | EmbeddedRecord | str | Path,
    query: Any,
    k: int = 10,
    region: Any = None,
    *,
    exclude_hours: float = 0.0,
    apart_hours: float = 0.0,
    model: Any = None,
    layer: str | None = None,
) -> xr.Dataset:
    """Return the times of a record that are most like a query, by exact search.

    The distance is AtmoDist between the activations of the whole fields, over the cells of the encoder that the region
    touches, weighted by the area that they share with it. Activations are kept in float16. Their rounding matters for
    nearly equal states only: of distances 10,000 times below the usual ones, the first digit is known.

    Parameters
    ----------
    ds_or_store : xarray.Dataset, EmbeddedRecord, str or path
        Canonical fields with times, which are embedded first; or what
        :func:`~atmodist_core.inference.similar.embedded_record.embed_record` made of them; or its folder.
    query : str, datetime64 or xarray.Dataset
        A time of the record, or canonical fields of one time on the record's grid.
    k : int
        Number of times to return; fewer where the record holds no more.
    region : Region, str or sequence, optional
        Part of the globe to compare; default: all of the record.
    exclude_hours : float
        Leave out times within so many hours of the query; the query's own time is always left out. For analogues 240 is
        usual.
    apart_hours : float
        Least time between any two results [h], so that one spell of weather is not listed many times.
    model, layer : optional
        Of :func:`~atmodist_core.inference.similar.embedded_record.embed_record`, for fields. With a store, ``model`` is the
        folder of its network, if that is not among the listed models and the query is fields.

    Returns
    -------
    xarray.Dataset
        Over ``rank`` (1 is the closest): ``time``, ``distance`` [1], ``separation`` from the query [h], and
        ``percentile`` [%]: of ``pairs`` pairs of times of the record that are about as far apart in time (within 10 %), the share
        that is closer. Small values are unusual. All pairs count in records of up to 256 times, else those of 32
        times with all others.

    Raises
    ------
    UserError
        When the query is no time of the record, no time is left, or the region lies outside.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> found = ad.find_similar(ad.open_demo().isel(time=slice(4)), "2001-03-16T03", k=2)  # doctest: +SKIP
    >>> found["time"].values, found["distance"].values  # doctest: +SKIP
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise UserError(f"Expected a whole number of times k of 1 and more, found {k!r}.")
    if not (exclude_hours >= 0 and apart_hours >= 0):
        raise UserError(f"Expected hours of 0 and more, found {exclude_hours} and {apart_hours}.")
    record = ds_or_store
    if isinstance(record, (str, Path)):
        record = open_embeddings(record)
    elif isinstance(record, xr.Dataset):
        record = embed_record(record, model=model, layer=layer)
    area = as_region(region)
    weights = record.weights(area)
    when, activations = _query(record, query, model)
    distances = distances_to(record, activations, weights)
    separation = np.full(record.times.size, np.nan) if when is None else (record.times - when) / HOUR
    near = np.abs(separation) <= exclude_hours
    order = np.argsort(np.where(near, np.inf, distances), kind="stable")
    chosen: list[int] = []
    for index in order[: order.size - int(near.sum())]:
        if all(abs(record.times[index] - record.times[other]) >= apart_hours * HOUR for other in chosen):
            chosen.append(int(index))
        if len(chosen) == k:
            break
    if not chosen:
        raise UserError(
            f"Expected times more than {exclude_hours:g} h from the query, found none in a record of "
            f"{record.times.size} times; take fewer hours or a longer record."
        )
    whole = area is None or np.array_equal(weights, record.weights(None))
    shares, pairs = _percentiles(
        record, None if whole else area, weights, distances[chosen], separation[chosen]
    )
    attributes = {key: record.attributes[key] for key in ("model", "layer", "scale")}
    attributes |= {
        "region": "all" if area is None else str(area),
        "exclude_hours": exclude_hours,
        "cells": int((weights > 0).sum()),
    }
    return xr.Dataset(
        {
            "distance": ("rank", distances[chosen], {"units": "1", "long_name": "AtmoDist distance"}),
            "separation": (
                "rank",
                separation[chosen],
                {"units": "h", "long_name": "time of the result less that of the query"},
            ),
            "percentile": (
                "rank",
                shares,
                {"units": "%", "long_name": "share of pairs about as far apart in time that are closer"},
            ),
            "pairs": ("rank", pairs, {"units": "1", "long_name": "pairs behind the percentile"}),
        },
        {"rank": np.arange(1, len(chosen) + 1), "time": ("rank", record.times[chosen])},
        attributes,
    )


def _query(
    record: EmbeddedRecord, query: Any, model: Any
) -> tuple[np.datetime64 | None, NDArray[np.float16]]:
    """Time, if it has one, and activations of the query."""
    if not isinstance(query, xr.Dataset):
        try:
            given: Any = query.values if isinstance(query, xr.DataArray) else query
            when = np.datetime64(given).astype("datetime64[ns]")
        except (TypeError, ValueError) as error:
            raise UserError(
                f"Expected a time such as 2001-03-20T06 or fields as the query, found {query!r}."
            ) from error
        index = int(np.argmin(np.abs(record.times - when)))
        if record.times[index] != when:
            raise UserError(
                f"Expected a time of the record, found {np.datetime_as_string(when, 'm')}; the nearest is "
                f"{np.datetime_as_string(record.times[index], 'm')}."
            )
        return when, record.activations(index)
    distance = network_of(record, model)
    arrays = FieldArrays.of(query, distance.card.channels, distance.name)
    if arrays.time_count != 1:
        raise UserError(f"Expected fields of one time as the query, found {arrays.time_count}; choose one.")
    for name, axis, own in (
        ("latitude", arrays.latitude, record.latitude),
        ("longitude", arrays.longitude, record.longitude),
    ):
        if axis.size != own.size or np.abs(axis - own).max() > 1e-3 * abs(own[1] - own[0]):
            raise UserError(
                f"Expected a query on the grid of the record, found another {name}; give fields of the same grid."
            )
    has_time = "time" in query.coords
    found = embed_record(
        query if has_time else _dated(query),
        model=distance,
        layer=record.attributes["layer"],
    )
    return (found.times[0] if has_time else None), found.activations(0)


def _dated(fields: xr.Dataset) -> xr.Dataset:
    """Fields without a date, with any: the network does not see it."""
    time = np.array(["1970-01-01"], "datetime64[ns]")
    return fields.assign_coords(time=time) if "time" in fields.dims else fields.expand_dims(time=time)


def _percentiles(
    record: EmbeddedRecord,
    area: Region | None,
    weights: NDArray[np.float64],
    distances: NDArray[np.float64],
    separation: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of pairs about as far apart in time that are closer than each result [%], and the number of these pairs."""
    if area not in record.known_pairs:
        record.known_pairs[area] = sampled_pairs(record, weights)
    known, apart = record.known_pairs[area]
    # The scalar products lose this much, so that the result's own pair does not count as closer.
    rounding = 1e-5 * float(np.median(known)) if known.size else 0.0
    shares, pairs = np.full(distances.size, np.nan), np.zeros(distances.size, np.int64)
    for number, (distance, hours) in enumerate(zip(distances, np.abs(separation), strict=True)):
        alike = np.ones(known.size, bool) if np.isnan(hours) else np.abs(apart - hours) <= 0.1 * hours
        pairs[number] = int(alike.sum())
        if pairs[number]:
            shares[number] = 100.0 * float((known[alike] < distance - rounding).mean())
    return shares, pairs
