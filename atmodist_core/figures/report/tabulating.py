"""Tables of estimates: a row for each field and method, as shown and as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.report.document import Table
from atmodist_core.figures.report.reading import Evaluation, estimate
from atmodist_core.figures.report.wording import NOTHING, bracketed, estimate_text, number

MOST_COLUMNS = 5
"""Columns of estimates that fit the width of a page."""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        Of its three columns in the file.
    head : str
        Without a unit.
    units : mapping of str to str
        By field.
    value : callable
        ``(method, field) -> Estimate``.
    definition : str
        Sentences that stand below the tables which have this column.
    """

    name: str
    head: str
    units: Mapping[str, str]
    value: Callable[[str, str], Estimate]
    definition: str = ""


def value_of(table: xr.Dataset, variable: str, **place: Any) -> Callable[[str, str], Estimate]:
    """A column's function ``(method, field) -> Estimate`` of one variable at one place of its other dimensions."""
    return lambda method, field: estimate(table, variable, model=method, field=field, **place)


def estimate_tables(
    evaluation: Evaluation,
    name: str,
    title: str,
    definition: str,
    columns: Sequence[Column],
    methods: Sequence[str],
    fields: Sequence[str],
) -> list[Table]:
    """Make tables with a row for each field and method; more than fit side by side go into further tables.

    Parameters
    ----------
    evaluation : Evaluation
        For the names of methods.
    name, title, definition : str
        See :class:`~atmodist_core.figures.report.document.Table`; after those of the columns.
    columns : sequence of Column
    methods, fields : sequence of str
        Labels.

    Returns
    -------
    list of Table
    """
    tables = []
    pieces = -(-len(columns) // MOST_COLUMNS)
    for piece in range(pieces):
        # As even as can be: 6 columns are 3 and 3, not 5 and 1.
        part = columns[len(columns) * piece // pieces : len(columns) * (piece + 1) // pieces]
        tables.append(
            _table(
                evaluation,
                f"{name}_{piece + 1}" if pieces > 1 else name,
                f"{title} ({piece + 1} of {pieces})" if pieces > 1 else title,
                " ".join(filter(None, [*(column.definition for column in part), definition])),
                part,
                methods,
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
    methods: Sequence[str],
    fields: Sequence[str],
) -> Table:
    rows, records = [], []
    for field in fields:
        for method in methods:
            cells: list[str] = []
            record: dict[str, str | float] = {"field": field, "model": method}
            for column in columns:
                found, units = column.value(method, field), column.units.get(field, "1")
                one_unit = len(set(column.units.values())) <= 1
                cells.append(estimate_text(found, "1" if one_unit else units))
                record |= {
                    f"{column.name}": found.value,
                    f"{column.name}_low": found.low,
                    f"{column.name}_high": found.high,
                    f"{column.name}_units": units,
                }
            rows.append((evaluation.name(method), field, *cells))
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
    """Make a table of words and plain numbers.

    Parameters
    ----------
    name, title, definition : str
        See :class:`~atmodist_core.figures.report.document.Table`.
    columns : mapping of str to str
        Column of the records to its head, with a unit.
    records : pandas.DataFrame
    """

    def cell(value: object) -> str:
        if isinstance(value, float):
            return number(value)
        return NOTHING if value is None or value == "" else str(value)

    rows = tuple(
        tuple(cell(value) for value in row) for row in records[list(columns)].itertuples(index=False)
    )
    return Table(name, title, definition, tuple(columns.values()), rows, records)
