"""Figures of spectra with their ratio to the truth, and of semivariograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    scaled_units,
    style_axes,
    style_legend,
    units_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH = "truth"
BAND = (0.16, 0.84)
"""Quantiles of the band over times: plus and minus one standard deviation of a normal distribution."""

LEAST_SHARE = 1e-10
"""Power below this share of the largest is not drawn: it is rounding noise of single precision."""

SLOPES: tuple[tuple[float, str], ...] = ((-3.0, "$k^{-3}$"), (-5.0 / 3.0, "$k^{-5/3}$"))
"""Reference slopes: enstrophy cascade, and inverse energy cascade or mesoscale."""


def spectrum_figure(
    spectra: Mapping[str, xr.Dataset],
    variable: str = "kinetic_energy",
    *,
    coarse_nyquist_km: float | None = None,
    slopes: Sequence[tuple[float, str]] | None = None,
    title: str | None = None,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
) -> Figure:
    """Draw spectra of several models, and below them their ratio to the truth.

    With several times, lines are means over time, bands extend from the 16 to the 84 % quantile, and ratios are
    ratios of means.

    Parameters
    ----------
    spectra : mapping of str to xarray.Dataset
        Model to the result of ``energy_spectrum`` or ``regional_spectrum``, all of one kind. The ratio panel
        needs ``"truth"``.
    variable : str
        Variable of the spectra.
    coarse_nyquist_km : float, optional
        Nyquist wavelength [km] of the coarse input; shorter wavelengths are shaded.
    slopes : sequence of (exponent, label), optional
        Reference slopes; by default -3 and -5/3 for kinetic energy, else none.
    title, caption : str, optional
        Text at the top and bottom.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        If there is no spectrum, the variable is missing, or global and regional spectra are mixed.
    """
    _check(spectra, variable)
    with_ratio = TRUTH in spectra and len(spectra) > 1
    figure = new_figure(0.72 * style.width_in, 0.72 * style.width_in * (1.0 if with_ratio else 0.75), style)
    if with_ratio:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
    else:
        upper, lower = figure.subplots(1, 1), None
    draw_spectra(upper, spectra, variable, slopes=slopes, style=style)
    bottom = upper
    if lower is not None:
        draw_spectrum_ratios(lower, spectra, variable, style=style)
        bottom = lower
    regional = "wavelength_km" in next(iter(spectra.values())).dims
    bottom.set_xlabel("total wavenumber of the same wavelength" if regional else "total wavenumber")
    if coarse_nyquist_km is not None:
        for axes in (upper, lower):
            if axes is not None:
                _shade(axes, coarse_nyquist_km, style)
    add_wavelength_axis(upper, style)
    for axes in (upper, lower):
        if axes is not None:
            style_axes(axes, style)
    style_legend(upper, style, location="lower left")
    add_titles(figure, title, caption, style)
    return figure


def _reciprocal(x: Any) -> Any:
    """Convert total wavenumber to wavelength [km] and back; finite at zero, which Matplotlib tries."""
    return 2 * np.pi * EARTH_RADIUS_M / 1000 / np.maximum(np.abs(x), 1e-9)


def add_wavelength_axis(axes: Axes, style: FigureStyle = PUBLICATION) -> None:
    """Add a second horizontal axis in wavelengths [km] at the top."""
    top = axes.secondary_xaxis("top", functions=(_reciprocal, _reciprocal))
    top.set_xlabel("wavelength [km]", fontsize=style.font_size, color=style.text)
    top.tick_params(which="both", labelsize=style.font_size - 1, colors=style.text, width=0.6)


def _check(spectra: Mapping[str, xr.Dataset], variable: str) -> None:
    if not spectra:
        raise UserError("Expected at least one spectrum to draw, found none; select a model.")
    kinds = {"wavelength_km" in spectrum.dims for spectrum in spectra.values()}
    if len(kinds) > 1:
        raise UserError("Expected spectra of one kind, found global and regional ones; draw them separately.")
    for name, spectrum in spectra.items():
        if variable not in spectrum:
            raise UserError(
                f"Expected the variable {variable!r} in the spectrum of {name!r}, found "
                f"{', '.join(map(str, spectrum.data_vars))}; use one of these."
            )


def _over_wavenumber(spectrum: xr.Dataset, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Wavenumbers above zero, shape ``(k,)``, and power over time, shape ``(time, k)``."""
    coordinate = "equivalent_degree" if "equivalent_degree" in spectrum.coords else "total_wavenumber"
    dimension = spectrum[coordinate].dims[0]
    field = spectrum[variable]
    power = (field if "time" in field.dims else field.expand_dims("time")).transpose("time", dimension).values
    wavenumber = spectrum[coordinate].values.astype(float)
    return wavenumber[wavenumber > 0], power[:, wavenumber > 0]


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, name: str, style: FigureStyle) -> None:
    own = method_style(name)
    axes.plot(x, np.where(y > 0, y, np.nan), label=own.label, **own.line(style))


