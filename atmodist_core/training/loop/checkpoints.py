"""Checkpoints: one safetensors file each, tensors plus a JSON text of everything else, replaced atomically.

Nothing is pickled, so that reading a checkpoint never runs code. A kill at any moment leaves either the old
file or the new one.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from atmodist_core.common.errors import UserError

CHECKPOINT_NAME = "checkpoint.safetensors"
BEST_NAME = "best.safetensors"


def write_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and JSON state to ``path``, replacing an older file only when all is on disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(plain, str(temporary), metadata={"state": json.dumps(state, allow_nan=False)})
        temporary.chmod(0o644)  # safetensors makes files that only their owner can read
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Make sure the disk has it; without this a power cut could leave an empty file under the final name."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state of a checkpoint.

    Raises
    ------
    UserError
        The file is absent, broken, or something else.
    """
    if not path.is_file():
        raise UserError(
            f"Expected a checkpoint to resume from, found none at {path}; check --out or start without"
            " --resume."
        )
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        state = json.loads(metadata["state"])
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise UserError(
            f"Expected a checkpoint written by this program, found a file that cannot be read at {path} "
            f"({type(error).__name__}); start again without --resume."
        ) from error
    return tensors, state


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
