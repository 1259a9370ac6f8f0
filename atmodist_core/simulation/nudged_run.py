"""Run a reference and members nudged to it, so that the run can be killed and resumed at any moment."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.tensor_files import previous_path, write_tensors
from atmodist_core.fields.open.coefficient_store import CoefficientWriter
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
from atmodist_core.simulation.nudging import NudgingConfig, nudge, nudged_model
from atmodist_core.simulation.primitive_equations import PrimitiveEquations
from atmodist_core.simulation.run import (
    Report,
    check_finite,
    kept_fields,
    kept_level,
    store_attributes,
)

REFERENCE = "reference"
"""Folder of the reference; those of the members are member-1, member-2, ..."""


@torch.inference_mode()
def run_nudged_simulation(
    config: NudgingConfig,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Simulate a reference and members nudged to it, each into a store that :func:`atmodist_core.open_fields` opens.

    Parameters
    ----------
    config : NudgingConfig
        The members, and the simulation from whose last state all start.
    out : Path
        Folder of the stores ``reference``, ``member-1``, ... and of the checkpoint; it is returned.
    resume, device, report, stop
        As for :func:`atmodist_core.simulation.run_simulation`. There is a checkpoint at every stored time.

    Raises
    ------
    UserError
        For a folder that is in use, a simulation without a state to start from, a checkpoint of another run, an unstable step.
    """
    out = Path(out)
    checkpoint = out / CHECKPOINT
    begun = checkpoint.exists() or previous_path(checkpoint).exists()
    if not resume and begun:
        raise UserError(
            f"Expected a new folder, found a simulation in {out}; add --resume to continue it or choose another."
        )
    with exclusive_folder(out):
        tensors, record = read_checkpoint(checkpoint) if begun else _first_state(config)
        if "nudging" not in record:
            raise UserError(
                f"Expected nudged members in {out}, found another simulation; choose another folder."
            )
        require_same(record["nudging"], _plain(config), ("nudged_days", "nudge_from"))
        _Run(config, out, tensors, record, device).advance(report, stop)
    return out


def _plain(config: NudgingConfig) -> dict[str, Any]:
    return json.loads(json.dumps(dataclasses.asdict(config), default=str))


def _first_state(config: NudgingConfig) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """State of the reference at the start, from the simulation that it continues."""
    folder = Path(config.nudge_from or "")
    checkpoint = folder / CHECKPOINT
    if not (checkpoint.exists() or previous_path(checkpoint).exists()):
        raise UserError(
            f"Expected a simulation with a checkpoint at --nudge-from {folder}, found none; make one with "
            "train/simulate.py."
        )
    tensors, found = read_checkpoint(checkpoint)
    simulation = configuration_from_dict(found.get("configuration", {}))
    atmosphere = simulation.atmosphere
    settled = round(simulation.settle_days * 1440 / atmosphere.step_minutes)
    slices, rest = divmod(found.get("steps", 0) - settled, simulation.steps_per_slice)
    if found.get("stage") != len(simulation.ladder) or slices < 1 or rest:
        raise UserError(
            f"Expected a simulation with stored times at --nudge-from {folder}, found one in its spin-up; continue it first."
        )
    if config.nudged_degree > atmosphere.truncation:
        raise UserError(
            f"Expected to nudge degrees up to the truncation of {atmosphere.truncation} at most, found "
            f"{config.nudged_degree}; give a smaller --nudged-degree."
        )
    start = np.datetime64(simulation.start, "s") + slices * _interval(simulation)
    record = {
        "slices": 0,
        "seconds": found["seconds"],
        "starting": found["starting"],
        "start": str(start),
        "configuration": found["configuration"],
        "nudging": _plain(config),
    }
    return {f"{REFERENCE}.{name}": value for name, value in tensors.items()}, record


def _interval(simulation: SimulationConfig) -> np.timedelta64:
    return np.timedelta64(round(simulation.output_hours * 3600), "s")


class _Run:
    """A reference and its members, in memory and in their stores."""

    def __init__(
        self,
        config: NudgingConfig,
        out: Path,
        tensors: dict[str, torch.Tensor],
        record: dict[str, Any],
        device: str,
    ) -> None:
        self.config, self.out = config, out
        self.simulation = configuration_from_dict(record["configuration"])
        self.start, self.done = np.datetime64(record["start"], "s"), int(record["slices"])
        self.reference = PrimitiveEquations(
            self.simulation.atmosphere, seed=self.simulation.seed, device=device
        )
        restore_model(self.reference, tensors, record, f"{REFERENCE}.")
        self.models = {REFERENCE: self.reference}
        for member in range(1, config.nudged_members + 1):
            turned = member <= config.nudged_members - config.unturned_members
            name = f"member-{member}"
            self.models[name] = nudged_model(self.reference, config, member, turned=turned)
            if self.done:
                restore_model(self.models[name], tensors, record, f"{name}.")

    def _writer(self, name: str) -> CoefficientWriter:
        simulation = self.simulation
        sigma = simulation.atmosphere.full_levels[kept_level(simulation)]
        attributes = store_attributes(simulation, sigma) | {"nudging": _plain(self.config)}
        attributes["member"] += f", {name}"
        if name != REFERENCE:
            attributes["notes"] += f" Degrees up to {self.config.nudged_degree} are nudged to a reference."
        return CoefficientWriter(self.out / name, simulation.kept_truncation, attributes, chunk_slices=1)

    def advance(self, report: Report | None, stop: Callable[[], bool]) -> None:
        """Simulate, store and save one time after the other until all are done or a stop is asked for."""
        simulation = self.simulation
        hours = simulation.output_hours
        slices = round(self.config.nudged_days * 24 / hours)
        writers = {name: self._writer(name) for name in self.models} if self.done < slices else {}
        level = kept_level(simulation)
        while self.done < slices:
            for _ in range(simulation.steps_per_slice):
                self._step()
            for name, model in self.models.items():
                check_finite(model, name, simulation.atmosphere.step_minutes)
                vorticity, divergence = kept_fields(model, level, simulation.kept_truncation)
                moment = np.array([self.start + self.done * _interval(simulation)])
                fields = {"vorticity": vorticity[None], "divergence": divergence[None]}
                writers[name].write(self.done, moment, fields)
            self.done += 1
            self._save()
            if report is not None:
                report("nudged", self.done * hours / 24, slices * hours / 24)
            if stop():
                return

    def _step(self) -> None:
        self.reference.step()
        for model in list(self.models.values())[1:]:
            model.step()
            nudge(model, self.reference, self.config)

    def _save(self) -> None:
        tensors: dict[str, torch.Tensor] = {}
        for name, model in self.models.items():
            tensors |= model_tensors(model, f"{name}.")
        record = {
            "slices": self.done,
            "seconds": self.reference.seconds,
            "starting": self.reference.starting,
            "start": str(self.start),
            "configuration": configuration_to_dict(self.simulation),
            "nudging": _plain(self.config),
        }
        write_tensors(self.out / CHECKPOINT, tensors, {"record": json.dumps(record)})
