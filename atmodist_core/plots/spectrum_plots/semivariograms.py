"""Semivariograms as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, model_colour, theme_of
from atmodist_core.plots.look.units import units_text
from atmodist_core.plots.spectrum_plots.curves import (
    MARKS_NAME,
    Lines,
    layer_name,
    semivariogram_columns,
    semivariogram_limits,
    semivariogram_lines,
)
from atmodist_core.plots.spectrum_plots.layers import band_of, curve_of
from atmodist_core.plots.spectrum_plots.spectra import LEFT_BORDER
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_states

DISTANCES_KM = (20, 50, 100, 200, 500, 1000, 2000)
RELATIVE = "semivariance / variance of the truth"
VARIANCE = "variance"
"""Label of the line at the variance of the truth."""


def semivariograms(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    width: int = 420,
    theme: str = "light",
) -> Any:
    """Return half the mean squared difference of values over their great-circle distance, for models and truth.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to xarray.Dataset
        Fields as for :func:`atmodist_core.plots.maps`; or results of :func:`atmodist_core.evaluation.semivariogram` by name, of which the mean
        over time is drawn, with a band of 16 to 84 % of more than two times.
    models, field, time, region
        As for :func:`atmodist_core.plots.maps`.
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
        What is wrong with data, models or options.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> [layer.label for layer in semivariograms(demo, ["bicubic"], region="Europe")]
    ['truth', 'truth, lags', 'bicubic', 'bicubic, lags', 'variance']
    """
    found = _semivariograms_of(data, models, time=time, region=region)
    lines = semivariogram_lines(found, field)
    units = str(next(iter(found.values()))[field].attrs.get("units", "1"))
    label = RELATIVE if units == "1" else f"semivariance of {field} [{units_text(units)}]"
    return semivariogram_plot(lines, label=label, width=width, theme=theme)


def semivariogram_plot(lines: Lines, *, label: str = RELATIVE, width: int = 420, theme: str = "light") -> Any:
    """Return an overlay of semivariograms.

    Parameters
    ----------
    lines : mapping of str to tuple of numpy.ndarray
        By name: distance [km], shape ``(distance,)``, and semivariance, shape ``(time, distance)``.
    label : str
        Label of the ordinate.
    width, theme
        As for :func:`semivariograms`.

    Returns
    -------
    holoviews.Overlay

    Examples
    --------
    >>> import numpy as np
    >>> plot = semivariogram_plot({"truth": (np.array([50.0, 100.0]), np.array([[0.4, 0.9]]))})
    >>> plot.get(0).dimension_values("semivariance").tolist()
    [0.4, 0.9]
    """
    hv = holoviews()
    columns = semivariogram_columns(lines)
    tips = [("", "$name"), ("distance", "@distance{0} km"), ("semivariance", "@semivariance{0.000}")]
    layers = []
    for name in lines:
        curve = curve_of(hv, name, columns, theme, tips, {})
        marks = hv.Scatter(curve.data, *("distance", "semivariance"), label=layer_name(name, MARKS_NAME))
        look = {"color": model_colour(name, theme), "size": 5, "show_legend": False}
        layers += [*band_of(hv, name, columns, theme), curve, marks.opts(**look)]
    options: dict[str, Any] = {
        "frame_width": width,
        "frame_height": 260,
        "logx": True,
        "xticks": [(distance, f"{distance:g}") for distance in DISTANCES_KM],
        "xlabel": "distance [km]",
        "ylabel": label,
        "show_grid": True,
        "legend_position": "bottom_right",
        "hooks": [lambda plot, _element: plot.state.update(min_border_left=LEFT_BORDER), axes_hook(theme)],
        "title": "",
    }
    if label == RELATIVE:
        one = hv.HLine(1.0, label=VARIANCE)
        layers.append(one.opts(color=theme_of(theme).muted, line_width=1, line_dash="dotted"))
        limits = semivariogram_limits(lines)
        options |= {} if limits is None else dict(zip(("xlim", "ylim"), limits, strict=True))
    return hv.Overlay(layers).relabel("semivariogram").opts(**options)


def _semivariograms_of(
    data: xr.Dataset | Mapping[str, xr.Dataset], models: Models, *, time: Any, region: Any
) -> dict[str, xr.Dataset]:
    from atmodist_core.evaluation import semivariogram
    from atmodist_core.figures.numbers.spectrum import LAGS_KM, PAIRS_PER_LAG

    if (
        isinstance(data, Mapping)
        and not isinstance(data, xr.Dataset)
        and all("lag_km" in result.dims for result in data.values())
    ):
        return {str(name): result for name, result in data.items()}
    states = compared_states(data, models, time=time, region=region)
    truth = states.get(TRUTH)
    return {
        name: semivariogram(state, LAGS_KM, pairs=PAIRS_PER_LAG, normalise_by=truth)
        for name, state in states.items()
        if name != COARSE
    }
