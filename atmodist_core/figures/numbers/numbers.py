"""The numbers behind a figure, and the files that hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from atmodist_core.fields.canonical.model_calendars import MODEL_DATE
from atmodist_core.fields.grid.transects import parse_transect, transect_of


@dataclass(frozen=True)
class Numbers:
    """Everything that a figure shows; the figure is drawn from it alone.

    ``view`` is a key of :data:`atmodist_core.figures.views.FIGURES`, ``datasets`` are tables by name, and ``caption``
    gives data, date, region and model versions.
    """

    view: str
    datasets: Mapping[str, xr.Dataset]
    caption: str

    def netcdf(self, attributes: Mapping[str, str] | None = None) -> bytes:
        """Return a netCDF file with one group for each table; the caption and further attributes are global."""
        root = xr.Dataset(attrs={"view": self.view, "caption": self.caption, **(attributes or {})})
        groups = {"/": root, **{f"/{name}": _storable(ds) for name, ds in self.datasets.items()}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "numbers.nc"
            xr.DataTree.from_dict(groups).to_netcdf(path)
            return path.read_bytes()

    def csv(self) -> dict[str, str]:
        """Return the tables as text, by file name: one row for each combination of coordinates."""
        files = {}
        for name, ds in self.datasets.items():
            # Variables on different axes make different tables.
            axes = {tuple(map(str, field.dims)) for field in ds.data_vars.values()}
            for dims in sorted(axes):
                part = ds[
                    [str(key) for key, field in ds.data_vars.items() if tuple(map(str, field.dims)) == dims]
                ]
                part = part.drop_vars([key for key in part.coords if key not in (*dims, MODEL_DATE)])
                suffix = "" if len(axes) == 1 else "_by_" + "_".join(dims) if dims else "_single"
                if dims:
                    files[f"{name}{suffix}.csv"] = part.to_dataframe().to_csv(float_format="%.7g")
                else:
                    values = "\n".join(f"{key},{value.item()}" for key, value in part.data_vars.items())
                    files[f"{name}{suffix}.csv"] = f"name,value\n{values}\n"
        return files


def _storable(ds: xr.Dataset) -> xr.Dataset:
    """The same without attributes that netCDF cannot hold."""
    clean = ds.copy()
    clean.attrs = {key: _plain(value) for key, value in ds.attrs.items()}
    for name in clean.variables:
        clean[name].attrs = {key: _plain(value) for key, value in clean[name].attrs.items()}
        clean[name].encoding = {}
    return clean


def _plain(value: object) -> object:
    if isinstance(value, str | int | float | np.number) and not isinstance(value, bool):
        return value
    return str(value)


def fields_numbers(
    states: Mapping[str, xr.Dataset],
    coarse: xr.Dataset | None,
    field: str,
    scores: Mapping[str, Mapping[str, float]],
) -> dict[str, xr.Dataset]:
    """Return the tables of one field by several models at one time.

    They are ``fields`` over ``(model, latitude, longitude)``, and ``coarse`` and ``scores`` if there are any. States share
    their points; scores are values by name, by model.
    """
    names = list(states)
    first = states[names[0]]
    stacked = np.stack([np.asarray(ds[field].isel(time=0).values) for ds in states.values()])
    attributes = dict(first[field].attrs)
    attributes.setdefault("long_name", field.replace("_", " "))
    axes = {"latitude": first["latitude"].variable, "longitude": first["longitude"].variable}
    tables = {
        "fields": xr.Dataset(
            {field: (("model", "latitude", "longitude"), stacked, attributes)}, {"model": names, **axes}
        )
    }
    if coarse is not None:
        tables["coarse"] = coarse[[field]].isel(time=0, drop=True)
    if scores:
        measures = list(next(iter(scores.values())))
        values = [[scores[name][measure] for measure in measures] for name in scores]
        tables["scores"] = xr.Dataset(
            {"score": (("model", "measure"), np.array(values, dtype=float))},
            {"model": list(scores), "measure": measures},
        )
    return tables


def transect_numbers(
    states: Mapping[str, xr.Dataset], coarse: xr.Dataset, field: str, transect: str
) -> dict[str, xr.Dataset]:
    """Return the table ``transect`` of one field by several models along a line; none for an empty ``transect``."""
    if not transect:
        return {}
    fields = {name: part[field].isel(time=0) for name, part in {"coarse": coarse, **states}.items()}
    return {"transect": transect_of(fields, *parse_transect(transect)).reset_coords()}


def spectra_numbers(spectra: Mapping[str, Mapping[str, xr.Dataset]]) -> dict[str, xr.Dataset]:
    """Return the tables of the spectra and semivariograms of several models.

    Each model has ``spectrum`` over ``([time,] total_wavenumber)`` and possibly ``semivariogram`` over
    ``([time,] lag_km)``. The tables are ``spectra`` over ``(model, time, total_wavenumber)``, NaN at wavenumbers that a
    model does not have, and ``semivariograms`` over ``(model, time, lag_km)``.
    """
    tables = {}
    for kind, name in (("spectrum", "spectra"), ("semivariogram", "semivariograms")):
        found = {method: parts[kind] for method, parts in spectra.items() if kind in parts}
        if not found:
            continue
        parts = []
        for ds in found.values():
            one = ds
            if "time" not in ds.dims:
                one = ds.drop_vars("time", errors="ignore").expand_dims("time")
                if MODEL_DATE in ds.coords:
                    one = one.assign_coords({MODEL_DATE: ("time", [ds[MODEL_DATE].item()])})
            kept = (*one.dims, MODEL_DATE)
            parts.append(one.drop_vars([key for key in one.coords if key not in kept], errors="ignore"))
        joined = xr.concat(
            parts, xr.IndexVariable("model", list(found)), join="outer", combine_attrs="override"
        )
        for variable in joined.data_vars:
            joined[variable].attrs = dict(parts[0][variable].attrs)
        tables[name] = joined
        if kind == "semivariogram" and "mean_distance_km" in next(iter(found.values())).coords:
            distance = next(iter(found.values()))["mean_distance_km"]
            tables[name] = joined.assign_coords(
                mean_distance_km=("lag_km", np.asarray(distance.values).reshape(-1)[: joined.sizes["lag_km"]])
            )
    return tables
