"""Run one member of the simulated atmosphere to a store, so that it can be killed and resumed at any
moment.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import atmodist_core
from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.tensor_files import previous_path, write_tensors
from atmodist_core.fields.open.coefficient_store import CoefficientWriter, is_coefficient_store
from atmodist_core.simulation.checkpoint import (
    CHECKPOINT,
    configuration_from_dict,
    configuration_to_dict,
    model_tensors,
    read_checkpoint,
    require_same,
    restore_model,
)
from atmodist_core.simulation.configuration import SimulationConfig
from atmodist_core.simulation.primitive_equations import PrimitiveEquations

Report = Callable[[str, float, float], None]
"""Called as report(stage, days done, days in all)."""


@dataclasses.dataclass(frozen=True)
class _Stage:
    """A stretch of the run at one resolution; the last one is kept."""

    name: str
    truncation: int
    latitude_count: int
    step_minutes: float
    steps: int


def _stages(config: SimulationConfig) -> list[_Stage]:
    atmosphere, weather_days = config.atmosphere, config.settle_days + config.days
    rungs = [("spin-up", *rung) for rung in config.ladder]
    rungs.append(
        ("weather", atmosphere.truncation, atmosphere.latitude_count, atmosphere.step_minutes, weather_days)
    )
    return [
        _Stage(f"{name} T{truncation}", truncation, latitude_count, minutes, round(days * 1440 / minutes))
        for name, truncation, latitude_count, minutes, days in rungs
    ]


def _start_seconds(config: SimulationConfig) -> float:
    """Time since the turn of the year at which the first rung begins."""
    start = dt.datetime.fromisoformat(config.start)
    days = (start - dt.datetime(start.year, 1, 1)).total_seconds() / 86400.0
    spin_up = config.settle_days + sum(days for *_, days in config.ladder)
    # the first slice is kept at the end of the first output interval
    return (days - spin_up) * 86400.0 - config.output_hours * 3600.0


def _save_checkpoint(
    path: Path, model: PrimitiveEquations, config: SimulationConfig, stage: int, steps: int
) -> None:
    """Write the state of the model and its random generator."""
    record = {
        "stage": stage,
        "steps": steps,
        "seconds": model.seconds,
        "starting": model.starting,
        "configuration": configuration_to_dict(config),
    }
    write_tensors(path, model_tensors(model), {"record": json.dumps(record)})


def _load_checkpoint(path: Path, config: SimulationConfig) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, record = read_checkpoint(path)
    # a longer run may continue a shorter one; any other change would be another atmosphere. What an older version
    # did not know has its default.
    found = configuration_to_dict(configuration_from_dict(record["configuration"]))
    require_same(found, configuration_to_dict(config), ("days", "checkpoint_slices"))
    return tensors, record


def check_finite(model: PrimitiveEquations, name: str, step_minutes: float) -> None:
    """Raise a ``UserError`` where a simulation has become unstable."""
    if not bool(torch.isfinite(torch.view_as_real(model.state.vorticity)).all()):
        raise UserError(
            f"Expected a stable simulation, found values that are not finite in stage {name}; "
            f"take a step shorter than {step_minutes} minutes."
        )


def store_attributes(config: SimulationConfig, sigma: float) -> dict[str, Any]:
    """Return the attributes of the store: source, level, member, configuration."""
    return {
        "source": "AtmoDist Studio simulated atmosphere (dry primitive equations with Held-Suarez forcing; "
        "not observations)",
        "simulated": True,
        "level": f"sigma {sigma:.3f}",
        "member": f"seed {config.seed}",
        "notes": "Simulated weather, not the Earth's: no moisture, idealised mountains and land.",
        "configuration": configuration_to_dict(config),
        "code_version": atmodist_core.__version__,
    }


def kept_level(config: SimulationConfig) -> int:
    """Index of the full level that is stored."""
    return int(np.argmin(np.abs(np.asarray(config.atmosphere.full_levels) - config.kept_sigma)))


def kept_fields(model: PrimitiveEquations, level: int, truncation: int) -> tuple[np.ndarray, np.ndarray]:
    """Vorticity and divergence of one level as complex coefficients (L + 1, L + 1)."""
    size = truncation + 1
    vorticity, divergence = (
        field[level, :size, :size].cpu().numpy().copy()
        for field in (model.state.vorticity, model.state.divergence)
    )
    return vorticity, divergence


def more_kept_fields(model: PrimitiveEquations, config: SimulationConfig) -> dict[str, np.ndarray]:
    """Return the further fields that are stored, by name, as complex coefficients (L + 1, L + 1); temperatures in K."""
    size = config.kept_truncation + 1
    levels = model.config.full_levels
    found = {}
    for name in config.more_fields:
        field, _, sigma = name.partition("@")
        level = int(np.argmin(np.abs(np.asarray(levels) - float(sigma))))
        values = getattr(model.state, field)[level, :size, :size].cpu().numpy().copy()
        if field == "temperature":
            # Of a field that is one everywhere; the state is the departure from the reference.
            grid = torch.ones(model.config.latitude_count, model.config.longitude_count)
            values[0, 0] += (
                model.config.reference_temperature_kelvin
                * model.transform.analysis(grid.to(model.transform.device))[0, 0].cpu().numpy()
            )
        found[name] = values
    return found


@torch.inference_mode()
def run_simulation(
    config: SimulationConfig,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Simulate a member and store its vorticity and divergence, for :func:`atmodist_core.open_fields`.

    Parameters
    ----------
    config : SimulationConfig
        The member.
    out : Path
        Folder of the store, which is returned; the checkpoint lies in it too.
    resume : bool
        Continue from the checkpoint in ``out``; the result is bitwise that of an uninterrupted run.
    device : str
        Torch device.
    report : callable, optional
        Called with the stage, the days done and the days in all.
    stop : callable, optional
        Called after each checkpoint; True ends the run.

    Raises
    ------
    UserError
        For a folder that is in use, a checkpoint of another run, an unstable step.
    """
    out = Path(out)
    checkpoint = out / CHECKPOINT
    begun = checkpoint.exists() or previous_path(checkpoint).exists()
    if not resume and (begun or is_coefficient_store(out)):
        raise UserError(
            f"Expected a new folder, found a simulation in {out}; add --resume to continue it or choose "
            "another."
        )
    with exclusive_folder(out):
        saved = _load_checkpoint(checkpoint, config) if begun else None
        _simulate(config, out, saved, device, report or (lambda stage, done, total: None), stop)
    return out


