"""Values at cities as a NetCDF file, which the page's Cities view reads.

Format ``atmodist-city-values-2``: ``vorticity`` and ``divergence`` over ``(model, city, time, point)`` packed as int16
with ``scale_factor`` [s-1], compressed; the coordinates of :func:`city_series`; the attributes ``title``, ``data_set``
(name in the link to the page), ``level``, ``factor``, ``precision`` and ``versions`` (JSON: model to the date it was
saved).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
from atmodist_core.evaluation.store.statistics_store import TRUTH

FORMAT = "atmodist-city-values-2"
FIELDS = ("vorticity", "divergence")
BOXES = (1, 2, 3)
POINT_BOX = np.repeat(BOXES, np.square(BOXES))
"""Box of each of the 14 values that are kept per city, time and field."""

_COORDINATES = ("model", "city", "country", "latitude", "longitude", "time", "box")
_LARGEST = 32_766
_MISSING = -32_768


def city_series(
    values: Mapping[str, NDArray[np.float32]],
    cities: pd.DataFrame,
    times: NDArray[np.datetime64],
    *,
    attributes: Mapping[str, object] | None = None,
) -> xr.Dataset:
    """Return the values of several models at cities over time.

    Parameters
    ----------
    values : mapping
        By model, ``"truth"`` among them: shape ``(time, city, field, point)``.
    cities : pandas.DataFrame
    times : ndarray of datetime64
        The result is sorted by them.
    attributes : mapping, optional

    Returns
    -------
    xarray.Dataset
        ``vorticity`` and ``divergence`` [s-1] over ``(model, city, time, point)`` with the coordinates ``name``,
        ``country``, ``latitude``, ``longitude`` of the cities and ``box`` of the points.

    Raises
    ------
    UserError
        If the truth is missing.
    """
    if TRUTH not in values:
        raise UserError(
            f"Expected the truth among the series at cities, found {', '.join(values) or 'none'}; add it."
        )
    order = np.argsort(times, kind="stable")
    stacked = np.stack([np.asarray(one)[order] for one in values.values()])
    dimensions = ("model", "city", "time", "point")
    data = {
        name: (
            dimensions,
            np.moveaxis(stacked[..., column, :], 1, 2),
            {"units": "s-1", "long_name": f"{name} at grid points around cities"},
        )
        for column, name in enumerate(FIELDS)
    }
    coordinates = {
        "model": list(values),
        "city": cities["name"].to_numpy(dtype=str),
        "country": ("city", cities["country"].to_numpy(dtype=str)),
        "latitude": ("city", cities["latitude"].to_numpy(float), {"units": "degrees_north"}),
        "longitude": ("city", cities["longitude"].to_numpy(float), {"units": "degrees_east"}),
        "time": np.asarray(times)[order].astype("datetime64[ns]"),
        "box": ("point", POINT_BOX, {"long_name": "points along a side of the box", "units": "1"}),
    }
    return xr.Dataset(data, coordinates, dict(attributes or {}))


def city_series_of(result: EvaluationResult) -> xr.Dataset:
    """Return the values at cities that an evaluation has stored, for :func:`write_city_values`.

    Raises ``UserError`` if the evaluation has several members, other fields or no cities.
    """
    prepared = result.prepared
    if len(prepared.data) > 1 or tuple(result.fields) != FIELDS or not result.cities:
        raise UserError(
            "Expected one data set with vorticity and divergence, and values at cities, for --city-values, found "
            f"{len(prepared.data)} of {', '.join(result.fields)} with {len(result.cities)} cities; leave it out."
        )
    from atmodist_core.fields.grid.geography import cities

    data, values = prepared.data[0], {}
    everything = slice(0, len(result.cities))
    for label, model in ((TRUTH, None), *((each.label, each) for each in prepared.models)):
        stored, boxes = result.reader.city_values(model, everything)
        # (time, field, city, point) to (time, city, field, point), without the largest box
        values[label] = stored[..., boxes <= max(BOXES)].swapaxes(1, 2)
    attributes = {
        "title": f"{data.label}, values at cities",
        "data_set": data.label,
        "level": str(data.whole.attrs.get("level", "")),
        "factor": data.factor,
        "precision": ", ".join(sorted({str(each.identity.get("precision", "")) for each in prepared.models})),
        "reach": "all",
        "simulated": int(bool(data.whole.attrs.get("simulated", False))),
        "versions": json.dumps(
            {
                each.label: str(each.identity["created"])
                for each in prepared.models
                if "weights" in each.identity
            }
        ),
    }
    table = cities().set_index("name", drop=False).loc[result.cities]
    return city_series(values, table, result.reader.city_times(), attributes=attributes)


def write_city_values(series: xr.Dataset, path: Path) -> None:
    """Write a :func:`city_series`, rounded to 1/32766 of the largest value of each field."""
    encoding = {}
    for name in FIELDS:
        largest = float(np.nanmax(np.abs(series[name].values), initial=0.0)) or 1.0
        encoding[name] = {
            "dtype": "int16",
            "scale_factor": largest / _LARGEST,
            "_FillValue": _MISSING,
            "zlib": True,
            "complevel": 6,
        }
    series.assign_attrs(format=FORMAT).to_netcdf(path, engine="h5netcdf", encoding=encoding)


def open_city_values(path: Path) -> xr.Dataset:
    """Read values of models at cities; ``UserError`` if the file cannot be read or has another format."""
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as stored:
            if stored.attrs.get("format") != FORMAT:
                raise UserError(
                    f"Expected values at cities in the format {FORMAT} in {path.name}, found "
                    f"{stored.attrs.get('format', 'none')!r}; make it again with train/evaluate.py --city-values."
                )
            missing = {*FIELDS, *_COORDINATES} - set(map(str, stored.variables))
            if missing or TRUTH not in stored["model"].values:
                raise UserError(
                    f"Expected fields, coordinates and the truth in {path.name}, found no "
                    f"{', '.join(sorted(missing)) or TRUTH}; make it again with train/evaluate.py --city-values."
                )
            series = stored.load()
    except UserError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"Expected a NetCDF file of values at cities, found {path.name}, which cannot be read; make it again with train/evaluate.py --city-values."
        ) from error
    return series.assign({name: series[name].astype(np.float32) for name in FIELDS})


def describe_city_values(path: Path) -> dict[str, str]:
    """Return the attributes of a file; empty if it has another format."""
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as stored:
            attributes = {str(name): str(value) for name, value in stored.attrs.items()}
    except (OSError, ValueError):
        return {}
    return attributes if attributes.get("format") == FORMAT else {}
