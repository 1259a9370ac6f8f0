"""Content of a report, independent of its format: sections of paragraphs, figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Paragraph:
    """Text without markup."""

    text: str


@dataclass(frozen=True)
class Subheading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """A command line."""

    text: str


@dataclass(frozen=True)
class Links:
    """A list of sources with their addresses."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """A figure: the name of its files, a short title, definitions of its quantities, and its format on the page."""

    name: str
    title: str
    definition: str
    figure: Figure
    drawn_as: Literal["svg", "png"] = "svg"


@dataclass(frozen=True)
class Table:
    """A table: name of its file, title, definitions of its columns, heads with units, and formatted cells.

    ``records`` are the same numbers for the file, not rounded.
    """

    name: str
    title: str
    definition: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    records: pd.DataFrame


Block = Paragraph | Subheading | Bullets | Code | Links | Picture | Table


@dataclass(frozen=True)
class Section:
    """A section: anchor in the page, title, content, and sentences on what it does not show."""

    identifier: str
    title: str
    blocks: tuple[Block, ...]
    not_shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A report: title, one line below it, sections."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]

    def blocks(self) -> Iterator[Block]:
        """Yield every block in order."""
        for section in self.sections:
            yield from section.blocks

    def pictures(self) -> list[Picture]:
        """Return the figures in order."""
        return [block for block in self.blocks() if isinstance(block, Picture)]

    def tables(self) -> list[Table]:
        """Return the tables in order."""
        return [block for block in self.blocks() if isinstance(block, Table)]

    def numbers(self) -> dict[str, str]:
        """Return the numbers of figures and tables by name: ``Figure 1``, ``Table 1``."""
        figures = {block.name: f"Figure {count}" for count, block in enumerate(self.pictures(), start=1)}
        return figures | {block.name: f"Table {count}" for count, block in enumerate(self.tables(), start=1)}
