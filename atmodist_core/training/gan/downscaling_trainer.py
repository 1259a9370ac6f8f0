"""What the trainings of all downscaling generators share: networks, noise, adversary, held-out patches, checkpoints."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware, check_batch_is_shared, use_channels_last
from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.losses.content import ContentLoss
from atmodist_core.training.configuration import DownscalingConfig
from atmodist_core.training.data import patches
from atmodist_core.training.data.coarse_patches import DownscalingBatch, downscaling_batch
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.data.sharpness import Smoothing, TrainingSharpness
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.adversarial import ADVERSARIAL_FORMS, PatchNoise, r1_penalty
from atmodist_core.training.gan.downscaling_scores import SCORE_NAMES, DownscalingScores
from atmodist_core.training.gan.gan_start import StartModel, build_gan_networks, generator_config
from atmodist_core.training.loop.checkpoints import (
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from atmodist_core.training.loop.ema import WeightAverage
from atmodist_core.training.loop.trainer import Trainer
from atmodist_core.training.records.samples import SAMPLES, draw_downscaling_samples, evaluating

INPUT, EXTRA, HELD_OUT, REAL, GENERATED = range(5)
"""Purposes of random numbers, so that no two of a step are the same."""

_PURPOSES = 5

ADVERSARIAL_COLUMNS = (
    *("adversarial", "discriminator_loss"),
    *("real_recognised", "generated_recognised", "real_logit", "generated_logit", "r1"),
)
"""Of curves.csv, where there is an adversary."""


RIVAL_COLUMNS = ("amse", "facl", "sliced_wasserstein", "gram")
"""Of curves.csv: terms that compete with AtmoDist."""


class DownscalingTrainer(Trainer):
    """Base of the trainings of a generator, which say what a step does, and how many there are."""

    config: Any
    unit = "patches"
    adversarial = False
    statistics: dict[str, tuple[float, ContentLoss]]
    adversary_from = 0  # step

    def __init__(
        self, config: DownscalingConfig, data: TrainingData, hardware: Hardware, start: StartModel | None
    ) -> None:
        super().__init__(config, data, hardware)
        self.start = start
        check_batch_is_shared(config.batch_size, self.fabric.world_size)
        self.form = ADVERSARIAL_FORMS[config.adversarial_form]()
        scores = ("mse", *(f"{score}_{c}" for score in SCORE_NAMES for c in config.data.channels))
        self.held_out_columns = [f"held_out_{name}" for name in scores]
        self.noise = PatchNoise(
            config.run.seed,
            config.batch_size,
            self.fabric.device,
            self.fabric.global_rank,
            self.fabric.world_size,
        )
        self.output = PhysicalOutput(generator_config(config), data.normalization)
        self.sharpness = self._measured_sharpness(data) if config.condition == "sharpness" else {}
        self.sampler = data.sampler(
            config.data, config.run.seed, patches.TRAINING_STREAM, one_member=config.one_member_per_step
        )
        self.make_sampler(patches.VALIDATION_STREAM).patches(0, 1)

    def _measured_sharpness(self, data: TrainingData) -> dict[bool, TrainingSharpness]:
        """Of the training fields (True), and of the held-out ones (False)."""
        training = TrainingSharpness.of(data.training_fields, self.config.factor)
        if data.held_out_fields is data.training_fields:
            return {True: training, False: training}
        return {True: training, False: TrainingSharpness.of(data.held_out_fields, self.config.factor)}

    def about_fields(self) -> dict[str, Any]:
        """Return the sharpness of the training fields, where it can be measured."""
        try:
            known = self.sharpness.get(True) or TrainingSharpness.of(
                self.data.training_fields, self.config.factor
            )
        except UserError:
            return {}
        pairs = zip(self.config.data.channels, known.mean().round(3).tolist(), strict=True)
        return {"sharpness": {name: tuple(pair) for name, pair in pairs}}

    def training_batch(self, step: int) -> DownscalingBatch:
        """Cut this process's patches of a step, smoothed in some of the steps."""
        c = self.config
        places = self.own_share(self.sampler.patches(step, c.batch_size))
        smoothing = Smoothing.drawn(c.smoothing_share, c.run.seed, step) if c.smoothing_share else None
        known = self.sharpness.get(True)
        return downscaling_batch(self.data, places, c, training=True, sharpness=known, smoothing=smoothing)

    def _build_networks(self, *compared: nn.Module) -> None:
        """Build networks and optimisers; ``compared`` are the losses that have networks."""
        c = self.config
        self.generator, self.discriminator = build_gan_networks(c, self.start)
        if c.run.channels_last:
            use_channels_last(self.generator, self.discriminator, *compared)
        rates = (c.learning_rate, c.discriminator_learning_rate or c.learning_rate)
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(network.parameters(), lr=rate, betas=(c.beta1, 0.999), fused=True)
            for network, rate in zip((self.generator, self.discriminator), rates, strict=True)
        )
        if c.compile:
            for module in (self.generator, self.discriminator, *compared):
                module.compile()
        self.parallel_generator, _ = self.fabric.setup(self.generator, self.generator_optimizer)
        self.parallel_discriminator, _ = self.fabric.setup(self.discriminator, self.discriminator_optimizer)
        self.average: WeightAverage[Generator] | None = (
            WeightAverage(self.generator, c.ema_decay) if c.ema_decay > 0 else None
        )

    def statistics_networks(self) -> list[nn.Module]:
        """The further terms of the loss, on the device that computes."""
        return [loss.to(self.fabric.device) for _, loss in self.statistics.values()]

    @property
    def evaluated_generator(self) -> Generator:
        """The generator that is evaluated and exported: the average of weights where there is one."""
        return self.generator if self.average is None else self.average.network

    def _generate(self, batch: DownscalingBatch, step: int, purpose: int = INPUT, members: int = 1) -> Tensor:
        """Fine patches of the generator being trained, normalised, through all its layers.

        All patches of the first member, then of the next; so are the other results of this class with members.
        """
        return self._finished(self.parallel_generator(*self._inputs(batch, step, purpose, members)), batch)

    def _finished(self, fine: Tensor, batch: DownscalingBatch) -> Tensor:
        """What the layers after the network make of its output."""
        coarse, area = self._repeated(batch.coarse, fine), self._repeated(batch.area, fine)
        return self.output(fine, coarse, area)

    @staticmethod
    def _repeated(part: Tensor, members: Tensor) -> Tensor:
        """Part of a batch once for every member."""
        count = len(members) // len(part)
        return part if count == 1 else torch.cat([part] * count)

    def _inputs(
        self, batch: DownscalingBatch, step: int, purpose: int, members: int = 1
    ) -> tuple[Tensor, ...]:
        """What the generator is given: coarse fields with noise, and the noise of each doubling, where it takes some."""
        config = self.output.config
        coarse = torch.cat([batch.coarse] * members) if members > 1 else batch.coarse
        if config.noise_channels:
            noise = self._noise(batch, step, purpose, members, config.noise_channels, 0)
            coarse = torch.cat((coarse, noise), dim=1)
        if config.condition_channels:
            told = self._repeated(batch.condition, coarse)[:, :, None, None]
            coarse = torch.cat((coarse, told.expand(-1, -1, *coarse.shape[-2:]).to(coarse.dtype)), dim=1)
        doublings = range(1, config.upsampling_steps + 1) if config.fine_noise_channels else ()
        fine = [self._noise(batch, step, purpose, members, config.fine_noise_channels, n) for n in doublings]
        return coarse, *fine

    def _noise(
        self, batch: DownscalingBatch, step: int, purpose: int, members: int, channels: int, doublings: int
    ) -> Tensor:
        size = [points * 2**doublings for points in batch.coarse.shape[-2:]]
        purpose += _PURPOSES * doublings
        return self.noise.draw_members(len(batch.coarse), members, (channels, *size), step, purpose)

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
        seen = torch.cat((self._seen(fine, step, REAL), self._seen(generated, step, GENERATED)))
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
        share = 1.0 - (step - self.adversary_from) / (self.total_steps - self.adversary_from)
        if c.instance_noise <= 0 or share <= 0:
            return fine
        return fine + c.instance_noise * share * self.noise.draw(len(fine), fine.shape[1:], step, purpose)

    def _adversarial_term(self, generated: Tensor, real: Tensor, step: int) -> Tensor:
        """The generator's loss against the discriminator, whose weights rest."""
        # Not through the wrapper of several processes: it would wait for gradients of weights that rest.
        self.discriminator.requires_grad_(False)
        with self.fabric.autocast():
            on_real = None
            if self.form.needs_real_logits:
                with torch.no_grad():
                    on_real = self.discriminator(self._seen(real, step, REAL)).float()
            on_generated = self.discriminator(self._seen(generated, step, GENERATED)).float()
        return self.form.generator(on_generated, on_real)

    @torch.no_grad()
    def held_out_scores(self) -> dict[str, float]:
        """Return the scores of the evaluated generator on held-out patches."""
        c = self.config
        scores = DownscalingScores(c.data.channels, c.factor, self.data.normalization)
        for number, batch in enumerate(self.held_out_batches()):
            scores.add(self.generated(batch, number), batch.fine)
        return scores.result()

    @torch.no_grad()
    def bicubic_scores(self) -> dict[str, float]:
        """Scores of bicubic interpolation on the same patches."""
        scores = DownscalingScores(self.config.data.channels, self.config.factor, self.data.normalization)
        for batch in self.held_out_batches():
            size = batch.fine.shape[-2:]
            scores.add(functional.interpolate(batch.coarse, size=size, mode="bicubic"), batch.fine)
        return scores.result()

    def generated(self, batch: DownscalingBatch, number: int, members: int = 1) -> Tensor:
        """Return normalised fine patches of the evaluated generator; the noise depends on the batch ``number``."""
        with evaluating(self.evaluated_generator), self.fabric.autocast():
            fine = self.evaluated_generator(*self.held_out_inputs(batch, number, members))
        return self._finished(fine.float(), batch)

    def held_out_inputs(self, batch: DownscalingBatch, number: int, members: int = 1) -> tuple[Tensor, ...]:
        """Return what a generator is given for a held-out batch: coarse fields with noise, and the noise of each doubling."""
        return self._inputs(batch, number, HELD_OUT, members)

    def held_out_batches(self) -> Iterator[DownscalingBatch]:
        """Yield the same held-out patches at every call, in batches."""
        c = self.config
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        for number, first in enumerate(range(0, c.validation_patches, c.batch_size)):
            places = sampler.patches(number, min(c.batch_size, c.validation_patches - first))
            known = self.sharpness.get(False)
            yield downscaling_batch(self.data, places, c, training=False, sharpness=known)

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out patches."""
        return prefixed("held_out_", self.held_out_scores())

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw held-out patches: coarse, bicubic, generated, truth."""
        batch = DownscalingBatch(*(part[:SAMPLES] for part in next(iter(self.held_out_batches()))))
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
