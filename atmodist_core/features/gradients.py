"""The encoder with gradients: on normalised fields, plainly or guided."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from atmodist_core.common.errors import UserError
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.networks import Encoder


def encoder_of(distance: AtmoDist) -> Encoder:
    """Return the encoder of a distance that torch computes in float32; others have no gradients."""
    encoder = distance.inference.network.encoder
    if not isinstance(encoder, Encoder) or distance.precision != "float32":
        raise UserError(
            f"Expected {distance.name} computed by torch in float32, as its gradient is needed, found another engine or "
            "precision; load it with engine='torch'."
        )
    return encoder


class GuidedRectifiers(TorchFunctionMode):
    """Within it, rectifiers pass only positive gradients on (guided backpropagation, Springenberg et al. 2015)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace rectifiers."""
        if func in (torch.relu, torch.relu_):
            return _Guided.apply(args[0])
        return func(*args, **(kwargs or {}))


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x > 0)
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (active,) = ctx.saved_tensors
        return gradients[0].clamp_min(0) * active
