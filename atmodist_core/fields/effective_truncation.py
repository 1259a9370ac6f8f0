"""Effective truncation of fields: the shortest waves that they hold, as a share of their grid's Nyquist wavenumber.

Fields of a model truncated at total wavenumber 179 on 360 rows use half of what the grid carries; most analyses at 0.25
degrees use nearly all of it. A downscaler must know, since it adds what lies between the coarse grid's Nyquist and there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.field_arrays import FieldArrays

ATTRIBUTE = "effective_truncation"
"""Attribute of a dataset that keeps the share; above 1 on block means, whose source had finer scales."""

DROP = 10.0
"""A spectrum ends where the power falls below its own continuation by this factor, and stays below."""

_LARGEST_WINDOW, _SMALLEST_WINDOW = 192, 16
_PLACES = (0.5, 0.2, 0.8)
"""Of windows, as shares of the room that there is along an axis."""
_LATITUDES, _HEIGHT = 60.0, 50.0
"""Degrees: centres of windows lie within the first; they are no taller than the second, for meridians converge."""
_MOSTLY = 0.8
"""Share of the rings from the truncation on that are below."""
_FIT_FROM, _FIT_TO = 0.4, 0.75
"""Of a wavenumber: the range below it whose power law is continued to it."""


def effective_truncation(dataset: xr.Dataset, *, times: int = 3) -> float | None:
    """Measure the shortest waves that fields hold, as a share of the Nyquist wavenumber of their latitudes.

    Power spectra of windows under a Hann window are averaged over fields, a few times and places within 60 degrees of the
    equator, and over rings of equal wavelength. The power law below a wavenumber is continued to it; the truncation is the
    first wavenumber from which on the power stays below a tenth of that. Windows with missing values are left out.

    Parameters
    ----------
    dataset : xarray.Dataset
        Canonical fields, global or of a limited area; only ``times`` of them are read.
    times : int
        How many times, spread over the period.

    Returns
    -------
    float or None
        1 where the spectrum does not end before the grid's Nyquist; None for areas below 16 x 16 valid points.

    Raises
    ------
    UserError
        The dataset has no fields over latitude and longitude.
    """
    stated = dataset.attrs.get(ATTRIBUTE)
    if isinstance(stated, (int, float, np.number)) and stated > 0:
        return float(stated)
    wanted = [name for name in ("vorticity", "divergence") if name in dataset]
    arrays = FieldArrays.of(dataset, wanted, "the effective truncation")
    chosen = evenly_spaced(arrays.time_count, times)
    part = arrays.dataset.isel(time=chosen)
    values = np.stack([np.asarray(part[name].values, np.float64) for name in arrays.channels], axis=1)
    return truncation_of_values(values, arrays.latitude, arrays.longitude)


def with_effective_truncation(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with its effective truncation as an attribute, measured unless it is there."""
    share = effective_truncation(dataset)
    return dataset if share is None else dataset.assign_attrs({ATTRIBUTE: round(share, 3)})


def truncation_of_values(
    values: NDArray[np.floating], latitude: NDArray[np.floating], longitude: NDArray[np.floating]
) -> float | None:
    """Measure the same of an array ``(time, field, latitude, longitude)``; missing values are NaN."""
    spectra = ring_spectra(values, latitude, longitude)
    if spectra is None:
        return None
    # Fields count alike, whatever their units.
    return _end_of(np.mean(spectra, axis=(0, 1)))


def ring_spectra(
    values: NDArray[np.floating], latitude: NDArray[np.floating], longitude: NDArray[np.floating]
) -> list[NDArray[np.float64]] | None:
    """Return the power spectra of windows of fields ``(time, field, latitude, longitude)``; None where no window is complete.

    Each is ``(field, ring)``: the mean power of a coefficient in rings of equal width up to the Nyquist wavenumber of the
    latitudes, averaged over times, relative to the field's mean power in the window. Missing values are NaN.
    """
    spacing = abs(float(np.diff(latitude).mean())), abs(float(np.diff(longitude).mean()))
    for size in _window_sizes(values.shape[-2:]):
        rows = max(min(size, values.shape[-2], int(_HEIGHT / spacing[0])), _SMALLEST_WINDOW)
        columns = min(size, values.shape[-1])
        rings = min(rows, columns) // 2
        spectra = []
        for row in _starts(values.shape[-2], rows, np.abs(latitude) <= _LATITUDES):
            middle = np.deg2rad(float(latitude[row : row + rows].mean()))
            stretch = spacing[0] / (spacing[1] * np.cos(middle))
            for column in _starts(values.shape[-1], columns, None):
                window = values[..., row : row + rows, column : column + columns]
                complete = window[np.isfinite(window).all(axis=(1, 2, 3))]
                if len(complete):
                    spectra.append(_ring_power(complete, stretch, rings))
        if spectra:
            return spectra
    return None


