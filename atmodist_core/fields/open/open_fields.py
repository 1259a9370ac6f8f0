"""Opening any source as the canonical dataset: `open_fields`."""

from __future__ import annotations

from collections.abc import Sequence
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
from atmodist_core.fields.canonical.channels import (
    DEFAULT_FIELDS,
    FIELD_ATTRS,
    Channel,
    channels_of,
    field_of,
)
from atmodist_core.fields.canonical.coordinates import grid_name
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE, sortable_dates
from atmodist_core.fields.canonical.names import ALL_QUANTITIES, QUANTITIES
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.canonical.time_axis import note_spacing
from atmodist_core.fields.derive import wind
from atmodist_core.fields.grid.regions import Region, as_region
from atmodist_core.fields.open.detect import Source, detect
from atmodist_core.fields.open.guarded_reading import guarded
from atmodist_core.fields.open.merge_variables import merge_variables
from atmodist_core.fields.open.physical_fields import (
    OpenedFields,
    default_fields,
    quantities_for,
    requested_fields,
)
from atmodist_core.fields.open.source_variables import SourceVariable, source_variables
from atmodist_core.fields.regrid.regular_grid import on_regular_grid


def open_fields(
    path: Any,
    *,
    level: Any = None,
    time: Any = None,
    region: Region | str | None = None,
    fields: Sequence[str] | None = None,
) -> xr.Dataset:
    """Open wind, vorticity or divergence, or any other fields, from any source as canonical fields.

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
    fields : sequence of str, optional
        Fields and their levels, such as ``("temperature@850", "vorticity@850", "u@500")``, by default vorticity and
        divergence at ``level``. Known are vorticity, divergence, u, v, u10, v10, temperature [K], geopotential [m2 s-2],
        specific_humidity [kg kg-1], relative_humidity [%] and vertical_velocity [Pa s-1]; others have the name and the
        unit of the file. Vorticity, divergence and wind are derived from each other (the wind on a globe only).

    Returns
    -------
    xarray.Dataset
        float32 ``vorticity`` and ``divergence`` [s-1], or the fields asked for, each under its name and
        level, dimensions (time, latitude, longitude), lazy (dask):
        only metadata and coordinates are read here, and the values of local files of up to 16 million of
        them, which are checked. Attributes: ``source``, ``level``, ``derived_from``, ``grid``, ``notes``, and
        ``time_step_hours`` if the spacing is even, ``available_levels`` if there are several, ``further_fields`` if
        the data hold other known fields than those returned.

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
        if fields is None:
            return sources[0].reader(sources[0].location, level=level, time=time, region=chosen_region)
        return _of_simulation(sources[0], channels_of(fields), level, time, chosen_region)
    channels = None if fields is None else channels_of(fields)
    quantities = QUANTITIES if channels is None else quantities_for(channels)
    more = [] if channels is None else [alias for each in quantities.values() for alias in each.aliases]

    variables: list[SourceVariable] = []
    names: list[str] = []
    era5 = False
    for source in sources:
        for opened in source.open(notes.append, more):
            dataset = without_crude_derivatives(opened, source.name, notes.append)
            names += map(str, dataset.data_vars)
            every = {**QUANTITIES, **quantities}
            dataset = on_regular_grid(dataset, source.name, notes.append, partial(guarded, dataset), every)
            variables += source_variables(dataset, source.name, notes.append, quantities)
            era5 = era5 or is_era5(dataset, source.name)
    in_files = all(source.format in ("netcdf", "grib") for source in sources)
    if channels is None:
        merged = merge_variables(variables, level, time, notes.append, names)
        opened_fields = default_fields(merged, in_files, notes.append)
    else:
        choice = {"level": level, "time": time}
        opened_fields = requested_fields(variables, channels, choice, notes.append, names, in_files)
    source_attribute = _source_attribute(sources)
    if era5:
        notes.append(CITATION)
        note_point_samples(opened_fields.dataset, source_attribute, notes.append)
    if chosen_region is not None:
        opened_fields.dataset = chosen_region.select(opened_fields.dataset)
    result = _finish(opened_fields, source_attribute, notes)
    found, given = {name.lower() for name in names}, {field_of(str(name)) for name in result.data_vars}
    further = [name for name in FIELD_ATTRS if name not in given and found & {*ALL_QUANTITIES[name].aliases}]
    return result.assign_attrs(further_fields=", ".join(further)) if further else result


def _of_simulation(
    source: Source, channels: Sequence[Channel], level: Any, time: Any, region: Region | None
) -> xr.Dataset:
    """Fields of a store of simulated weather; the wind is that of its vorticity and divergence."""
    pairs = {
        channel.name: tuple(Channel(field, channel.level) for field in DEFAULT_FIELDS)
        for channel in channels
        if channel.field in ("u", "v")
    }
    held = [part for channel in channels for part in pairs.get(channel.name, (channel,))]
    whole = source.reader(
        source.location, level=level, time=time, region=None, channels=tuple(dict.fromkeys(held))
    )
    parts = {}
    for channel in channels:
        if channel.name in pairs:
            vorticity, divergence = (whole[part.name] for part in pairs[channel.name])
            parts[channel.name] = wind(vorticity, divergence)[channel.field].assign_attrs(
                level=vorticity.attrs["level"]
            )
        else:
            parts[channel.name] = whole[channel.name]
    levels = dict.fromkeys(str(array.attrs["level"]) for array in parts.values())
    result = xr.Dataset(parts, attrs={**whole.attrs, "level": ", ".join(levels)})
    return result if region is None else region.select(result)


def _finish(opened: OpenedFields, source: str, notes: list[str]) -> xr.Dataset:
    """Canonical order, types and attributes."""
    fields = opened.dataset
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
    step = note_spacing(fields["time"].values, notes.append) if opened.dated else None
    keep = {"time", "latitude", "longitude", MODEL_DATE}
    result = xr.Dataset(
        {
            name: fields[name].astype(np.float32, copy=False).transpose("time", "latitude", "longitude")
            for name in fields.data_vars
        }
    ).drop_vars([name for name in fields.coords if name not in keep])
    for name in result.data_vars:
        result[name].attrs = dict(fields[name].attrs)
    result["time"].attrs = {"standard_name": "time", "long_name": "time (UTC)", "axis": "T"}
    result.attrs = {
        "source": source,
        "level": opened.level or "not stated",
        "derived_from": str(fields.attrs.get("derived_from", "")),
        "grid": fields.attrs.get("grid", grid),
        "notes": "",
    }
    if opened.truncation is not None:
        result.attrs["truncation"] = int(opened.truncation)
    if step is not None:
        result.attrs["time_step_hours"] = step
    if len(opened.available_levels) > 1:
        result.attrs["available_levels"] = ", ".join(map(str, opened.available_levels))
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
