"""Distances over the lag, and predicted lags, as HoloViews objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import BOKEH_MARKERS, distance_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, colour_map, theme_of
from atmodist_core.plots.look.units import units_text

FAINT = 48
"""Of 256 colours, those that are hard to tell from the page."""

NEVER = 1e-9
"""Share of pairs below which a predicted lag has no colour."""


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
        For each measure a band, a curve and a mark; pointing at a curve shows mean, standard deviation and number of pairs at a lag.

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
    columns = lag_columns(curves)
    tips = [("", "$name"), ("lag", "@lag{0.[0]} h")]
    known = [
        ("mean of the pairs", "@distance{0.[000]}"),
        ("standard deviation", "@standard_deviation{0.[000]}"),
    ]
    if "pairs" in curves:
        known.append(("pairs of times", "@pairs{0}"))
    layers = []
    for measure in map(str, curves["measure"].values):
        look = distance_style(measure)
        colour = look.colour or theme_of(theme).text
        dashes = [max(1, round(2.2 * length)) for length in look.dashes] or "solid"
        band = hv.Area(columns[band_label(measure)], "lag", ["low", "high"], label=band_label(measure))
        layers.append(band.opts(color=colour, alpha=0.14, line_width=0, show_legend=False))
        curve = hv.Curve(columns[measure], "lag", list(columns[measure])[1:], label=measure)
        looks = {"color": colour, "line_width": 2.2, "line_dash": dashes}
        layers.append(curve.opts(**looks, hover_tooltips=[*tips, *known]))
        if mark_label(measure) in columns:
            mark = hv.Scatter(columns[mark_label(measure)], "lag", "distance", label=mark_label(measure))
            mark = mark.opts(
                color=colour,
                marker=BOKEH_MARKERS[look.marker],
                size=12,
                line_color=theme_of(theme).text,
                line_width=1.5,
                show_legend=False,
                hover_tooltips=tips,
                hooks=[_name_in_tooltips],
            )
            layers.append(mark)
    # Bands below, marks above everything.
    layers.sort(key=lambda layer: [hv.Area, hv.Curve, hv.Scatter].index(type(layer)))
    units = str(curves["mean"].attrs.get("units", ""))
    units = "" if units in ("", "1") else f" [{units_text(units)}]"
    end, high = lag_ends(curves)
    return (
        hv.Overlay(layers)
        .relabel("distance over lag")
        .opts(
            frame_width=width,
            frame_height=280,
            xlabel="lag [h]",
            ylabel="distance, on a common scale" if "scale" in curves else f"distance{units}",
            xlim=(0, end),
            ylim=(0, high),
            show_grid=True,
            legend_position="bottom_right",
            hooks=[axes_hook(theme)],
            title="",
        )
    )


def _name_in_tooltips(plot: Any, element: Any) -> None:
    """Set ``$name``, which HoloViews does for layers in a legend only."""
    plot.handles["glyph_renderer"].name = element.label


def band_label(measure: str) -> str:
    """Return the label of the layer with the band of a measure."""
    return f"{measure}, one standard deviation"


def mark_label(measure: str) -> str:
    """Return the label of the layer with the mark of a measure's saturation."""
    return f"{measure}: 90 % of its plateau"


