"""Figures of the group ``distance`` of an evaluation: predicted lags, distances over the lag, lag errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.distances import draw_confusion
from atmodist_core.figures.maps.field_maps import add_colour_bar, draw_map
from atmodist_core.figures.method_styles import distance_style
from atmodist_core.figures.style import PUBLICATION, new_figure, style_axes, style_colour_bar, style_legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS = {"atmodist": "AtmoDist", "l2": "l2", "l1": "l1", "1-ssim": "1-SSIM"}
"""Names of an evaluation's metrics in figures."""


def confusion_figure(table: xr.Dataset) -> Figure:
    """Draw the share of each predicted lag among the pairs of each true lag."""
    counts = table["confusion"].transpose("lag", "predicted_lag").values.astype(float)
    figure = new_figure(0.52 * PUBLICATION.width_in, 0.44 * PUBLICATION.width_in)
    axes = figure.subplots()
    picture = draw_confusion(axes, counts, table["lag"].values.astype(float))
    style_colour_bar(figure.colorbar(picture, ax=axes, shrink=0.9), "share of the pairs of a true lag")
    return figure


def lag_curves_figure(table: xr.Dataset) -> Figure:
    """Draw mean distances over the lag, scaled to 1 at the last lags, with bands of one standard deviation."""
    figure = new_figure(0.62 * PUBLICATION.width_in, 0.42 * PUBLICATION.width_in)
    axes = figure.subplots()
    lag = table["lag"].values.astype(float)
    for metric in map(str, table["metric"].values):
        name, one = METRICS.get(metric, metric), table.sel(metric=metric)
        line = distance_style(name).line(PUBLICATION)
        scale = float(one["curve_scale"]) if "curve_scale" in one else 1.0
        mean, spread = scale * one["curve_mean"].values, scale * one["curve_std"].values
        axes.plot(lag, mean, label=name, **line)
        axes.fill_between(lag, mean - spread, mean + spread, color=line["color"], alpha=0.12, linewidth=0)
    axes.set_xlabel("time lag [h]")
    axes.set_ylabel("distance / distance at the last lags")
    axes.set_ylim(bottom=0)
    style_axes(axes)
    style_legend(axes, location="lower right")
    return figure


def lag_error_map_figure(table: xr.Dataset) -> Figure:
    """Draw the mean error of the predicted lag at the centres of the pairs' patches."""
    field = table["lag_error_map"].transpose("latitude", "longitude")
    field = field.assign_attrs(long_name="mean absolute error of the lag")
    finite = field.values[np.isfinite(field.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    figure = new_figure(0.8 * PUBLICATION.width_in, 0.42 * PUBLICATION.width_in)
    axes = figure.subplots()
    # The scale starts at the smallest error instead of zero, because differences between regions matter.
    picture = draw_map(axes, field, max(low, 0.0), high if high > low else low + 1.0)
    style_axes(axes, grid=False)
    add_colour_bar(figure, picture, axes, field)
    return figure
