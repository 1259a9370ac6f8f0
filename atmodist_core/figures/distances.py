"""Distances between times: matrices, curves over the lag, and what lag a network guesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.maps import add_colour_bar, draw_map, scale_limits
from atmodist_core.figures.method_styles import method_style
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

LOOKS = {
    "AtmoDist": ("#009e73", "-", "o"),
    "l2": ("#0072b2", "-", "s"),
    "l1": ("#56b4e9", "--", "^"),
    "1-SSIM": ("#d55e00", "-.", "D"),
}
"""Colour, line and mark of each distance: they differ without colour too."""

_NAMES = {"atmodist": "AtmoDist", "rmse": "RMSE", "dissimilarity": "1 - SSIM"}


def distances_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw matrices of distances between times, curves over the lag, the confusion of lags, a pair of fields and distances of methods.

    Parameters
    ----------
    tables : mapping of str to xarray.Dataset
        ``matrices``, and as far as there are any ``curves``, ``confusion``, ``pair`` and ``methods``, from :mod:`atmodist_core.figures.numbers`.
    caption : str, optional
        Below everything.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure
    """
    matrices = tables["matrices"]
    rows = 1 + ("curves" in tables or "confusion" in tables) + ("pair" in tables) + ("methods" in tables)
    figure = new_figure(style.width_in, 0.47 * style.width_in * rows, style)
    grid = figure.subplots(rows, 2, squeeze=False)
    for axes, name in zip(grid[0], ("atmodist", "rmse"), strict=True):
        if name in matrices:
            draw_time_matrix(axes, matrices[name], style=style)
        else:
            axes.set_visible(False)
    row = 1
    if "curves" in tables or "confusion" in tables:
        _draw_or_hide(grid[row, 0], tables.get("curves"), draw_lag_curves, style)
        _draw_or_hide(grid[row, 1], tables.get("confusion"), draw_confusion, style)
        row += 1
    if "pair" in tables:
        _draw_pair(figure, grid[row], tables["pair"], style)
        row += 1
    if "methods" in tables:
        for axes, name in zip(grid[row], ("atmodist", "rmse"), strict=True):
            if name in tables["methods"]:
                draw_method_matrix(axes, tables["methods"][name], style=style)
            else:
                axes.set_visible(False)
    add_titles(figure, None, wrapped(caption, style), style)
    return figure


def _draw_or_hide(axes: Axes, table: xr.Dataset | None, draw: object, style: FigureStyle) -> None:
    if table is None or not callable(draw):
        axes.set_visible(False)
    else:
        draw(axes, table, style=style)


