"""The dynamics: exact balances, conservation, and what a seed means."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from atmodist_core.common.constants import (
    EARTH_RADIUS_M,
    EARTH_ROTATION_RATE,
    GAS_CONSTANT_DRY_AIR,
    GRAVITY,
    KAPPA,
)
from atmodist_core.simulation import AtmosphereConfig, PrimitiveEquations, State, StochasticHeating
from atmodist_core.simulation.vertical import VerticalGrid


def unforced(truncation=21, latitude_count=32, step_minutes=20.0, mountain_height=0.0):
    """No friction, no relaxation that matters, no diffusion: the bare dynamics."""
    return dataclasses.replace(
        AtmosphereConfig.held_suarez(truncation, latitude_count, step_minutes),
        friction_per_day=0.0,
        hyperdiffusion_hours=1e9,
        mountain_height=mountain_height,
    )


def without_heating(model):
    model.relaxation.rate = torch.zeros_like(model.relaxation.rate)
    return model


def set_state(model, vorticity=None, temperature_kelvin=300.0, log_pressure=None):
    """An isothermal state; vorticity and ln p_s as grids."""
    zero = torch.zeros_like(model.state.vorticity)
    offset = torch.full(
        (model.config.latitude_count, model.config.longitude_count), 1.0, dtype=model.transform.dtype
    )
    temperature = zero.clone()
    temperature[:] = model.transform.analysis(
        offset * (temperature_kelvin - model.config.reference_temperature_kelvin)
    )
    if vorticity is not None:
        vorticity = model.transform.analysis(vorticity).expand_as(zero).clone()
    model.state = State(
        zero.clone() if vorticity is None else vorticity,
        zero.clone(),
        temperature,
        model.transform.analysis(log_pressure),
    )
    model.previous = model.state.map(torch.clone)
    model.starting = True


def area_mean(model, field):
    """Mean over the sphere, from the coefficient of degree 0."""
    return model.transform.analysis(field)[..., 0, 0].real / math.sqrt(4 * math.pi)


def total_energy(model):
    """Kinetic, internal and potential energy per area over p_0 / g [J kg-1], the quantity that the dynamics
    conserve.
    """
    transform, state = model.transform, model.state
    u, v = transform.vorticity_divergence_to_wind(state.vorticity, state.divergence)
    temperature = transform.synthesis(state.temperature) + model.config.reference_temperature_kelvin
    pressure = torch.exp(transform.synthesis(state.log_surface_pressure)) / 1e5
    heat_capacity = GAS_CONSTANT_DRY_AIR / (2 / 7)
    column = torch.tensordot(model._thickness, 0.5 * (u * u + v * v) + heat_capacity * temperature, dims=1)
    return float(area_mean(model, pressure * (column + transform.synthesis(model.surface_geopotential))))


def test_air_at_rest_over_mountains_stays_at_rest():
    """Isothermal hydrostatic balance: R T grad(ln p_s) = -grad(phi_s) holds exactly in the discrete
    equations.
    """
    model = without_heating(PrimitiveEquations(unforced(mountain_height=1.0), dtype=torch.float64))
    ones = torch.full((32, 64), 1.0, dtype=torch.float64)
    geopotential = model.transform.synthesis(model.surface_geopotential)
    assert geopotential.max() > 1500 * GRAVITY
    set_state(model, log_pressure=ones * math.log(1e5) - geopotential / (GAS_CONSTANT_DRY_AIR * 300.0))
    for _ in range(36):
        model.step()
    u, v = model.transform.vorticity_divergence_to_wind(model.state.vorticity, model.state.divergence)
    assert max(u.abs().max(), v.abs().max()) < 1e-6


def test_solid_rotation_in_gradient_balance_is_steady():
    """u = U cos(phi) with ln p_s = const - (a Omega U + U^2 / 2) sin^2(phi) / (R T) solves the nonlinear
    equations.
    """
    model = without_heating(PrimitiveEquations(unforced(), dtype=torch.float64))
    sine = torch.as_tensor(np.sin(np.deg2rad(model.transform.latitudes)))[:, None].expand(32, 64)
    speed = 40.0
    slope = (EARTH_RADIUS_M * EARTH_ROTATION_RATE * speed + speed**2 / 2) / (GAS_CONSTANT_DRY_AIR * 300.0)
    set_state(
        model,
        vorticity=2 * speed * sine / EARTH_RADIUS_M,
        log_pressure=math.log(1e5) - slope * sine**2,
    )
    start = model.state.map(torch.clone)
    for _ in range(36):
        model.step()
    u, v = model.transform.vorticity_divergence_to_wind(model.state.vorticity, model.state.divergence)
    expected = speed * torch.sqrt(1 - sine**2)
    assert (u - expected).abs().max() < 1e-6
    assert v.abs().max() < 1e-6
    assert (model.state.log_surface_pressure - start.log_surface_pressure).abs().max() < 1e-9


def developed_model():
    """Unforced weather: noise on a baroclinic state, after two forced days."""
    model = PrimitiveEquations(AtmosphereConfig.held_suarez(21, 32, 20.0), seed=4, dtype=torch.float64)
    for _ in range(3 * 72):
        model.step()
    bare = without_heating(PrimitiveEquations(unforced(), dtype=torch.float64))
    bare.continue_from(model)
    return bare


@pytest.fixture(scope="module")
def developed():
    return developed_model()


def test_energy_and_mass_are_conserved_without_forcing(developed):
    mass = float(
        area_mean(developed, torch.exp(developed.transform.synthesis(developed.state.log_surface_pressure)))
    )
    energy = total_energy(developed)
    for _ in range(72):
        developed.step()
    after = float(
        area_mean(developed, torch.exp(developed.transform.synthesis(developed.state.log_surface_pressure)))
    )
    # neither is exact: ln p_s is the prognostic variable and the filter damps; a day must not show it
    assert abs(after / mass - 1) < 2e-6
    assert abs(total_energy(developed) / energy - 1) < 2e-5


def test_gravity_waves_have_the_speed_of_an_isothermal_atmosphere():
    """The fastest mode of the vertical matrix approaches the Lamb wave, c^2 = R T / (1 - kappa), as levels
    are added.
    """
    lamb = math.sqrt(GAS_CONSTANT_DRY_AIR * 300.0 / (1 - 2 / 7))
    errors = []
    for count in (20, 60, 180):
        grid = VerticalGrid.from_half_levels(tuple(np.linspace(0, 1, count + 1)))
        fastest = np.sqrt(np.linalg.eigvals(grid.gravity_wave_matrix(300.0)).real.max())
        errors.append(abs(fastest / lamb - 1))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.008


def test_semi_implicit_steps_outrun_gravity_waves():
    """At T21 an explicit leapfrog of 60 minutes is unstable for 345 m/s; the semi-implicit step is not."""
    model = PrimitiveEquations(AtmosphereConfig.held_suarez(21, 32, 60.0), seed=1)
    courant = 345.0 * 3600.0 * 21 / EARTH_RADIUS_M
    assert courant > 1
    for _ in range(120):
        model.step()
    u, _ = model.transform.vorticity_divergence_to_wind(model.state.vorticity, model.state.divergence)
    assert 1.0 < float(u.abs().max()) < 80.0


def test_seeds_make_members():
    config = dataclasses.replace(AtmosphereConfig(), truncation=21, latitude_count=32, step_minutes=20.0)
    states = []
    for seed in (1, 1, 2):
        model = PrimitiveEquations(config, seed=seed)
        for _ in range(9):
            model.step()
        states.append(model.state.vorticity)
    assert torch.equal(states[0], states[1])
    assert not torch.allclose(states[0], states[2], rtol=1e-2)


def test_heating_bursts_have_their_stated_size_and_no_mean():
    config = dataclasses.replace(
        AtmosphereConfig(),
        truncation=42,
        latitude_count=64,
        step_minutes=30.0,
        heating=StochasticHeating(memory_hours=0.01),
    )
    model = PrimitiveEquations(config, seed=3)
    deviations = []
    for _ in range(20):
        model.heating.advance(model.generator)
        bursts = model.transform.synthesis(model.heating.state) * model.heating._scale
        deviations.append(float(area_mean(model, bursts**2)))
        assert abs(float(area_mean(model, bursts))) < 1e-5
    assert np.mean(deviations) == pytest.approx(1.0, abs=0.1)


def test_a_warmer_climate_relaxes_to_warmer_air():
    """The ground at the equator is warmer by the warming, the poles by it and by what the contrast lost."""
    like = unforced()
    warm = dataclasses.replace(like, warming_kelvin=2.0, pole_equator_contrast_kelvin=54.0)
    before, after = (PrimitiveEquations(config).relaxation for config in (like, warm))
    pressure = torch.full((32, 64), math.log(1e5), dtype=before.sin_latitude.dtype)
    change = (after.equilibrium_temperature(pressure, 0.0) - before.equilibrium_temperature(pressure, 0.0))[
        -1, :, 0
    ]
    sigma = like.full_levels[-1]
    expected = sigma**KAPPA * (2.0 + 6.0 * before.sin_latitude[:, 0] ** 2)
    assert torch.allclose(change, expected, atol=1e-3)


def test_seasons_follow_the_sun():
    model = PrimitiveEquations(
        dataclasses.replace(AtmosphereConfig(), truncation=21, latitude_count=32, step_minutes=20.0)
    )
    pressure = torch.full((32, 64), math.log(1e5))
    january = model.relaxation.equilibrium_temperature(pressure, 15 * 86400.0).mean(-1)[-1]
    july = model.relaxation.equilibrium_temperature(pressure, 197.5 * 86400.0).mean(-1)[-1]
    north, south = 8, 23  # rows at about 45 N and 45 S
    assert july[north] - january[north] > 15
    assert january[south] - july[south] > 8  # less land in the south
