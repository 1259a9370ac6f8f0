"""Figures of spectra and semivariograms of an evaluation, with their ratio to the truth below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from atmodist_core.figures.method_styles import MethodStyle, legend_above, legend_height_in
from atmodist_core.figures.spectra import LEAST_SHARE, TRUTH, add_wavelength_axis
from atmodist_core.figures.style import (
    PUBLICATION,
    new_figure,
    power_of_ten,
    scaled_units,
    style_axes,
    units_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINETIC_ENERGY = "kinetic_energy"
RATIO_LIMITS = (0.0, 1.6)
"""Limits of the ratio panels."""


def evaluation_spectra_figure(
    table: xr.Dataset, styles: Mapping[str, MethodStyle], *, band: tuple[int, int] | None = None
) -> Figure:
    """Draw mean spectra with the spread of days, and their ratio to the truth with 95 % intervals.

    ``table`` is the group ``spectra`` of an evaluation; the total wavenumbers of ``band`` (first, last) are shaded.
    """
    fields = [str(name) for name in table["field"].values]
    quantities = ([KINETIC_ENERGY] if KINETIC_ENERGY in table else []) + fields
    models = _models(table, "power")
    figure = new_figure(PUBLICATION.width_in, 0.56 * PUBLICATION.width_in + legend_height_in(models))
    grid = figure.subplots(2, len(quantities), squeeze=False, height_ratios=(1.7, 1.0))
    wavenumber = table["total_wavenumber"].values.astype(float)
    for column, quantity in enumerate(quantities):
        upper, lower = grid[:, column]
        for name in models:
            _spectrum(upper, table, quantity, name, wavenumber, styles[name])
        _limit_power(upper, table, quantity, models, band)
        for name in models:
            if name != TRUTH:
                _ratio(lower, wavenumber, *_ratio_of(table, quantity, name), styles[name])
        lower.axhline(1.0, color=PUBLICATION.text, linewidth=0.8)
        lower.set_ylim(*RATIO_LIMITS)
        lower.set_xlabel("total wavenumber")
        upper.set_title(quantity.replace("_", " "))
        units = table[KINETIC_ENERGY if quantity == KINETIC_ENERGY else "power"].attrs.get("units", "")
        upper.set_ylabel(f"power per wavenumber [{units_label(units)}]")
        if column == 0:
            lower.set_ylabel("ratio to truth")
        add_wavelength_axis(upper)
        upper.set_xscale("log")
        upper.set_xlim(left=1.0, right=float(wavenumber[-1]))
        # A linear axis gives room to the small scales; it ends at the truncation of the truth.
        lower.set_xlim(left=0.0, right=float(band[1]) if band else float(wavenumber[-1]))
        for axes in (upper, lower):
            if band is not None:
                axes.axvspan(*band, color=PUBLICATION.grid, alpha=0.5, linewidth=0, zorder=0)
            style_axes(axes)
        upper.title.set_fontsize(PUBLICATION.font_size)
    legend_above(figure, styles, models)
    return figure


def _models(table: xr.Dataset, variable: str) -> list[str]:
    return [str(name) for name in table[variable]["model"].values]


def _of(table: xr.Dataset, quantity: str, suffix: str, model: str) -> np.ndarray | None:
    """Values over the total wavenumber, or None if the table does not have them."""
    name = quantity + suffix if quantity == KINETIC_ENERGY else "power" + suffix
    if name not in table:
        return None
    place = {"model": model} | ({} if quantity == KINETIC_ENERGY else {"field": quantity})
    return table[name].sel(place).values.astype(float)


def _spectrum(
    axes: Axes, table: xr.Dataset, quantity: str, model: str, wavenumber: np.ndarray, own_style: MethodStyle
) -> None:
    mean = _of(table, quantity, "", model)
    assert mean is not None
    drawn = (wavenumber > 0) & (mean > 0)
    axes.plot(wavenumber[drawn], mean[drawn], **own_style.line())
    low, high = (_of(table, quantity, suffix, model) for suffix in ("_p10", "_p90"))
    if low is not None and high is not None:
        axes.fill_between(
            wavenumber[drawn],
            low[drawn],
            high[drawn],
            color=own_style.colour or PUBLICATION.text,
            alpha=0.12,
            linewidth=0,
        )


def _limit_power(
    axes: Axes, table: xr.Dataset, quantity: str, models: list[str], band: tuple[int, int] | None
) -> None:
    """Set the vertical limits by the truth: interpolation has almost no power at small scales."""
    power = _of(table, quantity, "", TRUTH if TRUTH in models else models[0])
    assert power is not None
    # Beyond its truncation, the truth has rounding noise only.
    usable = np.isfinite(power) & (power > LEAST_SHARE * np.nanmax(power))
    if band is not None:
        usable &= table["total_wavenumber"].values <= band[1]
    positive = power[usable]
    axes.set_yscale("log")
    if positive.size:
        axes.set_ylim(positive.min() / 10, positive.max() * 3)


def _ratio_of(
    table: xr.Dataset, quantity: str, model: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Ratio of power to the truth's, with its interval if there is one."""
    if quantity != KINETIC_ENERGY and "power_ratio" in table:
        place = {"model": model, "field": quantity}
        low, high = (
            table[f"power_ratio_{end}"].sel(place).values if f"power_ratio_{end}" in table else None
            for end in ("low", "high")
        )
        return table["power_ratio"].sel(place).values, low, high
    own = _of(table, quantity, "", model)
    truth = _of(table, quantity, "", TRUTH) if TRUTH in table["model"].values else None
    assert own is not None
    if truth is None:
        return np.full(own.shape, np.nan), None, None
    usable = truth > LEAST_SHARE * np.nanmax(truth)
    return np.divide(own, truth, out=np.full(own.shape, np.nan), where=usable), None, None


