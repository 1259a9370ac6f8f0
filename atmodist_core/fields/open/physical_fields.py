"""Physical fields of merged variables: units, canonical axes and derivatives; and channels, fields at several levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS, FIELD_ATTRS, Channel
from atmodist_core.fields.canonical.coordinates import canonical_axes, grid_name
from atmodist_core.fields.canonical.levels import Level
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE
from atmodist_core.fields.canonical.names import ALL_QUANTITIES, QUANTITIES, Quantity
from atmodist_core.fields.canonical.time_selection import spell_times
from atmodist_core.fields.derive import derive_from_canonical_wind, wind
from atmodist_core.fields.open.checks import check_values, conversions
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.ecmwf_coefficients import synthesise, truncation_of
from atmodist_core.fields.open.merge_variables import Merged, merge_variables
from atmodist_core.fields.open.source_variables import SourceVariable

CHECKED_VALUES = 2**24
"""The values of local files are checked on opening if there are at most this many; those of larger files and
of stores when their slices are computed."""

_SAME_POINT_DEG = 1e-4


@dataclass
class OpenedFields:
    """Fields on one grid at one set of times, and what their attributes will say.

    `dataset` has one variable a channel, with its attributes; `level` is None where the data state none.
    """

    dataset: xr.Dataset
    level: str | None
    dated: bool
    truncation: int | None
    available_levels: tuple[Level, ...]


def quantities_for(channels: Sequence[Channel]) -> dict[str, Quantity]:
    """Return what has to be looked for in the data, by name: other fields keep the name that they have there.

    Wind, vorticity and divergence are made from each other.
    """
    wanted: dict[str, Quantity] = {}
    for field in (channel.field for channel in channels):
        if field in (*DEFAULT_FIELDS, "u", "v"):
            wanted |= QUANTITIES
        else:
            wanted[field] = ALL_QUANTITIES.get(field, Quantity(field, "other", (field.lower(),)))
    return wanted


def default_fields(merged: Merged, in_files: bool, note: Note) -> OpenedFields:
    """Return vorticity and divergence of a pair."""
    fields = physical_fields(merged, in_files, note)
    for name in DEFAULT_FIELDS:
        fields[name].attrs = dict(FIELD_ATTRS[name])
    return OpenedFields(
        fields,
        str(merged.level) if merged.level is not None else None,
        merged.dated,
        merged.arrays[0].attrs.get("truncation"),
        merged.available_levels,
    )


def physical_fields(merged: Merged, in_files: bool, note: Note) -> xr.Dataset:
    """Vorticity and divergence of a pair as it was stored, or one field."""
    factors = conversions(merged, note)
    arrays = [
        _converted(array, factor, offset).astype(np.float32)
        for array, (factor, offset) in zip(merged.arrays, factors, strict=True)
    ]
    derived_from = " and ".join(merged.variables)
    is_pair = len(arrays) == 2
    if merged.is_coefficients:
        arrays = [synthesise(array, name, note) for array, name in zip(arrays, merged.names, strict=True)]
        truncation = truncation_of(merged.arrays[0].sizes["values"])
        derived_from += f", spherical-harmonic coefficients to T{truncation}"
    else:
        arrays = [
            canonical_axes(array, variable, note)
            for array, variable in zip(arrays, merged.variables, strict=True)
        ]
        has_gaps = False
        if in_files and 2 * merged.arrays[0].size <= CHECKED_VALUES:
            grid = grid_name(arrays[0]["latitude"].values, arrays[0]["longitude"].values)
            arrays, has_gaps = check_values(arrays, merged, grid, note)
        if merged.kind == "wind" and is_pair:
            fields = derive_from_canonical_wind(arrays[0], arrays[1], note, has_gaps=has_gaps)
            how = fields.attrs["derived_from"].removeprefix("u and v")
            return fields.assign_attrs(derived_from=derived_from + how)
        derived_from += " as given"
    names = DEFAULT_FIELDS if is_pair else merged.names
    fields = xr.Dataset(dict(zip(names, arrays, strict=True)))
    return fields.assign_attrs(derived_from=derived_from)


def _converted(array: xr.DataArray, factor: float, offset: float) -> xr.DataArray:
    array = array if factor == 1.0 else array * factor
    return array if offset == 0.0 else array + offset


def requested_fields(
    variables: list[SourceVariable],
    channels: Sequence[Channel],
    choice: Mapping[str, Any],
    note: Note,
    names_found: list[str],
    in_files: bool,
) -> OpenedFields:
    """Return the channels on their common grid, at the times that all have.

    ``choice`` holds ``level``, for channels that name none, and ``time``. A field or level that the data lack is refused
    by a sentence that names the channel.
    """
    made: dict[tuple[bool, str, str | None], tuple[xr.Dataset, Merged]] = {}
    present = {variable.quantity.name for variable in variables}
    parts: dict[str, xr.DataArray] = {}
    merged_all, levels = [], []
    for channel in channels:
        level = choice["level"] if channel.level is None else channel.level
        paired = channel.field in DEFAULT_FIELDS or (
            channel.field in ("u", "v") and channel.field not in present
        )
        key = (paired, "" if paired else channel.field, channel.level)
        if key not in made:
            single = None if paired else channel.field
            try:
                merged = merge_variables(variables, level, choice["time"], note, names_found, single)
            except UserError as error:
                raise UserError(f"{channel.name} cannot be read: {error}") from error
            made[key] = physical_fields(merged, in_files, note), merged
        fields, merged = made[key]
        if channel.field not in fields:
            fields = wind(fields["vorticity"], fields["divergence"]).assign_attrs(
                derived_from=fields.attrs["derived_from"]
            )
        array = fields[channel.field].copy(deep=False)
        array.attrs = attributes_of(channel.field, array.attrs)
        if merged.level is not None:
            array.attrs["level"] = str(merged.level)
            levels.append(str(merged.level))
        array.attrs["derived_from"] = str(fields.attrs.get("derived_from", ""))
        parts[channel.name] = array
        merged_all.append(merged)
    return OpenedFields(
        _joined(parts, note),
        ", ".join(dict.fromkeys(levels)) or None,
        all(merged.dated for merged in merged_all),
        merged_all[0].arrays[0].attrs.get("truncation"),
        merged_all[0].available_levels,
    )


def attributes_of(field: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CF attributes of a field; of one that this package does not name, those of the file that matter."""
    if field in FIELD_ATTRS:
        return dict(FIELD_ATTRS[field])
    kept = {key: str(given[key]) for key in ("units", "standard_name", "long_name") if given.get(key)}
    return {"units": "", "long_name": field, **kept}


