"""One legend for a whole figure, above its panels, where it covers nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from atmodist_core.figures.method_styles import Appearance
from atmodist_core.figures.style import PUBLICATION, FigureStyle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 4
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""Marks of methods in figures of points, in order: points have no dashes to tell them apart by."""


def legend_above(
    figure: Figure,
    looks: Mapping[str, Appearance],
    methods: Sequence[str],
    style: FigureStyle = PUBLICATION,
    *,
    points: bool = False,
) -> None:
    """Put names and lines of methods above the panels of a figure.

    Parameters
    ----------
    figure : Figure
    looks : mapping of str to Appearance
        By label of the method.
    methods : sequence of str
        Those that are drawn, in order.
    style : FigureStyle
    points : bool
        Whether methods are drawn as points with the marks of :data:`MARKERS` in place of lines.
    """
    from matplotlib.lines import Line2D

    lines: list[Any] = ["none" if points else looks[name].linestyle for name in methods]

    handles = [
        Line2D(
            [],
            [],
            color=looks[name].colour or style.text,
            linestyle=lines[number],
            marker=MARKERS[number % len(MARKERS)] if points else "none",
            markersize=4,
            linewidth=looks[name].width,
            label=looks[name].label,
        )
        for number, name in enumerate(methods)
    ]
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(MOST_COLUMNS, len(handles)),
        fontsize=style.font_size - 0.5,
        frameon=False,
        labelcolor=style.text,
        handlelength=3.2,
    )


def legend_height_in(methods: Sequence[str]) -> float:
    """Height [inch] to add to a figure for the rows of its legend."""
    return 0.16 * -(-len(methods) // MOST_COLUMNS) + 0.1
