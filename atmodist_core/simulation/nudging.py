"""Simulations whose large scales are held to those of a reference while their small scales evolve freely.

All prognostic variables at all levels are nudged. After each step, both time levels of a member are relaxed towards the
reference at total wavenumbers up to a limit (spectral nudging, von Storch et al., 2000, Mon. Wea. Rev. 128, 3664).
Reference and members advance side by side, so the reference is known exactly at every step. The stochastic heating is
common up to the same limit, and drawn by each member beyond it.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import torch

from atmodist_core.common.constants import GAS_CONSTANT_DRY_AIR
from atmodist_core.common.errors import UserError
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.harmonics import shift_longitude
from atmodist_core.simulation.forcing import ConvectiveHeating
from atmodist_core.simulation.primitive_equations import (
    SURFACE_TEMPERATURE_KELVIN,
    PrimitiveEquations,
    State,
)

LEAST_TURN_DEGREES = 30.0
"""Small scales are turned by at least so much, several times the longest of them."""


@dataclasses.dataclass(frozen=True)
class NudgingConfig:
    """Members nudged to a reference that continues another simulation."""

    nudge_from: Path | None = None
    """Folder of a simulation: its last state starts a reference and members nudged to it, whose settings are its own."""
    nudged_members: int = 8
    """Number of nudged members."""
    nudged_days: float = 2.0
    """Days that are simulated and stored; small scales need about the first to adjust."""
    nudged_degree: int = 90
    """Last total wavenumber that is nudged; 90 is the last that a grid of 2 degrees carries."""
    nudging_hours: float = 0.0
    """Relaxation time towards the reference [h]; 0 takes its large scales over at every step."""
    unturned_members: int = 0
    """So many of the members, the last ones, start as the reference; the others start with its small scales turned about
    the Earth's axis.
    """
    nudged_seed: int = 1
    """Seed of the turns and of the heating of the members."""

    def __post_init__(self) -> None:
        check_settings_values(self)
        if not (self.nudged_members >= 1 and self.nudged_days > 0):
            raise UserError(
                f"Expected one or more nudged members and a positive number of days, found {self.nudged_members} and "
                f"{self.nudged_days}; 8 members and 2 days are usual."
            )
        if self.nudged_degree < 1 or self.nudging_hours < 0:
            raise UserError(
                f"Expected a wavenumber of 1 or more and a relaxation time of 0 hours or more, found {self.nudged_degree} "
                f"and {self.nudging_hours}; 90 and 0 are usual."
            )
        if not 0 <= self.unturned_members <= self.nudged_members:
            raise UserError(
                f"Expected 0 to {self.nudged_members} unturned members, found {self.unturned_members}."
            )


class SharedHeating(ConvectiveHeating):
    """Heating that is that of another model up to a total wavenumber, and drawn freely beyond it.

    The other model must be advanced first.
    """

    def __init__(self, model: PrimitiveEquations, reference: ConvectiveHeating, degree: int) -> None:
        super().__init__(model.config, model.transform, model.relaxation)
        self._reference, self._degree = reference, degree

    def advance(self, generator: torch.Generator) -> None:
        """Draw the next state of the process."""
        super().advance(generator)
        common = slice(self._degree + 1)
        self.state[common] = self._reference.state[common]


def nudged_model(
    reference: PrimitiveEquations, config: NudgingConfig, member: int, *, turned: bool
) -> PrimitiveEquations:
    """Return a member that starts from the reference, with its small scales turned or not.

    Turned fields have the same zonal statistics and vertical structure at other places. Each member turns by an angle of
    its own, and draws its own heating.
    """
    random = np.random.default_rng([config.nudged_seed, member])
    seed, angle = (
        int(random.integers(2**62)),
        random.uniform(LEAST_TURN_DEGREES, 360 - LEAST_TURN_DEGREES),
    )
    transform = reference.transform
    model = PrimitiveEquations(
        reference.config,
        seed=seed,
        seconds=reference.seconds,
        device=transform.device,
        dtype=transform.dtype,
    )
    model.heating = SharedHeating(model, reference.heating, config.nudged_degree)
    small = slice(config.nudged_degree + 1, None)

    def start(value: torch.Tensor) -> torch.Tensor:
        value = value.clone()
        if turned:
            value[..., small, :] = shift_longitude(value[..., small, :], angle)
        return value

    # mountains stay where they are: what turns is the pressure at sea level
    mountains = model.surface_geopotential / (GAS_CONSTANT_DRY_AIR * SURFACE_TEMPERATURE_KELVIN)

    def start_state(state: State) -> State:
        pressure = (
            start(state.log_surface_pressure + mountains) - mountains
            if turned
            else state.log_surface_pressure
        )
        return dataclasses.replace(state.map(start), log_surface_pressure=pressure.clone())

    model.state, model.previous = start_state(reference.state), start_state(reference.previous)
    model.heating.state = start(reference.heating.state)
    model.starting = reference.starting
    return model


def nudge(model: PrimitiveEquations, reference: PrimitiveEquations, config: NudgingConfig) -> None:
    """Relax the large scales of both time levels of a model towards the reference for one step.

    The weight of the reference is that of an exponential approach, ``1 - exp(-step / relaxation time)``.
    """
    weight = 1.0
    if config.nudging_hours:
        weight = -math.expm1(-model.step_seconds / (3600 * config.nudging_hours))
    large = slice(config.nudged_degree + 1)
    for own, leader in ((model.state, reference.state), (model.previous, reference.previous)):
        for value, towards in zip(own.variables(), leader.variables(), strict=True):
            value[..., large, :] = torch.lerp(value[..., large, :], towards[..., large, :], weight)
