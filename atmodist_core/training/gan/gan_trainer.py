"""What a generator's training does in a step: the MSE alone, then against a discriminator."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.common.hardware import Hardware, check_batch_is_shared, use_channels_last
from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.losses.content import MeanSquaredErrorLoss
from atmodist_core.training.configuration import GanConfig
from atmodist_core.training.data import patches
from atmodist_core.training.data.coarse_patches import DownscalingBatch, downscaling_batch
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.adversarial import ADVERSARIAL_FORMS, PatchNoise, r1_penalty
from atmodist_core.training.gan.content import build_content_loss, build_statistics_losses
from atmodist_core.training.gan.downscaling_scores import SCORE_NAMES, DownscalingScores
from atmodist_core.training.gan.gan_start import StartModel, build_gan_networks, generator_config
from atmodist_core.training.loop.checkpoints import (
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from atmodist_core.training.loop.ema import WeightAverage
from atmodist_core.training.loop.schedules import one_cycle
from atmodist_core.training.loop.trainer import Trainer, set_rate
from atmodist_core.training.records.samples import SAMPLES, draw_downscaling_samples, evaluating

_INPUT, _EXTRA, _HELD_OUT, _REAL, _GENERATED = range(5)
"""Purposes of random numbers, so that no two of a step are the same."""


class GanTrainer(Trainer):
    """Training of a generator.

    The epochs are: pre-training with the MSE alone (none when the run starts from a trained generator), then
    adversarial ones. In an adversarial step the discriminator learns first, then the generator, from the same
    generated patches, so that the generator runs once.
    """

    config: GanConfig
    unit = "patches"
    shown = ("content", "mse", "discriminator_loss", "held_out_mse")

    def __init__(
        self, config: GanConfig, data: TrainingData, hardware: Hardware, start: StartModel | None = None
    ) -> None:
        super().__init__(config, data, hardware)
        self.start = start
        check_batch_is_shared(config.batch_size, self.fabric.world_size)
        self.pretraining_epochs = 0 if start is not None else config.pretraining_epochs
        self.epochs = self.pretraining_epochs + config.epochs + config.final_epochs
        self.total_steps = self.epochs * config.batches_per_epoch
        self.pretraining_steps = self.pretraining_epochs * config.batches_per_epoch
        self.adversarial = config.epochs + config.final_epochs > 0 and config.adversarial_weight > 0
        self.form = ADVERSARIAL_FORMS[config.adversarial_form]()
        scores = ("mse", *(f"{score}_{c}" for score in SCORE_NAMES for c in config.data.channels))
        self.columns = [
            *("loss", "content", "mse", "l1", "spectrum", "distribution"),
            *("adversarial", "discriminator_loss"),
            *("real_recognised", "generated_recognised", "real_logit", "generated_logit", "r1"),
            *("generator_steps", "discriminator_steps", "learning_rate", "samples_per_second"),
            *(f"held_out_{name}" for name in scores),
        ]
        self.noise = PatchNoise(
            config.run.seed,
            config.batch_size,
            self.fabric.device,
            self.fabric.global_rank,
            self.fabric.world_size,
        )
        self.mse = MeanSquaredErrorLoss()
        self.output = PhysicalOutput(generator_config(config), data.normalization)
        content, self.about_content = build_content_loss(
            config, data.normalization, data.training_fields.spacing_deg, self.data
        )
        self.content = content.to(self.fabric.device)
        self.statistics = build_statistics_losses(config, data.normalization)
        self._build_networks()
        self.sampler = self.make_sampler(patches.TRAINING_STREAM)
        self.make_sampler(patches.VALIDATION_STREAM).patches(0, 1)

    def _build_networks(self) -> None:
        c = self.config
        self.generator, self.discriminator = build_gan_networks(c, self.start)
        if c.run.channels_last:
            use_channels_last(self.generator, self.discriminator, self.content)
        rates = (c.learning_rate, c.discriminator_learning_rate or c.learning_rate)
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(network.parameters(), lr=rate, betas=(c.beta1, 0.999), fused=True)
            for network, rate in zip((self.generator, self.discriminator), rates, strict=True)
        )
        if c.compile:
            for module in (self.generator, self.discriminator, self.content):
                module.compile()
        self.parallel_generator, _ = self.fabric.setup(self.generator, self.generator_optimizer)
        self.parallel_discriminator, _ = self.fabric.setup(self.discriminator, self.discriminator_optimizer)
        self.average: WeightAverage[Generator] | None = (
            WeightAverage(self.generator, c.ema_decay) if c.ema_decay > 0 else None
        )

    @property
    def evaluated_generator(self) -> Generator:
        """The generator that is evaluated and exported: the average of weights where there is one."""
        return self.generator if self.average is None else self.average.network

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
        places = self.own_share(self.sampler.patches(step, c.batch_size))
        batch = downscaling_batch(self.data, places, c, training=True)
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

    def _generate(self, batch: DownscalingBatch, step: int, purpose: int = _INPUT) -> Tensor:
        """Fine patches of the generator being trained, normalised, through all its layers."""
        fine = self.parallel_generator(self._input(batch, step, purpose))
        return self.output(fine, batch.coarse, batch.area)

    def _input(self, batch: DownscalingBatch, step: int, purpose: int) -> Tensor:
        """What the generator is given: the coarse field, and noise where it takes some."""
        channels = self.config.noise_channels
        if not channels:
            return batch.coarse
        shape = (channels, *batch.coarse.shape[-2:])
        return torch.cat((batch.coarse, self.noise.draw(len(batch.coarse), shape, step, purpose)), dim=1)

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
                self._generator_step(batch, self._generate(batch, step, _EXTRA), step)
                generator_steps = 2.0
            elif loss > c.balance_high:
                with torch.no_grad():
                    generated = self._generate(batch, step, _EXTRA)
                self._discriminator_step(batch.fine, generated, step, penalize=False)
                discriminator_steps = 2.0
        counts = {"generator_steps": generator_steps, "discriminator_steps": discriminator_steps}
        return numbers | discriminator_numbers | {k: torch.tensor(v) for k, v in counts.items()}

    def _discriminator_step(
        self,
        fine: Tensor,
        generated: Tensor,
        step: int = 0,
        waits_below: float | None = None,
        *,
        penalize: bool = True,
    ) -> dict[str, Tensor]:
        """One update of the discriminator, left out when its loss is below ``waits_below``."""
        c = self.config
        self.discriminator.requires_grad_(True)
        # One batch for both: the large dense layer is then read from memory once.
        seen = torch.cat((self._seen(fine, step, _REAL), self._seen(generated, step, _GENERATED)))
        on_real, on_generated = self.parallel_discriminator(seen).float().chunk(2)
        loss = self.form.discriminator(on_real, on_generated)
        numbers = {
            "discriminator_loss": loss.detach().clone(),
            "real_recognised": (on_real.detach() > 0).float().mean(),
            "generated_recognised": (on_generated.detach() < 0).float().mean(),
            "real_logit": on_real.detach().mean(),
            "generated_logit": on_generated.detach().mean(),
            "r1": torch.zeros((), device=fine.device),
        }
        if waits_below is not None:
            mean_loss = self.fabric.all_reduce(numbers["discriminator_loss"].clone(), reduce_op="mean")
            if float(mean_loss) < waits_below:
                return numbers
        if c.r1_weight > 0 and penalize and step % c.r1_interval == 0:
            penalty = c.r1_interval * r1_penalty(self.discriminator, fine)
            numbers["r1"] = penalty.detach()
            loss = loss + 0.5 * c.r1_weight * penalty
        self.update(self.discriminator, self.discriminator_optimizer, loss, c.clip_norm)
        return numbers

    def _seen(self, fine: Tensor, step: int, purpose: int) -> Tensor:
        """Input of the discriminator: patches with noise that decreases to zero over the adversarial phase."""
        c = self.config
        share = 1.0 - (step - self.pretraining_steps) / (self.total_steps - self.pretraining_steps)
        if c.instance_noise <= 0 or share <= 0:
            return fine
        return fine + c.instance_noise * share * self.noise.draw(len(fine), fine.shape[1:], step, purpose)

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
            term = statistic(generated, batch.fine)
            loss = loss + weight * term
            numbers[name] = term.detach()
        if self.adversarial:
            # Not through the wrapper of several processes: it would wait for gradients of weights that rest.
            self.discriminator.requires_grad_(False)
            with self.fabric.autocast():
                on_real = None
                if self.form.needs_real_logits:
                    with torch.no_grad():
                        on_real = self.discriminator(self._seen(batch.fine, step, _REAL)).float()
                on_generated = self.discriminator(self._seen(generated, step, _GENERATED)).float()
            adversarial = self.form.generator(on_generated, on_real)
            loss = loss + c.adversarial_weight * adversarial
            numbers["adversarial"] = adversarial.detach()
        self.update(self.generator, self.generator_optimizer, loss, c.clip_norm)
        return numbers | {"loss": loss.detach()}

    @torch.no_grad()
    def held_out_scores(self) -> dict[str, float]:
        """Return the scores of the evaluated generator on held-out patches."""
        c = self.config
        scores = DownscalingScores(c.data.channels, c.factor, self.data.normalization)
        for number, batch in enumerate(self._held_out_batches()):
            scores.add(self.generated(batch, number), batch.fine)
        return scores.result()

    @torch.no_grad()
    def bicubic_scores(self) -> dict[str, float]:
        """Scores of bicubic interpolation on the same patches."""
        scores = DownscalingScores(self.config.data.channels, self.config.factor, self.data.normalization)
        for batch in self._held_out_batches():
            size = batch.fine.shape[-2:]
            scores.add(functional.interpolate(batch.coarse, size=size, mode="bicubic"), batch.fine)
        return scores.result()

    def generated(self, batch: DownscalingBatch, number: int) -> Tensor:
        """Return normalised fine patches of the evaluated generator; the noise depends on the batch ``number``."""
        with evaluating(self.evaluated_generator), self.fabric.autocast():
            fine = self.evaluated_generator(self._input(batch, number, _HELD_OUT))
        return self.output(fine.float(), batch.coarse, batch.area)

    def _held_out_batches(self) -> Iterator[DownscalingBatch]:
        c = self.config
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        for number, first in enumerate(range(0, c.validation_patches, c.batch_size)):
            places = sampler.patches(number, min(c.batch_size, c.validation_patches - first))
            yield downscaling_batch(self.data, places, c, training=False)

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out patches."""
        return prefixed("held_out_", self.held_out_scores())

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw held-out patches: coarse, bicubic, generated, truth."""
        batch = DownscalingBatch(*(part[:SAMPLES] for part in next(iter(self._held_out_batches()))))
        generated = self.generated(batch, 0)
        draw_downscaling_samples(
            folder, step, batch.coarse, generated, batch.fine, channels=self.config.data.channels
        )

    def tensors(self) -> dict[str, Tensor]:
        """Weights and moments of both networks (the discriminator's only when there is an adversary)."""
        tensors = module_tensors(self.generator, "generator")
        tensors |= optimizer_tensors(self.generator_optimizer, "generator_optimizer")
        if self.adversarial:
            tensors |= module_tensors(self.discriminator, "discriminator")
            tensors |= optimizer_tensors(self.discriminator_optimizer, "discriminator_optimizer")
        if self.average is not None:
            tensors |= self.average.tensors("average")
        return tensors

    def state(self) -> dict[str, Any]:
        """How many updates the average of weights has seen."""
        return {"average_updates": self.average.updates} if self.average is not None else {}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.generator, tensors, "generator")
        restore_optimizer(self.generator_optimizer, tensors, "generator_optimizer")
        if self.adversarial:
            restore_module(self.discriminator, tensors, "discriminator")
            restore_optimizer(self.discriminator_optimizer, tensors, "discriminator_optimizer")
        if self.average is not None:
            self.average.restore(tensors, "average", int(state["average_updates"]))
