"""Sensitivity of distances per total wavenumber or latitude, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.distance_sensitivity import mean_gain
from atmodist_core.figures.method_styles import sensitivity_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, theme_of
from atmodist_core.plots.spectrum_plots.spectra import WAVENUMBERS

LEAST_GAIN = 0.02
"""Lower end of the logarithmic axis."""


def sensitivity(
    results: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    layer: str | None = None,
    width: int = 440,
    theme: str = "light",
) -> Any:
    """Return how much more distances react to a band than the squared error does, per total wavenumber or latitude.

    Parameters
    ----------
    results : xarray.Dataset or mapping of str to xarray.Dataset
        As from :func:`atmodist_core.features.sensitivity`, one or by name. Over many days there is a band, the 95 % interval.
    layer : str, optional
        Stage of networks; by default the last.
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        The line at 1 is a distance that weighs all bands as the squared error does.

    Raises
    ------
    UserError
        If these are no such results, some are per wavenumber and others per latitude, or there is no such stage.

    Examples
    --------
    >>> axes, bands = ("time", "band", "layer"), {"band": [2.0, 8.0], "layer": ["distance"]}
    >>> error = (axes[:2], np.ones((1, 2)))
    >>> known = xr.Dataset({"response": (axes, np.ones((1, 2, 1))), "squared_error": error}, bands, {"by": "wavenumber"})
    >>> sensitivity({"l2": known}).label
    'sensitivity per wavenumber'
    """
    hv, colours = holoviews(), theme_of(theme)
    given = (
        {str(results.attrs.get("distance", "distance")): results}
        if isinstance(results, xr.Dataset)
        else results
    )
    kinds = {str(one.attrs.get("by", "")) for one in given.values()}
    if len(kinds) != 1 or not kinds <= {"wavenumber", "latitude"}:
        raise UserError(
            f"Expected results per wavenumber or per latitude, found {', '.join(sorted(kinds)) or 'none'}; draw them one by one."
        )
    by = kinds.pop()
    # Layouts link axes by name, and here every axis has its own.
    axis, value = f"{by}_band", f"gain_per_{by}"
    layers: list[Any] = [hv.HLine(1.0).opts(color=colours.text, line_width=1)]
    tops, ends = [1.0], []
    for name, one in given.items():
        columns = sensitivity_columns(one, layer)
        look = sensitivity_style(name)
        colour = look.colour or colours.text
        dashes = [max(1, round(2.2 * length)) for length in look.dashes] or "solid"
        if np.isfinite(columns["low"]).all():
            band = hv.Area(
                (columns["band"], columns["low"], columns["high"]),
                axis,
                ["low", "high"],
                label=f"{name}, 95 % interval",
            )
            layers.append(band.opts(color=colour, alpha=0.18, line_width=0, show_legend=False))
        curve = hv.Curve(
            (columns["band"], columns["gain"], columns["share"]), axis, [value, "share"], label=look.label
        )
        tips = [
            ("", "$name"),
            (_AXES[by][1], "@band{0.#}"),
            ("gain", "@gain{0.00}"),
            ("share of the response", "@share{0 %}"),
        ]
        layers.append(
            curve.opts(color=colour, line_width=2.2, line_dash=dashes, tools=["hover"], hover_tooltips=tips)
        )
        tops.append(float(np.nanmax(columns["gain"])))
        ends.append(
            (float(one["first"].min()), float(one["last"].max()))
            if "first" in one.coords
            else columns["band"][[0, -1]]
        )
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    options: dict[str, Any] = {"xlim": (low, high), "ylim": (0, 1.08 * max(tops))}
    if by == "wavenumber":
        ticks = [(wavenumber, f"{wavenumber:g}") for wavenumber in WAVENUMBERS]
        options |= {"logx": True, "logy": True, "xticks": ticks, "ylim": (LEAST_GAIN, 1.5 * max(tops))}
    label = f"sensitivity per {by}"
    return (
        hv.Overlay(layers)
        .relabel(label)
        .opts(
            frame_height=260,
            frame_width=width,
            show_grid=True,
            hooks=[axes_hook(theme)],
            title=label,
            xlabel=_AXES[by][0],
            ylabel="gain: response / squared error",
            legend_position="bottom_left" if by == "wavenumber" else "top_left",
            **options,
        )
    )


_AXES = {
    "wavenumber": ("total wavenumber", "total wavenumber"),
    "latitude": ("latitude [degrees north]", "latitude"),
}


def sensitivity_columns(results: xr.Dataset, layer: str | None = None) -> dict[str, np.ndarray]:
    """Return band, gain, ends of its interval and share of the response, of one stage of a network."""
    found = mean_gain(results)
    stages = [str(name) for name in found["layer"].values]
    if layer is not None and layer not in stages and len(stages) > 1:
        raise UserError(f"Expected a stage among {', '.join(stages)}, found {layer!r}; choose one of these.")
    one = found.sel(layer=layer if layer in stages else stages[-1])
    names = {"gain": "gain", "low": "gain_low", "high": "gain_high", "share": "share"}
    return {
        "band": found["band"].values.astype(float),
        **{key: one[name].values for key, name in names.items()},
    }
