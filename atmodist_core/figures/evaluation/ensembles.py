"""Figures of ensembles: the members of one time with their scores, and the calibration that an evaluation found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.figures.maps.field_maps import draw_map, scale_limits
from atmodist_core.figures.method_styles import MethodStyle, legend_above, legend_height_in, method_style
from atmodist_core.figures.spectra import BAND
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
    units_label,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STAMPS = 4
TOLERANCE = 0.1
"""Half the width of the band around the ideal value 1."""


def ensemble_figure(
    tables: Mapping[str, xr.Dataset], *, caption: str | None = None, style: FigureStyle = PUBLICATION
) -> Figure:
    """Draw four members beside truth, mean, spread and error, the scores, and the calibration at one time.

    ``tables`` are those of :func:`atmodist_core.figures.numbers.studies.ensemble.ensemble_tables`.
    """
    maps, name = tables["maps"], str(tables["scores"].attrs["ensemble"])
    extent = np.ptp(maps["latitude"].values) / np.ptp(maps["longitude"].values)
    row = 0.22 * style.width_in * min(max(float(extent), 0.4), 1.5) + 0.45
    figure = new_figure(style.width_in, 2 * row + 0.66 * style.width_in + 0.9, style)
    parts: Any = figure.subfigures(2, 1, height_ratios=(2 * row + 0.5, 0.66 * style.width_in))
    for part in parts:
        part.set_facecolor(style.background)
    _draw_maps(parts[0], maps, style)
    (ranks, spread), (spectrum, scores) = parts[1].subplots(2, 2)
    line = method_style(name).line(style)
    draw_ranks(ranks, {name: (tables["ranks"]["share"].values, line)}, style)
    if "wavenumbers" in tables:
        table = tables["wavenumbers"]
        degree = table["total_wavenumber"].values
        draw_spread_error(spread, {name: (degree, table["ratio"].values, line)}, style)
    else:
        spread.set_visible(False)
    _draw_spectrum(spectrum, tables["spectra"], name, style)
    _draw_scores(scores, tables["scores"], style)
    add_titles(figure, None, wrapped(caption, style), style)
    return figure


def calibration_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw rank histograms and spread over error of all ensembles of an evaluation, a row for each field.

    ``table`` is the group ``ensembles`` of an evaluation.
    """
    models = ensembles_of(table)
    fields = [str(name) for name in table["field"].values]
    figure = new_figure(
        PUBLICATION.width_in, 0.33 * PUBLICATION.width_in * len(fields) + legend_height_in(models)
    )
    grid = figure.subplots(len(fields), 2, squeeze=False)
    for (left, right), field in zip(grid, fields, strict=True):
        found = table.sel(field=field)
        shares = found["rank_share"].isel(area_part=0)
        draw_ranks(left, {m: (shares.sel(model=m).values, styles[m].line()) for m in models}, PUBLICATION)
        left.set_title(f"rank histogram, {field.replace('_', ' ')}")
        if "spread_error_by_wavenumber" in found:
            ratio = found["spread_error_by_wavenumber"]
            degree = np.arange(ratio.sizes["wavenumber"])
            curves = {m: (degree, ratio.sel(model=m).values, styles[m].line()) for m in models}
            draw_spread_error(right, curves, PUBLICATION)
        else:
            right.set_visible(False)
    legend_above(figure, styles, models)
    return figure


def ensembles_of(table: xr.Dataset) -> list[str]:
    """Return the models of the group ``ensembles`` that have more than one member."""
    return [str(m) for m in table["model"].values if int(table["members"].sel(model=m)) > 1]


def draw_ranks(
    axes: Axes, shares: Mapping[str, tuple[np.ndarray, Mapping[str, Any]]], style: FigureStyle
) -> None:
    """Draw rank histograms relative to a flat one; each is the share of every rank, and the look of its line."""
    top = 2.0
    for share, look in shares.values():
        known = share[np.isfinite(share)]
        values = known * known.size / known.sum()
        axes.stairs(values, np.arange(known.size + 1) - 0.5, baseline=None, **_edge(look))
        top = max(top, 1.05 * float(values.max()))
    _around_one(axes, style, top)
    axes.set_title("rank histogram")
    axes.set_xlabel("members below the truth")
    axes.set_ylabel("share / flat")
    style_axes(axes, style)


def draw_spread_error(
    axes: Axes,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, Mapping[str, Any]]],
    style: FigureStyle,
) -> None:
    """Draw spread over error over the total wavenumber; each curve is wavenumbers, ratios, and the look of its line."""
    for degree, ratio, look in curves.values():
        known = np.isfinite(ratio) & (degree > 0)
        axes.plot(degree[known], ratio[known], **look)
    axes.set_xscale("log")
    _around_one(axes, style, 2.0)
    axes.set_title("spread over error")
    axes.set_xlabel("total wavenumber")
    axes.set_ylabel("spread / error")
    style_axes(axes, style)


