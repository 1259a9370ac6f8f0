"""Learning curves of several training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.figures.style import PUBLICATION, add_titles, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#999933")
_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Curve:
    """One score of one training run: a line by horizontal axis (``steps``, ``samples``, ``wall clock [min]``).

    ``score`` is the title with its unit, ``target`` a value drawn as a line; all arrays have shape ``(points,)``.
    """

    run: str
    score: str
    positions: dict[str, NDArray[np.float64]]
    values: NDArray[np.float64]
    target: float | None = None


def curves_figure(curves: Sequence[Curve], *, title: str | None = None) -> Figure:
    """Draw curves: a row per score, a column per axis; raises ``UserError`` without a curve."""
    if not curves:
        raise UserError(
            "Expected at least one held-out score in the curves, found none; wait for the end of an epoch."
        )
    scores = list(dict.fromkeys(curve.score for curve in curves))
    places = list(dict.fromkeys(place for curve in curves for place in curve.positions))
    runs = list(dict.fromkeys(curve.run for curve in curves))
    legend_rows = -(-len(runs) // 3)
    height = 1.55 * len(scores) + 0.5 + 0.18 * legend_rows
    figure = new_figure(PUBLICATION.width_in, height)
    grid = figure.subplots(len(scores), len(places), squeeze=False, sharey="row", sharex="col")
    handles: dict[str, Line2D] = {}
    for row, score in enumerate(scores):
        for column, place in enumerate(places):
            axes = grid[row, column]
            for curve in curves:
                if curve.score == score and place in curve.positions:
                    handles[curve.run] = _draw(axes, curve, place, runs.index(curve.run))
            target = next((c.target for c in curves if c.score == score and c.target is not None), None)
            if target is not None:
                axes.axhline(target, color=PUBLICATION.muted, linewidth=0.6, linestyle=":")
            if column == 0:
                axes.set_ylabel(score)
            if row == len(scores) - 1:
                axes.set_xlabel(place)
            axes.set_xlim(left=0)
            style_axes(axes)
    figure.legend(
        [handles[run] for run in runs if run in handles],
        [run for run in runs if run in handles],
        loc="outside lower center",
        ncols=min(3, len(runs)),
        frameon=False,
        fontsize=PUBLICATION.font_size - 1,
        labelcolor=PUBLICATION.text,
    )
    add_titles(figure, title, None)
    return figure


def _draw(axes: Axes, curve: Curve, place: str, number: int) -> Line2D:
    """Draw one line; runs beyond the eighth repeat colours with other dashes."""
    (line,) = axes.plot(
        curve.positions[place],
        curve.values,
        linestyle=_DASHES[number // len(_COLOURS) % len(_DASHES)],
        color=_COLOURS[number % len(_COLOURS)],
        linewidth=1.2,
        marker="o" if len(curve.values) < 30 else "",
        markersize=2.0,
        label=curve.run,
    )
    return line
