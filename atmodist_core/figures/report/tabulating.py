"""Tables of estimates, with a row per field and model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.wording import NOTHING, bracketed, estimate_text, number
from atmodist_core.figures.report.document import Table
from atmodist_core.figures.report.reading import Evaluation, estimate

MOST_COLUMNS = 5
"""Largest number of columns of estimates that fits on a page."""


@dataclass(frozen=True)
class Column:
    """One column: prefix in the file, head without units, units by field, and printed definition.

    ``value`` maps a model and a field to an estimate.
    """

    name: str
    head: str
    units: Mapping[str, str]
    value: Callable[[str, str], Estimate]
    definition: str = ""


def value_of(table: xr.Dataset, variable: str, **place: Any) -> Callable[[str, str], Estimate]:
    """Return the function ``(model, field) -> Estimate`` of a variable at labels of its other dimensions."""
    return lambda model, field: estimate(table, variable, model=model, field=field, **place)


def estimate_tables(
    evaluation: Evaluation,
    name: str,
    title: str,
    definition: str,
    columns: Sequence[Column],
    models: Sequence[str],
    fields: Sequence[str],
) -> list[Table]:
    """Make tables with a row per field and model, split if there are many columns.

    Definitions of the columns precede ``definition``.
    """
    tables = []
    pieces = -(-len(columns) // MOST_COLUMNS)
    for piece in range(pieces):
        # Balanced: 6 columns are split into 3 and 3, not 5 and 1.
        part = columns[len(columns) * piece // pieces : len(columns) * (piece + 1) // pieces]
        tables.append(
            _table(
                evaluation,
                f"{name}_{piece + 1}" if pieces > 1 else name,
                f"{title} ({piece + 1} of {pieces})" if pieces > 1 else title,
                " ".join(filter(None, [*(column.definition for column in part), definition])),
                part,
                models,
                fields,
            )
        )
    return tables


def _table(
    evaluation: Evaluation,
    name: str,
    title: str,
    definition: str,
    columns: Sequence[Column],
    models: Sequence[str],
    fields: Sequence[str],
) -> Table:
    rows, records = [], []
    for field in fields:
        for model in models:
            cells: list[str] = []
            record: dict[str, str | float] = {"field": field, "model": model}
            for column in columns:
                found, units = column.value(model, field), column.units.get(field, "1")
                one_unit = len(set(column.units.values())) <= 1
                cells.append(estimate_text(found, "1" if one_unit else units))
                record |= {
                    f"{column.name}": found.value,
                    f"{column.name}_low": found.low,
                    f"{column.name}_high": found.high,
                    f"{column.name}_units": units,
                }
            rows.append((evaluation.name(model), field, *cells))
            records.append(record)
    heads = [
        bracketed(column.head, next(iter(column.units.values()), "1"))
        if len(set(column.units.values())) == 1
        else column.head
        for column in columns
    ]
    return Table(name, title, definition, ("model", "field", *heads), tuple(rows), pd.DataFrame(records))


def plain_table(
    name: str, title: str, definition: str, columns: Mapping[str, str], records: pd.DataFrame
) -> Table:
    """Make a table of text and plain numbers; ``columns`` are heads with units by column of the records."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return number(value)
        return NOTHING if value is None or value == "" else str(value)

    rows = tuple(
        tuple(cell(value) for value in row) for row in records[list(columns)].itertuples(index=False)
    )
    return Table(name, title, definition, tuple(columns.values()), rows, records)
