"""Distances between times, distances over the lag, and predicted lags, as HoloViews objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, colour_map, model_colour, theme_of
from atmodist_core.plots.look.units import display_unit, units_text

LABELS = 4
"""Times that are named along an axis of a matrix."""

CURVE_STYLES = {
    "AtmoDist": ("srgan-4x-atmodist", "solid"),
    "l2": ("srgan-4x-mse", "dashed"),
    "l1": ("bilinear", "dotted"),
    "1-SSIM": ("srgan-4x-autoencoder", "dotdash"),
}
"""Measure -> the model whose colour it has, and dashes."""


def distance_matrix(matrices: xr.Dataset | xr.DataArray, *, width: int = 320, theme: str = "light") -> Any:
    """Return distances between all times as pictures, time running right and up.

    Parameters
    ----------
    matrices : xarray.DataArray or xarray.Dataset
        Distances over two axes of times, as ``AtmoDist.matrix`` returns them; or several of them in one dataset.
    width : int
        Width of a picture [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Image or holoviews.Layout
        One picture for each matrix, with a colour scale of its own: units differ.

    Raises
    ------
    UserError
        If nothing here is a square matrix of times.
    """
    hv = holoviews()
    if isinstance(matrices, xr.DataArray):
        matrices = matrices.to_dataset(name=matrices.name or "distance")
    pictures = []
    for name, matrix in matrices.data_vars.items():
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise UserError(
                f"Expected a matrix of distances between times, found {name!r} over {', '.join(map(str, matrix.dims)) or 'nothing'}; "
                "give what AtmoDist.matrix returns."
            )
        pictures.append(_matrix_picture(hv, str(name), matrix, width, theme))
    return pictures[0] if len(pictures) == 1 else hv.Layout(pictures)


def _matrix_picture(hv: Any, name: str, matrix: xr.DataArray, width: int, theme: str) -> Any:
    count = matrix.shape[0]
    times = np.datetime_as_string(matrix[matrix.dims[0]].values.astype("datetime64[m]"))
    largest = float(np.nanmax(matrix.values)) or 1.0
    units = str(matrix.attrs.get("units", ""))
    unit = display_unit("" if units == "1" else units, largest)
    title = str(matrix.attrs.get("long_name", name)).replace("_", " ")
    label = f"{title} [{unit.text}]" if unit.text else title
    places = np.arange(count) + 0.5
    shown = np.unique(np.linspace(0, count - 1, min(LABELS, count)).round().astype(int))
    ticks = [(place + 0.5, times[place][5:].replace("T", " ")) for place in shown.tolist()]
    image = hv.Image(
        (places, places, matrix.values * unit.factor),
        ["first", "second"],
        hv.Dimension("distance", label=label),
    )
    return image.relabel(title).opts(
        frame_width=width,
        frame_height=width,
        cmap=colour_map(False, theme),
        clim=(0, largest * unit.factor),
        colorbar=True,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "title": label},
        tools=["hover", "tap"],
        xticks=ticks,
        yticks=ticks[1:] or ticks,
        xlabel="",
        ylabel="",
        title=title,
        hooks=[axes_hook(theme)],
    )


def lag_curves(curves: xr.Dataset, *, width: int = 440, theme: str = "light") -> Any:
    """Return distances over the time between two states, with a band of one standard deviation.

    Parameters
    ----------
    curves : xarray.Dataset
        ``mean`` and ``standard_deviation`` over ``(measure, lag)``, as :func:`atmodist_core.evaluation.lag_curve` and
        :func:`atmodist_core.evaluation.scaled_together` return them; ``saturation`` over ``measure`` [h] is marked where it is there.
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay

    Raises
    ------
    UserError
        If these are no curves over the lag.
    """
    hv = holoviews()
    if not {"mean", "standard_deviation"} <= set(curves.data_vars) or "lag" not in curves.dims:
        raise UserError(
            f"Expected mean and standard_deviation over measure and lag, found {', '.join(map(str, curves.data_vars))}; "
            "give what atmodist_core.evaluation.lag_curve returns."
        )
    lags = curves["lag"].values.astype(float)
    layers = []
    for measure in map(str, curves["measure"].values):
        like, dashes = CURVE_STYLES.get(measure, (measure, "solid"))
        colour = model_colour(like, theme)
        one = curves.sel(measure=measure)
        mean, spread = one["mean"].values, one["standard_deviation"].values
        band = hv.Area(
            (lags, mean - spread, mean + spread),
            "lag",
            ["low", "high"],
            label=f"{measure}, one standard deviation",
        )
        layers.append(band.opts(color=colour, alpha=0.12, line_width=0, show_legend=False))
        curve = hv.Curve((lags, mean), "lag", "distance", label=measure)
        layers.append(curve.opts(color=colour, line_width=2, line_dash=dashes, tools=["hover"]))
        if "saturation" in one:
            line = hv.VLine(float(one["saturation"])).opts(color=colour, line_width=1, line_dash="dotted")
            layers.append(line)
    units = str(curves["mean"].attrs.get("units", ""))
    units = "" if units == "1" else units_text(units)
    return (
        hv.Overlay(layers)
        .relabel("distance over lag")
        .opts(
            frame_width=width,
            frame_height=280,
            xlabel="lag [h]",
            ylabel=f"distance [{units}]" if units else "distance",
            ylim=(0, None),
            show_grid=True,
            legend_position="bottom_right",
            hooks=[axes_hook(theme)],
            title="",
        )
    )


def confusion_matrix(confusion: xr.Dataset, *, width: int = 320, theme: str = "light") -> Any:
    """Return how often each lag was predicted for pairs of states of each true lag.

    Parameters
    ----------
    confusion : xarray.Dataset
        ``count`` over ``(lag, predicted_lag)`` [h], as :func:`atmodist_core.evaluation.lags.lag_confusion.lag_confusion` returns it.
    width : int
        Width of the picture [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        Share of the pairs of each lag; the diagonal is where predictions are right.

    Raises
    ------
    UserError
        If there are no counts of predicted lags.
    """
    hv = holoviews()
    if "count" not in confusion or not {"lag", "predicted_lag"} <= set(confusion["count"].dims):
        raise UserError(
            f"Expected count over lag and predicted_lag, found {', '.join(map(str, confusion.data_vars))}; "
            "give what lag_confusion returns."
        )
    counts = confusion["count"].transpose("predicted_lag", "lag")
    total = counts.values.sum(axis=0)
    share = np.divide(counts.values, total, out=np.full(counts.shape, np.nan), where=total > 0)
    lags = confusion["lag"].values.astype(float)
    axes = [
        hv.Dimension("lag", label="lag", unit="h"),
        hv.Dimension("predicted_lag", label="predicted lag", unit="h"),
    ]
    image = hv.Image(
        (lags, confusion["predicted_lag"].values.astype(float), share),
        axes,
        hv.Dimension("share", label="share of pairs"),
    )
    ends = (lags[0], lags[-1])
    diagonal = hv.Curve((ends, ends), *axes, label="right").opts(
        color=theme_of(theme).muted, line_width=1, line_dash="dotted"
    )
    image = image.opts(
        cmap=colour_map(False, theme),
        colorbar=True,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "title": "share of the pairs of a lag"},
        tools=["hover"],
    )
    accuracy = confusion.attrs.get("accuracy")
    title = (
        "predicted lags"
        if accuracy is None
        else f"predicted lags: {100 * float(accuracy):.0f} % right, chance {100 / lags.size:.0f} %"
    )
    return (
        hv.Overlay([image, diagonal])
        .relabel("predicted lags")
        .opts(frame_width=width, frame_height=width, title=title, show_legend=False, hooks=[axes_hook(theme)])
    )
