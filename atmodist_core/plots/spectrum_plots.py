"""Spectra with their ratio to the truth, and semivariograms, as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, line_options, theme_of
from atmodist_core.plots.look.units import units_text
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_states

GUIDES = {-3.0: "k⁻³", -5.0 / 3.0: "k⁻⁵⁄³"}
"""Slopes of kinetic energy, for the eye: quasi-geostrophic turbulence, and the mesoscale or inverse cascade."""

LEAST_SHARE = 1e-10
"""Power of the truth relative to its largest below which only rounding errors are left."""

RATIO_TICKS = [(ratio, f"{ratio:g}") for ratio in (0.1, 0.2, 0.5, 1, 2, 5)]
WAVELENGTHS_KM = (40000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20)


def spectra(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    quantity: str = "kinetic_energy",
    time: Any = 0,
    region: Any = None,
    factor: int | None = None,
    ratio: bool = True,
    width: int = 520,
    theme: str = "light",
) -> Any:
    """Return power over wavenumber of coarse input, models and truth, with the ratio to the truth below.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to xarray.Dataset
        Fields as for :func:`atmodist_core.plots.maps`; or spectra by name, as :func:`atmodist_core.energy_spectrum` and
        :func:`atmodist_core.regional_spectrum` return them, of which the mean over time is drawn with a band of 10 to 90 %.
    models, time, region, factor
        As for :func:`atmodist_core.plots.maps`. A region has the spectrum of its cosine transform, drawn per total wavenumber of
        waves of that length on the globe.
    quantity : {"kinetic_energy", "vorticity", "divergence"}
        Whose power.
    ratio : bool
        Whether to add the ratio to the truth.
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout or holoviews.Overlay
        Spectrum and ratio, one below the other; the spectrum alone without a ratio or a truth.

    Raises
    ------
    UserError
        What is wrong with data, models or options.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> layout = spectra(demo, ["bicubic"])
    >>> [panel.label for panel in layout]
    ['spectrum', 'ratio to truth']
    """
    found = _spectra_of(data, models, time=time, region=region, factor=factor)
    lines = {name: _line(spectrum, quantity, name) for name, spectrum in found.items()}
    upper = spectrum_plot(lines, quantity, width=width, theme=theme)
    if not ratio or TRUTH not in lines or len(lines) < 2:
        return upper
    hv = holoviews()
    return hv.Layout([upper, ratio_plot(lines, width=width, theme=theme)]).cols(1)


Line = tuple[np.ndarray, np.ndarray, str]
"""Wavenumber, power over ``(time, wavenumber)``, and units."""


def _spectra_of(
    data: xr.Dataset | Mapping[str, xr.Dataset], models: Models, *, time: Any, region: Any, factor: int | None
) -> dict[str, xr.Dataset]:
    from atmodist_core.evaluation import energy_spectrum, regional_spectrum
    from atmodist_core.evaluation.geometry import is_global_grid

    if isinstance(data, Mapping) and not isinstance(data, xr.Dataset):
        first = next(iter(data.values()), None)
        if first is not None and _is_spectrum(first):
            return {str(name): spectrum for name, spectrum in data.items()}
    states = compared_states(data, models, time=time, region=region, factor=factor)
    return {
        name: energy_spectrum(state) if is_global_grid(state) else regional_spectrum(state)
        for name, state in states.items()
    }


def _is_spectrum(dataset: xr.Dataset) -> bool:
    return "total_wavenumber" in dataset.dims or "wavelength_km" in dataset.dims


def _line(spectrum: xr.Dataset, quantity: str, name: str) -> Line:
    """Power per total wavenumber; bins of a regional spectrum become densities over the equivalent degree."""
    if quantity not in spectrum:
        raise UserError(
            f"Expected {quantity!r} in the spectra of {name!r}, found {', '.join(map(str, spectrum.data_vars))}; "
            "choose one of these."
        )
    regional = "wavelength_km" in spectrum.dims
    axis = "wavelength_km" if regional else "total_wavenumber"
    power = spectrum[quantity]
    power = power.expand_dims("time") if "time" not in power.dims else power
    values = power.transpose("time", axis).values
    if regional:
        values = values / float(spectrum.attrs["degrees_per_bin"])
    wavenumber = spectrum["equivalent_degree" if regional else axis].values.astype(float)
    kept = wavenumber > 0
    return wavenumber[kept], values[:, kept], str(power.attrs.get("units", ""))


def spectrum_plot(lines: Mapping[str, Line], quantity: str, *, width: int, theme: str) -> Any:
    """Return the spectra of all models on logarithmic axes, with slopes for the eye."""
    hv = holoviews()
    layers = []
    units = next(iter(lines.values()))[2]
    largest = max(float(np.nanmax(power)) for _, power, _ in lines.values())
    for name, (wavenumber, power, _) in _in_order(lines):
        layers += _band_and_curve(hv, name, wavenumber, power, theme, floor=LEAST_SHARE * largest)
    if TRUTH in lines:
        wavenumber, power, _ = lines[TRUTH]
        offset = 0.0 if quantity == "kinetic_energy" else 2.0
        layers += _guides(hv, wavenumber, power.mean(axis=0), offset, theme)
    label = f"{quantity.replace('_', ' ')} [{units_text(units)}]" if units else quantity.replace("_", " ")
    return (
        hv.Overlay(layers)
        .relabel("spectrum")
        .opts(
            **_frame(width, 270, theme, wavelengths=True),
            ylabel=label,
            logy=True,
            legend_position="bottom_left",
            title="",
        )
    )


def ratio_plot(lines: Mapping[str, Line], *, width: int, theme: str) -> Any:
    """Return the ratio of every model's mean power to the truth's, where the truth has power."""
    hv = holoviews()
    reference, of_truth, _ = lines[TRUTH]
    truth = of_truth.mean(axis=0)
    layers = [hv.HLine(1.0).opts(color=theme_of(theme).text, line_width=1)]
    for name, (wavenumber, power, _) in _in_order(lines):
        if name == TRUTH:
            continue
        # Grids of a region may differ by a row, and with them the wavenumbers: the truth is read off between its own.
        below = np.interp(wavenumber, reference, truth, right=np.nan)
        meant = below > LEAST_SHARE * truth.max()
        values = np.divide(power.mean(axis=0), below, out=np.full(below.shape, np.nan), where=meant)
        curve = hv.Curve(
            (wavenumber, np.where(values > 0, values, np.nan)), "x", "ratio", label=method_style(name).label
        )
        layers.append(curve.opts(**line_options(name, theme), tools=["hover"]))
    return (
        hv.Overlay(layers)
        .relabel("ratio to truth")
        .opts(
            **_frame(width, 130, theme, wavelengths=False),
            ylabel="ratio to truth",
            logy=True,
            ylim=(0.08, 6),
            yticks=RATIO_TICKS,
            show_legend=False,
            title="",
        )
    )


def _in_order(lines: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The truth first, so that it lies below the others; the coarse input next."""
    rank = {TRUTH: 0, COARSE: 1}
    return sorted(lines.items(), key=lambda pair: rank.get(pair[0], 2))


