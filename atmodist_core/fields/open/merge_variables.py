"""Assembling: pieces of any number of files become one pair of lazy fields at one level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.levels import Level, choose_level
from atmodist_core.fields.canonical.names import PAIR_WORDS, PAIRS
from atmodist_core.fields.canonical.time_axis import sorted_unique
from atmodist_core.fields.canonical.time_selection import spell_times, time_indices
from atmodist_core.fields.open.source_variables import Piece

_LEVEL_KINDS = ("pressure", "hybrid", "sigma", "unknown", "height", None)
"""Order in which vertical coordinates are preferred when a source has several."""


@dataclass
class Pair:
    """Two fields of one grid, one level, the same times: u and v, or vorticity and divergence.

    Parameters
    ----------
    first, second : xarray.DataArray
        Lazy, dimensions (time, latitude, longitude) or (time, values), as stored but for the order of times.
    kind : {"wind", "rate"}
        What they measure.
    names : tuple of str
        Names inside the package, such as ("u10", "v10").
    variables : tuple of str
        Names in the source.
    level : Level or None
        Their level.
    is_coefficients : bool
        Whether they are spherical-harmonic coefficients.
    dated : bool
        Whether the times are those of the source; False for placeholders.
    available_levels : tuple of Level
        The levels both fields could have been taken at.
    """

    first: xr.DataArray
    second: xr.DataArray
    kind: str
    names: tuple[str, str]
    variables: tuple[str, str]
    level: Level | None
    is_coefficients: bool
    dated: bool = True
    available_levels: tuple[Level, ...] = ()


def assemble(
    pieces: list[Piece], level: Any, time: Any, note: Callable[[str], None], variables_found: list[str]
) -> Pair:
    """Choose the pair, the level and the times, and join the pieces.

    Parameters
    ----------
    pieces : list of Piece
        All that was found.
    level, time
        What the user asked for, or None.
    note : callable
        Receives a sentence for each choice made.
    variables_found : list of str
        Names of all variables of the source, for the sentence when none fits.

    Returns
    -------
    Pair

    Raises
    ------
    UserError
        No pair is complete, the level or times are not there, or the pieces do not fit together.
    """
    names = _choose_pair(pieces, note, variables_found)
    candidates = [piece for piece in pieces if piece.quantity in names]
    candidates = _one_geometry(candidates, names, note)
    chosen_level, available, candidates = _one_level(candidates, names, level, note)
    arrays = [_join([piece for piece in candidates if piece.quantity == name], note) for name in names]
    first, second = _common_times(arrays[0], arrays[1], names, note)
    indices = np.arange(first.times.size)
    if time is not None:
        indices = indices[time_indices(first.times, time)]
    variables = tuple(next(p.variable for p in candidates if p.quantity == name) for name in names)
    lazy = [joined.select(indices, note) for joined in (first, second)]
    _refuse_different_grids(lazy[0], lazy[1], variables)
    if not candidates[0].is_coefficients:
        lazy[1] = lazy[1].assign_coords(latitude=lazy[0]["latitude"], longitude=lazy[0]["longitude"])
    return Pair(
        first=lazy[0],
        second=lazy[1],
        kind=candidates[0].kind,
        names=names,
        variables=(variables[0], variables[1]),
        level=chosen_level,
        is_coefficients=candidates[0].is_coefficients,
        dated=all(piece.dated for piece in candidates),
        available_levels=available,
    )


@dataclass
class _Joined:
    """Pieces of one quantity in order of time; `owner` and `index` say where each time lies."""

    pieces: list[Piece]
    times: np.ndarray
    owner: np.ndarray
    index: np.ndarray

    def take(self, indices: np.ndarray) -> _Joined:
        return _Joined(self.pieces, self.times[indices], self.owner[indices], self.index[indices])

    def select(self, indices: np.ndarray, note: Callable[[str], None]) -> xr.DataArray:
        taken = self.take(indices)
        parts = []
        for number, piece in enumerate(self.pieces):
            mine = taken.index[taken.owner == number]
            if mine.size:
                parts.append(piece.at_times(np.sort(mine)).lazy(note))
        for other in parts[1:]:
            _refuse_different_grids(parts[0], other, (self.pieces[0].variable,) * 2)
        if len(parts) > 1 and "latitude" in parts[0].dims:
            parts = [
                part.assign_coords(latitude=parts[0]["latitude"], longitude=parts[0]["longitude"])
                for part in parts
            ]
        joined = (
            parts[0] if len(parts) == 1 else xr.concat(parts, dim="time", coords="minimal", compat="override")
        )
        return sorted_unique(joined, self.pieces[0].variable, lambda _: None)


def _choose_pair(
    pieces: list[Piece], note: Callable[[str], None], variables_found: list[str]
) -> tuple[str, str]:
    present = {piece.quantity for piece in pieces}
    complete = [pair for pair in PAIRS if set(pair) <= present]
    if not complete:
        listed = ", ".join(f"'{name}'" for name in sorted(set(variables_found))[:12]) or "none"
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


def _one_geometry(pieces: list[Piece], names: tuple[str, str], note: Callable[[str], None]) -> list[Piece]:
    """Keep grids or coefficients: whichever both fields have, grids first."""
    for coefficients in (False, True):
        kept = [piece for piece in pieces if piece.is_coefficients == coefficients]
        if {piece.quantity for piece in kept} == set(names):
            if len(kept) < len(pieces):
                word = "coefficients" if coefficients else "grid"
                note(f"the data hold fields both on a grid and as coefficients; the {word} form was taken")
            return kept
    raise UserError(
        f"Expected {names[0]} and {names[1]} in one form, found one on a grid and the other as "
        "spherical-harmonic coefficients; give both in the same form."
    )


def _one_level(
    pieces: list[Piece], names: tuple[str, str], level: Any, note: Callable[[str], None]
) -> tuple[Level | None, tuple[Level, ...], list[Piece]]:
    """Choose the level, among those that both fields hold."""
    by_quantity: list[set[Level]] = []
    without = []
    for name in names:
        mine = [piece for piece in pieces if piece.quantity == name]
        by_quantity.append({lev for piece in mine for lev in piece.levels})
        without.append(any(not piece.levels for piece in mine))
    common = by_quantity[0] & by_quantity[1]
    if (by_quantity[0] or by_quantity[1]) and not common and not all(without):
        raise UserError(
            f"Expected {names[0]} and {names[1]} at the same level, found {names[0]} at "
            f"{_levels_or_none(by_quantity[0])} and {names[1]} at {_levels_or_none(by_quantity[1])}; give "
            "files of one level."
        )
    if names[0] in ("u10", "u100") and len(common) <= 1:
        height = Level("height", 10.0 if names[0] == "u10" else 100.0)
        choose_level([height], level, note)
        at_height = [piece.at_level(piece.levels[0] if piece.levels else None) for piece in pieces]
        return height, (height,), [piece for piece in at_height if piece is not None]
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
    kept = [piece.at_level(chosen) for piece in pieces]
    return chosen, tuple(available), [piece for piece in kept if piece is not None]


def _join(pieces: list[Piece], note: Callable[[str], None]) -> _Joined:
    times = np.concatenate([piece.times for piece in pieces])
    owner = np.concatenate([np.full(piece.times.size, number) for number, piece in enumerate(pieces)])
    index = np.concatenate([np.arange(piece.times.size) for piece in pieces])
    order = np.argsort(times, kind="stable")
    times, owner, index = times[order], owner[order], index[order]
    repeated = np.flatnonzero(np.diff(times) == np.timedelta64(0, "ns"))
    if repeated.size:
        files = {pieces[owner[i]].origin for j in repeated[:1] for i in (j, j + 1)}
        where = f"in {' and in '.join(sorted(files))}" if len(files) > 1 else f"in '{pieces[0].variable}'"
        raise UserError(
            f"Expected each time once, found {repeated.size} duplicate times {where}, the first "
            f"{spell_times(times[repeated[:1]])}; remove the duplicates."
        )
    if not np.array_equal(order, np.arange(order.size)) and len(pieces) == 1:
        note("times were sorted")
    return _Joined(pieces, times, owner, index)


def _common_times(
    first: _Joined, second: _Joined, names: tuple[str, str], note: Callable[[str], None]
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


def _refuse_different_grids(a: xr.DataArray, b: xr.DataArray, variables: tuple[str, ...]) -> None:
    for name in ("values", "latitude", "longitude"):
        if name in a.dims or name in b.dims:
            same = a.sizes.get(name) == b.sizes.get(name)
            if same and name != "values":
                same = np.allclose(a[name].values, b[name].values, rtol=0, atol=1e-4, equal_nan=True)
            if not same:
                where = (
                    f"'{variables[0]}' and '{variables[1]}'" if variables[0] != variables[1] else "the files"
                )
                raise UserError(
                    f"Expected one grid, found different {name}s in {where} ({_axis(a, name)}; "
                    f"{_axis(b, name)}); give files of one grid."
                )


def _axis(array: xr.DataArray, name: str) -> str:
    if name not in array.coords:
        return str(array.sizes.get(name, "none"))
    values = array[name].values
    return f"{values.size} from {values[0]:g} to {values[-1]:g}"


def _levels_or_none(levels: set[Level]) -> str:
    return ", ".join(str(level) for level in sorted(levels, key=lambda lev: lev.value)[:5]) or "no level"
