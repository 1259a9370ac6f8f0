"""Figures of distributions, quantiles, extremes and scores over time of an evaluation.

Each figure function takes one group of the evaluation and the method styles by label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.method_styles import MARKERS, MethodStyle, legend_above, legend_height_in
from atmodist_core.figures.spectra import TRUTH
from atmodist_core.figures.style import (
    PUBLICATION,
    new_figure,
    power_of_ten,
    scaled_units,
    style_axes,
    units_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 240
"""Most points of a line over time: longer records are averaged."""

LEAST_QUANTILE = 0.02
"""Ratios need a quantile larger than this share of the largest one: the median is near zero."""


def _columns(table: xr.Dataset) -> tuple[list[str], float]:
    fields = [str(name) for name in table["field"].values]
    return fields, PUBLICATION.width_in if len(fields) > 1 else 0.6 * PUBLICATION.width_in


def _units(table: xr.Dataset, field: str) -> str:
    return str(table["field_units"].sel(field=field).item()) if "field_units" in table.coords else "s-1"


def densities_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw the densities of all models, from the group ``values``, on a logarithmic axis."""
    fields, width = _columns(table)
    models = [str(name) for name in table["density"]["model"].values]
    figure = new_figure(width, 0.4 * PUBLICATION.width_in + legend_height_in(models))
    for axes, field in zip(figure.subplots(1, len(fields), squeeze=False)[0], fields, strict=True):
        edges = np.append(table["value_left"].sel(field=field), table["value_right"].sel(field=field)[-1])
        heights = {name: table["density"].sel({"model": name, "field": field}).values for name in models}
        draw_densities(axes, edges, heights, styles, _units(table, field))
        axes.set_title(field)
        axes.set_xlabel(f"{field}{scaled_units(_units(table, field), power_of_ten(edges))}")
        style_axes(axes)
    legend_above(figure, styles, models)
    return figure


def draw_densities(
    axes: Axes,
    edges: np.ndarray,
    heights: Mapping[str, np.ndarray],
    styles: Mapping[str, MethodStyle],
    units: str,
) -> None:
    """Draw densities by label as steps; the vertical axis ends just below the truth's smallest density.

    ``edges`` of shape ``(bin + 1,)`` are in ``units``, heights have shape ``(bin,)``.
    """
    power = power_of_ten(edges)
    filled = np.zeros(edges.size - 1, dtype=bool)
    lowest = np.inf
    for name, height in heights.items():
        values = np.where(height > 0, height * 10.0**power, np.nan)
        filled |= np.isfinite(values)
        lowest = min(lowest, float(np.nanmin(values, initial=np.inf)))
        axes.stairs(values, edges / 10.0**power, baseline=None, **styles[name].line())
    if np.isfinite(lowest):
        truth = heights.get(TRUTH)
        if truth is not None and (truth > 0).any():
            # Bins that only another model reaches, once in years, would double the axis.
            lowest = max(lowest, 0.1 * float(truth[truth > 0].min()) * 10.0**power)
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5 * lowest)
        places = np.flatnonzero(filled)
        axes.set_xlim(edges[places[0]] / 10.0**power, edges[places[-1] + 1] / 10.0**power)
    inverse = {"s-1": "s"}.get(units, f"1/({units_label(units)})")
    axes.set_ylabel(f"density [{f'10$^{{{-power}}}$ ' if power else ''}{inverse}]")


def quantile_ratio(table: xr.Dataset, field: str) -> xr.Dataset:
    """Return quantiles relative to the truth's: ``value``, ``low`` and ``high`` by (model, probability).

    Ratios are missing where the truth's quantile is near zero.
    """
    truth = table["quantile"].sel({"model": TRUTH, "field": field}).drop_vars("model")
    usable = np.abs(truth) > LEAST_QUANTILE * np.abs(truth).max()
    models = [name for name in table["model"].values if name != TRUTH]
    found = {}
    for name, variable in (("value", "quantile"), ("low", "quantile_low"), ("high", "quantile_high")):
        if variable in table:
            found[name] = (table[variable].sel({"model": models, "field": field}) / truth).where(usable)
    result = xr.Dataset(found)
    if {"low", "high"} <= set(found):
        # For negative quantiles, the lower end gives the larger ratio.
        ends = np.stack([result["low"].values, result["high"].values])
        result["low"].values[...], result["high"].values[...] = ends.min(axis=0), ends.max(axis=0)
    return result


def quantile_ratios_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw quantiles of the group ``values`` relative to the truth's, with their own 95 % intervals."""
    fields, width = _columns(table)
    models = [str(name) for name in table["model"].values if name != TRUTH]
    figure = new_figure(width, 0.34 * PUBLICATION.width_in + legend_height_in(models))
    grid = figure.subplots(1, len(fields), squeeze=False, sharey=True)[0]
    for axes, field in zip(grid, fields, strict=True):
        ratios = quantile_ratio(table, field)
        usable = np.flatnonzero(np.isfinite(ratios["value"].values).any(axis=0))
        for number, name in enumerate(models):
            one = ratios.sel({"model": name}).isel(probability=usable)
            shift = 0.7 * ((number + 0.5) / len(models) - 0.5)
            marker = MARKERS[number % len(MARKERS)]
            _points(axes, np.arange(usable.size) + shift, one, styles[name], marker)
        axes.axhline(1.0, color=PUBLICATION.text, linewidth=0.8)
        labels = [f"{100 * float(p):g}" for p in table["probability"].values[usable]]
        axes.set_xticks(range(usable.size), labels)
        axes.set_xlabel("quantile [%]")
        axes.set_title(field)
        style_axes(axes)
    grid[0].set_ylabel("quantile / truth's")
    legend_above(figure, styles, models, points=True)
    return figure


