"""The simulated atmosphere: a dry primitive-equation model with Held-Suarez forcing and additions."""

from atmodist_core.simulation.configuration import (
    DEMO_LADDER,
    HALF_LEVELS,
    AtmosphereConfig,
    SimulationConfig,
    SpinUpStage,
    StochasticHeating,
)
from atmodist_core.simulation.nudged_run import run_nudged_simulation
from atmodist_core.simulation.nudging import NudgingConfig
from atmodist_core.simulation.presets import PRESETS
from atmodist_core.simulation.primitive_equations import PrimitiveEquations, State
from atmodist_core.simulation.run import run_simulation

__all__ = [
    "DEMO_LADDER",
    "HALF_LEVELS",
    "PRESETS",
    "AtmosphereConfig",
    "NudgingConfig",
    "PrimitiveEquations",
    "SimulationConfig",
    "SpinUpStage",
    "State",
    "StochasticHeating",
    "run_nudged_simulation",
    "run_simulation",
]
