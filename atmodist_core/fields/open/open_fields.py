"""Opening any source as the canonical dataset: `open_fields`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.archives import (
    CITATION,
    is_era5,
    note_point_samples,
    without_crude_derivatives,
)
from atmodist_core.fields.canonical.coordinates import canonical_axes, grid_name
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE, sortable_dates
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.canonical.time_axis import note_spacing
from atmodist_core.fields.derive import FIELD_ATTRS, derive_from_canonical_wind
from atmodist_core.fields.grid.regions import Region, as_region
from atmodist_core.fields.open.checks import check_values, conversion_factors
from atmodist_core.fields.open.detect import Note, Source, detect
from atmodist_core.fields.open.ecmwf_coefficients import synthesise, truncation_of
from atmodist_core.fields.open.guarded_reading import guarded
from atmodist_core.fields.open.merge_variables import Pair, merge_variables
from atmodist_core.fields.open.source_variables import SourceVariable, source_variables
from atmodist_core.fields.regrid.regular_grid import on_regular_grid

CHECKED_VALUES = 2**24
"""The values of local files are checked on opening if there are at most this many; those of larger files and
of stores when their slices are computed."""


def open_fields(
    path: Any, *, level: Any = None, time: Any = None, region: Region | str | None = None
) -> xr.Dataset:
    """Open wind, vorticity or divergence from any source as canonical fields.

    Reads netCDF (the Climate Data Store's new and old layouts, and any file that follows the CF conventions),
    GRIB (grids and spherical-harmonic coefficients), Zarr (ARCO-ERA5 ``ar/`` and ``co/``, WeatherBench2,
    ECMWF's data cubes, and stores of this package), ZIP files of these, several files as one, and remote
    stores with anonymous access. Winds become vorticity and divergence: with spherical harmonics on a globe,
    with finite differences on a limited area.

    Parameters
    ----------
    path : str, Path or list of these
        File, Zarr store, folder, pattern such as ``era5_*.nc``, URL (``gs://``, ``s3://``, ``https://``), or
        a list.
    level : float or str, optional
        850 or "850 hPa", 120 or "hybrid 120". Default: the only level, or the one nearest to 883 hPa (model
        level 120), and the choice is noted.
    time : str, datetime, slice or list of these, optional
        "2020-01" is a month, "2020-01-01T06" one hour; slices include both ends.
    region : Region or str, optional
        A box, or the name of a preset. Winds of a globe are differentiated before it is cut out.

    Returns
    -------
    xarray.Dataset
        float32 ``vorticity`` and ``divergence`` [s-1], dimensions (time, latitude, longitude), lazy (dask):
        only metadata and coordinates are read here, and the values of local files of up to 16 million of
        them, which are checked. Attributes: ``source``, ``level``, ``derived_from``, ``grid``, ``notes``, and
        ``time_step_hours`` if the spacing is even, ``available_levels`` if there are several.

    Raises
    ------
    UserError
        One sentence with what was expected, what was found and what to do.

    Examples
    --------
    >>> import tempfile, os
    >>> latitude, longitude = np.linspace(60, 40, 11), np.arange(0, 22, 2.0)
    >>> u = xr.DataArray(np.random.default_rng(0).normal(0, 8, (2, 11, 11)), {
    ...     "time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"), "lat": latitude, "lon": longitude},
    ...     ("time", "lat", "lon"), attrs={"units": "m s**-1"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "wind.nc")
    ...     xr.Dataset({"u": u, "v": 0.5 * u}).to_netcdf(file, engine="netcdf4")
    ...     fields = open_fields(file, time="2020-01-02").load()
    >>> dict(fields.sizes), fields.attrs["grid"]
    ({'time': 1, 'latitude': 11, 'longitude': 11}, 'limited-area')
    """
    chosen_region = as_region(region)
    notes: list[str] = []
    sources = detect(path, notes.append)
    if any(source.format == "coefficients" for source in sources):
        if len(sources) > 1:
            raise UserError(
                f"Expected one simulated store, or files only, found {len(sources)} sources with a store "
                "among them; open them one by one."
            )
        return sources[0].reader(sources[0].location, level=level, time=time, region=chosen_region)

    variables: list[SourceVariable] = []
    names: list[str] = []
    era5 = False
    for source in sources:
        for opened in source.open(notes.append):
            dataset = without_crude_derivatives(opened, source.name, notes.append)
            names += map(str, dataset.data_vars)
            dataset = on_regular_grid(dataset, source.name, notes.append, partial(guarded, dataset))
            variables += source_variables(dataset, source.name, notes.append)
            era5 = era5 or is_era5(dataset, source.name)
    pair = merge_variables(variables, level, time, notes.append, names)
    in_files = all(source.format in ("netcdf", "grib") for source in sources)
    fields = _to_fields(pair, in_files, notes.append)
    source_attribute = _source_attribute(sources)
    if era5:
        notes.append(CITATION)
        note_point_samples(fields, source_attribute, notes.append)
    if chosen_region is not None:
        fields = chosen_region.select(fields)
    return _finish(fields, source_attribute, pair, notes)


def _to_fields(pair: Pair, in_files: bool, note: Note) -> xr.Dataset:
    """Vorticity and divergence of a pair as it was stored."""
    factors = conversion_factors(pair, note)
    arrays = [
        (array if factor == 1.0 else array * factor).astype(np.float32)
        for array, factor in zip((pair.first, pair.second), factors, strict=True)
    ]
    derived_from = " and ".join(pair.variables)
    if pair.is_coefficients:
        arrays = [synthesise(array, name, note) for array, name in zip(arrays, pair.names, strict=True)]
        truncation = truncation_of(pair.first.sizes["values"])
        derived_from += f", spherical-harmonic coefficients to T{truncation}"
    else:
        arrays = [
            canonical_axes(array, variable, note)
            for array, variable in zip(arrays, pair.variables, strict=True)
        ]
        has_gaps = False
        if in_files and 2 * pair.first.size <= CHECKED_VALUES:
            grid = grid_name(arrays[0]["latitude"].values, arrays[0]["longitude"].values)
            arrays, has_gaps = check_values(arrays, pair, grid, note)
        if pair.kind == "wind":
            fields = derive_from_canonical_wind(arrays[0], arrays[1], note, has_gaps=has_gaps)
            how = fields.attrs["derived_from"].removeprefix("u and v")
            return fields.assign_attrs(derived_from=derived_from + how)
        derived_from += " as given"
    fields = xr.Dataset(dict(zip(("vorticity", "divergence"), arrays, strict=True)))
    return fields.assign_attrs(derived_from=derived_from)


def _finish(fields: xr.Dataset, source: str, pair: Pair, notes: list[str]) -> xr.Dataset:
    """Canonical order, types and attributes."""
    grid = grid_name(fields["latitude"].values, fields["longitude"].values)
    if min(fields.sizes["latitude"], fields.sizes["longitude"]) < 2:
        raise UserError(
            f"Expected a field of at least 2 x 2 points, found {fields.sizes['latitude']} x "
            f"{fields.sizes['longitude']}; give a larger area."
        )
    if MODEL_DATE in fields.coords:
        # The first time has the date that the model gives it.
        times = fields["time"].values
        first = sortable_dates(fields[MODEL_DATE].values[:1])[0]
        fields = fields.assign_coords(time=("time", times + (first - times[0]), fields["time"].attrs))
    step = note_spacing(fields["time"].values, notes.append) if pair.dated else None
    keep = {"time", "latitude", "longitude", MODEL_DATE}
    result = xr.Dataset(
        {
            name: fields[name].astype(np.float32, copy=False).transpose("time", "latitude", "longitude")
            for name in ("vorticity", "divergence")
        }
    ).drop_vars([name for name in fields.coords if name not in keep])
    for name in ("vorticity", "divergence"):
        result[name].attrs = dict(FIELD_ATTRS[name])
    result["time"].attrs = {"standard_name": "time", "long_name": "time (UTC)", "axis": "T"}
    result.attrs = {
        "source": source,
        "level": str(pair.level) if pair.level is not None else "not stated",
        "derived_from": str(fields.attrs.get("derived_from", "")),
        "grid": fields.attrs.get("grid", grid),
        "notes": "",
    }
    if "truncation" in pair.first.attrs:
        result.attrs["truncation"] = int(pair.first.attrs["truncation"])
    if step is not None:
        result.attrs["time_step_hours"] = step
    if len(pair.available_levels) > 1:
        result.attrs["available_levels"] = ", ".join(map(str, pair.available_levels))
    # Notes of the region stand in the attributes of the fields.
    for sentence in [*notes, *str(fields.attrs.get("notes", "")).split("\n")]:
        if sentence:
            add_note(result, sentence)
    return result


def _source_attribute(sources: list[Source]) -> str:
    names = [source.name for source in sources]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} files)"