def _band_and_curve(
    hv: Any, name: str, x: np.ndarray, values: np.ndarray, theme: str, *, floor: float = -np.inf
) -> list[Any]:
    """Mean over time with, for several times, the band of 10 to 90 %."""
    options = line_options(name, theme)
    mean = values.mean(axis=0)
    layers = []
    if len(values) > 1:
        low, high = np.quantile(values, (0.1, 0.9), axis=0)
        low, high = (np.where(mean > floor, np.maximum(end, floor), np.nan) for end in (low, high))
        band = hv.Area((x, low, high), "x", ["low", "high"], label=f"{method_style(name).label}, 10-90 %")
        layers.append(band.opts(color=options["color"], alpha=0.15, line_width=0, show_legend=False))
    curve = hv.Curve((x, np.where(mean > floor, mean, np.nan)), "x", "y", label=method_style(name).label)
    return [*layers, curve.opts(**options, tools=["hover"])]


def _guides(hv: Any, wavenumber: np.ndarray, power: np.ndarray, offset: float, theme: str) -> list[Any]:
    """Straight lines of known slope above the truth, each over about a third of the axis."""
    real = power > LEAST_SHARE * power.max()
    wavenumber, power = wavenumber[real], power[real]
    if wavenumber.size < 8:
        return []
    thirds = np.geomspace(wavenumber[0], wavenumber[-1], 4)
    spans = ((thirds[1], thirds[2] * 1.3), (thirds[2], thirds[3]))
    layers = []
    for (slope, text), (start, stop) in zip(GUIDES.items(), spans, strict=True):
        along = np.geomspace(start, stop, 50)
        shape = (along / start) ** (slope + offset)
        height = 2.5 * float((np.interp(along, wavenumber, power) / shape).max())
        ends = np.array([start, stop])
        y = height * (ends / start) ** (slope + offset)
        muted = theme_of(theme).muted
        layers.append(
            hv.Curve((ends, y), "x", "y", label=text).opts(
                color=muted, line_dash="dotted", line_width=1.2, show_legend=False
            )
        )
        middle = float(np.sqrt(start * stop)), float(np.sqrt(y[0] * y[1])) * 1.4
        layers.append(hv.Text(*middle, text).opts(color=muted, text_font_size="11px"))
    return layers


