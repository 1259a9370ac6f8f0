"""The dry hydrostatic primitive equations on sigma levels: spectral in the horizontal, semi-implicit in time.

Prognostic variables, as orthonormal spherical-harmonic coefficients: vorticity and divergence [s-1], the
departure of the temperature from a constant [K], the logarithm of the surface pressure. Horizontal form of
Hoskins & Simmons (1975, Quart. J. Roy. Meteor. Soc. 101, 637), vertical form of Simmons & Burridge (1981,
Mon. Wea. Rev. 109, 758), leapfrog with the Robert-Asselin-Williams filter (Williams, 2009, Mon. Wea. Rev.
137, 2538), implicit hyperdiffusion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from atmodist_core.common.constants import (
    EARTH_RADIUS_M,
    EARTH_ROTATION_RATE,
    GAS_CONSTANT_DRY_AIR,
    GRAVITY,
    KAPPA,
    REFERENCE_PRESSURE_PA,
)
from atmodist_core.harmonics import get_transform
from atmodist_core.simulation.configuration import AtmosphereConfig
from atmodist_core.simulation.forcing import ConvectiveHeating, Relaxation
from atmodist_core.simulation.orography import mountain_height
from atmodist_core.simulation.vertical import VerticalGrid

SURFACE_TEMPERATURE_KELVIN = 288.0
"""Used only to lower the first guess of the surface pressure over mountains."""


CACHED_VALUES = 30_000
"""Values of a field on a band of latitudes that stay in cache with their companions."""


@dataclasses.dataclass
class State:
    """Prognostic coefficients at one time, complex, of shapes (level, L + 1, L + 1) and (L + 1, L + 1)."""

    vorticity: torch.Tensor
    divergence: torch.Tensor
    temperature: torch.Tensor
    """Departure from the reference temperature [K]."""
    log_surface_pressure: torch.Tensor

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> State:
        """A state with the function applied to each variable."""
        return State(*(function(value) for value in self.variables()))

    def variables(self) -> tuple[torch.Tensor, ...]:
        """The four variables in their order."""
        return self.vorticity, self.divergence, self.temperature, self.log_surface_pressure


class PrimitiveEquations:
    """A dry atmosphere that can be stepped.

    `seed` is that of the initial noise and of the stochastic heating, `seconds` the time since the turn of the year at
    the start; it sets the season. float32 is enough for weather, float64 for identities.
    """

    def __init__(
        self,
        config: AtmosphereConfig,
        *,
        seed: int = 0,
        seconds: float = 0.0,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.config = config
        self.seconds = seconds
        self.step_seconds = config.step_minutes * 60.0
        self.transform = get_transform(
            config.latitude_count,
            config.longitude_count,
            config.truncation,
            "gaussian",
            dtype=dtype,
            device=device,
        )
        transform = self.transform
        self._place: dict[str, Any] = {"dtype": dtype, "device": transform.device}
        self.vertical = VerticalGrid.from_half_levels(config.half_levels)
        vertical = self.vertical
        self.level_count = len(vertical.thickness)
        self._thickness = torch.as_tensor(vertical.thickness, **self._place)
        self._hydrostatic = torch.as_tensor(vertical.hydrostatic, **self._place)
        self._compression = torch.as_tensor(vertical.compression, **self._place)
        self._sigma_velocity = torch.as_tensor(vertical.sigma_velocity, **self._place)
        self._advection = torch.as_tensor(vertical.advection, **self._place)
        self._laplacian = transform.laplacian_eigenvalues.to(**self._place)[:, None]
        latitude = torch.as_tensor(np.deg2rad(transform.latitudes), **self._place)
        self._coriolis = 2 * EARTH_ROTATION_RATE * torch.sin(latitude)[:, None]

        # a band of latitudes at a time keeps the many small products of the physics in a CPU core's cache
        values_per_row = self.level_count * config.longitude_count
        on_cpu = transform.device.type == "cpu"
        self._band = max(1, CACHED_VALUES // values_per_row) if on_cpu else config.latitude_count

        self.surface_geopotential = self._smooth_orography()
        self.relaxation = Relaxation(config, transform)
        self.heating = ConvectiveHeating(config, transform, self.relaxation)
        self.generator = torch.Generator().manual_seed(seed)
        self.state = self._rest()
        self.previous = self.state.map(torch.clone)
        self.starting = True
        self._implicit: dict[float, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}

    def _smooth_orography(self) -> torch.Tensor:
        """Surface geopotential [m2 s-2], coefficients; its last degrees are tapered against Gibbs ripples."""
        transform = self.transform
        height = self.config.mountain_height * mountain_height(
            transform.latitudes[:, None], transform.longitudes[None, :]
        )
        degree = torch.arange(transform.truncation + 1, **self._place)[:, None]
        taper = torch.exp(-4.0 * (degree / transform.truncation) ** 4)
        return GRAVITY * taper * transform.analysis(torch.as_tensor(height, **self._place))

    def _rest(self) -> State:
        """No wind but a little noise, in equilibrium temperature."""
        transform, size = self.transform, self.transform.truncation + 1
        flat = torch.full((self.config.latitude_count, self.config.longitude_count), 1.0, **self._place)
        log_pressure = transform.analysis(flat * math.log(REFERENCE_PRESSURE_PA))
        log_pressure = log_pressure - self.surface_geopotential / (
            GAS_CONSTANT_DRY_AIR * SURFACE_TEMPERATURE_KELVIN
        )
        temperature = self.relaxation.equilibrium_temperature(transform.synthesis(log_pressure), self.seconds)
        # drawn on one common triangle first, so that a seed gives the same start at every resolution
        common = 43
        noise = torch.randn(self.level_count, common, common, 2, generator=self.generator)
        draw = torch.tril(torch.view_as_complex(noise))
        draw[..., 0] = draw[..., 0].real + 0j
        kept = min(size, common)
        vorticity = torch.zeros(
            self.level_count, size, size, dtype=log_pressure.dtype, device=transform.device
        )
        vorticity[:, :kept, :kept] = draw[:, :kept, :kept].to(vorticity)
        degree = torch.arange(size, **self._place)[:, None]
        vorticity = vorticity * 6e-7 * torch.exp(-(((degree - 10.0) / 5.0) ** 2))
        vorticity[:, 0] = 0
        return State(
            vorticity=vorticity,
            divergence=torch.zeros_like(vorticity),
            temperature=transform.analysis(temperature - self.config.reference_temperature_kelvin),
            log_surface_pressure=log_pressure,
        )

    def continue_from(self, other: PrimitiveEquations) -> None:
        """Take over the weather, the clock and the random numbers of a model of another resolution."""
        kept = min(self.transform.truncation, other.transform.truncation) + 1

        def regrid(source: torch.Tensor) -> torch.Tensor:
            size = self.transform.truncation + 1
            target = torch.zeros(*source.shape[:-2], size, size, dtype=source.dtype, device=source.device)
            target[..., :kept, :kept] = source[..., :kept, :kept]
            return target.to(self.state.vorticity)

        self.state = other.state.map(regrid)
        # the finer mountains displace air: the same sea-level pressure needs another surface pressure
        rise = self.surface_geopotential - regrid(other.surface_geopotential)
        self.state.log_surface_pressure = self.state.log_surface_pressure - rise / (
            GAS_CONSTANT_DRY_AIR * SURFACE_TEMPERATURE_KELVIN
        )
        self.heating.state = regrid(other.heating.state)
        self.previous = self.state.map(torch.clone)
        self.seconds = other.seconds
        self.generator.set_state(other.generator.get_state())
        self.starting = True

    def _implicit_factors(self, half_interval: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inverse gravity-wave operator (L + 1, N, N) and the dissipation of both winds (L + 1, 1) for a
        leap.
        """
        if half_interval not in self._implicit:
            config, truncation = self.config, self.transform.truncation
            degree = np.arange(truncation + 1)
            laplacian = degree * (degree + 1.0) / EARTH_RADIUS_M**2
            waves = self.vertical.gravity_wave_matrix(config.reference_temperature_kelvin)
            operator = np.eye(self.level_count) + half_interval**2 * laplacian[:, None, None] * waves
            relative = degree * (degree + 1.0) / (truncation * (truncation + 1.0))
            leap = 2 * half_interval
            damping = np.exp(
                -leap / (config.hyperdiffusion_hours * 3600.0) * relative**config.hyperdiffusion_order
            )
            divergence_damping = damping.copy()
            if config.divergence_damping_hours:
                divergence_damping *= np.exp(-leap / (config.divergence_damping_hours * 3600.0) * relative**2)
            self._implicit[half_interval] = (
                torch.as_tensor(np.linalg.inv(operator), **self._place),
                torch.as_tensor(damping, **self._place)[:, None],
                torch.as_tensor(divergence_damping, **self._place)[:, None],
            )
        return self._implicit[half_interval]

    def _levels(self, matrix: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
        """Apply a small matrix over the levels of a field (level, ...), real or complex."""
        if field.is_complex():
            return torch.view_as_complex(torch.tensordot(matrix, torch.view_as_real(field), dims=1))
        return torch.tensordot(matrix, field, dims=1)

    def _tendencies(self) -> State:
        """Explicit tendencies: all of the dynamics and physics but the linear gravity-wave terms."""
        transform, state, count = self.transform, self.state, self.level_count
        grids = transform.synthesis(
            torch.cat(
                [state.vorticity, state.divergence, state.temperature, state.log_surface_pressure[None]]
            )
        )
        wind = transform.vorticity_divergence_to_wind(state.vorticity, state.divergence)
        slope = transform.gradient(state.log_surface_pressure)
        bursts = None
        if self.config.heating.amplitude_kelvin_per_day:
            self.heating.advance(self.generator)
            bursts = self.heating.rate(self.seconds)
        force = grids.new_empty(2, count, *grids.shape[1:])
        heat = torch.empty_like(force)
        scalars = grids.new_empty(2 * count + 1, *grids.shape[1:])
        for first in range(0, self.config.latitude_count, self._band):
            rows = slice(first, first + self._band)
            self._grid_tendencies(
                rows,
                grids[:, rows],
                (wind[0][:, rows], wind[1][:, rows]),
                (slope[0][rows], slope[1][rows]),
                None if bursts is None else bursts[rows],
                out=(force[:, :, rows], heat[:, :, rows], scalars[:, rows]),
            )
        vorticity, divergence = transform.wind_to_vorticity_divergence(force[0], force[1])
        heat_divergence = transform.wind_to_divergence(heat[0], heat[1])
        coefficients = transform.analysis(scalars)
        return State(
            vorticity,
            divergence - self._laplacian * (coefficients[:count] + self.surface_geopotential),
            coefficients[count : 2 * count] - heat_divergence,
            coefficients[2 * count],
        )

    def _grid_tendencies(
        self,
        rows: slice,
        grids: torch.Tensor,
        wind: tuple[torch.Tensor, torch.Tensor],
        slope: tuple[torch.Tensor, torch.Tensor],
        bursts: torch.Tensor | None,
        *,
        out: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    ) -> None:
        """The nonlinear terms on a band of latitudes.

        `grids` (3 N + 1, row, longitude) are vorticity, divergence, temperature of all levels and ln p_s; `wind` two of
        (N, row, longitude) [m s-1]; `slope` the gradient of ln p_s [m-1], two of (row, longitude); `bursts` the
        stochastic heating [K s-1]. Filled are the force (2, N, ...) [m s-2], the heat flux (2, N, ...) [K m s-1], and
        kinetic energy, heating and tendency of ln p_s (2 N + 1, ...).
        """
        count, reference = self.level_count, self.config.reference_temperature_kelvin
        vorticity, divergence, temperature = (
            grids[:count],
            grids[count : 2 * count],
            grids[2 * count : 3 * count],
        )
        (force_x, force_y), (heat_x, heat_y), scalars = out
        (u, v), (pressure_x, pressure_y) = wind, slope
        pressure_advection = torch.addcmul(u * pressure_x, v, pressure_y)
        convergence = divergence + pressure_advection
        sigma_velocity = self._levels(self._sigma_velocity, convergence)

        def vertical_advection(field: torch.Tensor) -> torch.Tensor:
            return self._levels(self._advection, (field[1:] - field[:-1]).mul_(sigma_velocity))

        absolute = vorticity + self._coriolis[rows]
        drag, gas_temperature = self.relaxation.friction, temperature * GAS_CONSTANT_DRY_AIR
        torch.mul(absolute, v, out=force_x)
        force_x.sub_(vertical_advection(u)).addcmul_(gas_temperature, pressure_x, value=-1).addcmul_(
            drag, u, value=-1
        )
        torch.mul(absolute, u, out=force_y)
        force_y.neg_().sub_(vertical_advection(v))
        force_y.addcmul_(gas_temperature, pressure_y, value=-1).addcmul_(drag, v, value=-1)
        torch.mul(u, temperature, out=heat_x)
        torch.mul(v, temperature, out=heat_y)
        torch.addcmul(u * u, v, v, out=scalars[:count])
        scalars[:count].mul_(0.5)

        # kappa T omega / p: the part of the reference temperature times the divergence is left to the
        # implicit step
        heating = torch.mul(temperature, divergence, out=scalars[count : 2 * count])
        omega = pressure_advection - self._levels(self._compression, convergence)
        heating.sub_(vertical_advection(temperature)).addcmul_(temperature, omega, value=KAPPA)
        linear = pressure_advection - self._levels(self._compression, pressure_advection)
        heating.add_(linear, alpha=KAPPA * reference)
        equilibrium = self.relaxation.equilibrium_temperature(grids[3 * count], self.seconds, rows)
        heating.addcmul_(self.relaxation.rate[:, rows], equilibrium.sub_(temperature).sub_(reference))
        if bursts is not None:
            heating.addcmul_(self.heating.profile, bursts)
        torch.neg(torch.tensordot(self._thickness, pressure_advection, dims=1), out=scalars[2 * count])

    def step(self) -> None:
        """Advance by one step."""
        tendency = self._tendencies()
        old, now, config = self.previous, self.state, self.config
        half = self.step_seconds / 2 if self.starting else self.step_seconds
        inverse, damping, divergence_damping = self._implicit_factors(half)
        reference = config.reference_temperature_kelvin
        temperature = old.temperature + half * tendency.temperature
        pressure = old.log_surface_pressure + half * tendency.log_surface_pressure
        potential = self._levels(self._hydrostatic, temperature) + GAS_CONSTANT_DRY_AIR * reference * pressure
        right = old.divergence + half * (tendency.divergence - self._laplacian * potential)
        divergence = torch.view_as_complex(
            torch.einsum("lkj,jlmc->klmc", inverse, torch.view_as_real(right)).contiguous()
        )
        temperature = temperature - half * KAPPA * reference * self._levels(self._compression, divergence)
        pressure = pressure - half * self._levels(self._thickness[None], divergence)[0]
        new = State(
            (old.vorticity + 2 * half * tendency.vorticity) * damping,
            (2 * divergence - old.divergence) * divergence_damping,
            (2 * temperature - old.temperature) * damping,
            2 * pressure - old.log_surface_pressure,
        )
        # a sphere has no mean vorticity or divergence; rounding must not give it one
        new.vorticity[:, 0] = 0
        new.divergence[:, 0] = 0
        filtered, following = [], []
        for before, present, after in zip(old.variables(), now.variables(), new.variables(), strict=True):
            curvature = (0.5 * config.filter_strength) * (before - 2 * present + after)
            filtered.append(present + config.filter_alpha * curvature)
            following.append(after + (config.filter_alpha - 1) * curvature)
        self.previous, self.state = State(*filtered), State(*following)
        self.seconds += self.step_seconds
        self.starting = False
