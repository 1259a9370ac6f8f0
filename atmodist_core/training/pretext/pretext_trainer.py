"""Training of the encoder on another pretext task, with the data, budget and optimiser of the distance network."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from atmodist_core.networks import Encoder, EncoderConfig
from atmodist_core.training.data import clips, patches
from atmodist_core.training.data.patches import PatchSampler
from atmodist_core.training.distance.distance_trainer import DistanceTrainer
from atmodist_core.training.pretext.pretext_tasks import PRETEXT_TASKS, PretextTask

_STREAM = 4
"""Of random numbers for what is hidden, beside those of places."""


class PretextTrainer(DistanceTrainer):
    """Training of an encoder; twice ``batch_size`` patches are encoded in a step, as for the distance network."""

    unit = "patches"
    shown = ("loss", "held_out_loss")
    own_columns = ("loss",)
    held_out_names = ("loss",)
    network: PretextTask

    def build_network(self) -> PretextTask:
        """Return encoder and task before training; the encoder is that of a distance network with this seed."""
        torch.manual_seed(self.config.run.seed)
        encoder = Encoder(EncoderConfig(channels=len(self.config.data.channels)))
        return PRETEXT_TASKS[self.config.pretext](encoder)

    def trained_module(self) -> nn.Module:
        """Return what a step calls."""
        return self.network

    @property
    def times_per_place(self) -> int:
        """Patches at each place."""
        return PRETEXT_TASKS[self.config.pretext].times

    def _batch(self, step: int) -> tuple[Tensor, ...]:
        return self._drawn(self.sampler, self.sample_step(step), training=True)

    def _drawn(self, sampler: PatchSampler, number: int, *, training: bool) -> tuple[Tensor, ...]:
        """Fields, their times, and what is hidden of them: a batch of a stream."""
        c, task = self.config, self.network
        fields = self.data.training_fields if training else self.data.held_out_fields
        if task.times == 1:
            drawn = sampler.patches(number, self.places)
            found = clips.Clips(drawn, np.zeros((self.places, 1), dtype=np.int64))
        else:
            lags = min(task.longest_lag or c.classes, c.classes)
            found = clips.draw_clips(
                sampler, number, self.places, classes=lags, stride=self.stride, times=task.times
            )
        rank, ranks = (self.fabric.global_rank, self.fabric.world_size) if training else (0, 1)
        part = found.part(rank, ranks)
        times = (part.places.time + offset * self.stride for offset in part.offsets.T)
        cut = torch.cat([patches.cut(fields, time, part.places, c.data.patch_size) for time in times])
        key = [c.run.seed, _STREAM + sampler.stream]
        random = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, rank, number]))
        offsets, hidden = torch.from_numpy(part.offsets), task.hidden(random, cut)
        return cut, offsets.to(cut.device), hidden.to(cut.device)

    def _learn(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """One optimiser step."""
        if not self.network.trains:
            with torch.no_grad():
                loss = self.parallel(*batch)
            return {"loss": loss, "gradient_norm": torch.zeros(())}
        loss = self.parallel(*batch).float()
        norm = self.update(self.network, self.optimizer, loss, self.config.clip_norm)
        return {"loss": loss.detach(), "gradient_norm": norm}

    @torch.no_grad()
    def held_out(self, step: int) -> Mapping[str, float]:
        """Mean loss on held-out patches, the same at every call."""
        network: PretextTask = self.evaluated_network
        was_training = network.training
        network.eval()
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        batches = -(-self.config.validation_pairs // self.config.batch_size)
        losses = []
        for number in range(batches):
            with self.fabric.autocast():
                losses.append(network(*self._drawn(sampler, number, training=False)).float())
        network.train(was_training)
        return {"loss": float(torch.stack(losses).mean())}

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw nothing: the curves say how the task goes."""
