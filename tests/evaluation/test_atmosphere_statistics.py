"""Spread, tails, slope and memory of made-up atmospheres."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kurtosis

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import (
    area_weights,
    atmosphere_statistics,
    energy_spectrum,
    lag_correlation,
    spectral_slope,
    wind_speed,
)
from tests.evaluation.mock_fields import area, dataset, globe


def first_order_process(memory, times=400, rows=6, columns=8):
    """x(t + 1) = memory x(t) + noise, variance one: the correlation at lag k is memory^k."""
    random = np.random.default_rng(0)
    values = np.empty((times, rows, columns))
    values[0] = random.standard_normal((rows, columns))
    for t in range(1, times):
        values[t] = memory * values[t - 1] + np.sqrt(1 - memory**2) * random.standard_normal((rows, columns))
    return dataset({"vorticity": 1e-5 * values}, 20.0 - np.arange(rows), np.arange(columns) * 1.0)


def test_standard_deviation_and_kurtosis():
    ds = area(30, 40, times=20, north=0.25 * 29)  # close to the equator, where weights are nearly equal
    result = atmosphere_statistics(ds)
    weights = np.broadcast_to(area_weights(ds), ds.vorticity.shape)
    for name in ("vorticity", "divergence"):
        values = ds[name].values.astype(np.float64)
        mean = np.average(values, weights=weights)
        variance = np.average((values - mean) ** 2, weights=weights)
        assert float(result.standard_deviation.sel(field=name)) == pytest.approx(np.sqrt(variance), rel=1e-9)
        fourth = np.average((values - mean) ** 4, weights=weights) / variance**2
        assert float(result.kurtosis.sel(field=name)) == pytest.approx(fourth, rel=1e-9)
        assert fourth == pytest.approx(kurtosis(values.ravel(), fisher=False), abs=0.05)
    assert result.attrs["times"] == 20 and result.attrs["lag_hours"] == 3.0


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_memory_of_a_first_order_process(memory):
    ds = first_order_process(memory)
    assert float(atmosphere_statistics(ds).lag_correlation[0]) == pytest.approx(memory, abs=0.02)
    curve = lag_correlation(ds, maximum_lag_h=12).vorticity
    assert list(curve.lag.values) == [0, 3, 6, 9, 12]
    np.testing.assert_allclose(curve, memory ** np.arange(5), atol=0.05)


def test_pieces_of_time_do_not_matter():
    ds = first_order_process(0.8, times=40)
    xr.testing.assert_allclose(
        atmosphere_statistics(ds.chunk(time=7)), atmosphere_statistics(ds), rtol=1e-12, atol=0
    )
    values = ds.vorticity.values
    weights = np.broadcast_to(area_weights(ds), values[1:].shape)
    x, y = values[:-1], values[1:]
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    expected = np.average(x * y, weights=weights) / np.sqrt(
        np.average(x**2, weights=weights) * np.average(y**2, weights=weights)
    )
    assert float(atmosphere_statistics(ds).lag_correlation[0]) == pytest.approx(expected, rel=1e-9)


def test_a_single_time_has_no_memory():
    result = atmosphere_statistics(area())
    assert np.isnan(result.lag_correlation).all() and np.isnan(result.attrs["lag_hours"])
    with pytest.raises(UserError, match="two dated times"):
        lag_correlation(area())


def test_slope_of_a_global_spectrum():
    ds = globe(96, slope=-3.0, times=6, truncation=40)
    spectrum = energy_spectrum(ds).vorticity.mean("time")
    assert float(spectral_slope(spectrum, (1000, 5000))) == pytest.approx(-3.0, abs=0.25)
    per_time = spectral_slope(energy_spectrum(ds).vorticity, (5000, 1000))
    assert per_time.dims == ("time",) and per_time.size == 6


@pytest.mark.parametrize("wavelengths", [(10.0, 20.0), (39000.0, 41000.0)])
def test_slope_needs_values(wavelengths):
    with pytest.raises(UserError, match="at least three"):
        spectral_slope(energy_spectrum(globe(32)).vorticity, wavelengths)


def test_wind_speed_of_solid_body_rotation():
    # u = U cos(latitude), vorticity 2 U sin(latitude) / a
    ds = globe(32)
    latitude = np.deg2rad(ds.latitude.values)[:, None] * np.ones(64)
    ds["vorticity"][0] = 2 * 10.0 * np.sin(latitude) / 6_371_229.0
    ds["divergence"][0] = 0.0
    speed = wind_speed(ds)
    np.testing.assert_allclose(speed[0], 10 * np.cos(latitude), atol=1e-4)
    assert speed.name == "wind_speed" and speed.attrs["units"] == "m s-1"


@pytest.mark.parametrize(
    ("make", "words"), [(area, "whole globe"), (lambda: globe(16)[["vorticity"]], "divergence")]
)
def test_wind_speed_needs_the_globe_and_both_fields(make, words):
    with pytest.raises(UserError, match=words):
        wind_speed(make())