def _ratio(
    axes: Axes,
    x: np.ndarray,
    ratio: np.ndarray,
    low: np.ndarray | None,
    high: np.ndarray | None,
    own_style: MethodStyle,
) -> None:
    drawn = (x > 0) & np.isfinite(ratio)
    axes.plot(x[drawn], ratio[drawn], **own_style.line())
    if low is not None and high is not None:
        axes.fill_between(
            x[drawn],
            low[drawn],
            high[drawn],
            color=own_style.colour or PUBLICATION.text,
            alpha=0.25,
            linewidth=0,
        )


def evaluation_semivariogram_figure(table: xr.Dataset, styles: Mapping[str, MethodStyle]) -> Figure:
    """Draw the group ``semivariogram`` over great-circle lag, and its ratio to the truth with 95 % intervals."""
    fields = [str(name) for name in table["field"].values]
    models = _models(table, "semivariance")
    width = PUBLICATION.width_in if len(fields) > 1 else 0.6 * PUBLICATION.width_in
    figure = new_figure(width, 0.52 * PUBLICATION.width_in + legend_height_in(models))
    grid = figure.subplots(2, len(fields), squeeze=False, sharex=True, height_ratios=(1.5, 1))
    lag = table["lag_km"].values.astype(float)
    units = str(table["semivariance"].attrs.get("units", "1"))
    for column, field in enumerate(fields):
        upper, lower = grid[:, column]
        for name in models:
            own, place = styles[name], {"model": name, "field": field}
            values = table["semivariance"].sel(place).values
            upper.plot(lag, values, marker="o", markersize=2.5, **own.line())
            if name == TRUTH or "semivariance_ratio" not in table:
                continue
            low, high = (
                table[f"semivariance_ratio_{end}"].sel(place).values
                if f"semivariance_ratio_{end}" in table
                else None
                for end in ("low", "high")
            )
            _ratio(lower, lag, table["semivariance_ratio"].sel(place).values, low, high, own)
        upper.set_title(field)
        upper.set_xscale("log")
        lower.axhline(1.0, color=PUBLICATION.text, linewidth=0.8)
        lower.set_xlabel("great-circle lag [km]")
        lower.set_xticks(lag, [f"{one:.0f}" for one in lag])
        lower.minorticks_off()
        upper.minorticks_off()
        power = power_of_ten(table["semivariance"].sel(field=field).values)
        upper.yaxis.set_major_formatter(lambda y, _, power=power: f"{y / 10.0**power:g}")
        if column == 0 or units != "1":
            upper.set_ylabel(
                "semivariance / variance of truth"
                if units == "1"
                else f"semivariance{scaled_units(units, power)}"
            )
        if column == 0:
            lower.set_ylabel("ratio to truth")
        upper.set_ylim(bottom=0)
        for axes in (upper, lower):
            style_axes(axes)
    ends = [axes.get_ylim() for axes in grid[1]]
    for axes in grid[1]:
        axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    legend_above(figure, styles, models)
    return figure
