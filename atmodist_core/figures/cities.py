"""Figures of cities: densities, and where one model is closer to the truth than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.geography import coastlines
from atmodist_core.figures.method_styles import VERDICTS, method_style
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
"""Values are drawn in 1e-5 s-1, as on the page."""


def cities_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw densities of both fields in boxes around the selected cities, and the map of verdicts.

    The tables come from :func:`atmodist_core.figures.numbers.cities.city_tables`. Raises ``UserError`` if there is
    neither a city nor a pair of models.
    """
    values = tables.get("values")
    names = [] if values is None else [str(name) for name in values["city"].values[:MOST_CITIES]]
    if not names and "verdict" not in tables:
        raise UserError("Expected a selected city or two models to compare, found neither; select a city.")
    rows = len(FIELDS) * len(names)
    has_map = "verdict" in tables
    ratios = [1.0] * rows + ([2.1] if has_map else [])
    figure = new_figure(style.width_in, 0.235 * style.width_in * sum(ratios) + 0.4, style)
    grid = figure.add_gridspec(len(ratios), len(BOXES), height_ratios=ratios)
    for number, city in enumerate(names):
        assert values is not None  # without values there are no names
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
    """Draw the densities of one field at one city on a logarithmic axis."""
    methods = [str(name) for name in values["model"].values]
    samples = [sample_of(values, name, city, field, box) * np.float32(SCALE) for name in methods]
    edges = bin_edges(samples)
    least = np.inf
    for name, sample in zip(methods, samples, strict=True):
        own, height = method_style(name), density(sample, edges)
        least = min(least, float(height[height > 0].min()))
        axes.stairs(height, edges, baseline=None, label=own.label, **own.line(style))
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 * least)
    axes.set_title(f"{city}, {box} x {box}: {samples[0].size} values")
    axes.set_xlabel(f"{field} [10$^{{-5}}$ s$^{{-1}}$]")
    if box == BOXES[0]:
        axes.set_ylabel("density [10$^{5}$ s]")
    style_axes(axes, style)


def draw_verdicts(axes: Axes, table: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw where one model is closer to the truth than another on a world map."""
    draw_world(axes, style)
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
    candidate, baseline = (method_style(str(table.attrs[name])).label for name in ("candidate", "baseline"))
    axes.set_title(
        f"{candidate} against {baseline}: {table.attrs['field']}, {table.attrs['box']} x {table.attrs['box']} points"
    )
    style_axes(axes, style, grid=False)
    style_legend(axes, style, location="lower left")


def draw_world(axes: Axes, style: FigureStyle = PUBLICATION) -> None:
    """Draw coastlines and degree labels from 60°S to 80°N."""
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(coastlines(), colors=style.muted, linewidths=0.35), autolim=False)
    axes.set_xlim(-180, 180)
    axes.set_ylim(-60, 80)
    axes.set_aspect("equal")
    axes.set_xticks(np.arange(-120, 121, 60), ["120°W", "60°W", "0°", "60°E", "120°E"])
    axes.set_yticks(np.arange(-30, 61, 30), ["30°S", "0°", "30°N", "60°N"])
