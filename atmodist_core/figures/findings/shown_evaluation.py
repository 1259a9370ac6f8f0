"""The evaluation behind the scorecard of a data set: its own, or the one that ships; and the scorecard's numbers for files."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.findings.measure_groups import headline_of
from atmodist_core.figures.findings.opening import basis_text
from atmodist_core.figures.findings.scorecard import scorecard_table
from atmodist_core.figures.numbers.data_sets import EVALUATION_SUFFIX, data_folder, list_sources
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.request import FigureRequest
from atmodist_core.models.fit import DataTraits, data_differences

PATTERN = "evaluation*.nc"
"""Names of evaluations among the shipped results."""


_OTHER_KIND = 10.0
"""Size of the difference between simulated weather and analyses: more than any other."""


class ShownEvaluation(NamedTuple):
    """An evaluation and how far it holds for the data shown."""

    path: Path
    is_own: bool  # whether it is of the data set itself
    differences: tuple[str, ...] = ()  # in what the data shown differ from its data; empty where it fits


def traits_shown(ds: xr.Dataset) -> DataTraits | None:
    """Return what an evaluation is chosen by; None where no field can be read.

    One time of real data is read. Of simulated data, which one simulator makes, the grid and the level are enough.
    """
    try:
        stated = DataTraits.stated(ds)
        if ds.attrs.get("simulated", False):
            return stated
        one = ds.isel(time=[ds.sizes["time"] // 2]) if "time" in ds.dims else ds
        return dataclasses.replace(DataTraits.of(one), step_hours=stated.step_hours)
    except UserError:
        return None


def evaluation_file(
    data_set: str = "", traits: DataTraits | None = None, *, simulated: bool = False
) -> ShownEvaluation | None:
    """Return the evaluation of a data set, or the one of those that ship whose data are most like it.

    A data set ``name.nc`` or ``name.zarr`` in the folder of data has its own evaluation where ``name.evaluation.nc`` is beside it.

    Parameters
    ----------
    data_set : str
        Key of the data set.
    traits : DataTraits, optional
        Of the data set, as from :func:`traits_shown`. Without them it is the first evaluation that ships.
    simulated : bool
        Whether the data set is simulated weather.

    Returns
    -------
    ShownEvaluation or None
        With the differences between its data and those shown: results hold where there are none. None without any evaluation.
    """
    folder = data_folder()
    if folder is not None and data_set:
        own = (folder / data_set).with_suffix(EVALUATION_SUFFIX)
        if own.is_file() and own.resolve().is_relative_to(folder):
            return ShownEvaluation(own, True)
    shipped = shipped_evaluations()
    if not shipped:
        return None
    if traits is None:
        return ShownEvaluation(shipped[0], False)
    ranked = []
    for number, path in enumerate(shipped):
        found = _differences(path, path.stat().st_mtime_ns, traits, simulated)
        ranked.append((sum(size for size, _ in found), number, tuple(text for _, text in found)))
    _, number, texts = min(ranked)
    return ShownEvaluation(shipped[number], False, texts)


def fitting_evaluations(traits: DataTraits, *, simulated: bool) -> list[Path]:
    """Return the files of the evaluations that ship whose data are like these in everything that matters."""
    return [
        path
        for path in shipped_evaluations()
        if not _differences(path, path.stat().st_mtime_ns, traits, simulated)
    ]


def shipped_evaluations() -> list[Path]:
    """Return the files of the evaluations that ship, by name."""
    try:
        return sorted(asset_folder("results").glob(PATTERN))
    except UserError:
        return []


def _differences(path: Path, changed: int, traits: DataTraits, simulated: bool) -> list[tuple[float, str]]:
    """Differences between the data of an evaluation and those shown; of several members the one that is most alike counts."""
    evaluated = _evaluated(path, changed)
    if not evaluated:
        return [(2 * _OTHER_KIND, "data that are not known")]
    each = []
    for made_by_simulation, known in evaluated:
        found = [] if known is None else data_differences(known, traits)
        if made_by_simulation != simulated:
            found.append((_OTHER_KIND, "simulated weather" if made_by_simulation else "analyses"))
        each.append(found)
    return min(each, key=lambda found: sum(size for size, _ in found))


def evaluation_in(path: Path) -> xr.DataTree | None:
    """Return the evaluation in a file, which stays in memory until the file changes; None where it cannot be read."""
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _opened(path: Path, _changed: int) -> xr.DataTree | None:
    try:
        return open_evaluation(path)
    except UserError:
        return None


@lru_cache(maxsize=16)
def _evaluated(path: Path, _changed: int) -> tuple[tuple[bool, DataTraits | None], ...]:
    """Whether they are simulated, and traits of all data of an evaluation."""
    tree = evaluation_in(path)
    if tree is None:
        return ()
    attributes = {str(name): value for name, value in tree.attrs.items()}
    entries = json.loads(attributes.get("data", "[]"))
    return tuple((bool(entry.get("simulated")), _traits_of(entry, attributes)) for entry in entries)


def _traits_of(entry: dict[str, Any], attributes: dict[str, Any]) -> DataTraits | None:
    """Traits of one data set of an evaluation: as stored, else from the band of wavenumbers that a global evaluation states."""
    if "traits" in entry:
        return DataTraits.from_dict(entry["traits"])
    if "band_first" not in attributes:
        return None
    # The band begins after the coarse grid's Nyquist wavenumber, 180 degrees over the coarse spacing.
    coarse_nyquist = int(attributes["band_first"]) - 1
    limit = coarse_nyquist * int(attributes["factor"])
    truncation = min(1.0, int(attributes["band_last"]) / limit)
    return DataTraits((), 180 / limit, truncation, str(entry.get("level", "")), {}, (), None)


def evaluation_basis(tree: xr.DataTree) -> str:
    """Return data and period of an evaluation in a few words."""
    data = json.loads(tree.attrs.get("data", "[]"))
    simulated = any(entry.get("simulated") for entry in data)
    times, days = (int(tree.attrs[name]) if name in tree.attrs else None for name in ("times", "days"))
    spans = [f"{entry['label']}, {entry['first_time'][:10]} to {entry['last_time'][:10]}" for entry in data]
    area = str(tree.attrs.get("region", "")) or "whole area"
    return basis_text(times, days, simulated, "; ".join([*spans, area]))


def scorecard_numbers(tree: xr.DataTree, reference: str, measures: str) -> Numbers:
    """Return the numbers of a scorecard, a table for every field.

    ``reference`` is empty for that of the evaluation; ``measures`` is ``headline`` or ``all``.
    """
    tables = {}
    for field in map(str, tree["scores"].to_dataset()["field"].values):
        table = scorecard_table(tree, field=field, reference=reference or None)
        if measures != "all":
            table = table.sel(measure=headline_of([str(name) for name in table["measure"].values]))
        texts = [name for name in table.coords if table[name].dims == ("measure",) and name != "measure"]
        # As variables, so that the tables of text hold them.
        tables[field] = table.assign(state=table["state"].astype(str)).reset_coords(texts)
    first = next(iter(tables.values()))
    caption = f"Scorecard against {first.attrs['reference']}; {evaluation_basis(tree)}; 95 % intervals. Made with: {tree.attrs.get('command', '')}"
    return Numbers("scorecard", tables, caption)


def scorecard_of_link(request: FigureRequest) -> Numbers:
    """Return the numbers of the scorecard that a link of the page shows; ``UserError`` without an evaluation."""
    source = next((one for one in list_sources() if one.key == request.data), None)
    shown = None if source is None else source.open(request.level or None)
    found = evaluation_file(
        request.data,
        None if shown is None else traits_shown(shown),
        simulated=shown is not None and bool(shown.attrs.get("simulated", False)),
    )
    if found is None:
        raise UserError(
            "Expected an evaluation for the scorecard, found none; make one with train/evaluate.py and store it beside the data as "
            f"NAME{EVALUATION_SUFFIX}."
        )
    others = request.others or {}
    return scorecard_numbers(
        open_evaluation(found.path), others.get("reference", ""), others.get("measures", "headline")
    )