def _points(axes: Axes, x: np.ndarray, one: xr.Dataset, own: MethodStyle, marker: str) -> None:
    """Draw points with bars from ``low`` to ``high``."""
    colour = own.colour or PUBLICATION.text
    axes.plot(x, one["value"].values, linestyle="none", marker=marker, markersize=3.2, color=colour)
    if "low" in one and "high" in one:
        axes.vlines(x, one["low"].values, one["high"].values, color=colour, linewidth=1.1)


def return_ratios_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw how often extremes are exceeded relative to the truth, from the group ``extremes``, with 95 % intervals."""
    fields, width = _columns(table)
    models = [str(name) for name in table["model"].values if name != TRUTH]
    tails = [str(tail) for tail in table["tail"].values]
    figure = new_figure(width, 0.6 + 0.17 * len(models) * len(tails))
    grid = figure.subplots(1, len(fields), squeeze=False, sharey=True)[0]
    rows = [(tail, name) for tail in tails for name in models]
    for axes, field in zip(grid, fields, strict=True):
        for place, (tail, name) in enumerate(rows):
            at = {"model": name, "field": field, "tail": tail}
            colour = styles[name].colour or PUBLICATION.text
            if {"return_ratio_low", "return_ratio_high"} <= set(table):
                ends = (float(table[f"return_ratio_{end}"].sel(at)) for end in ("low", "high"))
                axes.hlines(place, *ends, color=colour, linewidth=1.6)
            axes.plot(float(table["return_ratio"].sel(at)), place, "o", color=colour, markersize=4)
        axes.axvline(1.0, color=PUBLICATION.text, linewidth=0.8)
        for border in range(len(models), len(rows), len(models)):
            axes.axhline(border - 0.5, color=PUBLICATION.muted, linewidth=0.5)
        axes.set_xlabel("exceedances / truth's")
        axes.set_title(field)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        style_axes(axes)
    grid[0].set_yticks(range(len(rows)), [f"{styles[name].label}, {tail} tail" for tail, name in rows])
    return figure


SERIES = {"rmse": "RMSE", "ssim": "SSIM", "psnr": "PSNR", "atmodist": "AtmoDist"}
"""Scores over time, in drawing order."""


def series_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw the group ``series`` over time: a row per score, a column per field."""
    fields, _ = _columns(table)
    models = [str(name) for name in table["model"].values]
    scores = [name for name in SERIES if name in table]
    per_field = [name for name in scores if "field" in table[name].dims]
    whole = [name for name in scores if name not in per_field]
    rows = len(per_field) + len(whole)
    figure = new_figure(PUBLICATION.width_in, 0.2 * PUBLICATION.width_in * rows + legend_height_in(models))
    grid = figure.add_gridspec(rows, len(fields))
    pieces = time_pieces(table["time"].values)
    for row, name in enumerate(per_field):
        for column, field in enumerate(fields):
            axes = figure.add_subplot(grid[row, column])
            _lines(axes, table[name].sel(field=field), pieces, models, styles)
            if row == 0:
                axes.set_title(field)
            units = str(table[name].attrs.get("units", "1"))
            _label(axes, SERIES[name], _units(table, field) if name == "rmse" else units)
    for row, name in enumerate(whole, start=len(per_field)):
        axes = figure.add_subplot(grid[row, :])
        _lines(axes, table[name], pieces, models, styles)
        _label(axes, SERIES[name], str(table[name].attrs.get("units", "1")))
    legend_above(figure, styles, models)
    return figure


def time_pieces(times: np.ndarray) -> list[np.ndarray]:
    """Return the indices of times averaged to one point each; an empty array marks a gap in time."""
    steps = np.diff(times).astype("timedelta64[s]").astype(float)
    usual = float(np.median(steps)) if steps.size else 1.0
    breaks = np.flatnonzero((steps > 4 * usual) | (steps <= 0)) + 1
    length = -(-times.size // MOST_POINTS)
    pieces: list[np.ndarray] = []
    for part in np.split(np.arange(times.size), breaks):
        if pieces:
            pieces.append(np.array([], dtype=int))
        pieces += np.array_split(part, -(-part.size // length))
    return pieces


def _lines(
    axes: Axes,
    values: xr.DataArray,
    pieces: Sequence[np.ndarray],
    models: Sequence[str],
    styles: Mapping[str, MethodStyle],
) -> None:
    seconds = values["time"].values.astype("datetime64[s]").astype(np.int64)
    middle = np.array([int(seconds[p].mean()) if p.size else seconds[0] for p in pieces]).astype(
        "datetime64[s]"
    )
    for name in models:
        own = values.sel({"model": name}).values
        mean = [float(own[p].mean()) if p.size else np.nan for p in pieces]
        axes.plot(middle, mean, **styles[name].line() | {"linewidth": 0.8 * styles[name].width})


def _label(axes: Axes, name: str, units: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    shown = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()])
    power = power_of_ten(shown)
    axes.set_ylabel(f"{name}{scaled_units(units, power)}")
    axes.yaxis.set_major_formatter(lambda y, _: f"{y / 10.0**power:.3g}")
    locator = AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    style_axes(axes)
    axes.xaxis.get_offset_text().set(fontsize=PUBLICATION.font_size - 1, color=PUBLICATION.text)
