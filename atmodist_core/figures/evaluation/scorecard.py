"""Figure of a scorecard: measures by models, coloured by improvement over the reference where that is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.findings.cell_colours import cell_colour, scale_colours, text_colour
from atmodist_core.figures.findings.scorecard import cell_text
from atmodist_core.figures.style import PUBLICATION, FigureStyle, add_titles, new_figure, units_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN = 0.235
_FOOT_IN, _HEAD_IN = 0.75, 0.95


def scorecard_figure(
    tables: Mapping[str, xr.Dataset],
    names: Mapping[str, str],
    *,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
) -> Figure:
    """Draw the scorecards of several fields side by side.

    Parameters
    ----------
    tables : mapping of str to xarray.Dataset
        Field to its table, as :func:`~atmodist_core.figures.findings.scorecard.scorecard_table` returns it; all of the same measures
        and models.
    names : mapping of str to str
        Label of a model in the tables to its name in the figure.
    caption : str, optional
        Text below the figure, already broken into lines.
    style : FigureStyle
    """
    first = next(iter(tables.values()))
    lines = 0 if caption is None else caption.count("\n") + 1
    rows = first.sizes["measure"]
    figure = new_figure(style.width_in, ROW_IN * rows + _HEAD_IN + _FOOT_IN + 0.12 * lines, style)
    grid = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
    theme = "light" if style.background == PUBLICATION.background else "dark"
    for axes, (field, table) in zip(grid, tables.items(), strict=True):
        _draw(axes, table, names, style, theme)
        axes.set_title(field, fontsize=style.font_size + 1, color=style.text, pad=4)
    texts = [_row_text(first, str(measure)) for measure in first["measure"].values]
    grid[0].set_yticks(np.arange(rows), texts, fontsize=style.font_size - 1.2)
    _legend(figure, names[str(first.attrs["reference"])], style, theme)
    add_titles(figure, None, caption, style)
    return figure


def _draw(axes: Axes, table: xr.Dataset, names: Mapping[str, str], style: FigureStyle, theme: str) -> None:
    from matplotlib.patches import Rectangle

    models = [str(name) for name in table["model"].values]
    measures = [str(name) for name in table["measure"].values]
    for column, model in enumerate(models):
        for row, measure in enumerate(measures):
            one = table.sel(model=model, measure=measure)
            sure = bool(one["sure"])
            colour = cell_colour(float(one["improvement"]), theme) if sure else style.background
            axes.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor=style.grid, linewidth=0.5
                )
            )
            factor = 10.0 ** -_power(str(one["units"].item()))
            ink = text_colour(colour) if sure else style.muted
            axes.text(
                column,
                row,
                cell_text(one, factor),
                ha="center",
                va="center",
                color=ink,
                fontsize=style.font_size - 1.8,
            )
    groups = [str(name) for name in table["group"].values]
    for row in range(1, len(groups)):
        if groups[row] != groups[row - 1]:
            axes.axhline(row - 0.5, color=style.muted, linewidth=0.8)
    axes.set_xlim(-0.5, len(models) - 0.5)
    axes.set_ylim(len(measures) - 0.5, -0.5)
    labels = [names[model].replace(", ", ",\n") for model in models]
    axes.set_xticks(
        np.arange(len(models)),
        labels,
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=style.font_size - 1.2,
    )
    axes.tick_params(length=0, colors=style.text)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _power(units: str) -> int:
    """Power of ten in which values with these units are written."""
    return -6 if units == "s-1" else 0


def _row_text(table: xr.Dataset, measure: str) -> str:
    one = table.sel(measure=measure)
    units = str(one["units"].item())
    power = f"10$^{{{_power(units)}}}$ " if _power(units) else ""
    unit = "" if units in ("", "1") else f" [{power}{units_label(units)}]"
    ideal = {"one": ", ideal 1", "zero": ", ideal 0"}.get(str(one["ideal"].item()), "")
    return f"{str(one['long_name'].item()).replace(' relative to the truth', ' / truth')}{unit}{ideal}"


def _legend(figure: Figure, reference: str, style: FigureStyle, theme: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    scale = ScalarMappable(Normalize(-1, 1), ListedColormap(scale_colours(theme)))
    bar = figure.colorbar(scale, ax=figure.axes, orientation="horizontal", fraction=0.03, aspect=45, pad=0.02)
    bar.set_ticks(
        [-1, -0.5, 0, 0.5, 1], labels=["twice as far", "", "as far", "half as far", "equal to the truth"]
    )
    bar.ax.tick_params(labelsize=style.font_size - 1.5, colors=style.text, length=2)
    bar.outline.set_visible(False)
    bar.set_label(
        f"distance from the ideal value relative to {reference}; without colour: undecided",
        fontsize=style.font_size - 1,
        color=style.text,
    )
