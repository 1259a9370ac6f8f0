"""Opening: from a path in any form to the canonical dataset."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
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
from atmodist_core.fields.canonical.checks import check_values, conversion_factors
from atmodist_core.fields.canonical.coordinates import canonical_axes, grid_name
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.canonical.time_axis import note_spacing
from atmodist_core.fields.canonical.time_selection import time_indices
from atmodist_core.fields.derive import FIELD_ATTRS, vorticity_divergence
from atmodist_core.fields.grid.regions import Region, as_region
from atmodist_core.fields.open.ecmwf_coefficients import truncation_of
from atmodist_core.fields.open.merge_variables import Pair, assemble
from atmodist_core.fields.open.netcdf import open_netcdf
from atmodist_core.fields.open.remote import open_url
from atmodist_core.fields.open.source_variables import Piece, pieces_of
from atmodist_core.fields.open.sources import Source, resolve
from atmodist_core.fields.open.synthesis import synthesise
from atmodist_core.fields.open.zarr_store import open_zarr, open_zip_store

CHECKED_VALUES = 2**24
"""Files whose chosen fields have at most this many values are looked through when opened; larger ones, and
stores, when their slices are computed."""


def open_fields(
    path: Any, *, level: Any = None, time: Any = None, region: Region | str | None = None
) -> xr.Dataset:
    """Open wind, vorticity or divergence from anywhere as canonical fields.

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
        only metadata are read here, except that local files of up to 16 million values are looked through for
        missing and absurd ones. Attributes: ``source``, ``level``, ``derived_from``, ``grid``, ``notes``, and
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
    sources = resolve(path, notes.append)
    sources = _unpack_archives(sources, notes)
    if any(source.kind == "coefficients" for source in sources):
        return _own_store(sources, level, time, chosen_region)

    pieces: list[Piece] = []
    variables: list[str] = []
    source_attribute = _source_text(sources)
    era5 = False
    for source in sources:
        for opened in _read(source, notes):
            dataset = without_crude_derivatives(opened, source.name, notes.append)
            variables += [str(name) for name in dataset.data_vars]
            pieces += pieces_of(dataset, source.name, notes.append)
            era5 = era5 or is_era5(dataset, source.name)
    pair = assemble(pieces, level, time, notes.append, variables)
    in_files = all(source.kind in ("netcdf", "grib") for source in sources)
    fields = _to_fields(pair, in_files, notes)
    if era5:
        notes.append(CITATION)
        note_point_samples(fields, source_attribute, notes.append)
    if chosen_region is not None:
        fields = chosen_region.select(fields)
    return _finish(fields, source_attribute, pair, notes)


def _read(source: Source, notes: list[str]) -> list[xr.Dataset]:
    """Datasets of one source, lazily indexed or dask-backed."""
    if source.kind == "grib":
        from atmodist_core.fields.open.grib import open_grib

        return open_grib(source.location, notes.append)
    if source.kind == "zarr":
        return [open_zarr(source.location, source.name)]
    if source.kind == "zarr-zip":
        return [open_zip_store(source.location)]
    if source.kind == "url":
        return [open_url(source.location)]
    return [open_netcdf(source.location)]


def _unpack_archives(sources: list[Source], notes: list[str]) -> list[Source]:
    from atmodist_core.fields.open.zip_archive import is_zarr_zip, unpack

    result: list[Source] = []
    for source in sources:
        if source.kind != "zip":
            result.append(source)
        elif is_zarr_zip(source.location):
            result.append(Source("zarr-zip", source.location))
        else:
            members = unpack(source.location)
            notes.append(f"the ZIP file {source.name} was unpacked to a temporary folder")
            result += [
                replace(entry, label=f"{source.name}/{Path(member).name.split('-', 1)[1]}")
                for member in members
                for entry in resolve(member, notes.append)
            ]
    return result


