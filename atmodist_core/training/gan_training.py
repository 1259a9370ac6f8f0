"""Training of a downscaling generator: with the MSE alone, then against a discriminator."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from atmodist_core.losses import MeanSquaredErrorLoss, SigmoidCrossEntropy
from atmodist_core.model_store import load_network
from atmodist_core.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from atmodist_core.training import patches
from atmodist_core.training.checkpoints import (
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from atmodist_core.training.configuration import GanConfig
from atmodist_core.training.content import build_content_loss
from atmodist_core.training.downscaling_scores import DownscalingScores
from atmodist_core.training.gan_report import save_generator_model
from atmodist_core.training.gan_start import StartModel, check_gan_config, load_start
from atmodist_core.training.hardware import Hardware, choose_hardware, make_fabric, use_channels_last
from atmodist_core.training.held_out import prefixed
from atmodist_core.training.logs import reading_progress
from atmodist_core.training.loop import check_run_folder, run_training, write_run_config
from atmodist_core.training.provenance import export_folder
from atmodist_core.training.schedules import one_cycle
from atmodist_core.training.training_data import TrainingData, load_training_data


class GanTrainer:
    """One training of a generator; see :class:`atmodist_core.training.loop.Trainer`.

    The epochs are: pre-training with the MSE alone (none when the run starts from a trained generator),
    adversarial ones at the full and at the final learning rate. In an adversarial step the discriminator
    learns first, then the generator, from the same generated patches.

    Parameters
    ----------
    config
        All settings.
    data
        Weather with physical fields.
    hardware
        Device and precision.
    start
        Generator to start from, if any.
    """

    unit = "patches"
    shown: tuple[str, ...] = ("content", "mse", "discriminator_loss", "held_out_mse")

    def __init__(
        self, config: GanConfig, data: TrainingData, hardware: Hardware, start: StartModel | None = None
    ) -> None:
        self.config, self.hardware, self.start = config, hardware, start
        self.fabric = make_fabric(hardware)
        self.fabric.launch()
        self.data = data.to(self.fabric.device)
        self.is_main_process = self.fabric.is_global_zero
        self.samples_per_step = config.batch_size
        self.pretraining_epochs = 0 if start is not None else config.pretraining_epochs
        self.epochs = self.pretraining_epochs + config.epochs + config.final_epochs
        self.total_steps = self.epochs * config.batches_per_epoch
        self.adversarial = config.epochs + config.final_epochs > 0 and config.adversarial_weight > 0
        scores = ("mse", *(f"power_ratio_{c}" for c in config.data.channels))
        self.columns = [
            *("loss", "content", "mse", "adversarial", "discriminator_loss", "real_recognised"),
            *("generated_recognised", "generator_steps", "discriminator_steps"),
            *("learning_rate", "samples_per_second"),
            *(f"held_out_{name}" for name in scores),
        ]
        self.mse = MeanSquaredErrorLoss()
        content, self.about_content = build_content_loss(
            config, data.normalization, data.training_fields.spacing_deg
        )
        self.content = content.to(self.fabric.device)
        self._build_networks()
        self.sampler = self._sampler(patches.TRAINING_STREAM)
        self._sampler(patches.VALIDATION_STREAM).patches(0, 1)

    def _build_networks(self) -> None:
        """Both networks; the discriminator has a seed of its own, so that it does not depend on the start."""
        c = self.config
        torch.manual_seed(c.run.seed)
        self.generator = Generator(generator_config(c))
        if self.start is not None:
            self.generator.load_state_dict(self.start.tensors)
        torch.manual_seed(c.run.seed + 1)
        self.discriminator = Discriminator(
            DiscriminatorConfig(channels=len(c.data.channels), patch_size=c.data.patch_size)
        )
        if c.run.channels_last:
            use_channels_last(self.generator, self.discriminator, self.content)
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(network.parameters(), lr=c.learning_rate, betas=(c.beta1, 0.999), fused=True)
            for network in (self.generator, self.discriminator)
        )
        self.parallel_generator, _ = self.fabric.setup(self.generator, self.generator_optimizer)
        self.parallel_discriminator, _ = self.fabric.setup(self.discriminator, self.discriminator_optimizer)

    def _sampler(self, stream: int) -> patches.PatchSampler:
        training = stream == patches.TRAINING_STREAM
        return patches.PatchSampler(
            self.data.training_fields if training else self.data.held_out_fields,
            self.data.training if training else self.data.held_out,
            patch_size=self.config.data.patch_size,
            latitude_limit=self.config.data.latitude_limit,
            mirror=self.config.data.mirror and training,
            seed=self.config.run.seed,
            stream=stream,
        )

    def epoch_of(self, step: int) -> int:
        """Epoch (0-based) a step belongs to."""
        return step // self.config.batches_per_epoch

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""
        c = self.config
        pretraining_steps = self.pretraining_epochs * c.batches_per_epoch
        if step < pretraining_steps:
            if c.pretraining_schedule == "constant":
                return c.pretraining_learning_rate
            return one_cycle(step, pretraining_steps, c.pretraining_learning_rate, warmup_fraction=0.1)
        at_full_rate = self.epoch_of(step) < self.pretraining_epochs + c.epochs
        return c.learning_rate if at_full_rate else c.final_learning_rate

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One step: the MSE alone, or discriminator and generator in turn."""
        c = self.config
        rate = self.learning_rate(step)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = rate
        places = self.sampler.patches(step, c.batch_size)
        places = places.part(self.fabric.global_rank, self.fabric.world_size)
        coarse, fine = coarse_and_fine(self.data, places, c, training=True)
        if self.epoch_of(step) < self.pretraining_epochs:
            loss = self.mse(self.parallel_generator(coarse), fine)
            self._update(self.generator_optimizer, loss)
            numbers = {"loss": loss.detach(), "mse": loss.detach(), "content": loss.detach()}
        elif self.adversarial:
            numbers = self._adversarial_step(coarse, fine)
        else:
            numbers = self._generator_step(coarse, fine, None)
        return numbers | {"learning_rate": torch.tensor(rate)}

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    def _adversarial_step(self, coarse: Tensor, fine: Tensor) -> dict[str, Tensor]:
        """Discriminator, then generator, kept in balance."""
        c = self.config
        generated = self.parallel_generator(coarse)
        waits_below = c.balance_low if c.balance == "skip" else None
        discriminator_numbers = self._discriminator_step(fine, generated.detach(), waits_below)
        numbers = self._generator_step(coarse, fine, generated)
        loss = float(discriminator_numbers["discriminator_loss"])  # of all processes: they must decide alike
        generator_steps = discriminator_steps = 1.0
        if loss < c.balance_low and c.balance == "skip":
            discriminator_steps = 0.0
        elif loss < c.balance_low:
            self._generator_step(coarse, fine, None)
            generator_steps = 2.0
        elif loss > c.balance_high:
            with torch.no_grad():
                generated = self.parallel_generator(coarse)
            self._discriminator_step(fine, generated)
            discriminator_steps = 2.0
        counts = {"generator_steps": generator_steps, "discriminator_steps": discriminator_steps}
        return numbers | discriminator_numbers | {k: torch.tensor(v) for k, v in counts.items()}

    def _discriminator_step(
        self, fine: Tensor, generated: Tensor, waits_below: float | None = None
    ) -> dict[str, Tensor]:
        """One update of the discriminator, left out when its loss is below ``waits_below``."""
        self.discriminator.requires_grad_(True)
        # One batch for both: the large dense layer is then read from memory once.
        on_real, on_generated = self.parallel_discriminator(torch.cat((fine, generated))).chunk(2)
        # The mean over real and generated patches, to which the thresholds of the balance refer.
        loss = 0.5 * SigmoidCrossEntropy.discriminator(on_real, on_generated)
        mean_loss = self.fabric.all_reduce(loss.detach().clone(), reduce_op="mean")
        if waits_below is None or float(mean_loss) >= waits_below:
            self._update(self.discriminator_optimizer, loss)
        return {
            "discriminator_loss": mean_loss,
            "real_recognised": (on_real.detach() > 0).float().mean(),
            "generated_recognised": (on_generated.detach() < 0).float().mean(),
        }

    def _generator_step(self, coarse: Tensor, fine: Tensor, generated: Tensor | None) -> dict[str, Tensor]:
        """One update of the generator with all its losses; ``generated`` at hand spares a forward pass."""
        c = self.config
        if generated is None:
            generated = self.parallel_generator(coarse)
        mse = self.mse(generated, fine)
        if c.content == "mse":
            content = mse
        else:
            with self.fabric.autocast():
                content = self.content(generated, fine)
        loss = c.content_weight * content + c.mse_weight * mse
        numbers = {"content": content.detach(), "mse": mse.detach()}
        if self.adversarial:
            self.discriminator.requires_grad_(False)
            adversarial = SigmoidCrossEntropy.generator(self.parallel_discriminator(generated))
            loss = loss + c.adversarial_weight * adversarial
            numbers["adversarial"] = adversarial.detach()
        self._update(self.generator_optimizer, loss)
        return numbers | {"loss": loss.detach()}

    @torch.no_grad()
    def held_out_scores(self) -> tuple[dict[str, float], dict[str, float]]:
        """Scores of the generator and of bicubic interpolation on the same held-out patches."""
        c = self.config
        generator, bicubic = (DownscalingScores(c.data.channels, c.factor) for _ in range(2))
        for coarse, fine in self._held_out_batches():
            generator.add(self.parallel_generator(coarse), fine)
            size = fine.shape[-2:]
            bicubic.add(functional.interpolate(coarse, size=size, mode="bicubic", align_corners=False), fine)
        return generator.result(), bicubic.result()

    def _held_out_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        c = self.config
        sampler = self._sampler(patches.VALIDATION_STREAM)
        for number, first in enumerate(range(0, c.validation_patches, c.batch_size)):
            places = sampler.patches(number, min(c.batch_size, c.validation_patches - first))
            yield coarse_and_fine(self.data, places, c, training=False)

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out patches."""
        return prefixed("held_out_", self.held_out_scores()[0])

    def tensors(self) -> dict[str, Tensor]:
        """Weights and moments of both networks (the discriminator's only when there is an adversary)."""
        tensors = module_tensors(self.generator, "generator")
        tensors |= optimizer_tensors(self.generator_optimizer, "generator_optimizer")
        if self.adversarial:
            tensors |= module_tensors(self.discriminator, "discriminator")
            tensors |= optimizer_tensors(self.discriminator_optimizer, "discriminator_optimizer")
        return tensors

    def state(self) -> dict[str, Any]:
        """Nothing: all that changes is in the tensors."""
        return {}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.generator, tensors, "generator")
        restore_optimizer(self.generator_optimizer, tensors, "generator_optimizer")
        if self.adversarial:
            restore_module(self.discriminator, tensors, "discriminator")
            restore_optimizer(self.discriminator_optimizer, tensors, "discriminator_optimizer")