def _joined(parts: Mapping[str, xr.DataArray], note: Note) -> xr.Dataset:
    """Channels on the grid and at the times that all have; grids that differ by more than an edge are refused."""
    first_name, first = next(iter(parts.items()))
    # Winds lose the row at a pole where they are differentiated on a part of a circle.
    smallest = min(parts.values(), key=lambda array: array.sizes["latitude"])
    times = first["time"].values
    for array in parts.values():
        times = np.intersect1d(times, array["time"].values)
    if not times.size:
        spans = "; ".join(f"{name}: {spell_times(array['time'].values)}" for name, array in parts.items())
        raise UserError(
            f"Expected all fields at the same times, found none in common ({spans}); give files of one period."
        )
    most = max(array.sizes["time"] for array in parts.values())
    if times.size < most:
        note(f"{most - times.size} times at which a field is missing were left out")
    aligned = {}
    for name, array in parts.items():
        for axis in ("latitude", "longitude"):
            wanted, found = smallest[axis].values, array[axis].values
            at = np.array([int(np.argmin(np.abs(found - value))) for value in wanted])
            apart = float(np.abs(found[at] - wanted).max())
            if apart > _SAME_POINT_DEG or found.size - wanted.size > 2:
                raise UserError(
                    f"Expected one grid, found different {axis}s in {first_name} and {name} ({found.size} from {found[0]:g} "
                    f"to {found[-1]:g}, and {wanted.size} from {wanted[0]:g} to {wanted[-1]:g}); give files of one grid."
                )
            if found.size != wanted.size:
                array = array.isel({axis: at})
            array = array.assign_coords({axis: smallest[axis]})
        if array.sizes["time"] != times.size:
            array = array.isel(time=np.flatnonzero(np.isin(array["time"].values, times)))
        if MODEL_DATE in array.coords and name != first_name:
            array = array.drop_vars(MODEL_DATE)
        aligned[name] = array.assign_coords(time=first["time"].values[np.isin(first["time"].values, times)])
    made = dict.fromkeys(str(array.attrs["derived_from"]) for array in parts.values())
    return xr.Dataset(aligned, attrs={"derived_from": "; ".join(made)})
