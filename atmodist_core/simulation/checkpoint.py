"""The state of simulated atmospheres as tensors by name, for checkpoints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from atmodist_core.common.errors import UserError
from atmodist_core.common.tensor_files import DamagedFileError, read_newest_intact
from atmodist_core.simulation.configuration import AtmosphereConfig, SimulationConfig, StochasticHeating
from atmodist_core.simulation.primitive_equations import PrimitiveEquations, State

CHECKPOINT = "checkpoint.safetensors"
_VARIABLES = tuple(field.name for field in dataclasses.fields(State))


def model_tensors(model: PrimitiveEquations, prefix: str = "") -> dict[str, torch.Tensor]:
    """Return both time levels, the heating and the random generator of a model, by name."""
    tensors = {}
    for when, state in (("state", model.state), ("previous", model.previous)):
        for name, value in zip(_VARIABLES, state.variables(), strict=True):
            tensors[f"{prefix}{when}.{name}"] = torch.view_as_real(value.cpu().resolve_conj()).contiguous()
    tensors[f"{prefix}heating"] = torch.view_as_real(model.heating.state.cpu()).contiguous()
    tensors[f"{prefix}generator"] = model.generator.get_state()
    return tensors


def restore_model(
    model: PrimitiveEquations,
    tensors: Mapping[str, torch.Tensor],
    record: Mapping[str, Any],
    prefix: str = "",
) -> None:
    """Put a model into the state of :func:`model_tensors`; ``record`` has its ``seconds`` and ``starting``."""

    def value(name: str) -> torch.Tensor:
        return torch.view_as_complex(tensors[prefix + name].contiguous()).to(model.transform.device)

    model.state = State(*(value(f"state.{name}") for name in _VARIABLES))
    model.previous = State(*(value(f"previous.{name}") for name in _VARIABLES))
    model.heating.state = value("heating")
    model.generator.set_state(tensors[f"{prefix}generator"])
    model.seconds = record["seconds"]
    model.starting = record["starting"]


def read_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return tensors and record of a checkpoint; ``UserError`` where it is damaged."""
    try:
        tensors, metadata = read_newest_intact(path)
        return tensors, json.loads(metadata["record"])
    except (DamagedFileError, KeyError, json.JSONDecodeError) as error:
        raise UserError(
            f"Expected an intact checkpoint of a simulation, found a damaged file at {path} ({error}); start again"
            " in another folder."
        ) from error


def require_same(found: dict[str, Any], wanted: dict[str, Any], free: tuple[str, ...]) -> None:
    """Raise a ``UserError`` unless two configurations agree in all but some entries."""
    changed = sorted(
        key for key in wanted.keys() | found.keys() if key not in free and found.get(key) != wanted.get(key)
    )
    if changed:
        raise UserError(
            f"Expected to resume the same simulation, found other values of {', '.join(changed)} in its "
            "checkpoint; give the original flags or another --out folder."
        )


def configuration_to_dict(config: SimulationConfig) -> dict[str, Any]:
    """The configuration as plain values, for attributes and checkpoints."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    if not config.more_fields:
        del values["more_fields"]  # as in stores of vorticity and divergence alone
    return values


def configuration_from_dict(values: Mapping[str, Any]) -> SimulationConfig:
    """The inverse of :func:`configuration_to_dict`; ``UserError`` for entries of another version."""
    try:
        atmosphere = dict(values["atmosphere"])
        atmosphere["heating"] = StochasticHeating(**atmosphere["heating"])
        atmosphere["half_levels"] = tuple(atmosphere["half_levels"])
        ladder = tuple((int(t), int(n), float(m), float(d)) for t, n, m, d in values["ladder"])
        more = tuple(values.get("more_fields", ()))
        return SimulationConfig(
            **{**values, "atmosphere": AtmosphereConfig(**atmosphere), "ladder": ladder, "more_fields": more}
        )
    except (KeyError, TypeError) as error:
        raise UserError(
            f"Expected the configuration of a simulation of this version, found another ({error}); simulate again."
        ) from error