def draw_time_matrix(axes: Axes, matrix: xr.DataArray, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw distances between times, shape ``(time, other_time)``, as a picture with a colour bar."""
    values = matrix.values
    picture = axes.imshow(
        values,
        origin="lower",
        cmap="viridis",
        vmin=0,
        vmax=float(np.nanmax(values)) or 1.0,
        interpolation="nearest",
    )
    times = matrix["time"].values
    places = np.unique(np.linspace(0, times.size - 1, min(4, times.size)).round().astype(int))
    labels = [np.datetime_as_string(times[place], unit="h")[5:].replace("T", " ") + "h" for place in places]
    axes.set_xticks(places, labels, rotation=30, ha="right")
    axes.set_yticks(places, labels)
    axes.set_title(str(matrix.attrs.get("long_name", matrix.name)))
    style_axes(axes, style, grid=False)
    bar = axes.figure.colorbar(picture, ax=axes, shrink=0.85, pad=0.02)
    units = str(matrix.attrs.get("units", ""))
    bar.set_label(
        "" if units in ("", "1") else f"[{units.replace('s-1', 's$^{-1}$')}]",
        fontsize=style.font_size,
        color=style.text,
    )
    bar.ax.tick_params(labelsize=style.font_size - 1, colors=style.text, width=0.6)
    bar.ax.yaxis.get_offset_text().set(fontsize=style.font_size - 1, color=style.text)
    bar.outline.set_edgecolor(style.text)
    bar.outline.set_linewidth(0.6)


def draw_lag_curves(axes: Axes, curves: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw mean distance over the lag with bands of one standard deviation, and mark where 90 % of the plateau is reached."""
    for name in map(str, curves["measure"].values):
        colour, dashes, mark = LOOKS.get(name, (style.text, "-", "o"))
        one = curves.sel(measure=name)
        lead, mean, spread = one["lead"].values, one["mean"].values, one["standard_deviation"].values
        axes.plot(lead, mean, color=colour, linestyle=dashes, linewidth=1.3, label=name)
        axes.fill_between(lead, mean - spread, mean + spread, color=colour, alpha=0.13, linewidth=0)
        at = float(one["saturation"])
        axes.plot(
            at,
            np.interp(at, lead, mean),
            marker=mark,
            color=colour,
            markersize=5,
            markeredgecolor=style.text,
            markeredgewidth=0.6,
        )
    axes.set_xlabel("time between the two fields [h]")
    axes.set_ylabel("distance, scaled together")
    axes.set_title("distance over the lag (marks: 90 % of plateau)")
    axes.set_ylim(bottom=0)
    style_axes(axes, style)
    style_legend(axes, style, location="lower right")


def draw_confusion(axes: Axes, confusion: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw the share of each guessed lag among the guesses for each true one."""
    count = confusion["count"].values.astype(float)
    total = count.sum(axis=1, keepdims=True)
    share = np.divide(count, total, out=np.full_like(count, np.nan), where=total > 0)
    leads = confusion["lead"].values
    half = 0.5 * (leads[1] - leads[0]) if leads.size > 1 else 0.5
    extent = (leads[0] - half, leads[-1] + half, leads[0] - half, leads[-1] + half)
    axes.imshow(share.T, origin="lower", extent=extent, cmap="viridis", vmin=0, interpolation="nearest")
    axes.plot(leads, leads, color="#ffffff", linewidth=0.7, linestyle=":")
    accuracy, chance = 100 * confusion.attrs["accuracy"], 100 * confusion.attrs["accuracy_by_chance"]
    axes.set_title(f"guessed lag: {accuracy:.0f} % right, chance {chance:.0f} %")
    axes.set_xlabel("true lag [h]")
    axes.set_ylabel("most likely lag [h]")
    style_axes(axes, style, grid=False)


def draw_method_matrix(axes: Axes, matrix: xr.DataArray, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw distances between truth and methods with their values."""
    values = matrix.values
    names = [method_style(str(name)).label for name in matrix["state"].values]
    high = float(np.nanmax(values)) or 1.0
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.4 * high, interpolation="nearest")
    for i in range(len(names)):
        for j in range(len(names)):
            if i != j:
                axes.text(
                    j,
                    i,
                    f"{values[i, j]:.3g}",
                    ha="center",
                    va="center",
                    fontsize=style.font_size - 2,
                    color="#1a1a1a",
                )
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    units = str(matrix.attrs.get("units", ""))
    axes.set_title(
        _NAMES.get(str(matrix.name), str(matrix.name))
        + ("" if units in ("", "1") else f" [{units}]")
        + " between methods"
    )
    style_axes(axes, style, grid=False)


def _draw_pair(figure: Figure, row: np.ndarray, pair: xr.Dataset, style: FigureStyle) -> None:
    name = str(next(iter(pair.data_vars)))
    fields = [pair[name].isel(time=place) for place in range(2)]
    low, high = scale_limits(fields)
    for axes, field in zip(row, fields, strict=True):
        picture = draw_map(axes, field, low, high, style=style)
        axes.set_title(str(np.datetime_as_string(field["time"].values, unit="h")).replace("T", " ") + " UTC")
        style_axes(axes, style, grid=False)
    add_colour_bar(figure, picture, list(row), fields[0], style=style)