def _frame(width: int, height: int, theme: str, *, wavelengths: bool) -> dict[str, Any]:
    return {
        "frame_width": width,
        "frame_height": height,
        "logx": True,
        "xlabel": "total wavenumber",
        "show_grid": True,
        "hooks": [*([_wavelengths] if wavelengths else []), axes_hook(theme)],
    }


def _wavelengths(plot: Any, _element: Any) -> None:
    """Add a second axis with the wavelength of each total wavenumber, 2 pi a / l."""
    from bokeh.models import FixedTicker, LogAxis

    if any(part.name == "wavelength" for part in plot.state.above):
        return
    places = {2 * np.pi * EARTH_RADIUS_M / 1000 / km: f"{km:g}" for km in WAVELENGTHS_KM}
    axis = LogAxis(
        ticker=FixedTicker(ticks=list(places)),
        axis_label="wavelength [km]",
        major_label_overrides=places,
        minor_tick_line_color=None,
        name="wavelength",
    )
    plot.state.add_layout(axis, "above")


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
        Fields as for :func:`atmodist_core.plots.maps`; or results of :func:`atmodist_core.evaluation.semivariogram` by name.
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
    """
    hv = holoviews()
    found = _semivariograms_of(data, models, time=time, region=region)
    units, layers, lags = "1", [], set()
    for name, result in _in_order(found):
        if field not in result:
            raise UserError(
                f"Expected {field!r} in the semivariogram of {name!r}, found {', '.join(map(str, result.data_vars))}; "
                "choose one of these."
            )
        values = result[field]
        lags |= set(result["lag_km"].values.tolist())
        units = str(values.attrs.get("units", "1"))
        values = values.expand_dims("time") if "time" not in values.dims else values
        values = values.transpose("time", "lag_km").values
        curves = _band_and_curve(hv, name, result["lag_km"].values.astype(float), values, theme)
        points = hv.Scatter(curves[-1].data, "x", "y", label=f"{method_style(name).label}, lags")
        layers += [*curves, points.opts(color=line_options(name, theme)["color"], size=4, show_legend=False)]
    label = (
        "semivariance / variance of the truth"
        if units == "1"
        else f"semivariance of {field} [{units_text(units)}]"
    )
    return (
        hv.Overlay(layers)
        .relabel("semivariogram")
        .opts(
            frame_width=width,
            frame_height=260,
            logx=True,
            xticks=[(lag, f"{lag:g}") for lag in sorted(lags)],
            xlabel="great-circle lag [km]",
            ylabel=label,
            show_grid=True,
            legend_position="bottom_right",
            hooks=[axes_hook(theme)],
            title="",
        )
    )


def _semivariograms_of(
    data: xr.Dataset | Mapping[str, xr.Dataset], models: Models, *, time: Any, region: Any
) -> dict[str, xr.Dataset]:
    from atmodist_core.evaluation import semivariogram

    if (
        isinstance(data, Mapping)
        and not isinstance(data, xr.Dataset)
        and all("lag_km" in result.dims for result in data.values())
    ):
        return {str(name): result for name, result in data.items()}
    states = compared_states(data, models, time=time, region=region)
    truth = states.get(TRUTH)
    return {
        name: semivariogram(state, normalise_by=truth) for name, state in states.items() if name != COARSE
    }