def lag_columns(curves: xr.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return the columns of each layer of :func:`lag_curves`, by label."""
    lag = curves["lag"].values.astype(float)
    found = {}
    for measure in map(str, curves["measure"].values):
        one = curves.sel(measure=measure)
        mean, spread = one["mean"].values, one["standard_deviation"].values
        found[band_label(measure)] = {"lag": lag, "low": mean - spread, "high": mean + spread}
        found[measure] = {"lag": lag, "distance": mean, "standard_deviation": spread}
        if "pairs" in one:
            found[measure]["pairs"] = one["pairs"].values
        if "saturation" in one:
            at = np.atleast_1d(one["saturation"].values.astype(float))
            found[mark_label(measure)] = {"lag": at, "distance": np.interp(at, lag, mean)}
    return found


def lag_ends(curves: xr.Dataset) -> tuple[float, float]:
    """Return the ends of the axes that hold all curves and bands."""
    high = float((curves["mean"] + curves["standard_deviation"]).max())
    return 1.03 * float(curves["lag"].max()), 1.06 * high


def confusion_matrix(
    confusion: xr.Dataset, *, colour_bar: bool = True, width: int = 320, theme: str = "light"
) -> Any:
    """Return how often each lag was predicted for pairs of states of each true lag.

    Parameters
    ----------
    confusion : xarray.Dataset
        ``count`` over ``(lag, predicted_lag)`` [h], as :func:`atmodist_core.evaluation.lags.lag_confusion.lag_confusion` returns it.
    colour_bar : bool
        Whether to add a colour bar.
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
    columns = confusion_columns(confusion)
    left, size = columns["x"][0], columns["dw"][0]
    axes = ["lag", "predicted_lag"]
    layers = [columns[name][0][::-1] for name in ("image", "pairs", "true", "predicted")]
    image = hv.Image(
        np.dstack(layers),
        axes,
        [hv.Dimension("share", label="share of pairs"), "pairs", "true", "predicted"],
        bounds=(left, left, left + size, left + size),
        label="predicted lags",
    )
    ends = np.array([left, left + size])
    diagonal = hv.Curve((ends, ends), *axes, label="correct").opts(
        color=theme_of(theme).muted, line_width=1, line_dash="dashed"
    )
    tips = [
        *[("true lag", "@true{0.[0]} h"), ("predicted lag", "@predicted{0.[0]} h")],
        ("share of the pairs of this true lag", "@image{0 %}"),
        ("pairs", "@pairs{0}"),
    ]
    image = image.opts(
        cmap=share_colours(theme),
        # What is never predicted has the colour of the page.
        clim=(NEVER, columns["high"]),
        clipping_colors={"min": "transparent", "NaN": "transparent"},
        colorbar=colour_bar,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "title": "share of the pairs of a true lag"},
        hover_tooltips=tips,
    )
    accuracy = confusion.attrs.get("accuracy")
    title = (
        "predicted lags"
        if accuracy is None
        else f"predicted lags: {100 * float(accuracy):.0f} % right, chance {100 / confusion.sizes['lag']:.0f} %"
    )
    return (
        hv.Overlay([image, diagonal])
        .relabel("predicted lags")
        .opts(
            frame_width=width,
            frame_height=width,
            xlim=tuple(ends),
            ylim=tuple(ends),
            xlabel="true lag [h]",
            ylabel="predicted lag [h]",
            title=title,
            show_legend=False,
            hooks=[axes_hook(theme)],
        )
    )


def share_colours(theme: str) -> list[str]:
    """Return the colours of shares from low to high, without those that are hard to tell from the page."""
    return colour_map(False, theme)[FAINT:]


def confusion_columns(confusion: xr.Dataset) -> dict[str, Any]:
    """Return the columns of the picture of a confusion matrix, and ``high``, its largest share.

    Lags are evenly spaced. ``image`` is the share of a true lag's pairs, NaN for lags without pairs.
    """
    counts = confusion["count"].transpose("predicted_lag", "lag").values.astype(float)
    total = np.broadcast_to(counts.sum(axis=0), counts.shape)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    lags = confusion["lag"].values.astype(float)
    step = lags[1] - lags[0] if lags.size > 1 else 1.0
    start, size = float(lags[0] - 0.5 * step), float(step * lags.size)
    true, predicted = np.meshgrid(lags, lags)
    return {
        **{"image": [share], "pairs": [counts], "true": [true], "predicted": [predicted]},
        **{"x": [start], "y": [start], "dw": [size], "dh": [size]},
        "high": float(np.nanmax(share, initial=0.0)) or 1.0,
    }
