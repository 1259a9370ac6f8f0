"""What drives the simulated atmosphere: relaxation, friction and stochastic heating."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from atmodist_core.common.constants import KAPPA, REFERENCE_PRESSURE_PA
from atmodist_core.harmonics import SphericalHarmonicTransform
from atmodist_core.simulation.configuration import AtmosphereConfig
from atmodist_core.simulation.orography import land_fraction

SECONDS_PER_DAY = 86_400.0
DAYS_PER_YEAR = 365.0
COLDEST_DAY = 15.0
"""Day of the year on which the northern winter of the equilibrium temperature is deepest."""


class Relaxation:
    """Newtonian relaxation and Rayleigh friction of Held & Suarez (1994), with seasons and a diurnal cycle.

    Grids have shape (latitude, longitude); levels come first, top first.
    """

    def __init__(self, config: AtmosphereConfig, transform: SphericalHarmonicTransform) -> None:
        self.config = config

        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(np.asarray(values), dtype=transform.dtype, device=transform.device)

        latitude = np.deg2rad(transform.latitudes)[:, None]
        sigma = np.asarray(config.full_levels)[:, None, None]
        boundary_layer = np.clip((sigma - 0.7) / 0.3, 0.0, None)
        self.friction = tensor(
            (
                boundary_layer * config.friction_per_day
                + np.clip((0.2 - sigma) / 0.2, 0.0, None) * config.sponge_per_day
            )
            / SECONDS_PER_DAY
        )
        self.rate = tensor(
            (1 / 40 + (1 / 4 - 1 / 40) * boundary_layer * np.cos(latitude) ** 4) / SECONDS_PER_DAY
        )
        self.land = tensor(land_fraction(transform.latitudes[:, None], transform.longitudes[None, :]))
        self.longitude = tensor(np.deg2rad(transform.longitudes)[None, :])
        self.sin_latitude = tensor(np.sin(latitude))
        self.cos_latitude = tensor(np.cos(latitude))
        self._sigma_to_kappa = tensor(sigma**KAPPA)
        self._boundary_layer = tensor(boundary_layer)
        self._lower_half = tensor(np.clip((sigma - 0.5) / 0.5, 0.0, None))
        equator = 315.0 + config.warming_kelvin
        self._annual_mean = equator - config.pole_equator_contrast_kelvin * self.sin_latitude**2
        self._stability = config.static_stability_kelvin * self.cos_latitude**2
        self._lapse = -self._stability * tensor(np.log(sigma))

    def season(self, seconds: float) -> float:
        """Cosine of the annual march, 1 in the depth of the northern winter."""
        return math.cos(2 * math.pi * (seconds / SECONDS_PER_DAY - COLDEST_DAY) / DAYS_PER_YEAR)

    def solar_hour(self, seconds: float) -> torch.Tensor:
        """Local hour angle [rad], 0 at noon, shape (1, longitude)."""
        return 2 * math.pi * (seconds / SECONDS_PER_DAY % 1.0) + self.longitude - math.pi

    def equilibrium_temperature(
        self, log_surface_pressure: torch.Tensor, seconds: float, rows: slice = slice(None)
    ) -> torch.Tensor:
        """Temperature to which the atmosphere relaxes [K], (level, rows, longitude).

        `log_surface_pressure` [ln Pa] has shape (rows, longitude); `seconds` is the time since the turn of the year.
        """
        config = self.config
        log_pressure_ratio = log_surface_pressure - math.log(REFERENCE_PRESSURE_PA)
        season = self.season(seconds)
        surface = self._annual_mean[rows] - config.season_kelvin * season * self.sin_latitude[rows]
        surface = surface - self._stability[rows] * log_pressure_ratio
        result = surface + self._lapse[:, rows]
        if config.land_season_kelvin:
            contrast = self.sin_latitude[rows] * (self.land[rows] - 0.4)
            result.addcmul_(self._lower_half, contrast, value=-config.land_season_kelvin * season)
        if config.diurnal_kelvin:
            cycle = self.land[rows] * self.cos_latitude[rows] * torch.cos(self.solar_hour(seconds) - 0.6)
            result.addcmul_(self._boundary_layer, cycle, value=config.diurnal_kelvin)
        result.mul_(self._sigma_to_kappa).mul_(torch.exp(KAPPA * log_pressure_ratio))
        return result.clamp_(min=200.0)


class ConvectiveHeating:
    """Random bursts of heating, in the tropics (following the sun and the land) and in the storm tracks.

    The state is an Ornstein-Uhlenbeck process of spherical-harmonic coefficients, shape (L + 1, L + 1). Its
    random numbers always come from the CPU, so that a seed means the same noise on every device.
    """

    def __init__(
        self, config: AtmosphereConfig, transform: SphericalHarmonicTransform, relaxation: Relaxation
    ) -> None:
        self.config = config.heating
        self.transform = transform
        self.relaxation = relaxation
        truncation = transform.truncation
        degree = torch.arange(truncation + 1, dtype=torch.float64)
        weight = torch.exp(-2.0 * (degree / truncation) ** 4) / (
            1 + (degree / self.config.correlation_degree) ** 2
        )
        weight[0] = 0.0
        memory_seconds = 3600.0 * self.config.memory_hours * (degree.clamp(min=4) / 10.0) ** (-2 / 3)
        decay = torch.exp(-config.step_minutes * 60.0 / memory_seconds)
        place: dict[str, Any] = {"dtype": transform.dtype, "device": transform.device}
        self._decay = decay[:, None].to(**place)
        self._kick = (torch.sqrt(1 - decay**2) * weight)[:, None].to(**place)
        # variance of the process on the grid, by the addition theorem, so that the bursts have a fixed size
        variance = ((2 * degree + 1) * weight**2).sum() / (4 * math.pi)
        self._scale = float(variance) ** -0.5
        shape = (truncation + 1, truncation + 1)
        complex_dtype = torch.complex64 if transform.dtype == torch.float32 else torch.complex128
        self.state = torch.zeros(shape, dtype=complex_dtype, device=transform.device)
        latitude = torch.as_tensor(transform.latitudes, **place)[:, None]
        self._latitude = latitude
        self._storm_track = 0.30 * torch.exp(-(((latitude.abs() - 42.0) / 16.0) ** 2))
        sigma = torch.as_tensor(config.full_levels, **place)[:, None, None]
        self.profile = torch.sin(math.pi * ((sigma - 0.2) / 0.75).clamp(0.0, 1.0))

    def advance(self, generator: torch.Generator) -> None:
        """Draw the next state of the process."""
        noise = torch.randn(*self.state.shape, 2, generator=generator, dtype=torch.float32).to(self._decay)
        kick = torch.view_as_complex(noise) * math.sqrt(0.5)
        kick[..., 0] = kick[..., 0].real * math.sqrt(2.0) + 0j  # order 0 is real, of the same variance
        self.state = self._decay * self.state + self._kick * torch.tril(kick)

    def rate(self, seconds: float) -> torch.Tensor:
        """Heating of this moment before its vertical :attr:`profile` [K s-1], shape (latitude, longitude)."""
        bursts = self.transform.synthesis(self.state) * self._scale
        # only the crests heat; the constant keeps the global mean near zero
        bursts = (bursts - 0.8).clamp_(min=0.0) ** 1.3 - 0.13
        season = self.relaxation.season(seconds)
        afternoon = 1 + 0.8 * self.relaxation.land * torch.cos(self.relaxation.solar_hour(seconds) - 1.0)
        envelope = torch.exp(-(((self._latitude + 9.0 * season) / 12.0) ** 2)) * afternoon + self._storm_track
        amplitude = self.config.amplitude_kelvin_per_day / SECONDS_PER_DAY
        return amplitude * envelope * bursts
