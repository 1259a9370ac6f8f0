"""Exponential moving average of a network's weights, evaluated and exported instead of the last ones."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from atmodist_core.training.loop.checkpoints import module_tensors, restore_module

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class WeightAverage(Generic[NetworkT]):
    """A copy of a network, in evaluation mode, whose weights follow those of the trained one slowly.

    The running statistics of batch normalisation are averaged like the weights: they then belong to the
    weights of the same past steps. Early on the average forgets faster, ``min(decay, (1 + n) / (10 + n))``
    after n updates (as in TensorFlow), or the random first weights would linger. The ``decay`` is the share
    that is kept at each update: 0.999 averages about 1000 steps.
    """

    def __init__(self, network: NetworkT, decay: float) -> None:
        self.network: NetworkT = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after an optimiser step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        new, old = network.state_dict(), self.network.state_dict()
        floating = [name for name, tensor in old.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([old[name] for name in floating], [new[name] for name in floating], 1.0 - decay)
        for name in old.keys() - set(floating):  # counts
            old[name].copy_(new[name])

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """The averaged weights for a checkpoint, named ``prefix.name``."""
        return module_tensors(self.network, prefix)

    def restore(self, tensors: dict[str, Tensor], prefix: str, updates: int) -> None:
        """Go back to a checkpoint."""
        restore_module(self.network, tensors, prefix)
        self.updates = updates
