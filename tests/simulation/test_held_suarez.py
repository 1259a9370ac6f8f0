"""The climate of the benchmark against the figures of Held & Suarez (1994), read off their plots."""

import numpy as np
import pytest
import torch

from atmodist_core.simulation import AtmosphereConfig, PrimitiveEquations


@pytest.fixture(scope="module")
def climate():
    """Zonal means over 150 days of T42 after 250 days of spin-up (they average 1000 days of a 1200-day
    run).
    """
    coarse = PrimitiveEquations(AtmosphereConfig.held_suarez(21, 32, 30.0), seed=1)
    with torch.inference_mode():
        for _ in range(150 * 48):
            coarse.step()
        model = PrimitiveEquations(AtmosphereConfig.held_suarez())
        model.continue_from(coarse)
        wind, temperature, square, samples = 0.0, 0.0, 0.0, 0
        for day in range(250):
            for _ in range(72):
                model.step()
            if day < 100:
                continue
            u, _ = model.transform.vorticity_divergence_to_wind(model.state.vorticity, model.state.divergence)
            kelvin = model.transform.synthesis(model.state.temperature) + 300.0
            wind = wind + u.mean(-1).double()
            temperature = temperature + kelvin.double()
            square = square + (kelvin.double() ** 2).mean(-1)
            samples += 1
    mean = temperature / samples
    variance = square / samples - (mean**2).mean(-1)  # departures from the time mean, averaged over longitude
    return (
        model.transform.latitudes,
        np.asarray(model.vertical.full_levels),
        (wind / samples).numpy(),
        mean.mean(-1).numpy(),
        variance.numpy(),
    )


@pytest.mark.slow
def test_the_jets_are_where_they_should_be(climate):
    """Figure 2: two jets of about 30 m/s near 45 degrees and 250 hPa."""
    latitude, sigma, wind, _, _ = climate
    for hemisphere in (latitude > 0, latitude < 0):
        level, row = np.unravel_index(wind[:, hemisphere].argmax(), wind[:, hemisphere].shape)
        assert 26 < wind[level, hemisphere][row] < 36
        # Rows are 2.8 degrees apart, and over 150 days the hemispheres of one run differ by one: 48.8 or 51.6, by how a processor rounds.
        assert 38 < abs(latitude[hemisphere][row]) < 53
        assert 0.15 < sigma[level] < 0.36


@pytest.mark.slow
def test_the_surface_winds_have_trades_and_westerlies(climate):
    """Figure 2: easterlies of 5 to 10 m/s at the ground in the tropics, westerlies of about 8 m/s near 45
    degrees.
    """
    latitude, _, wind, _, _ = climate
    ground = wind[-1]
    assert -12 < ground[np.abs(latitude) < 25].min() < -4
    for hemisphere in (latitude > 0, latitude < 0):
        middle = hemisphere & (np.abs(latitude) > 35) & (np.abs(latitude) < 60)
        assert 4 < ground[middle].max() < 12


@pytest.mark.slow
def test_the_storm_tracks_carry_temperature_variance(climate):
    """Figure 3: the eddy variance of temperature peaks at about 40 K2 in the lower troposphere of middle
    latitudes.
    """
    latitude, sigma, _, _, variance = climate
    lower = sigma > 0.6
    for hemisphere in (latitude > 0, latitude < 0):
        band = variance[lower][:, hemisphere]
        level, row = np.unravel_index(band.argmax(), band.shape)
        assert 20 < band[level, row] < 60
        assert 30 < abs(latitude[hemisphere][row]) < 60


@pytest.mark.slow
def test_the_temperature_contrast_is_weaker_than_its_forcing(climate):
    """Eddies carry heat poleward: the lowest level is less than the forced 60 K warmer at the equator than at
    the poles.
    """
    latitude, _, _, temperature, _ = climate
    ground = temperature[-1]
    contrast = ground[np.abs(latitude) < 5].mean() - ground[np.abs(latitude) > 80].mean()
    assert 30 < contrast < 55
