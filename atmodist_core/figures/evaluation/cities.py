"""Figures of cities in an evaluation: maps of where a candidate is better, and densities at one city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.cities import draw_world
from atmodist_core.figures.evaluation.values import draw_densities
from atmodist_core.figures.method_styles import VERDICTS, MethodStyle, legend_above, legend_height_in
from atmodist_core.figures.style import PUBLICATION, new_figure, power_of_ten, scaled_units, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def verdict_maps_figure(table: xr.Dataset, candidate: str) -> Figure:
    """Draw where a candidate is closer to the truth, from the group ``verdicts``.

    A row per box size, a column per field; markers are filled where the interval agrees with the verdict.
    """
    fields = [str(name) for name in table["field"].values]
    boxes = table["box"].values
    width = PUBLICATION.width_in if len(fields) > 1 else 0.65 * PUBLICATION.width_in
    panel = width / len(fields)
    figure = new_figure(width, (0.42 * panel + 0.25) * len(boxes) + 0.35)
    grid = figure.subplots(len(boxes), len(fields), squeeze=False, sharex=True, sharey=True)
    for row, box in zip(grid, boxes, strict=True):
        for axes, field in zip(row, fields, strict=True):
            _verdicts(axes, table.sel(candidate=candidate, field=field, box=box))
            axes.set_title(f"{field}, {box} x {box} points", fontsize=PUBLICATION.font_size)
            axes.title.set_color(PUBLICATION.text)
    from matplotlib.lines import Line2D

    words = [(word, mark, colour, True) for word, mark, colour in VERDICTS.values()]
    words += [
        (f"{word}, not significant", mark, colour, False)
        for word, mark, colour in VERDICTS.values()
        if word != "equal"
    ]
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=mark,
            markersize=4.5,
            label=word,
            markeredgewidth=0.8,
            color=colour if sure else "none",
            markeredgecolor=PUBLICATION.text if sure else colour,
        )
        for word, mark, colour, sure in words
    ]
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=5,
        fontsize=PUBLICATION.font_size - 0.5,
        frameon=False,
        labelcolor=PUBLICATION.text,
    )
    return figure


def _verdicts(axes: Axes, one: xr.Dataset) -> None:
    draw_world(axes)
    longitude = (one["longitude"].values + 180.0) % 360.0 - 180.0
    verdict = one["verdict"].values
    sure = one["sure"].values == 1 if "sure" in one else np.ones(verdict.shape, dtype=bool)
    # Equal cities first, so that they do not cover others.
    for value in (0, -1, 1):
        _, mark, colour = VERDICTS[value]
        for full in (False, True):
            here = (verdict == value) & ((sure == full) if value else full)
            axes.scatter(
                longitude[here],
                one["latitude"].values[here],
                marker=mark,
                s=8 if value == 0 else 13,
                facecolor=colour if full else PUBLICATION.background,
                edgecolor=PUBLICATION.text if full else colour,
                linewidth=0.35 if full else 0.9,
                zorder=3,
            )
    style_axes(axes, grid=False)


def city_densities_figure(table: xr.Dataset, city: str, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw the densities at one city from the group ``cities``: a row per field, a column per box size."""
    fields = [str(name) for name in table["field"].values]
    boxes = table["box"].values
    models = [str(name) for name in table["density"]["model"].values]
    height = 0.29 * PUBLICATION.width_in * len(fields) + legend_height_in(models)
    figure = new_figure(PUBLICATION.width_in, height)
    grid = figure.subplots(len(fields), len(boxes), squeeze=False)
    for row, field in zip(grid, fields, strict=True):
        units = str(table["field_units"].sel(field=field).item()) if "field_units" in table.coords else "s-1"
        edges = np.append(
            table["density_edge_left"].sel(field=field), table["density_edge_right"].sel(field=field)[-1]
        )
        for axes, box in zip(row, boxes, strict=True):
            place = {"field": field, "box": box, "city": city}
            heights = {name: table["density"].sel({"model": name, **place}).values for name in models}
            draw_densities(axes, edges, heights, styles, units)
            axes.set_xlabel(f"{field}{scaled_units(units, power_of_ten(edges))}")
            samples = f"\n{int(table['samples'].sel(box=box)):,} values" if "samples" in table else ""
            axes.set_title(f"{box} x {box} points{samples}")
            if box != boxes[0]:
                axes.set_ylabel("")
            style_axes(axes)
            axes.title.set_fontsize(PUBLICATION.font_size)
    legend_above(figure, styles, models)
    return figure
