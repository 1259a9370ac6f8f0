"""The numbers in plots of spectra and semivariograms, as columns by layer: for elements, and for new data in rendered ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.spectra import BAND
from atmodist_core.plots.states import COARSE, TRUTH

Lines = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""By name: abscissa, shape ``(point,)``, and values, shape ``(time, point)``."""

Columns = dict[str, dict[str, np.ndarray]]
"""By label of a layer: columns by name."""

ABSCISSA = "total_wavenumber"
NYQUIST = "coarse Nyquist"
GUIDES = {-3.0: "k⁻³", -5.0 / 3.0: "k⁻⁵⁄³"}
"""Slopes of kinetic energy, for the eye: quasi-geostrophic turbulence, and the mesoscale or inverse cascade."""

NOTHING = 1e-11
"""Power of the truth relative to its largest below which only rounding errors are left."""


def wavenumber_of(kilometres: Any) -> Any:
    """Return the total wavenumber of a wavelength, 2 pi a / wavelength.

    Examples
    --------
    >>> round(wavenumber_of(1000.0), 2)
    40.03
    """
    return 2 * np.pi * EARTH_RADIUS_M / 1000 / kilometres


def layer_name(name: str, what: str = "") -> str:
    """Return the label of the layer of a model; ``what`` distinguishes its layers.

    Examples
    --------
    >>> layer_name("srgan-4x-mse"), layer_name("truth", "lags")
    ('MSE GAN', 'truth, lags')
    """
    label = method_style(name).label
    return f"{label}, {what}" if what else label


BAND_NAME, MARKS_NAME = "16-84 %", "lags"


def spectrum_lines(spectra: Mapping[str, xr.Dataset], quantity: str) -> Lines:
    """Return power per total wavenumber of spectra by name.

    Bins of :func:`atmodist_core.regional_spectrum` become densities over the total wavenumber of waves of that length on the globe.

    Raises
    ------
    UserError
        If a spectrum has no such quantity.
    """
    lines = {}
    for name, spectrum in in_order(spectra):
        if quantity not in spectrum:
            raise UserError(
                f"Expected {quantity!r} in the spectra of {name!r}, found {', '.join(map(str, spectrum.data_vars))}; "
                "choose one of these."
            )
        regional = "wavelength_km" in spectrum.dims
        axis = "wavelength_km" if regional else ABSCISSA
        values = _over_time(spectrum[quantity], axis)
        if regional:
            values = values / float(spectrum.attrs["degrees_per_bin"])
        wavenumber = spectrum["equivalent_degree" if regional else axis].values.astype(float)
        kept = wavenumber > 0
        lines[name] = wavenumber[kept], values[:, kept]
    return lines


def semivariogram_lines(results: Mapping[str, xr.Dataset], field: str) -> Lines:
    """Return the semivariance of a field over the mean distance [km] of the pairs of points, where it is known.

    Raises
    ------
    UserError
        If a result has no such field.
    """
    lines = {}
    for name, result in in_order(results):
        if field not in result:
            raise UserError(
                f"Expected {field!r} in the semivariogram of {name!r}, found {', '.join(map(str, result.data_vars))}; "
                "choose one of these."
            )
        values = _over_time(result[field], "lag_km")
        distance = result["mean_distance_km" if "mean_distance_km" in result else "lag_km"].values
        distance = np.reshape(distance, -1)[: values.shape[1]].astype(float)
        known = np.isfinite(values).all(axis=0)
        lines[name] = distance[known], values[:, known]
    return lines


def _over_time(field: xr.DataArray, axis: str) -> np.ndarray:
    field = field if "time" in field.dims else field.expand_dims("time")
    return field.transpose("time", axis).values


