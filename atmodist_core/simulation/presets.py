"""Ready-made members: how long, how fine, for what."""

from __future__ import annotations

from atmodist_core.simulation.configuration import AtmosphereConfig, SimulationConfig, StochasticHeating

PRESETS: dict[str, SimulationConfig] = {
    "smoke": SimulationConfig(
        atmosphere=AtmosphereConfig(truncation=42, latitude_count=64, step_minutes=15.0),
        ladder=((21, 32, 20.0, 2.0),),
        settle_days=0.5,
        days=3.0,
        kept_truncation=31,
    ),
    "demo": SimulationConfig(),
    "held-suarez": SimulationConfig(
        atmosphere=AtmosphereConfig.held_suarez(),
        ladder=((21, 32, 30.0, 100.0),),
        settle_days=100.0,
        days=200.0,
        kept_truncation=42,
        output_hours=24.0,
    ),
    "flat-and-calm": SimulationConfig(
        atmosphere=AtmosphereConfig(
            mountain_height=0.0, heating=StochasticHeating(amplitude_kelvin_per_day=0.0)
        )
    ),
}
"""``demo`` is what ships and what the shipped models learned from: T199 dynamics, T179 kept, 3-hourly."""
