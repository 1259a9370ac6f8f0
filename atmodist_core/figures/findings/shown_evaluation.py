"""The evaluation behind the scorecard of a data set: its own, or the one that ships; and the scorecard's numbers for files."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.findings.measure_groups import headline_of
from atmodist_core.figures.findings.opening import basis_text
from atmodist_core.figures.findings.scorecard import scorecard_table
from atmodist_core.figures.numbers.data_sets import EVALUATION_SUFFIX, data_folder
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.request import FigureRequest

PATTERN = "evaluation*.nc"
"""Names of evaluations among the shipped results."""


def evaluation_file(data_set: str) -> tuple[Path, bool] | None:
    """Return the file of the evaluation of a data set, by its key, and whether it is the data set's own.

    A data set ``name.nc`` or ``name.zarr`` in the folder of data has its own evaluation where ``name.evaluation.nc`` is beside it.
    Without one it is the first evaluation that ships; None without any.
    """
    folder = data_folder()
    if folder is not None and data_set:
        own = (folder / data_set).with_suffix(EVALUATION_SUFFIX)
        if own.is_file() and own.resolve().is_relative_to(folder):
            return own, True
    try:
        shipped = sorted(asset_folder("results").glob(PATTERN))
    except UserError:
        return None
    return (shipped[0], False) if shipped else None


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
    found = evaluation_file(request.data)
    if found is None:
        raise UserError(
            "Expected an evaluation for the scorecard, found none; make one with train/evaluate.py and store it beside the data as "
            f"NAME{EVALUATION_SUFFIX}."
        )
    others = request.others or {}
    return scorecard_numbers(
        open_evaluation(found[0]), others.get("reference", ""), others.get("measures", "headline")
    )