def in_order(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the truth first, so that it lies below the others, and the coarse input next."""
    rank = {TRUTH: 0, COARSE: 1}
    return sorted(found.items(), key=lambda pair: rank.get(pair[0], 2))


def spectrum_columns(lines: Lines, slope_offset: float, nyquist: float | None = None) -> Columns:
    """Return the columns of a plot of spectra: means, bands of several times, guides along the truth, and the coarse Nyquist wavenumber.

    ``slope_offset`` is added to the slopes of kinetic energy: 2 for vorticity and divergence, whose power is that of kinetic energy times the
    square of the wavenumber.
    """
    columns = _means_and_bands(lines, ABSCISSA, "power")
    for name in lines:
        power = columns[layer_name(name)]["power"]
        # Zero has no place on a logarithmic axis.
        columns[layer_name(name)]["power"] = np.where(power > 0, power, np.nan)
        if name != TRUTH:
            # So that the plot of the ratio can have the same source, and both take one message to a browser.
            columns[layer_name(name)]["ratio"] = _ratio(lines, name)
    if TRUTH in lines:
        wavenumber, power = lines[TRUTH]
        columns |= _guides(wavenumber, power.mean(axis=0), slope_offset)
    if nyquist is not None:
        columns[NYQUIST] = {"x": np.array([nyquist])}
    return columns


def ratio_columns(lines: Lines, nyquist: float | None = None) -> Columns:
    """Return the columns of a plot of the ratio of every model's mean power to the truth's, where the truth has power."""
    columns: Columns = {}
    for name in (name for name in lines if TRUTH in lines and name != TRUTH):
        columns[layer_name(name)] = {ABSCISSA: lines[name][0], "ratio": _ratio(lines, name)}
    if nyquist is not None:
        columns[NYQUIST] = {"x": np.array([nyquist])}
    return columns


def _ratio(lines: Lines, name: str) -> np.ndarray:
    """Ratio to the truth; NaN without power of the truth, and where there is none on a logarithmic axis."""
    wavenumber, power = lines[name]
    if TRUTH not in lines:
        return np.full(wavenumber.shape, np.nan)
    reference, of_truth = lines[TRUTH]
    truth = of_truth.mean(axis=0)
    # Grids of a region may differ by a row, and with them the wavenumbers: the truth is read off between its own.
    below = np.interp(wavenumber, reference, truth, right=np.nan)
    meant = below > NOTHING * truth.max()
    ratio = np.divide(power.mean(axis=0), below, out=np.full(below.shape, np.nan), where=meant)
    return np.where(ratio > 0, ratio, np.nan)


def semivariogram_columns(lines: Lines) -> Columns:
    """Return the columns of a plot of semivariograms: means, bands of several times, and marks at the distances."""
    columns = _means_and_bands(lines, "distance", "semivariance")
    marks = {layer_name(name, MARKS_NAME): columns[layer_name(name)] for name in lines}
    return columns | marks


def _means_and_bands(lines: Lines, x_name: str, y_name: str) -> Columns:
    """Means over time and, for more than two times, the band of 16 to 84 % of them as the outline of a patch."""
    columns: Columns = {}
    for name, (x, values) in lines.items():
        columns[layer_name(name)] = {x_name: x, y_name: values.mean(axis=0)}
        if len(values) > 2:
            low, high = np.quantile(values, BAND, axis=0)
            shown = (low > 0) & (high > 0)
            x, low, high = x[shown], low[shown], high[shown]
            outline = {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([high, low[::-1]])}
            columns[layer_name(name, BAND_NAME)] = outline
    return columns


def _guides(wavenumber: np.ndarray, power: np.ndarray, offset: float) -> Columns:
    """Straight lines of known slope above the truth, each over about a third of the axis, with their names."""
    real = power > NOTHING * power.max()
    wavenumber, power = wavenumber[real], power[real]
    if wavenumber.size < 8:
        return {}
    thirds = np.geomspace(wavenumber[0], wavenumber[-1], 4)
    columns: Columns = {}
    for (slope, text), start, stop in zip(
        GUIDES.items(), (thirds[1], thirds[2]), (thirds[2] * 1.3, thirds[3]), strict=True
    ):
        # Above the truth everywhere, so that neither line nor name overlaps the spectra.
        along = np.geomspace(start, stop, 50)
        shape = (along / start) ** (slope + offset)
        height = 2.5 * float((np.interp(along, wavenumber, power) / shape).max())
        ends = np.array([start, stop])
        y = height * (ends / start) ** (slope + offset)
        columns[text] = {"x": ends, "y": y}
        middle = np.sqrt([start * stop]), np.sqrt([y[0] * y[1]]) * 1.1
        columns[f"{text}, name"] = {"x": middle[0], "y": middle[1], "text": np.array([text])}
    return columns


Limits = tuple[tuple[float, float], tuple[float, float]]
"""Ends of the abscissa and of the ordinate."""


def spectrum_limits(lines: Lines, columns: Columns) -> Limits | None:
    """Return the axes that show the truth, or without it all spectra, and the guides; None without any power."""
    found = [lines[TRUTH]] if TRUTH in lines else list(lines.values())
    wavenumber = np.concatenate([x for x, _ in found])
    power = np.concatenate([values.mean(axis=0) for _, values in found])
    # Beyond the truncation of the data are only rounding errors, which would take most of the axis.
    real = power[power > NOTHING * power.max(initial=0.0)]
    if not real.size:
        return None
    highest = max([real.max(), *(columns[text]["y"].max() for text in GUIDES.values() if text in columns)])
    # With room for the names of the guides, which stand above their lines.
    return (
        (float(wavenumber.min()) * 0.9, float(wavenumber.max()) * 1.08),
        (float(real.min()) / 12, float(highest) * 12),
    )


def semivariogram_limits(lines: Lines) -> Limits | None:
    """Return the axes that show the truth, or without it all semivariograms; None without any."""
    found = [lines[TRUTH]] if TRUTH in lines else list(lines.values())
    distance = np.concatenate([x for x, _ in found])
    if not distance.size:
        return None
    largest = max(float(values.mean(axis=0).max(initial=0.0)) for _, values in found)
    top = max(1.15, 1.15 * largest)
    return (float(distance.min()) * 0.85, float(distance.max()) * 1.15), (0.0, top)
