"""Figures of distances: between times and models, over the lag, and the confusion of predicted lags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.figures.maps.field_maps import SEQUENTIAL, add_colour_bar, draw_map, scale_limits
from atmodist_core.figures.method_styles import distance_style, method_style
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    power_of_ten,
    scaled_units,
    style_axes,
    style_colour_bar,
    style_legend,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMES = {"atmodist": "AtmoDist", "rmse": "RMSE", "dissimilarity": "1 - SSIM"}


def distances_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw the tables of distances as one figure.

    They are ``matrices`` and optionally ``curves``, ``confusion``, ``pair`` and ``methods`` from
    :mod:`atmodist_core.figures.numbers`.
    """
    matrices = tables["matrices"]
    rows = 1 + ("curves" in tables or "confusion" in tables) + ("pair" in tables) + ("methods" in tables)
    figure = new_figure(style.width_in, 0.47 * style.width_in * rows, style)
    grid = figure.subplots(rows, 2, squeeze=False)
    for axes, name in zip(grid[0], ("atmodist", "rmse"), strict=True):
        _draw_or_hide(axes, matrices.get(name), draw_time_matrix, style)
    row = 1
    if "curves" in tables or "confusion" in tables:
        _draw_or_hide(grid[row, 0], tables.get("curves"), draw_lag_curves, style)
        _draw_or_hide(grid[row, 1], tables.get("confusion"), _draw_confusion_table, style)
        row += 1
    if "pair" in tables:
        _draw_pair(figure, grid[row], tables["pair"], style)
        row += 1
    if "methods" in tables:
        for axes, name in zip(grid[row], ("atmodist", "rmse"), strict=True):
            _draw_or_hide(axes, tables["methods"].get(name), draw_model_matrix, style)
    add_titles(figure, None, wrapped(caption, style), style)
    return figure


def _draw_or_hide(axes: Axes, table: Any, draw: Callable[..., None], style: FigureStyle) -> None:
    if table is None:
        axes.set_visible(False)
    else:
        draw(axes, table, style=style)


def draw_time_matrix(axes: Axes, matrix: xr.DataArray, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw distances between times, shape ``(time, other_time)``, with a colour bar."""
    values = matrix.values
    picture = axes.imshow(
        values,
        origin="lower",
        cmap="viridis",
        vmin=0,
        vmax=float(np.nanmax(values)) or 1.0,
        interpolation="nearest",
    )
    dates, texts = shown_dates(matrix), time_texts(matrix)
    places = evenly_spaced(len(texts), 4)
    labels = [f"{dates.text(texts[place])[5:13]}h" for place in places]
    axes.set_xticks(places, labels, rotation=30, ha="right")
    axes.set_yticks(places, labels)
    axes.set_title(str(matrix.attrs.get("long_name", matrix.name)))
    style_axes(axes, style, grid=False)
    bar = axes.figure.colorbar(picture, ax=axes, shrink=0.85, pad=0.02)
    power = power_of_ten(values)
    bar.ax.yaxis.set_major_formatter(lambda y, _: f"{y / 10.0**power:g}")
    style_colour_bar(bar, scaled_units(str(matrix.attrs.get("units", "")), power).strip(), style)


def draw_lag_curves(axes: Axes, curves: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw mean distances over the lag, bands of one standard deviation, and markers at 90 % of the plateau."""
    for name in map(str, curves["measure"].values):
        look = distance_style(name)
        line = look.line(style)
        one = curves.sel(measure=name)
        lag, mean, spread = one["lag"].values, one["mean"].values, one["standard_deviation"].values
        axes.plot(lag, mean, label=name, **line)
        axes.fill_between(lag, mean - spread, mean + spread, color=line["color"], alpha=0.13, linewidth=0)
        at = float(one["saturation"])
        axes.plot(
            at,
            np.interp(at, lag, mean),
            marker=look.marker,
            color=line["color"],
            markersize=5,
            markeredgecolor=style.text,
            markeredgewidth=0.6,
        )
    axes.set_xlabel("time lag [h]")
    axes.set_ylabel("scaled distance")
    axes.set_title("distance over the lag (markers: 90 % of the plateau)")
    axes.set_ylim(bottom=0)
    style_axes(axes, style)
    style_legend(axes, style, location="lower right")


def draw_confusion(
    axes: Axes, counts: np.ndarray, lags_h: np.ndarray, *, style: FigureStyle = PUBLICATION
) -> Any:
    """Draw the share of each predicted lag among the pairs of each true lag, and return the mappable.

    ``counts`` are numbers of pairs, shape ``(true lag, predicted lag)``; ``lags_h`` are evenly spaced lags [h].
    """
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    half = 0.5 * (lags_h[1] - lags_h[0]) if lags_h.size > 1 else 0.5
    ends = (lags_h[0] - half, lags_h[-1] + half)
    picture = axes.imshow(
        share.T, origin="lower", extent=(*ends, *ends), cmap=SEQUENTIAL, vmin=0, interpolation="nearest"
    )
    axes.plot(lags_h, lags_h, color="#ffffff", linewidth=0.7, linestyle=":")
    axes.set_xlabel("true lag [h]")
    axes.set_ylabel("predicted lag [h]")
    style_axes(axes, style, grid=False)
    return picture


def _draw_confusion_table(axes: Axes, confusion: xr.Dataset, *, style: FigureStyle) -> None:
    draw_confusion(axes, confusion["count"].values.astype(float), confusion["lag"].values, style=style)
    accuracy, chance = 100 * confusion.attrs["accuracy"], 100 * confusion.attrs["accuracy_by_chance"]
    axes.set_title(f"lag accuracy {accuracy:.0f} % (chance {chance:.0f} %)")
    style_axes(axes, style, grid=False)


def draw_model_matrix(axes: Axes, matrix: xr.DataArray, *, style: FigureStyle = PUBLICATION) -> None:
    """Draw distances between the truth and models, with their values."""
    values = matrix.values
    names = [method_style(str(name)).label for name in matrix["model"].values]
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.4 * (float(np.nanmax(values)) or 1.0))
    text: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "fontsize": style.font_size - 2,
        "color": "#1a1a1a",
    }
    for i, j in np.argwhere(~np.eye(len(names), dtype=bool)):
        axes.text(j, i, f"{values[i, j]:.3g}", **text)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    name = _NAMES.get(str(matrix.name), str(matrix.name))
    axes.set_title(f"{name}{scaled_units(str(matrix.attrs.get('units', '')), 0)} between models")
    style_axes(axes, style, grid=False)


def _draw_pair(figure: Figure, row: np.ndarray, pair: xr.Dataset, style: FigureStyle) -> None:
    name = str(next(iter(pair.data_vars)))
    fields = [pair[name].isel(time=place) for place in range(2)]
    low, high = scale_limits(fields)
    for axes, field in zip(row, fields, strict=True):
        picture = draw_map(axes, field, low, high, style=style)
        axes.set_title(shown_dates(field).words(time_texts(field)[0]))
        style_axes(axes, style, grid=False)
    add_colour_bar(figure, picture, list(row), fields[0], style=style)
