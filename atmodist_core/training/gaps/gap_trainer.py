"""What the training of a network that fills gaps does in a step: cut gaps into patches, and score what fills them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from atmodist_core.common.hardware import Hardware, check_batch_is_shared, use_channels_last
from atmodist_core.fields.gap_shapes import random_gaps
from atmodist_core.networks.gap_network import GapNetwork, GapNetworkConfig
from atmodist_core.training.configuration import GapConfig
from atmodist_core.training.data import patches
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.data.training_fields import TrainingFields
from atmodist_core.training.ensemble.ensemble_scores import ENSEMBLE_SCORE_NAMES, EnsembleScores
from atmodist_core.training.gan.adversarial import PatchNoise
from atmodist_core.training.gaps.gap_losses import MEMBER_WEIGHTS, SINGLE_WEIGHTS, build_gap_losses
from atmodist_core.training.loop.checkpoints import (
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from atmodist_core.training.loop.ema import WeightAverage
from atmodist_core.training.loop.schedules import falling_cosine
from atmodist_core.training.loop.trainer import Trainer, set_rate
from atmodist_core.training.records.samples import SAMPLES, draw_gap_samples, evaluating

_TRAINING, _HELD_OUT = range(2)
"""Purposes of noise."""


class GapBatch(NamedTuple):
    """Normalised patches ``(batch, channel, size, size)``, their gaps ``(batch, 1, size, size)``, and the share of points in gaps.

    The share is that of the whole batch, of which a process may have a part.
    """

    fields: Tensor
    missing: Tensor
    share: float


class GapTrainer(Trainer):
    """Training of a network that fills gaps, on normalised fields, as :class:`Trainer`.

    A filled patch equals the truth outside its gaps, so that a loss over the patch divided by the share of missing points is one
    over the gaps; that of an encoder also sees how the filled part meets its surroundings.
    """

    config: GapConfig
    unit = "patches"
    shown = ("loss", "held_out_mse")

    def __init__(
        self,
        config: GapConfig,
        data: TrainingData,
        hardware: Hardware,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        super().__init__(config, data, hardware)
        check_batch_is_shared(config.batch_size, self.fabric.world_size)
        self.total_steps = config.epochs * config.batches_per_epoch
        losses, self.about_encoder = build_gap_losses(config, self.data)
        self.weights = {name: weight for name, (weight, _) in losses.items()}
        self.losses = nn.ModuleDict({name: loss for name, (_, loss) in losses.items()}).to(self.fabric.device)
        scores = [f"{score}_{channel}" for score in ENSEMBLE_SCORE_NAMES for channel in config.data.channels]
        self.columns = [
            *("loss", *SINGLE_WEIGHTS, *MEMBER_WEIGHTS),
            *("gradient_norm", "learning_rate", "samples_per_second"),
            *("held_out_mse", *(f"held_out_{name}" for name in scores)),
        ]
        torch.manual_seed(config.run.seed)
        self.network = GapNetwork(gap_network_config(config))
        if start is not None:
            self.network.load_state_dict(start)
        if config.run.channels_last:
            use_channels_last(self.network, self.losses)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, fused=True)
        self.parallel, _ = self.fabric.setup(self.network, self.optimizer)
        self.average = WeightAverage(self.network, config.ema_decay) if config.ema_decay > 0 else None
        rank, processes = self.fabric.global_rank, self.fabric.world_size
        self.noise = PatchNoise(config.run.seed, config.batch_size, self.fabric.device, rank, processes)
        self.sampler = self.make_sampler(patches.TRAINING_STREAM)
        self.make_sampler(patches.VALIDATION_STREAM).patches(0, 1)  # whether there is something held out

    @property
    def evaluated_network(self) -> GapNetwork:
        """The network that is evaluated and exported: the average of weights where there is one."""
        return self.network if self.average is None else self.average.network

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One optimiser step."""
        c = self.config
        rate = falling_cosine(step, self.total_steps, c.learning_rate, c.final_learning_rate)
        set_rate(self.optimizer, rate)
        places = self.sampler.patches(step, c.batch_size)
        batch = self._batch(places, patches.TRAINING_GAPS_STREAM, step, self.data.training_fields)
        self.parallel.train()
        filled = self.parallel(*self._inputs(batch, step, _TRAINING, c.members)).float()
        loss = torch.zeros((), device=filled.device)
        numbers: dict[str, Tensor] = {}
        scored = filled if c.members == 1 else filled.unflatten(0, (c.members, len(batch.fields)))
        for name, weight in self.weights.items():
            with self.fabric.autocast():
                term = self.losses[name](scored, batch.fields) / batch.share
            loss = loss + weight * term
            numbers[name] = term.detach()
        norm = self.update(self.network, self.optimizer, loss, c.clip_norm)
        if self.average is not None:
            self.average.update(self.network)
        rates = {"learning_rate": torch.tensor(rate), "gradient_norm": norm}
        return numbers | rates | {"loss": loss.detach()}

    def _batch(self, places: patches.Places, stream: int, step: int, fields: TrainingFields) -> GapBatch:
        """Patches at some places with random gaps; of a training step those of this process."""
        c = self.config
        size = c.data.patch_size
        random = patches.random_generator(c.run.seed, stream, step)
        missing = random_gaps(random, len(places.time), size, c.gap_shapes)
        share = float(missing.mean())
        if stream == patches.TRAINING_GAPS_STREAM:
            places = self.own_share(places)
            missing = missing[self.fabric.global_rank :: self.fabric.world_size].copy()
        gaps = torch.from_numpy(missing)[:, None].to(self.fabric.device)
        return GapBatch(patches.cut(fields, places.time, places, size), gaps, share)

    def _inputs(
        self, batch: GapBatch, step: int, purpose: int, members: int
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """What the network is given: all patches for the first member, then for the next."""
        channels, size = self.config.noise_channels, batch.fields.shape[-2:]
        noise = None
        if channels:
            count = len(batch.fields)
            noise = self.noise.draw_members(count, members, (channels, *size), step, purpose)
        return batch.fields.repeat(members, 1, 1, 1), batch.missing.repeat(members, 1, 1, 1), noise

    def held_out_batches(self) -> Iterator[GapBatch]:
        """Yield the same held-out patches with the same gaps at every call."""
        c = self.config
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        for number, first in enumerate(range(0, c.validation_patches, c.batch_size)):
            places = sampler.patches(number, min(c.batch_size, c.validation_patches - first))
            yield self._batch(places, patches.VALIDATION_GAPS_STREAM, number, self.data.held_out_fields)

    def filled(self, batch: GapBatch, number: int, members: int) -> Tensor:
        """Return patches filled by the evaluated network; the noise depends on the batch ``number``."""
        with evaluating(self.evaluated_network), self.fabric.autocast():
            filled: Tensor = self.evaluated_network(*self._inputs(batch, number, _HELD_OUT, members))
        return filled.float()

    @torch.no_grad()
    def held_out_scores(self) -> dict[str, float]:
        """Scores in the gaps of held-out patches, each a mean over missing points.

        ``mse`` is that of single normalised fields; the others are those of
        :class:`~atmodist_core.training.ensemble.ensemble_scores.EnsembleScores`.
        """
        c = self.config
        members = c.held_out_members if c.noise_channels else 1
        scores = EnsembleScores(c.data.channels, self.data.normalization)
        squares = points = missing = 0.0
        for number, batch in enumerate(self.held_out_batches()):
            filled = self.filled(batch, number, members)
            truth = batch.fields.repeat(members, 1, 1, 1)
            squares += float((filled - truth).double().square().sum()) / members
            missing += float(batch.missing.sum())
            points += batch.missing.numel()
            scores.add(filled.unflatten(0, (members, len(batch.fields))), batch.fields)
        # Outside gaps nothing differs: a mean over all points is one over gaps times their share.
        found = {
            name: value * points / missing if name.startswith("crps") else value
            for name, value in scores.result().items()
        }
        return {"mse": squares / (missing * len(c.data.channels))} | found

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out patches."""
        return prefixed("held_out_", self.held_out_scores())

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw held-out patches with their gaps, filled, and the truth."""
        batch = next(iter(self.held_out_batches()))
        first = GapBatch(batch.fields[:SAMPLES], batch.missing[:SAMPLES], batch.share)
        filled = self.filled(first, 0, 1)
        draw_gap_samples(
            folder, step, first.fields, first.missing, filled, channels=self.config.data.channels
        )

    def tensors(self) -> dict[str, Tensor]:
        """Weights, their average, and moments."""
        tensors = module_tensors(self.network, "network") | optimizer_tensors(self.optimizer, "optimizer")
        return tensors if self.average is None else tensors | self.average.tensors("average")

    def state(self) -> dict[str, Any]:
        """How many updates the average of weights has seen."""
        return {"average_updates": self.average.updates} if self.average is not None else {}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.network, tensors, "network")
        restore_optimizer(self.optimizer, tensors, "optimizer")
        if self.average is not None:
            self.average.restore(tensors, "average", int(state["average_updates"]))


def gap_network_config(config: GapConfig) -> GapNetworkConfig:
    """Architecture of the network that a configuration trains."""
    return GapNetworkConfig(
        channels=len(config.data.channels),
        filters=config.filters,
        dilations=config.dilations,
        noise_channels=config.noise_channels,
        filter_cutoff=config.filter_cutoff,
    )
