"""Figure of the statistics of an atmosphere: maps, spectra, densities, correlation over time lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.atmosphere_statistics import (
    atmosphere_statistics,
    lag_correlation,
    spectral_slope,
)
from atmodist_core.evaluation.diagnostics.spectra import energy_spectrum, kinetic_energy_factor
from atmodist_core.evaluation.geometry import area_weights, field_values, horizontal_fields
from atmodist_core.figures.maps.field_maps import add_colour_bar, draw_map, scale_limits
from atmodist_core.figures.style import (
    PUBLICATION,
    FigureStyle,
    add_titles,
    new_figure,
    style_axes,
    style_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"vorticity": "#0072b2", "divergence": "#d55e00"}
SLOPE_RANGE_KM = (500.0, 2500.0)
"""Wavelengths of the slope fit: shorter than storms, longer than the dissipation scale of the demo data."""


def atmosphere_figure(
    ds: xr.Dataset,
    *,
    label: str,
    maximum_lag_h: float = 72.0,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
) -> Figure:
    """Draw maps of one time, spectra, densities and correlation over time lag.

    Parameters
    ----------
    ds : xarray.Dataset
        Global ``vorticity`` and ``divergence``, preferably tens of times; all are read.
    label : str
        Origin of the data for the title, e.g. "simulated" or "ERA5".
    maximum_lag_h : float
        Largest time lag of the correlation [h].
    caption : str, optional
        Text at the bottom.
    style : FigureStyle

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        If a field is missing, the area is not the globe, or there is no label.
    """
    if not label:
        raise UserError("Expected a label with the origin of the data, found none; give e.g. 'simulated'.")
    names = horizontal_fields(ds, ["vorticity", "divergence"])
    loaded = ds[names].compute()
    statistics = atmosphere_statistics(loaded)
    figure = new_figure(style.width_in, 0.78 * style.width_in, style)
    maps, curves = parts = np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1)))
    for part in parts:
        part.set_facecolor(style.background)
    for axes, name in zip(maps.subplots(1, 2), names, strict=True):
        field = loaded[name].isel(time=0) if "time" in loaded.dims else loaded[name]
        low, high = scale_limits([field])
        picture = draw_map(axes, field, low, high, style=style)
        add_colour_bar(maps, picture, axes, field, aspect=25, style=style)
        axes.set_title(name)
        style_axes(axes, style, grid=False)
    left, middle, right = curves.subplots(1, 3)
    _spectra(left, loaded, style)
    _densities(middle, loaded, names, statistics, style)
    _correlations(right, loaded, names, maximum_lag_h, style)
    times = loaded.sizes.get("time", 1)
    add_titles(figure, f"{label}: {times} time{'s' if times != 1 else ''}", caption, style)
    return figure


def _spectra(axes: Axes, ds: xr.Dataset, style: FigureStyle) -> None:
    spectrum = energy_spectrum(ds).mean("time")
    degree = spectrum["total_wavenumber"].values
    factor = kinetic_energy_factor(int(degree[-1]))
    rotational = (spectrum["vorticity"] * factor).assign_coords(wavelength_km=spectrum["wavelength_km"])
    slope = float(spectral_slope(rotational, SLOPE_RANGE_KM))
    for name, colour in COLOURS.items():
        energy = spectrum[name].values * factor
        which = "rotational" if name == "vorticity" else "divergent"
        positive = energy > 0
        axes.plot(degree[positive], energy[positive], color=colour, linewidth=1.3, label=f"{which} energy")
    axes.set_xscale("log")
    axes.set_yscale("log")
    top = float(spectrum["kinetic_energy"].max())
    axes.set_ylim(top * 1e-8, top * 5)
    axes.set_title(f"slope {slope:.1f} at {SLOPE_RANGE_KM[0]:.0f} to {SLOPE_RANGE_KM[1]:.0f} km")
    axes.set_xlabel("total wavenumber")
    axes.set_ylabel("kinetic energy [m$^2$ s$^{-2}$]")
    style_axes(axes, style)
    style_legend(axes, style, location="lower left")


def _densities(
    axes: Axes, ds: xr.Dataset, names: list[str], statistics: xr.Dataset, style: FigureStyle
) -> None:
    edges = np.linspace(-10, 10, 81)
    centres = 0.5 * (edges[1:] + edges[:-1])
    weights = area_weights(ds)
    for name in names:
        deviation = float(statistics["standard_deviation"].sel(field=name))
        values = field_values(ds, name) / deviation
        density, _ = np.histogram(values, bins=edges, weights=np.broadcast_to(weights, values.shape))
        density = density / density.sum() / (edges[1] - edges[0])
        kurtosis = float(statistics["kurtosis"].sel(field=name))
        drawn = density > 0
        axes.plot(
            centres[drawn],
            density[drawn],
            color=COLOURS[name],
            linewidth=1.3,
            label=f"{name}\n{deviation:.1e} s$^{{-1}}$, kurtosis {kurtosis:.0f}",
        )
    axes.plot(
        centres,
        np.exp(-0.5 * centres**2) / np.sqrt(2 * np.pi),
        color=style.muted,
        linewidth=0.8,
        linestyle=":",
        label="normal",
    )
    axes.set_yscale("log")
    # Leaves room for the legend above the curves.
    axes.set_ylim(1e-6, 1e4)
    axes.set_title("density")
    axes.set_xlabel("value / standard deviation")
    style_axes(axes, style)
    style_legend(axes, style, location="upper center")


def _correlations(
    axes: Axes, ds: xr.Dataset, names: list[str], maximum_lag_h: float, style: FigureStyle
) -> None:
    axes.set_title("correlation over time lag")
    axes.set_xlabel("time lag [h]")
    if ds.sizes.get("time", 1) > 1:
        curves = lag_correlation(ds, maximum_lag_h=maximum_lag_h)
        for name in names:
            axes.plot(
                curves["lag"].values,
                curves[name].values,
                color=COLOURS[name],
                linewidth=1.3,
                label=name,
                marker=".",
            )
    axes.axhline(0.0, color=style.text, linewidth=0.6)
    axes.set_ylim(-0.2, 1.0)
    style_axes(axes, style)
    if ds.sizes.get("time", 1) > 1:
        style_legend(axes, style)
