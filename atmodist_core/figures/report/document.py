"""What a report consists of, before it is a page or a PDF: sections of paragraphs, figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Paragraph:
    """Running text, without any markup."""

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
    """A command, as it is typed."""

    text: str


@dataclass(frozen=True)
class Links:
    """A list of sources, each with its address."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """A figure with what its lines and colours mean.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
        What is shown, in a few words.
    definition : str
        What every quantity in it is.
    figure : matplotlib.figure.Figure
    drawn_as : {"svg", "png"}
        Form on the page: lines as svg, maps as png.
    """

    name: str
    title: str
    definition: str
    figure: Figure
    drawn_as: Literal["svg", "png"] = "svg"


@dataclass(frozen=True)
class Table:
    """A table with what its columns mean.

    Parameters
    ----------
    name : str
        Of its file.
    title : str
        What is shown, in a few words.
    definition : str
        What every column is.
    columns : tuple of str
        Heads, with units.
    rows : tuple of tuple of str
        As shown.
    records : pandas.DataFrame
        The same numbers unrounded, for the file.
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
    """One section.

    Parameters
    ----------
    identifier : str
        Of its place in the page.
    title : str
    blocks : tuple of Block
    not_shown : tuple of str
        Sentences: what this section does not show; empty for sections without results.
    """

    identifier: str
    title: str
    blocks: tuple[Block, ...]
    not_shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole report: title, one line below it, sections."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]

    def blocks(self) -> Iterator[Block]:
        """Every block, in order."""
        for section in self.sections:
            yield from section.blocks

    def pictures(self) -> list[Picture]:
        """Every figure, in order."""
        return [block for block in self.blocks() if isinstance(block, Picture)]

    def tables(self) -> list[Table]:
        """Every table, in order."""
        return [block for block in self.blocks() if isinstance(block, Table)]

    def numbers(self) -> dict[str, str]:
        """What each figure and table is called, by its name: ``Figure 1``, ``Table 1``, in order."""
        figures = {block.name: f"Figure {count}" for count, block in enumerate(self.pictures(), start=1)}
        return figures | {block.name: f"Table {count}" for count, block in enumerate(self.tables(), start=1)}