def _edge(look: Mapping[str, Any]) -> dict[str, Any]:
    return {"edgecolor": look["color"], "linestyle": look["linestyle"], "linewidth": look["linewidth"]}


def _around_one(axes: Axes, style: FigureStyle, top: float) -> None:
    axes.axhspan(1 - TOLERANCE, 1 + TOLERANCE, color=style.grid, alpha=0.6, linewidth=0, zorder=0)
    axes.axhline(1.0, color=style.text, linewidth=0.7)
    axes.set_ylim(0, top)


def _draw_maps(figure: Any, maps: xr.Dataset, style: FigureStyle) -> None:
    units = str(maps["truth"].attrs.get("units", ""))
    stamps = [
        maps["members"].isel(member=number, drop=True) for number in range(min(STAMPS, maps.sizes["member"]))
    ]
    grid = figure.subplots(2, STAMPS)
    fields = {"truth": "truth", "mean": "mean", "spread": "spread", "error": "error of the mean"}
    rows = (
        [(f"member {number + 1}", one) for number, one in enumerate(stamps)],
        [(title, maps[name]) for name, title in fields.items()],
    )
    scales = scale_limits([maps["truth"]]), scale_limits([maps["error"]])
    pictures: list[Any] = [None, None]
    for row, panels in enumerate(rows):
        for axes in grid[row, len(panels) :]:
            axes.set_visible(False)
        for column, (title, field) in enumerate(panels):
            axes, kind = grid[row, column], int(row == 1 and column >= 2)
            pictures[kind] = draw_map(axes, field, *scales[kind], style=style)
            axes.set_title(title)
            style_axes(axes, style, grid=False)
            axes.tick_params(labelleft=column == 0, labelbottom=row == 1)
    names = (str(maps.attrs["field"]).replace("_", " "), "spread and error")
    for kind, name in enumerate(names):
        below = list(grid[1, 2 * kind : 2 * kind + 2])
        bar = figure.colorbar(pictures[kind], ax=below, location="bottom", shrink=0.9, aspect=36, pad=0.03)
        power = power_of_ten(np.asarray(scales[kind]))
        bar.ax.xaxis.set_major_formatter(_without_power(power))
        style_colour_bar(bar, f"{name}{scaled_units(units, power)}", style)


def _without_power(power: int) -> Callable[[float, float], str]:
    return lambda value, _: f"{value / 10.0**power:g}"


def _draw_spectrum(axes: Axes, table: xr.Dataset, name: str, style: FigureStyle) -> None:
    degree, power = table["total_wavenumber"].values, table["power"].values
    line = method_style(name).line(style)
    axes.fill_between(degree, *np.quantile(power, BAND, axis=0), color=line["color"], alpha=0.25, linewidth=0)
    axes.plot(degree, table["truth"].values, label="truth", **method_style("truth").line(style))
    axes.plot(degree, power.mean(axis=0), label=method_style(name).label, **line)
    axes.axvline(
        float(table.attrs["coarse_nyquist_degree"]), color=style.muted, linewidth=0.7, linestyle="--"
    )
    real = table["truth"].values[table["truth"].values > 1e-8 * table["truth"].values.max()]
    axes.set(xscale="log", yscale="log", ylim=(real.min() / 3, real.max() * 3), xlabel="total wavenumber")
    axes.set_title(f"spectrum of {str(table.attrs['quantity']).replace('_', ' ')}")
    axes.set_ylabel(f"power [{units_label(str(table['power'].attrs['units']))}]")
    style_axes(axes, style)
    style_legend(axes, style, location="lower left")


def _draw_scores(axes: Axes, table: xr.Dataset, style: FigureStyle) -> None:
    """CRPS of the members, and mean absolute errors of the single fields."""
    names = [str(name) for name in table["model"].values][::-1]
    values = table["crps"].sel(model=names).values
    power = power_of_ten(values)
    colours = [method_style(name).colour or style.text for name in names]
    axes.barh(np.arange(len(names)), values / 10.0**power, color=colours, height=0.7)
    axes.set_yticks(np.arange(len(names)), [method_style(name).label for name in names])
    axes.set_title(f"CRPS of {int(table.attrs['members'])} members, or absolute error")
    axes.set_xlabel(
        f"{table.attrs['field']}{scaled_units(str(table['crps'].attrs['units']), power)}".replace("_", " ")
    )
    style_axes(axes, style)