def generator_config(config: GanConfig) -> GeneratorConfig:
    """Architecture of a configuration's generator."""
    return GeneratorConfig(
        channels=len(config.data.channels),
        factor=config.factor,
        filters=config.filters,
        blocks=config.residual_blocks,
    )


def coarse_and_fine(
    data: TrainingData, places: patches.Places, config: GanConfig, *, training: bool
) -> tuple[Tensor, Tensor]:
    """Normalised coarse and fine patches of some places.

    Returns
    -------
    coarse : Tensor
        Shape ``(batch, channel, size / factor, size / factor)``: the area-weighted block mean of the physical
        field, then normalised; or, with ``pool_normalized``, the plain mean of the normalised field.
    fine : Tensor
        Shape ``(batch, channel, size, size)``.
    """
    fields = data.training_fields if training else data.held_out_fields
    size = config.data.patch_size
    physical = patches.cut(fields, places.time, places, size)
    fine = data.normalization.normalize(physical)
    if config.pool_normalized:
        return functional.avg_pool2d(fine, config.factor), fine
    latitude = patches.patch_latitudes(fields, places, size)
    coarse = data.normalization.normalize(patches.block_mean(physical, latitude, config.factor))
    return coarse.contiguous(memory_format=torch.channels_last), fine


def train_gan(config: GanConfig, sources: Sequence[Path | str | xr.Dataset] | None = None) -> Path | None:
    """Train (or go on training) a generator, judge it and save it.

    Parameters
    ----------
    config
        All settings.
    sources
        Datasets in place of ``config.data.data`` (tests, notebooks).

    Returns
    -------
    Path or None
        Folder of the finished model; None when the run was stopped before its end.

    Raises
    ------
    UserError
        A setting, the data, a model to start from, or the folder of the run does not fit.
    """
    check_gan_config(config)
    run = config.run
    hardware = choose_hardware(run.device, run.precision, run.threads, run.deterministic)
    start = load_start(config, generator_config(config)) if config.start_from else None
    if config.content != "mse":
        load_network(config.distance)  # a wrong name fails before an hour of reading
    check_run_folder(config)
    normalization = start.card.normalization if start else None
    with reading_progress(run.progress) as progress:
        data = load_training_data(
            config.data, sources=sources, normalization=normalization, progress=progress
        )
    trainer = GanTrainer(config, data, hardware, start)
    if run.progress and trainer.is_main_process:
        print(f"{data.describe()}; {hardware.describe()}", flush=True)
    if trainer.is_main_process:
        write_run_config(config)
    if not run_training(trainer, run):
        return None
    if trainer.is_main_process:
        save_generator_model(trainer)
    return export_folder(run)
