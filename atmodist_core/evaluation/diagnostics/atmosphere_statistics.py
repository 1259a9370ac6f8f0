"""Statistics that tell what kind of atmosphere a data set holds: spread, tails, spectral slope, memory."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import (
    area_weights,
    field_values,
    horizontal_fields,
    time_batches,
    time_values,
)
from atmodist_core.evaluation.lags.lag_curves import pairs_by_lag
from atmodist_core.evaluation.measure_kernels import kurtosis_of


def atmosphere_statistics(ds: xr.Dataset) -> xr.Dataset:
    """Return standard deviation, kurtosis and lag correlation of every field.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields at one or more times; read a few times at once.

    Returns
    -------
    xarray.Dataset
        Over ``field``, all area-weighted and over all times: ``standard_deviation`` [units of the field],
        ``kurtosis`` (3 for a normal distribution) and ``lag_correlation``, the correlation of successive
        times; with a single time it is missing. The attribute ``lag_hours`` says how far those are apart
        (missing where this varies).

    Raises
    ------
    UserError
        If the data have gaps.
    """
    names = horizontal_fields(ds)
    weights = area_weights(ds)
    powers = np.zeros((4, len(names)))
    pairs = np.zeros((5, len(names)))
    last: list[np.ndarray | None] = [None] * len(names)
    for part in time_batches(ds, 16):
        for column, name in enumerate(names):
            values = field_values(part, name)
            powers[:, column] += [np.sum(values**k * weights) for k in range(1, 5)]
            before = last[column]
            series = values if before is None else np.concatenate([before, values])
            x, y = series[:-1], series[1:]
            pairs[:, column] += [np.sum(z * weights) for z in (x, y, x * x, y * y, x * y)]
            last[column] = values[-1:]
    times = ds.sizes.get("time", 1)
    mean = powers / times
    result = xr.Dataset(
        {
            "standard_deviation": (
                "field",
                np.sqrt(np.maximum(mean[1] - mean[0] ** 2, 0)),
                {"long_name": "standard deviation", "units": "the units of the field"},
            ),
            "kurtosis": ("field", kurtosis_of(list(mean)), {"long_name": "kurtosis", "units": "1"}),
            "lag_correlation": (
                "field",
                _correlation(pairs / (times - 1)) if times > 1 else np.full(len(names), np.nan),
                {"long_name": "correlation of successive times", "units": "1"},
            ),
        },
        coords={"field": names},
        attrs={"times": times},
    )
    steps = np.diff(time_values(ds)) / np.timedelta64(1, "s")
    result.attrs["lag_hours"] = float(steps[0] / 3600) if steps.size and np.ptp(steps) == 0 else np.nan
    return result


def _correlation(means: np.ndarray) -> np.ndarray:
    """Pearson correlation from the means of x, y, x^2, y^2 and x y."""
    x, y, xx, yy, xy = means
    scale = np.sqrt(np.maximum((xx - x**2) * (yy - y**2), 0))
    return np.divide(xy - x * y, scale, out=np.full(scale.shape, np.nan), where=scale > 0)


def lag_correlation(ds: xr.Dataset, *, maximum_lag_h: float = 72.0) -> xr.Dataset:
    """Return the correlation of every field with itself some time later.

    Parameters
    ----------
    ds : xarray.Dataset
        Canonical fields at several times. One field is held in memory at a time.
    maximum_lag_h : float
        Longest lag [h].

    Returns
    -------
    xarray.Dataset
        Every field over ``lag`` [h], from 0 on: the area-weighted mean product of the deviations from the
        overall mean at two times, over all pairs of times that far apart, divided by the variance at those
        times.

    Raises
    ------
    UserError
        If there are fewer than two times, none within the lag, or gaps in the data.
    """
    times = time_values(ds)
    pairs = pairs_by_lag(times, maximum_lag_h) if times.size > 1 and not np.isnat(times).any() else {}
    if not pairs:
        raise UserError(
            f"Expected at least two dated times within {maximum_lag_h:g} hours, found none; choose a "
            f"longer period."
        )
    root = np.sqrt(area_weights(ds))
    curves = {}
    for name in horizontal_fields(ds):
        series = np.concatenate([field_values(part, name, dtype=np.float32) for part in time_batches(ds, 16)])
        series -= np.float32((series.mean(axis=0) * root**2).sum())
        flat = (series * root.astype(np.float32)).reshape(times.size, -1)
        power = np.einsum("ti,ti->t", flat, flat, dtype=np.float64)
        values = [1.0]
        for earlier, later in pairs.values():
            products = [float(flat[i] @ flat[j]) for i, j in zip(earlier, later, strict=True)]
            values.append(float(np.mean(products) / np.sqrt(power[earlier].mean() * power[later].mean())))
        curves[name] = ("lag", values, {"long_name": f"lag correlation of {name}", "units": "1"})
    lags = ("lag", [0.0, *pairs], {"long_name": "time lag", "units": "h"})
    return xr.Dataset(curves, coords={"lag": lags})


def spectral_slope(spectrum: xr.DataArray, wavelengths_km: tuple[float, float]) -> xr.DataArray:
    """Return the slope of a spectrum in log-log coordinates between two wavelengths, by least squares.

    Parameters
    ----------
    spectrum : xarray.DataArray
        A variable of ``energy_spectrum`` or ``regional_spectrum``: it has the coordinate ``wavelength_km``.
    wavelengths_km : tuple of float
        The range of wavelengths [km], in either order.

    Returns
    -------
    xarray.DataArray
        Exponent n of power ~ wavenumber^n; no units. Spectra with other dimensions (``time``) have one each;
        for a mean slope, average the spectra first.

    Raises
    ------
    UserError
        If fewer than three values lie within the range, or one is not positive.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> wavelength = 40000 / np.arange(1, 101)
    >>> spectrum = xr.DataArray(wavelength**3, {"wavelength_km": wavelength}, dims="wavelength_km")
    >>> round(float(spectral_slope(spectrum, (500, 5000))), 6)
    -3.0
    """
    dimension = str(spectrum["wavelength_km"].dims[0])
    wavelength = spectrum["wavelength_km"]
    low, high = sorted(wavelengths_km)
    inside = spectrum.isel({dimension: np.flatnonzero((wavelength >= low) & (wavelength <= high))})
    if inside.sizes[dimension] < 3 or not bool((inside > 0).all()):
        raise UserError(
            f"Expected at least three positive values between wavelengths of {low:g} and {high:g} km, found "
            f"{inside.sizes[dimension]} values; choose another range."
        )
    x = -np.log(inside["wavelength_km"])
    x = x - x.mean()
    y = xr.DataArray(np.log(inside))
    return (x * (y - y.mean(dimension))).sum(dimension) / (x**2).sum()
