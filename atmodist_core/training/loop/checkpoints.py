"""Checkpoints: tensors and a JSON text of everything else, verified when read.

Nothing is pickled, so that reading a checkpoint never runs code. The checkpoint before the last one is kept: a
run continues from it when the last one is damaged.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.common.tensor_files import (
    DamagedFileError,
    previous_path,
    read_newest_intact,
    write_tensors,
)

CHECKPOINT_NAME = "checkpoint.safetensors"
BEST_NAME = "best.safetensors"


def has_checkpoint(folder: Path) -> bool:
    """Whether a run left a checkpoint in its folder."""
    path = folder / CHECKPOINT_NAME
    return path.is_file() or previous_path(path).is_file()


def write_checkpoint(
    path: Path, tensors: dict[str, Tensor], state: dict[str, Any], *, keep_previous: bool = True
) -> None:
    """Replace a checkpoint, and keep the one before it."""
    metadata = {"state": json.dumps(state, allow_nan=False)}
    write_tensors(path, tensors, metadata, keep_previous=keep_previous)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and state of a checkpoint, or of the one before it if the last one is damaged."""
    try:
        tensors, metadata = read_newest_intact(path)
        return tensors, json.loads(metadata["state"])
    except FileNotFoundError:
        raise UserError(
            f"Expected a checkpoint to resume from, found none at {path}; check --out or start without"
            " --resume."
        ) from None
    except (DamagedFileError, KeyError, json.JSONDecodeError) as error:
        raise UserError(
            f"Expected an intact checkpoint, found a damaged file at {path} ({error}); start again without"
            " --resume in another folder."
        ) from error


def module_tensors(module: torch.nn.Module, prefix: str) -> dict[str, Tensor]:
    """Parameters and buffers, named ``prefix.name``."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def restore_module(module: torch.nn.Module, tensors: dict[str, Tensor], prefix: str) -> None:
    """Copy tensors back into a module (layout and device of the module are kept)."""
    module.load_state_dict(without_prefix(tensors, prefix), strict=True)


def without_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors named ``prefix.*``, without that prefix."""
    return {name[len(prefix) + 1 :]: t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """State of an optimiser (momenta, counts), named ``prefix.<parameter number>.<key>``."""
    return {
        f"{prefix}.{number}.{key}": value
        for number, entries in optimizer.state_dict()["state"].items()
        for key, value in entries.items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], prefix: str) -> None:
    """Put the tensors of :func:`optimizer_tensors` back."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in without_prefix(tensors, prefix).items():
        number, key = name.split(".", 1)
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape:
            # The same memory layout as before the interruption, or the sums would run in another order.
            tensor = torch.empty_like(parameter, dtype=tensor.dtype, requires_grad=False).copy_(tensor)
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
