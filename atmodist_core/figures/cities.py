"""Densities at cities, and where one method is closer to the truth than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.geography import coastlines
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.numbers.cities import BOXES, FIELDS, bin_edges, density, sample_of, totals
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    style_axes,
    style_legend,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CITIES = 4
SCALE = 1e5
"""Values are shown in 1e-5 s-1, as on the page."""

VERDICTS = {1: ("better", "^", "#009e73"), 0: ("equal", "o", "#9aa4ae"), -1: ("worse", "v", "#e69f00")}


def cities_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw the densities of both fields at three sizes of box for each selected city, and the map of the verdicts.

    Parameters
    ----------
    tables : mapping of str to xarray.Dataset
        From :func:`atmodist_core.figures.numbers.cities.city_tables`.
    caption : str, optional
        Below everything.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        If there is neither a city nor a verdict.
    """
    values = tables.get("values")
    names = [] if values is None else [str(name) for name in values["city"].values[:MOST_CITIES]]
    if not names and "verdict" not in tables:
        raise UserError("Expected a selected city or two methods to compare, found neither; select a city.")
    rows = len(FIELDS) * len(names)
    has_map = "verdict" in tables
    ratios = [1.0] * rows + ([2.1] if has_map else [])
    figure = new_figure(style.width_in, 0.235 * style.width_in * sum(ratios) + 0.4, style)
    grid = figure.add_gridspec(len(ratios), len(BOXES), height_ratios=ratios)
    for number, city in enumerate(names):
        assert values is not None  # there are names only with values
        for line, field in enumerate(FIELDS):
            for column, box in enumerate(BOXES):
                axes = figure.add_subplot(grid[len(FIELDS) * number + line, column])
                draw_density(axes, values, city, field, box, style=style)
                if number == line == column == 0:
                    style_legend(axes, style)
    if has_map:
        draw_verdicts(figure.add_subplot(grid[rows, :]), tables["verdict"], style=style)
    add_titles(figure, None, wrapped(caption, style), style)
    return figure


def draw_density(
    axes: Axes, values: xr.Dataset, city: str, field: str, box: int, *, style: FigureStyle = PUBLICATION
) -> None:
    """Draw the densities of one field at one city, for every method, on a logarithmic axis."""
    methods = [str(name) for name in values["method"].values]
    samples = [sample_of(values, name, city, field, box) * np.float32(SCALE) for name in methods]
    edges = bin_edges(samples)
    least = np.inf
    for name, sample in zip(methods, samples, strict=True):
        look, height = method_style(name), density(sample, edges)
        least = min(least, float(height[height > 0].min()))
        axes.stairs(
            height,
            edges,
            baseline=None,
            color=look.colour or style.text,
            linestyle=look.linestyle,
            linewidth=look.width,
            label=look.label,
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 * least)
    axes.set_title(f"{city}, {box} x {box}: {samples[0].size} values")
    axes.set_xlabel(f"{field} [10$^{{-5}}$ s$^{{-1}}$]")
    if box == BOXES[0]:
        axes.set_ylabel("density [10$^{5}$ s]")
    style_axes(axes, style)


def draw_verdicts(axes: Axes, table: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw where one method is closer to the truth than another, on a map of the world."""
    for line in coastlines():
        axes.plot(line[:, 0], line[:, 1], color=style.muted, linewidth=0.4)
    verdict = table["verdict"].values
    longitude = (table["longitude"].values + 180.0) % 360.0 - 180.0
    counts = totals(verdict)
    for value, (word, mark, colour) in VERDICTS.items():
        here = verdict == value
        axes.scatter(
            longitude[here],
            table["latitude"].values[here],
            marker=mark,
            s=16,
            color=colour,
            edgecolor=style.text,
            linewidth=0.4,
            label=f"{word}: {counts[word]}",
            zorder=3,
        )
    axes.set_xlim(-180, 180)
    axes.set_ylim(-60, 80)
    axes.set_aspect("equal")
    axes.set_xticks(np.arange(-120, 121, 60), ["120°W", "60°W", "0°", "60°E", "120°E"])
    axes.set_yticks(np.arange(-30, 61, 30), ["30°S", "0°", "30°N", "60°N"])
    judged, baseline = (method_style(str(table.attrs[name])).label for name in ("judged", "baseline"))
    axes.set_title(
        f"{judged} against {baseline}: {table.attrs['field']}, {table.attrs['box']} x {table.attrs['box']} points"
    )
    style_axes(axes, style, grid=False)
    style_legend(axes, style, location="lower left")
