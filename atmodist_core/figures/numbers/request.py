"""What a link of the page asks for, as far as figures and numbers depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.regions import REGIONS, Region

WHOLE = "Globe"
"""Name of the region that is all of the data, whether that is a globe or not."""

APPEARANCE_ONLY = ("theme", "layout", "left", "right", "pixels", "show", "scale", "projection")
"""Parts of a link that change how the page looks, and not the numbers."""


@dataclass(frozen=True)
class FigureRequest:
    """The part of the page's state that a figure depends on; texts are as in the address of the page.

    ``step`` takes every so many times of the period, ``limit`` is the end of the colour scale in the unit of the page
    (from the data if None), ``box`` the points along each side of a city's box, and ``others`` are further parts of the
    address that a view may use.
    """

    view: str = "maps"
    data: str = "demo"
    level: str = ""
    time: str = ""
    field: str = "vorticity"
    region: str = "Europe"
    methods: tuple[str, ...] = ()
    average: str = "time"
    period: str = ""
    step: int = 1
    pair: str = ""
    limit: float | None = None
    cities: tuple[str, ...] = ()
    box: str = "1"
    others: Mapping[str, str] | None = None

    @classmethod
    def from_link(cls, link: str) -> FigureRequest:
        """Read a link of the page, or only its part after the question mark; raises ``UserError``."""
        search = urlsplit(link).query if "?" in link else link
        query = dict(parse_qsl(search, keep_blank_values=True))
        values: dict[str, Any] = {}
        others = {}
        for name, text in query.items():
            if name in ("methods", "cities"):
                values[name] = tuple(part for part in text.split(",") if part)
            elif name == "step":
                values[name] = max(1, int(_number(name, text)))
            elif name == "limit":
                values[name] = _number(name, text)
            elif name in cls.__dataclass_fields__ and name != "others":
                values[name] = text
            else:
                others[name] = text
        return cls(**values, others=others)

    @property
    def times(self) -> tuple[str, ...]:
        """First and last date of the period; empty for all of the data."""
        return tuple(self.period.split("/")) if self.period else ()


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"Expected a number for {name!r} in the link, found {text!r}; correct the link."
        ) from None


def parse_region(text: str) -> Any:
    """Return the region of a preset's name or of ``south,north,west,east`` in degrees.

    Raises ``UserError`` if the text is neither, or the numbers are no region.
    """
    if text in REGIONS:
        return REGIONS[text]
    try:
        south, north, west, east = (float(part) for part in text.split(","))
        numbers_are_finite = all(np.isfinite([south, north, west, east]))
    except ValueError:
        numbers_are_finite = False
    if not numbers_are_finite:
        raise UserError(
            f"Expected a region among {', '.join(REGIONS)} or four numbers south,north,west,east, found {text!r}; "
            "choose one of them."
        )
    return Region(south, north, west, east)


def region_words(text: str) -> str:
    """Return the name of a region and its edges."""
    if text == WHOLE:
        return "globe (or all of the data)"
    region = parse_region(text)

    def degrees(value: float, positive: str, negative: str) -> str:
        value = (value + 180) % 360 - 180 if positive == "E" else value
        return f"{abs(value):g}°{positive if value >= 0 else negative}"

    edges = (
        f"{degrees(region.south, 'N', 'S')}–{degrees(region.north, 'N', 'S')}, "
        f"{degrees(region.west, 'E', 'W')}–{degrees(region.east, 'E', 'W')}"
    )
    return f"{text} ({edges})" if text in REGIONS else edges
