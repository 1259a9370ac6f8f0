"""What all trainings share: the interface the loop calls, processes, data, learning rate, optimiser step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from atmodist_core.common.hardware import Hardware, make_fabric
from atmodist_core.training.data import patches
from atmodist_core.training.data.training_data import TrainingData


class Trainer(ABC):
    """Base of the trainers, from all settings, the data, and the device and precision."""

    unit: str  # of a sample: pairs or patches
    shown: tuple[str, ...]  # columns in the progress bar
    columns: list[str]  # all columns of curves.csv
    total_steps: int
    config: Any

    def __init__(self, config: Any, data: TrainingData, hardware: Hardware) -> None:
        self.config, self.hardware = config, hardware
        self.fabric = make_fabric(hardware)
        self.fabric.launch()
        self.data = data.to(self.fabric.device)
        self.is_main_process = self.fabric.is_global_zero
        self.samples_per_step = config.batch_size

    @abstractmethod
    def step(self, step: int) -> Mapping[str, Tensor]:
        """Do one step (0-based); return scalar tensors to be averaged into the curves."""

    @abstractmethod
    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Evaluate after the last step of an epoch; return numbers named ``held_out_...``."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors of a checkpoint."""

    def state(self) -> dict[str, Any]:
        """Return everything else of a checkpoint, as JSON types."""
        return {}

    @abstractmethod
    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to what :meth:`tensors` and :meth:`state` returned."""

    def about_fields(self) -> dict[str, Any]:
        """Return what the card says of the training fields beside their origin."""
        return {}

    def epoch_of(self, step: int) -> int:
        """Return the epoch (0-based) of a step."""
        return step // self.config.batches_per_epoch

    @property
    def stopped_early(self) -> bool:
        """Whether the training ends before its last step; read after every epoch."""
        return False

    def close(self) -> None:  # noqa: B027 - most trainings hold nothing
        """Release threads; called at the end of a run."""

    def make_sampler(self, stream: int) -> patches.PatchSampler:
        """Return the sampler of a stream, over the training or the held-out times as the stream requires."""
        return self.data.sampler(self.config.data, self.config.run.seed, stream)

    def own_share(self, places: patches.Places) -> patches.Places:
        """Return the places of this process."""
        return places.part(self.fabric.global_rank, self.fabric.world_size)

    def update(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float
    ) -> Tensor:
        """Take one optimiser step; return the norm of the gradient before clipping (0 without clipping)."""
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = torch.zeros(())
        if clip_norm > 0:
            norm = nn.utils.clip_grad_norm_(network.parameters(), clip_norm).detach()
        optimizer.step()
        return norm


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