def _window_sizes(shape: Sequence[int]) -> list[int]:
    """The largest window, then smaller ones, of which more avoid missing values."""
    size, sizes = min(*shape, _LARGEST_WINDOW), []
    while size >= _SMALLEST_WINDOW:
        sizes.append(size)
        size = size * 2 // 3
    return sizes


def _starts(length: int, size: int, wanted: NDArray[np.bool_] | None) -> list[int]:
    """First indices of windows along an axis; only those whose centre is wanted, if there is one."""
    starts = sorted({round(share * (length - size)) for share in _PLACES})
    inside = [start for start in starts if wanted is None or wanted[start + size // 2]]
    return inside or starts


def _ring_power(window: NDArray[np.floating], stretch: float, rings: int) -> NDArray[np.float64]:
    """Relative mean power of a coefficient of each field in rings up to the Nyquist wavenumber, ``(field, rings)``.

    ``stretch`` is the spacing of latitudes over that of longitudes [km].
    """
    # Second differences take the large scales away, whose leakage under the taper would hide the end of a steep spectrum;
    # their response is divided out again.
    inner = window[..., 1:-1, 1:-1]
    across = window[..., 1:-1, 2:] + window[..., 1:-1, :-2]
    along = window[..., 2:, 1:-1] + window[..., :-2, 1:-1]
    sharpened = 4.0 * inner - across - along
    rows, columns = inner.shape[-2:]
    row_waves, column_waves = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)
    response = 4.0 - 2.0 * np.cos(2 * np.pi * row_waves) - 2.0 * np.cos(2 * np.pi * column_waves)
    response[0, 0] = np.inf
    taper = np.hanning(rows + 2)[1:-1, None] * np.hanning(columns + 2)[1:-1]
    power = (np.abs(np.fft.rfft2(sharpened * taper)) / response) ** 2
    power = power / np.maximum(power.mean(axis=(0, 2, 3), keepdims=True), np.finfo(float).tiny)
    wavenumber = np.hypot(row_waves, column_waves * stretch) * 2.0
    ring = np.minimum((wavenumber * rings).astype(int), rings).ravel()
    counts = np.maximum(np.bincount(ring, minlength=rings + 1), 1)
    fields = power.mean(axis=0).reshape(power.shape[1], -1)
    sums = np.stack([np.bincount(ring, field, minlength=rings + 1) for field in fields])
    return np.asarray(sums / counts)[:, :rings]


def _end_of(power: NDArray[np.float64]) -> float:
    """The wavenumber at which a spectrum of rings ends, as a share of the last."""
    rings = len(power)
    centre = (np.arange(rings) + 0.5) / rings
    height = np.log10(np.maximum(power, np.finfo(float).tiny))
    lack = np.zeros(rings)
    for ring in range(3, rings):
        fitted = (centre >= _FIT_FROM * centre[ring]) & (centre <= _FIT_TO * centre[ring])
        fitted &= (lack < np.log10(DROP)) & (np.arange(rings) > 0)
        if np.count_nonzero(fitted) < 2:
            lack[ring] = lack[ring - 1]
            continue
        slope, level = np.polyfit(np.log10(centre[fitted]), height[fitted], 1)
        # A rise is no power law of weather: noise must not predict more power than there was.
        expected = level + slope * np.log10(centre[ring]) if slope <= 0 else height[fitted].mean()
        lack[ring] = expected - height[ring]
    below = lack > np.log10(DROP)
    # The last rings hold rounding errors and, near the poles' side of a window, a few stray waves.
    remaining = np.cumsum(below[::-1])[::-1] / np.arange(rings, 0, -1)
    ended = np.flatnonzero(below & (remaining >= _MOSTLY))
    if not len(ended):
        return 1.0
    # The window smears the end over two rings, of which the first still has much of its power.
    end = int(ended[0])
    return float((end - (lack[end - 1] > np.log10(2.0))) / rings)
