"""What a generator's training does in a step: the MSE alone, then against a discriminator."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from atmodist_core.common.hardware import Hardware
from atmodist_core.networks.losses.content import MeanSquaredErrorLoss
from atmodist_core.training.configuration import GanConfig
from atmodist_core.training.data.coarse_patches import DownscalingBatch
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.content import build_content_loss, build_statistics_losses
from atmodist_core.training.gan.downscaling_trainer import (
    ADVERSARIAL_COLUMNS,
    EXTRA,
    RIVAL_COLUMNS,
    DownscalingTrainer,
)
from atmodist_core.training.gan.gan_start import StartModel
from atmodist_core.training.loop.schedules import one_cycle
from atmodist_core.training.loop.trainer import set_rate


class GanTrainer(DownscalingTrainer):
    """Training of a generator.

    The epochs are: pre-training with the MSE alone (none when the run starts from a trained generator), then
    adversarial ones. In an adversarial step the discriminator learns first, then the generator, from the same
    generated patches, so that the generator runs once.
    """

    config: GanConfig
    shown = ("content", "mse", "discriminator_loss", "held_out_mse")

    def __init__(
        self, config: GanConfig, data: TrainingData, hardware: Hardware, start: StartModel | None = None
    ) -> None:
        super().__init__(config, data, hardware, start)
        self.pretraining_epochs = 0 if start is not None else config.pretraining_epochs
        self.epochs = self.pretraining_epochs + config.epochs + config.final_epochs
        self.total_steps = self.epochs * config.batches_per_epoch
        self.pretraining_steps = self.adversary_from = self.pretraining_epochs * config.batches_per_epoch
        self.adversarial = config.epochs + config.final_epochs > 0 and config.adversarial_weight > 0
        self.columns = [
            *("loss", "content", "mse", "l1", "spectrum", "distribution", "pattern", *RIVAL_COLUMNS),
            *ADVERSARIAL_COLUMNS,
            *("generator_steps", "discriminator_steps", "learning_rate", "samples_per_second"),
            *self.held_out_columns,
        ]
        self.mse = MeanSquaredErrorLoss()
        content, self.about_content = build_content_loss(
            config, self.data.normalization, self.data.training_fields.spacing_deg, self.data
        )
        self.content = content.to(self.fabric.device)
        self.statistics, about = build_statistics_losses(config, self.data)
        self.about_content = about | self.about_content
        self._build_networks(self.content, *self.statistics_networks())

    def learning_rate(self, step: int) -> float:
        """Learning rate of the generator at a step."""
        c = self.config
        if step < self.pretraining_steps:
            if c.pretraining_schedule == "constant":
                return c.pretraining_learning_rate
            return one_cycle(step, self.pretraining_steps, c.pretraining_learning_rate, warmup_fraction=0.1)
        done, steps = step - self.pretraining_steps, self.total_steps - self.pretraining_steps
        if c.schedule == "one-cycle":
            return one_cycle(done, steps, c.learning_rate, warmup_fraction=0.1)
        if c.schedule == "cosine":
            share = 0.5 + 0.5 * math.cos(math.pi * done / max(1, steps - 1))
            return c.final_learning_rate + share * (c.learning_rate - c.final_learning_rate)
        at_full_rate = self.epoch_of(step) < self.pretraining_epochs + c.epochs
        return c.learning_rate if at_full_rate else c.final_learning_rate

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One step: the MSE alone, or discriminator and generator in turn."""
        c = self.config
        rate = self.learning_rate(step)
        ratio = (c.discriminator_learning_rate or c.learning_rate) / c.learning_rate
        for optimizer, factor in ((self.generator_optimizer, 1.0), (self.discriminator_optimizer, ratio)):
            set_rate(optimizer, rate * factor)
        batch = self.training_batch(step)
        for statistic in (self.content, *(loss for _, loss in self.statistics.values())):
            statistic.at(step)
        if step < self.pretraining_steps:
            loss = self.mse(self._generate(batch, step), batch.fine)
            self.update(self.generator, self.generator_optimizer, loss, c.clip_norm)
            numbers = {"loss": loss.detach(), "mse": loss.detach(), "content": loss.detach()}
        elif self.adversarial:
            numbers = self._adversarial_step(batch, step)
        else:
            numbers = self._generator_step(batch, self._generate(batch, step))
        if self.average is not None:
            self.average.update(self.generator)
        return numbers | {"learning_rate": torch.tensor(rate)}

    def _adversarial_step(self, batch: DownscalingBatch, step: int) -> dict[str, Tensor]:
        """Discriminator, then generator, kept in balance."""
        c = self.config
        generated = self._generate(batch, step)
        waits_below = c.balance_low if c.balance == "skip" else None
        discriminator_numbers = self._discriminator_step(batch.fine, generated.detach(), step, waits_below)
        numbers = self._generator_step(batch, generated, step)
        generator_steps = discriminator_steps = 1.0
        if c.balance != "none":  # the only number that a step waits for
            # Of all processes: they must decide alike.
            loss = float(
                self.fabric.all_reduce(discriminator_numbers["discriminator_loss"], reduce_op="mean")
            )
            if loss < c.balance_low and c.balance == "skip":
                discriminator_steps = 0.0
            elif loss < c.balance_low:
                self._generator_step(batch, self._generate(batch, step, EXTRA), step)
                generator_steps = 2.0
            elif loss > c.balance_high:
                with torch.no_grad():
                    generated = self._generate(batch, step, EXTRA)
                self._discriminator_step(batch.fine, generated, step, penalize=False)
                discriminator_steps = 2.0
        counts = {"generator_steps": generator_steps, "discriminator_steps": discriminator_steps}
        return numbers | discriminator_numbers | {k: torch.tensor(v) for k, v in counts.items()}

    def _generator_step(self, batch: DownscalingBatch, generated: Tensor, step: int = 0) -> dict[str, Tensor]:
        """One update of the generator with all its losses, from its patches."""
        c = self.config
        mse = self.mse(generated, batch.fine)
        if c.content == "mse":
            content = mse
        else:
            with self.fabric.autocast():
                content = self.content(generated, batch.fine)
        loss = c.content_weight * content + c.mse_weight * mse
        numbers = {"content": content.detach(), "mse": mse.detach()}
        for name, (weight, statistic) in self.statistics.items():
            with self.fabric.autocast():
                term = statistic(generated, batch.fine)
            loss = loss + weight * term
            numbers[name] = term.detach()
        if self.adversarial:
            adversarial = self._adversarial_term(generated, batch.fine, step)
            loss = loss + c.adversarial_weight * adversarial
            numbers["adversarial"] = adversarial.detach()
        self.update(self.generator, self.generator_optimizer, loss, c.clip_norm)
        return numbers | {"loss": loss.detach()}
