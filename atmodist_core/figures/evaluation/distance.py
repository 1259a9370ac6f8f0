"""The distance network in an evaluation: guessed lags, distances over the lag, and where guesses are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.distances import LOOKS
from atmodist_core.figures.maps import SEQUENTIAL, add_colour_bar, draw_map
from atmodist_core.figures.style import PUBLICATION, FigureStyle, new_figure, style_axes, style_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = {"atmodist": "AtmoDist", "l2": "l2", "l1": "l1", "1-ssim": "1-SSIM"}
"""Metrics of an evaluation and what they are called in figures."""


def confusion_figure(table: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> Figure:
    """Draw the share of each guessed lag among the pairs of each true one.

    Parameters
    ----------
    table : xarray.Dataset
        The group ``distance`` of an evaluation.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure
    """
    count = table["confusion"].transpose("lead", "predicted_lead").values.astype(float)
    total = count.sum(axis=1, keepdims=True)
    share = np.divide(count, total, out=np.full_like(count, np.nan), where=total > 0)
    lead = table["lead"].values.astype(float)
    half = 0.5 * (lead[1] - lead[0]) if lead.size > 1 else 0.5
    figure = new_figure(0.52 * style.width_in, 0.44 * style.width_in, style)
    axes = figure.subplots()
    extent = (lead[0] - half, lead[-1] + half, lead[0] - half, lead[-1] + half)
    picture = axes.imshow(
        share.T, origin="lower", extent=extent, cmap=SEQUENTIAL, vmin=0, interpolation="nearest"
    )
    axes.plot(lead, lead, color="#ffffff", linewidth=0.8, linestyle=":")
    axes.set_xlabel("true lag [h]")
    axes.set_ylabel("most likely lag [h]")
    style_axes(axes, style, grid=False)
    bar = figure.colorbar(picture, ax=axes, shrink=0.9)
    bar.set_label("share of the pairs of a true lag", fontsize=style.font_size, color=style.text)
    bar.ax.tick_params(labelsize=style.font_size - 1, colors=style.text, width=0.6)
    return figure


def lag_curves_figure(table: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> Figure:
    """Draw mean distances over the time lag, each scaled to 1 at the last lags, with bands of one standard deviation.

    Parameters
    ----------
    table : xarray.Dataset
        The group ``distance`` of an evaluation.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure(0.62 * style.width_in, 0.42 * style.width_in, style)
    axes = figure.subplots()
    lead = table["lead"].values.astype(float)
    for metric in map(str, table["metric"].values):
        _curve(axes, table.sel(metric=metric), lead, METRICS.get(metric, metric), style)
    axes.set_xlabel("time between the two fields [h]")
    axes.set_ylabel("distance / distance at the last lags")
    axes.set_ylim(bottom=0)
    style_axes(axes, style)
    style_legend(axes, style, location="lower right")
    return figure


def _curve(axes: Axes, one: xr.Dataset, lead: np.ndarray, name: str, style: FigureStyle) -> None:
    colour, dashes, _ = LOOKS.get(name, (style.muted, ":", "o"))
    scale = float(one["curve_scale"]) if "curve_scale" in one else 1.0
    mean, spread = scale * one["curve_mean"].values, scale * one["curve_std"].values
    axes.plot(lead, mean, color=colour, linestyle=dashes, linewidth=1.4, label=name)
    axes.fill_between(lead, mean - spread, mean + spread, color=colour, alpha=0.12, linewidth=0)


def lag_error_map_figure(table: xr.Dataset, *, style: FigureStyle = PUBLICATION) -> Figure:
    """Draw the mean error of the guessed lag where the pairs were taken.

    Parameters
    ----------
    table : xarray.Dataset
        The group ``distance`` of an evaluation.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure
    """
    field = table["lag_error_map"].transpose("latitude", "longitude")
    field = field.assign_attrs(long_name="mean absolute error of the lag")
    finite = field.values[np.isfinite(field.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    figure = new_figure(0.8 * style.width_in, 0.42 * style.width_in, style)
    axes = figure.subplots()
    # The scale begins at the smallest error, not at zero: the question is where they differ.
    picture = draw_map(axes, field, max(low, 0.0), high if high > low else low + 1.0, style=style)
    style_axes(axes, style, grid=False)
    add_colour_bar(figure, picture, axes, field, style=style)
    return figure