def _simulate(
    config: SimulationConfig,
    out: Path,
    saved: tuple[dict[str, torch.Tensor], dict[str, Any]] | None,
    device: str,
    report: Report,
    stop: Callable[[], bool],
) -> None:
    """Run all stages, or those after a saved state, and write slices and checkpoints."""
    stages = _stages(config)
    first_stage, first_step = (saved[1]["stage"], saved[1]["steps"]) if saved else (0, 0)
    model: PrimitiveEquations | None = None
    for index in range(first_stage, len(stages)):
        stage = stages[index]
        atmosphere = config.atmosphere.at(stage.truncation, stage.latitude_count, stage.step_minutes)
        coarser = model
        model = PrimitiveEquations(
            atmosphere, seed=config.seed, seconds=_start_seconds(config), device=device
        )
        done = 0
        if saved is not None:
            restore_model(model, *saved)
            done, saved = first_step, None
        elif coarser is not None:
            model.continue_from(coarser)
        last = index == len(stages) - 1
        per_slice = config.steps_per_slice if last else round(180 / stage.step_minutes)
        days_of = per_slice * stage.step_minutes / 1440
        settle = round(config.settle_days * 1440 / stage.step_minutes) if last else 0
        level = kept_level(config)
        writer = None
        if last:
            sigma = atmosphere.full_levels[level]
            writer = CoefficientWriter(
                out,
                config.kept_truncation,
                store_attributes(config, sigma),
                config.checkpoint_slices,
                config.more_fields,
            )
        buffer: list[dict[str, np.ndarray]] = []
        while done < stage.steps:
            for _ in range(per_slice):
                model.step()
            done += per_slice
            report(stage.name, done // per_slice * days_of, stage.steps // per_slice * days_of)
            kept = (done - settle) // per_slice
            if writer is not None and done > settle:
                pair = kept_fields(model, level, config.kept_truncation)
                kept_pair = dict(zip(("vorticity", "divergence"), pair, strict=True))
                buffer.append(kept_pair | more_kept_fields(model, config))
            full = kept % config.checkpoint_slices == 0 if writer is not None else done // per_slice % 80 == 0
            if full or done >= stage.steps:
                check_finite(model, stage.name, stage.step_minutes)
                if writer is not None and buffer:
                    begin = kept - len(buffer)
                    start = np.datetime64(config.start, "s")
                    step = np.timedelta64(round(config.output_hours * 3600), "s")
                    writer.write(
                        begin,
                        start + step * np.arange(begin, kept),
                        {name: np.stack([fields[name] for fields in buffer]) for name in buffer[0]},
                    )
                    buffer.clear()
                _save_checkpoint(out / CHECKPOINT, model, config, index, done)
                if stop():
                    return