def _own_store(sources: list[Source], level: Any, time: Any, region: Region | None) -> xr.Dataset:
    """A store of simulated fields, with the same meaning of level, time and region as everything else."""
    from atmodist_core.fields.open.coefficient_store import open_coefficient_store

    if len(sources) > 1:
        raise UserError(
            f"Expected one simulated store, or files only, found {len(sources)} sources with a store among "
            "them; open them one by one."
        )
    fields = open_coefficient_store(sources[0].location)
    if level is not None and not _is_level(level, str(fields.attrs.get("level", ""))):
        raise UserError(
            f"Level {level} is not in the store, which holds {fields.attrs.get('level', 'one level')}; leave "
            "out level."
        )
    if time is not None:
        fields = fields.isel(time=time_indices(fields["time"].values, time))
    return region.select(fields) if region is not None else fields


def _is_level(request: Any, held: str) -> bool:
    """Whether a request, 0.883 or "sigma 0.883", is the one level that a store says it holds."""
    if str(request).strip().lower() == held.strip().lower():
        return True
    numbers = [float(number) for number in re.findall(r"\d+\.?\d*", held)]
    try:
        return float(request) in numbers
    except (TypeError, ValueError):
        return False


def _to_fields(pair: Pair, in_files: bool, notes: list[str]) -> xr.Dataset:
    """Vorticity and divergence of a pair as it was stored."""
    small = in_files and 2 * pair.first.size <= CHECKED_VALUES
    factors = conversion_factors(pair, notes.append)
    arrays = []
    for array, factor in zip((pair.first, pair.second), factors, strict=True):
        array = array.astype(np.float32) if factor == 1.0 else (array * factor).astype(np.float32)
        arrays.append(array)
    if pair.is_coefficients:
        expanded = [
            synthesise(array, name, notes.append) for array, name in zip(arrays, pair.names, strict=True)
        ]
        fields = xr.Dataset(dict(zip(("vorticity", "divergence"), expanded, strict=True)))
        fields.attrs["derived_from"] = (
            f"{pair.variables[0]} and {pair.variables[1]}, spherical-harmonic coefficients to "
            f"T{truncation_of(pair.first.sizes['values'])}"
        )
        return fields
    arrays = [
        canonical_axes(array, variable, notes.append)
        for array, variable in zip(arrays, pair.variables, strict=True)
    ]
    grid = grid_name(arrays[0]["latitude"].values, arrays[0]["longitude"].values)
    if small:
        arrays = check_values(arrays, pair, grid, notes.append)
    if pair.kind == "rate":
        fields = xr.Dataset(dict(zip(("vorticity", "divergence"), arrays, strict=True)))
        fields.attrs["derived_from"] = f"{pair.variables[0]} and {pair.variables[1]} as given"
        return fields
    for array in arrays:
        array.attrs["units"] = "m s-1"
    fields = vorticity_divergence(*arrays)
    fields.attrs["derived_from"] = fields.attrs["derived_from"].replace(
        "u and v", " and ".join(pair.variables), 1
    )
    return fields


def _finish(fields: xr.Dataset, source: str, pair: Pair, notes: list[str]) -> xr.Dataset:
    """Canonical order, types and attributes."""
    grid = grid_name(fields["latitude"].values, fields["longitude"].values)
    if min(fields.sizes["latitude"], fields.sizes["longitude"]) < 2:
        raise UserError(
            f"Expected a field of at least 2 x 2 points, found {fields.sizes['latitude']} x "
            f"{fields.sizes['longitude']}; give a larger area."
        )
    step = note_spacing(fields["time"].values, notes.append) if pair.dated else None
    keep = {"time", "latitude", "longitude"}
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
        "grid": grid,
        "notes": "",
    }
    if "truncation" in pair.first.attrs:
        result.attrs["truncation"] = int(pair.first.attrs["truncation"])
    if step is not None:
        result.attrs["time_step_hours"] = step
    if len(pair.available_levels) > 1:
        result.attrs["available_levels"] = ", ".join(map(str, pair.available_levels))
    for sentence in [*notes, *str(fields.attrs.get("notes", "")).split("\n")]:
        if sentence:
            add_note(result, sentence if sentence.endswith(".") else sentence + ".")
    return result


def _source_text(sources: list[Source]) -> str:
    names = [source.name for source in sources]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} files)"
