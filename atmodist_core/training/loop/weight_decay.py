"""Which weights decay."""

from typing import Any

from torch import nn


def decaying_kernels(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Groups of an optimiser that decays kernels only: biases and batch norm have one axis."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
