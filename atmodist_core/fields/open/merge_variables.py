"""Merging: source variables of any number of files become lazy fields, one or a pair, at one level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.levels import Level, choose_level
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE, sortable_dates
from atmodist_core.fields.canonical.names import PAIR_WORDS, PAIRS
from atmodist_core.fields.canonical.time_selection import spell_times, time_indices
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.source_variables import SourceVariable

_LEVEL_KINDS = ("pressure", "hybrid", "sigma", "unknown", "height", None)
"""Order in which vertical coordinates are preferred when a source has several."""


@dataclass
class Merged:
    """A field, or a pair (u and v, vorticity and divergence), on one grid, at one level and the same times.

    Lazy, (time, latitude, longitude) or (time, values), as stored but for the order of times. `names` are those of
    the package, `variables` those of the source; `dated` is False for placeholder times.
    """

    arrays: tuple[xr.DataArray, ...]
    kind: str
    names: tuple[str, ...]
    variables: tuple[str, ...]
    level: Level | None
    is_coefficients: bool
    dated: bool = True
    available_levels: tuple[Level, ...] = ()


def merge_variables(
    variables: list[SourceVariable],
    level: Any,
    time: Any,
    note: Note,
    names_found: list[str],
    field: str | None = None,
) -> Merged:
    """Choose the field, or by default the pair, the level and the times, and join the variables of all sources.

    `note` receives a sentence for each choice; `names_found` (all variables of the sources) are for the message when
    nothing is complete. Levels or times that are not there, and sources that do not fit together, are refused.
    """
    names = _choose_pair(variables, note, names_found) if field is None else (field,)
    if field is not None and all(variable.quantity.name != field for variable in variables):
        listed = ", ".join(f"'{name}'" for name in sorted(set(names_found))[:12]) or "none"
        raise UserError(
            f"Expected the field {field}, found the variables {listed}; choose among them, or give the file that holds "
            "it too, as a list of files."
        )
    candidates = [variable for variable in variables if variable.quantity.name in names]
    candidates = _one_geometry(candidates, names, note)
    chosen_level, available, candidates = _one_level(candidates, names, level, note)
    parts = [[part for part in candidates if part.quantity.name == name] for name in names]
    arrays = [_join(part, note) for part in parts]
    if len(names) == 2:
        arrays = list(_common_times(arrays[0], arrays[1], names, note))
    indices = np.arange(arrays[0].times.size)
    if time is not None:
        indices = indices[time_indices(arrays[0].dates, time)]
    stored_names = tuple(part[0].name for part in parts)
    lazy = [joined.select(indices, note) for joined in arrays]
    lazy[1:] = [_on_same_grid(lazy[0], array, stored_names) for array in lazy[1:]]
    return Merged(
        arrays=tuple(lazy),
        kind=candidates[0].quantity.kind,
        names=names,
        variables=stored_names,
        level=chosen_level,
        is_coefficients=candidates[0].is_coefficients,
        dated=all(variable.dated for variable in candidates),
        available_levels=available,
    )


@dataclass
class _Joined:
    """Variables of one quantity in order of time; `owner` and `index` locate each time."""

    variables: list[SourceVariable]
    times: np.ndarray
    owner: np.ndarray
    index: np.ndarray

    @property
    def dates(self) -> np.ndarray:
        """Dates by which times are selected: those of the model where it has a calendar of its own."""
        texts = [each.array.coords.get(MODEL_DATE) for each in self.variables]
        if any(text is None for text in texts):
            return self.times
        found = [str(texts[owner].values[at]) for owner, at in zip(self.owner, self.index, strict=True)]  # type: ignore[union-attr]
        return sortable_dates(np.array(found))

    def take(self, indices: np.ndarray) -> _Joined:
        return _Joined(self.variables, self.times[indices], self.owner[indices], self.index[indices])

    def select(self, indices: np.ndarray, note: Note) -> xr.DataArray:
        taken = self.take(indices)
        parts: list[xr.DataArray] = []
        for number, variable in enumerate(self.variables):
            mine = taken.index[taken.owner == number]
            if mine.size:
                part = variable.at_times(np.sort(mine)).lazy(note)
                parts.append(_on_same_grid(parts[0], part, (variable.name,) * 2) if parts else part)
        joined = xr.concat(parts, "time", coords="minimal", compat="override") if parts[1:] else parts[0]
        # Duplicates were refused when the variables were joined.
        order = np.argsort(joined["time"].values, kind="stable")
        return joined if np.array_equal(order, np.arange(order.size)) else joined.isel(time=order)


def _choose_pair(variables: list[SourceVariable], note: Note, names_found: list[str]) -> tuple[str, str]:
    present = {variable.quantity.name for variable in variables}
    complete = [pair for pair in PAIRS if set(pair) <= present]
    if not complete:
        listed = ", ".join(f"'{name}'" for name in sorted(set(names_found))[:12]) or "none"
        half = next((pair for pair in PAIRS if set(pair) & present), None)
        if half is not None:
            have, lack = (half[0], half[1]) if half[0] in present else (half[1], half[0])
            raise UserError(
                f"Expected both {half[0]} and {half[1]}, found only {have} (variables: {listed}); give the "
                f"file with {lack} too, as a list of files."
            )
        raise UserError(
            f"Expected u and v, or vorticity and divergence, found the variables {listed}; rename yours or "
            "choose another file."
        )
    if len(complete) > 1:
        others = " and ".join(PAIR_WORDS[pair[0]] for pair in complete[1:])
        note(f"the data also hold {others}; {PAIR_WORDS[complete[0][0]]} were taken")
    return complete[0]


def _one_geometry(
    variables: list[SourceVariable], names: tuple[str, ...], note: Note
) -> list[SourceVariable]:
    """Keep the grids or the coefficients: what both fields have, grids first."""
    for coefficients in (False, True):
        kept = [variable for variable in variables if variable.is_coefficients == coefficients]
        if {variable.quantity.name for variable in kept} == set(names):
            if len(kept) < len(variables):
                word = "coefficients" if coefficients else "grid"
                note(f"the data hold fields both on a grid and as coefficients; the {word} form was taken")
            return kept
    raise UserError(
        f"Expected {names[0]} and {names[1]} in one form, found one on a grid and the other as "
        "spherical-harmonic coefficients; give both in the same form."
    )


def _one_level(
    variables: list[SourceVariable], names: tuple[str, ...], level: Any, note: Note
) -> tuple[Level | None, tuple[Level, ...], list[SourceVariable]]:
    """Choose the level, among those that all fields hold."""
    by_quantity: list[set[Level]] = []
    without = []
    for name in names:
        mine = [variable for variable in variables if variable.quantity.name == name]
        by_quantity.append({lev for variable in mine for lev in variable.levels})
        without.append(any(not variable.levels for variable in mine))
    common = set.intersection(*by_quantity)
    if any(by_quantity) and not common and not all(without):
        raise UserError(
            f"Expected {names[0]} and {names[1]} at the same level, found {names[0]} at "
            f"{_levels_or_none(by_quantity[0])} and {names[1]} at {_levels_or_none(by_quantity[1])}; give "
            "files of one level."
        )
    if names[0] in ("u10", "v10", "u100", "v100") and len(common) <= 1:
        height = Level("height", float(names[0][1:]))
        choose_level([height], level, note)
        at_height = [part.at_level(part.levels[0] if part.levels else None) for part in variables]
        return height, (height,), [part for part in at_height if part is not None]
    available = sorted(common, key=lambda lev: lev.value)
    kinds = [kind for kind in _LEVEL_KINDS if any(lev.kind == kind for lev in available)]
    kinds += [lev.kind for lev in available if lev.kind not in kinds]
    if level is None and len(set(kinds)) > 1:
        note(
            f"the data hold levels of several kinds ({', '.join(map(str, dict.fromkeys(kinds)))}); "
            f"{kinds[0]} was taken"
        )
        available = [lev for lev in available if lev.kind == kinds[0]]
    chosen = choose_level(available, level, note)
    # A source may mix fields with and without a level (GRIB: pressure levels beside the tropopause); the
    # chosen kind stays.
    kept = [variable.at_level(chosen) for variable in variables]
    return chosen, tuple(available), [variable for variable in kept if variable is not None]


def _join(variables: list[SourceVariable], note: Note) -> _Joined:
    times = np.concatenate([variable.times for variable in variables])
    counts = [variable.times.size for variable in variables]
    owner = np.repeat(np.arange(len(variables)), counts)
    index = np.concatenate([np.arange(count) for count in counts])
    order = np.argsort(times, kind="stable")
    times, owner, index = times[order], owner[order], index[order]
    repeated = np.flatnonzero(np.diff(times) == np.timedelta64(0, "ns"))
    if repeated.size:
        files = {variables[owner[i]].origin for j in repeated[:1] for i in (j, j + 1)}
        where = f"in {' and in '.join(sorted(files))}" if len(files) > 1 else f"in '{variables[0].name}'"
        raise UserError(
            f"Expected each time once, found {repeated.size} duplicate times {where}, the first "
            f"{spell_times(times[repeated[:1]])}; remove the duplicates."
        )
    if not np.array_equal(order, np.arange(order.size)) and len(variables) == 1:
        note("times were sorted")
    return _Joined(variables, times, owner, index)


def _common_times(
    first: _Joined, second: _Joined, names: tuple[str, ...], note: Note
) -> tuple[_Joined, _Joined]:
    if np.array_equal(first.times, second.times):
        return first, second
    common, in_first, in_second = np.intersect1d(first.times, second.times, return_indices=True)
    if not common.size:
        raise UserError(
            f"Expected {names[0]} and {names[1]} at the same times, found {names[0]} at "
            f"{spell_times(first.times)} and {names[1]} at {spell_times(second.times)}; give files of one "
            "period."
        )
    left_out = first.times.size + second.times.size - 2 * common.size
    note(f"{left_out} times at which only one of {names[0]} and {names[1]} is there were left out")
    return first.take(in_first), second.take(in_second)


def _on_same_grid(first: xr.DataArray, second: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
    """The second array on the coordinates of the first; different grids are refused."""
    for name in ("values", "latitude", "longitude"):
        if name not in first.dims and name not in second.dims:
            continue
        same = first.sizes.get(name) == second.sizes.get(name)
        if same and name != "values":
            same = np.allclose(first[name].values, second[name].values, rtol=0, atol=1e-4, equal_nan=True)
        if not same:
            where = f"'{names[0]}' and '{names[1]}'" if names[0] != names[1] else "the files"
            raise UserError(
                f"Expected one grid, found different {name}s in {where} ({_axis(first, name)}; "
                f"{_axis(second, name)}); give files of one grid."
            )
        if name != "values":
            second = second.assign_coords({name: first[name]})
    return second


def _axis(array: xr.DataArray, name: str) -> str:
    if name not in array.coords:
        return str(array.sizes.get(name, "none"))
    values = array[name].values
    return f"{values.size} from {values[0]:g} to {values[-1]:g}"


def _levels_or_none(levels: set[Level]) -> str:
    return ", ".join(str(level) for level in sorted(levels, key=lambda lev: lev.value)[:5]) or "no level"
