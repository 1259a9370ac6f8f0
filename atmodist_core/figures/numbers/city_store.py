"""Values at cities as a NetCDF file: so that a long evaluation is done once and read in a moment.

Format ``atmodist-city-values-1``: ``vorticity`` and ``divergence`` over ``(method, city, time, point)`` packed as int16 with
``scale_factor`` [s-1], compressed; the coordinates of :func:`atmodist_core.figures.numbers.cities.city_series`; the attributes ``title``, ``data_set`` (name in the
app's link), ``level``, ``factor``, ``precision`` and ``versions`` (JSON: method to the date its model was saved).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.figures.numbers.cities import FIELDS, TRUTH

FORMAT = "atmodist-city-values-1"
_COORDINATES = ("method", "city", "country", "latitude", "longitude", "time", "box")
_LARGEST = 32_766
_MISSING = -32_768


def write_city_values(series: xr.Dataset, path: Path) -> None:
    """Write series of methods at cities.

    Parameters
    ----------
    series : xarray.Dataset
        From :func:`~atmodist_core.figures.numbers.cities.city_series`; rounded to 1/32766 of the largest value of each field.
    path : Path
        File to write, ``.nc``.
    """
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
    """Read series of methods at cities.

    Raises
    ------
    UserError
        If the file cannot be read, or is of another format.
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as stored:
            if stored.attrs.get("format") != FORMAT:
                raise UserError(
                    f"Expected values at cities in the format {FORMAT} in {path.name}, found "
                    f"{stored.attrs.get('format', 'none')!r}; make the file anew."
                )
            missing = {*FIELDS, *_COORDINATES} - set(map(str, stored.variables))
            if missing or TRUTH not in stored["method"].values:
                raise UserError(
                    f"Expected fields, coordinates and the truth in {path.name}, found no "
                    f"{', '.join(sorted(missing)) or TRUTH}; make the file anew."
                )
            series = stored.load()
    except UserError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"Expected a NetCDF file of values at cities, found {path.name}, which cannot be read; make it anew."
        ) from error
    return series.assign({name: series[name].astype(np.float32) for name in FIELDS})


def describe_city_values(path: Path) -> dict[str, str]:
    """Attributes of a file without its values; empty if it is none of this format."""
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as stored:
            attributes = {str(name): str(value) for name, value in stored.attrs.items()}
    except (OSError, ValueError):
        return {}
    return attributes if attributes.get("format") == FORMAT else {}


COMPUTED = "computed"
"""In place of a file's name: compute the values, whatever is stored."""


@lru_cache(maxsize=64)
def _description(path: Path, _changed: int) -> dict[str, str]:
    """Attributes of a file, read once for each time that it was written."""
    return describe_city_values(path)


def stored_files() -> dict[str, dict[str, str]]:
    """Files of values at cities among the shipped results, by name, with their attributes."""
    try:
        folder = asset_folder("results")
    except UserError:
        return {}
    found = {file.name: _description(file, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.nc"))}
    return {name: attributes for name, attributes in found.items() if attributes}


def fitting_file(
    asked: str, data_set: str, levels: Collection[str], period: str, created: Mapping[str, str]
) -> Path | None:
    """File of stored values to show; None where they are to be computed.

    Parameters
    ----------
    asked : str
        Name of a file; :data:`COMPUTED` for none; empty for one of the same data, all of whose period is wanted and all of whose models
        are those that are there now.
    data_set, period : str
        As in a link.
    levels : collection of str
        Names of the level that is open.
    created : mapping
        By model: when the one that is there now was saved.
    """
    if asked == COMPUTED:
        return None
    files = stored_files()
    if asked in files:
        return asset_folder("results") / asked
    for name, attributes in files.items():
        same = attributes.get("data_set") == data_set and not period
        if same and attributes.get("level", "") in ("", *levels) and not outdated(attributes, created):
            return asset_folder("results") / name
    return None


def outdated(attributes: Mapping[str, str], created: Mapping[str, str]) -> list[str]:
    """Models of a file of which another version is there now."""
    try:
        versions = json.loads(attributes.get("versions", "{}"))
    except json.JSONDecodeError:
        return []
    return [name for name, saved in versions.items() if name in created and created[name] != saved]