def draw_spectra(
    axes: Axes,
    spectra: Mapping[str, xr.Dataset],
    variable: str,
    *,
    slopes: Sequence[tuple[float, str]] | None = None,
    style: FigureStyle = PUBLICATION,
) -> None:
    """Draw spectra on logarithmic axes, with a band if there are more than two times."""
    lowest = highest = None
    for name, spectrum in spectra.items():
        wavenumber, power = _over_wavenumber(spectrum, variable)
        mean = power.mean(axis=0)
        _line(axes, wavenumber, mean, name, style)
        if power.shape[0] > 2:
            low, high = np.quantile(power, BAND, axis=0)
            colour = method_style(name).colour or style.text
            axes.fill_between(wavenumber, low, high, color=colour, alpha=0.15, linewidth=0)
        if name == TRUTH or lowest is None:
            positive = mean[mean > 0]
            if positive.size:
                lowest, highest = positive.min(), positive.max()
                reference = wavenumber, mean
    axes.set_xscale("log")
    axes.set_yscale("log")
    if lowest is None or highest is None:
        raise UserError(
            f"Expected power above zero to draw, found none in {variable}; choose another field or time."
        )
    # The limits follow the truth: interpolation has almost no power at small scales.
    axes.set_ylim(max(lowest / 30, highest * LEAST_SHARE), highest * 5)
    wanted = (SLOPES if variable == "kinetic_energy" else ()) if slopes is None else slopes
    for exponent, label in wanted:
        _slope(axes, *reference, exponent, label, style)
    units = next(iter(spectra.values()))[variable].attrs.get("units", "")
    axes.set_ylabel(f"{variable.replace('_', ' ')} [{units_label(units)}]")


def _slope(
    axes: Axes, wavenumber: np.ndarray, power: np.ndarray, exponent: float, label: str, style: FigureStyle
) -> None:
    """Draw a straight line above the middle of the spectrum."""
    if wavenumber.size < 12:
        return
    x = np.geomspace(wavenumber[wavenumber.size // 10], wavenumber[wavenumber.size // 2], 2)
    start = int(np.searchsorted(wavenumber, x[0]))
    y = 4 * power[start] * (x / x[0]) ** exponent
    axes.plot(x, y, color=style.muted, linewidth=0.7, linestyle=(0, (1, 1)))
    axes.annotate(label, (x[-1], y[-1]), fontsize=style.font_size - 1, color=style.muted, va="center")


def draw_spectrum_ratios(
    axes: Axes, spectra: Mapping[str, xr.Dataset], variable: str, *, style: FigureStyle = PUBLICATION
) -> None:
    """Draw the ratio of each mean spectrum to that of the truth, which must be given."""
    wavenumber, truth = _over_wavenumber(spectra[TRUTH], variable)
    truth = truth.mean(axis=0)
    axes.axhline(1.0, color=style.text, linewidth=1.0)
    for name, spectrum in spectra.items():
        x, power = _over_wavenumber(spectrum, variable)
        if name == TRUTH:
            continue
        # A coarse field has fewer wavenumbers than the truth: only shared ones are compared.
        shared, of_model, of_truth = np.intersect1d(
            np.round(x, 6), np.round(wavenumber, 6), return_indices=True
        )
        if not shared.size:
            continue
        below = truth[of_truth]
        above = power.mean(axis=0)[of_model]
        # Beyond its truncation, the truth has rounding noise only.
        usable = below > LEAST_SHARE * truth.max()
        ratio = np.divide(above, below, out=np.full(below.shape, np.nan), where=usable)
        _line(axes, x[of_model], ratio, name, style)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.6)
    axes.set_ylabel("ratio to truth")


def _shade(axes: Axes, coarse_nyquist_km: float, style: FigureStyle) -> None:
    if not coarse_nyquist_km > 0:
        raise UserError(
            f"Expected a positive wavelength in km, found {coarse_nyquist_km!r}; omit it for no shading."
        )
    left = float(_reciprocal(np.array(coarse_nyquist_km)))
    right = axes.get_xlim()[1]
    if right > left:
        axes.axvspan(left, right, color=style.grid, alpha=0.35, linewidth=0, zorder=0)
        axes.set_xlim(right=right)


def semivariogram_figure(
    semivariograms: Mapping[str, xr.Dataset],
    variable: str = "vorticity",
    *,
    title: str | None = None,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
) -> Figure:
    """Draw semivariograms of several models over great-circle lag.

    Parameters
    ----------
    semivariograms : mapping of str to xarray.Dataset
        Model to the result of ``semivariogram``. Several times are averaged.
    variable : str
        Name of the field.
    title, caption : str, optional
        Text at the top and bottom.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        If there is nothing to draw or the variable is missing.
    """
    if not semivariograms:
        raise UserError("Expected at least one semivariogram to draw, found none; select a model.")
    for name, result in semivariograms.items():
        if variable not in result:
            raise UserError(
                f"Expected the field {variable!r} in the semivariogram of {name!r}, found "
                f"{', '.join(map(str, result.data_vars))}; use one of these."
            )
    figure = new_figure(0.55 * style.width_in, 0.45 * style.width_in, style)
    axes = figure.subplots(1, 1)
    draw_semivariograms(axes, semivariograms, variable, style=style)
    lags = np.unique(np.concatenate([result["lag_km"].values for result in semivariograms.values()]))
    axes.set_xticks(lags, [f"{lag:g}" for lag in lags])
    axes.minorticks_off()
    axes.set_xlabel("great-circle lag [km]")
    style_axes(axes, style)
    style_legend(axes, style)
    add_titles(figure, title, caption, style)
    return figure


def draw_semivariograms(
    axes: Axes, semivariograms: Mapping[str, xr.Dataset], variable: str, *, style: FigureStyle = PUBLICATION
) -> None:
    """Draw mean semivariograms over a logarithmic lag axis."""
    for name, result in semivariograms.items():
        own, values = method_style(name), result[variable].mean("time").values
        axes.plot(
            result["lag_km"].values, values, marker="o", markersize=2.5, label=own.label, **own.line(style)
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("lag [km]")
    units = next(iter(semivariograms.values()))[variable].attrs.get("units", "")
    relative = "semivariance / variance of truth"
    axes.set_ylabel(relative if units == "1" else f"semivariance of {variable}{scaled_units(units, 0)}")
