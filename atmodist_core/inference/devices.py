"""Where trained networks compute, what runs them, and in which precision."""

from __future__ import annotations

import contextlib
import os
from typing import Literal, TypeVar

import torch
from torch import nn

from atmodist_core.common.errors import UserError

Network = TypeVar("Network", bound=nn.Module)
Engine = Literal["torch", "openvino"]
Precision = Literal["float32", "bfloat16"]

ENGINE_VARIABLE = "ATMODIST_ENGINE"
"""Of the environment: what runs networks where a call does not say it."""


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the chosen device, or by default a GPU where there is one; one that is missing is a UserError."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(
            f"Expected a device of this machine such as 'cpu' or 'cuda', found {str(device)!r}, which "
            f"cannot be used ({str(error).splitlines()[0]}): leave it out to have one chosen."
        ) from error
    return chosen


def resolve_precision(precision: str, device: torch.device) -> Precision:
    """Return what ``auto`` means on a device: bfloat16 where the hardware computes with it, else float32."""
    from atmodist_core.common.hardware import has_bfloat16_units

    if precision == "auto":
        return "bfloat16" if has_bfloat16_units(device.type) else "float32"
    if precision == "float32":
        return "float32"
    if precision == "bfloat16":
        return "bfloat16"
    raise UserError(
        f"Expected a precision among float32, bfloat16, auto, found {precision!r}: choose one of these."
    )


def resolve_engine(
    engine: str | None, device: str | torch.device | None, precision: str
) -> tuple[Engine, torch.device, Precision]:
    """Return engine, device and precision to compute with, as far as this machine has them.

    Parameters
    ----------
    engine : {"torch", "openvino"} or None
        What runs the networks; None for what ``ATMODIST_ENGINE`` in the environment names, else torch.
    device : str, torch.device or None
        As for :func:`resolve_device`; ``openvino`` computes on the CPU.
    precision : {"float32", "bfloat16", "auto"}
        As for :func:`resolve_precision`.

    Raises
    ------
    UserError
        For an unknown engine, one that is not installed, or a device or precision that it lacks.
    """
    engine = engine or os.environ.get(ENGINE_VARIABLE) or "torch"
    if engine == "torch":
        chosen = resolve_device(device)
        return "torch", chosen, resolve_precision(precision, chosen)
    if engine != "openvino":
        raise UserError(f"Expected the engine torch or openvino, found {engine!r}: choose one of these.")
    from atmodist_core.inference.openvino_engine import check_openvino

    chosen = resolve_device("cpu" if device is None else device)
    if chosen.type != "cpu":
        raise UserError(
            f"Expected device 'cpu' for the engine openvino, found {str(device)!r}: leave the device out, or compute "
            "with torch."
        )
    resolved = resolve_precision(precision, chosen)
    check_openvino(resolved)
    return "openvino", chosen, resolved


def full_float32(device: torch.device) -> contextlib.AbstractContextManager[None]:
    """Keep convolutions on a GPU in true float32: TF32, torch's default there, is a thousandth off."""
    if device.type == "cuda":
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return contextlib.nullcontext()


def channels_last(network: Network) -> Network:
    """Store the kernels of a network with the channels innermost, which convolutions are fastest with."""
    # The type stubs of torch lack this form of Module.to.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
