"""Communication between processes; with one process nothing here costs time.

The collectives run on the current process group that Lightning Fabric made: gloo between CPUs, NCCL between
GPUs.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, distributed, nn


def process_count() -> int:
    """Number of processes that train together."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1
    return distributed.get_world_size()


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of every process's tensor, the same on all; a new tensor without a gradient."""
    total = tensor.detach().clone()
    if process_count() > 1:
        distributed.all_reduce(total)
    return total


def mean_over_processes(numbers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Scalars averaged over the processes, in one message."""
    if process_count() == 1 or not numbers:
        return dict(numbers)
    device = communication_device()
    values = torch.stack([value.detach().double().to(device) for value in numbers.values()])
    return dict(zip(numbers, sum_over_processes(values) / process_count(), strict=True))


def any_process(flag: bool) -> bool:
    """Whether the flag is set on any process; every process must ask."""
    if process_count() == 1:
        return flag
    asked = torch.tensor(float(flag), device=communication_device())
    return float(sum_over_processes(asked)) > 0


def same_on_all_processes(number: int) -> bool:
    """Whether all processes hold the same integer; every process must ask."""
    if process_count() == 1:
        return True
    values = torch.tensor([number, -number], dtype=torch.int64, device=communication_device())
    distributed.all_reduce(values, op=distributed.ReduceOp.MAX)
    return int(values[0]) == -int(values[1])


def copy_buffers_from_main(module: nn.Module) -> None:
    """Give every process the main one's running statistics."""
    if process_count() > 1:
        for buffer in module.buffers():
            distributed.broadcast(buffer, src=0)


def communication_device() -> torch.device:
    """Where tensors must lie to be sent: NCCL sends from GPUs only."""
    nccl = process_count() > 1 and distributed.get_backend() == "nccl"
    return torch.device("cuda" if nccl else "cpu")
