"""Batch normalisation over the batches of all processes together, so that N processes train as one would.

PyTorch's own ``SyncBatchNorm`` refuses CPUs; there, :class:`SynchronizedBatchNorm2d` does the same with two
reductions a layer.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

from atmodist_core.training.loop.distributed import process_count


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the moments of all processes' batches, which must be of one size.

    Same weights and buffers as :class:`torch.nn.BatchNorm2d`; in evaluation, and with one process, the same
    numbers.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``(batch, channels, height, width)``."""
        if not self.training or process_count() == 1:
            return super().forward(input)
        processes = process_count()
        with torch.autocast(input.device.type, enabled=False):
            x = input.float()
            axes = (0, 2, 3)
            mean = _SumOverProcesses.apply(x.mean(dim=axes)) / processes
            centred = x - mean[:, None, None]
            # about the common mean: squares minus squares would lose digits
            variance = _SumOverProcesses.apply(centred.square().mean(dim=axes)) / processes
            scale = self.weight * torch.rsqrt(variance + self.eps)
            result = centred * scale[:, None, None] + self.bias[:, None, None]
        self._remember(mean.detach(), variance.detach(), processes * x[:, 0].numel())
        return result.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics as torch does (with the unbiased variance)."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), self.momentum)


def synchronize_batch_norm(module: nn.Module, device: str) -> nn.Module:
    """Let every batch normalisation of a module see the batches of all processes, in place.

    Weights, buffers and their names stay. ``cuda`` takes PyTorch's ``SyncBatchNorm`` (fewer kernels), else
    :class:`SynchronizedBatchNorm2d`.
    """
    if device == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return converted
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(module, name, _synchronized(child))
        else:
            synchronize_batch_norm(child, device)
    return module


def _synchronized(plain: nn.BatchNorm2d) -> SynchronizedBatchNorm2d:
    layer = SynchronizedBatchNorm2d(plain.num_features, plain.eps, plain.momentum)
    layer.weight, layer.bias = plain.weight, plain.bias
    layer.running_mean, layer.running_var = plain.running_mean, plain.running_var
    layer.num_batches_tracked = plain.num_batches_tracked
    return layer
