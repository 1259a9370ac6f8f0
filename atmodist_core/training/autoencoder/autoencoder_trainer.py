"""Training of the autoencoder: the encoder of the distance network, learned by reconstructing its input.

It is the paper's ablation: the same encoder, trained without time, in the content loss of the same generator.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware, check_batch_is_shared, use_channels_last
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.networks import Autoencoder, Decoder, DecoderConfig, Encoder, EncoderConfig
from atmodist_core.training.configuration import AutoencoderConfig, require_positive
from atmodist_core.training.data import patches
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.loop.checkpoints import (
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from atmodist_core.training.loop.schedules import one_cycle
from atmodist_core.training.loop.synchronized_batch_norm import synchronize_batch_norm
from atmodist_core.training.loop.trainer import Trainer, set_rate
from atmodist_core.training.loop.weight_decay import decaying_kernels
from atmodist_core.training.records.samples import SAMPLES, draw_reconstruction_samples, evaluating


class AutoencoderTrainer(Trainer):
    """Training of an autoencoder on normalised fields, as :class:`Trainer`."""

    config: AutoencoderConfig
    unit = "patches"
    shown = ("loss", "held_out_mse", "held_out_explained_variance")

    def __init__(self, config: AutoencoderConfig, data: TrainingData, hardware: Hardware) -> None:
        check_autoencoder_config(config)
        super().__init__(config, data, hardware)
        self.stride = patches.lag_stride(data.held_out_fields.members, config.lag_step_hours)
        check_batch_is_shared(config.batch_size, self.fabric.world_size)
        self.total_steps = config.epochs * config.batches_per_epoch
        self.columns = [
            *("loss", "learning_rate", "gradient_norm", "samples_per_second"),
            *("held_out_mse", "held_out_explained_variance"),
        ]
        self.network = build_autoencoder(config)
        if self.fabric.world_size > 1:
            synchronize_batch_norm(self.network, hardware.device)
        if config.run.channels_last:
            use_channels_last(self.network)
        self.optimizer = torch.optim.AdamW(
            decaying_kernels(self.network, config.weight_decay), lr=config.learning_rate, fused=True
        )
        self.parallel, _ = self.fabric.setup(self.network, self.optimizer)
        self.sampler = self.make_sampler(patches.TRAINING_STREAM)
        # Whether the held-out part is long enough for the lags shows before the training, not after it.
        self.make_sampler(patches.MATCHING_STREAM).pairs(0, 1, classes=config.lags, stride=self.stride)

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""
        c = self.config
        if c.schedule == "constant":
            return c.learning_rate
        return one_cycle(step, self.total_steps, c.learning_rate, warmup_fraction=c.warmup_fraction)

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One optimiser step."""
        c = self.config
        rate = self.learning_rate(step)
        set_rate(self.optimizer, rate)
        places = self.own_share(self.sampler.patches(step, c.batch_size))
        fields = patches.cut(self.data.training_fields, places.time, places, c.data.patch_size)
        self.parallel.train()
        loss = functional.mse_loss(self.parallel(fields).float(), fields)
        norm = self.update(self.network, self.optimizer, loss, c.clip_norm)
        return {"loss": loss.detach(), "learning_rate": torch.tensor(rate), "gradient_norm": norm}

    def _held_out_batches(self) -> Iterator[Tensor]:
        c = self.config
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        for number, first in enumerate(range(0, c.validation_patches, c.batch_size)):
            places = sampler.patches(number, min(c.batch_size, c.validation_patches - first))
            yield patches.cut(self.data.held_out_fields, places.time, places, c.data.patch_size)

    def reconstruct(self, fields: Tensor) -> Tensor:
        """Normalised patches, out of those given."""
        with evaluating(self.network), self.fabric.autocast():
            reconstructed: Tensor = self.network(fields)
        return reconstructed.float()

    def held_out_scores(self) -> dict[str, float]:
        """Mean squared error on held-out patches, and the share of their variance that is reconstructed."""
        error = variance = 0.0
        for fields in self._held_out_batches():
            error += float((self.reconstruct(fields) - fields).square().sum())
            variance += float((fields - fields.mean(dim=(0, 2, 3), keepdim=True)).square().sum())
        size, channels = self.config.data.patch_size, len(self.config.data.channels)
        values = self.config.validation_patches * channels * size**2
        return {"mse": error / values, "explained_variance": 1.0 - error / variance}

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out patches."""
        return prefixed("held_out_", self.held_out_scores())

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw held-out patches, their reconstruction, and the difference."""
        fields = next(iter(self._held_out_batches()))[:SAMPLES]
        channels = self.config.data.channels
        draw_reconstruction_samples(folder, step, fields, self.reconstruct(fields), channels=channels)

    def tensors(self) -> dict[str, Tensor]:
        """Weights, running statistics and moments."""
        return module_tensors(self.network, "network") | optimizer_tensors(self.optimizer, "optimizer")

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.network, tensors, "network")
        restore_optimizer(self.optimizer, tensors, "optimizer")


def build_autoencoder(config: AutoencoderConfig) -> Autoencoder:
    """The network before training; its weights depend on the seed alone."""
    torch.manual_seed(config.run.seed)
    encoder = Encoder(EncoderConfig(channels=len(config.data.channels)))
    decoder = DecoderConfig(
        channels=len(config.data.channels),
        encoder_channels=encoder.config.output_channels,
        filters=config.decoder_filters,
        doublings=encoder.config.stride().bit_length() - 1,
    )
    return Autoencoder(encoder, Decoder(decoder))


def check_autoencoder_config(config: AutoencoderConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_settings_values(config)
    counts = ("batch_size", "epochs", "batches_per_epoch", "decoder_filters", "validation_patches")
    others = ("matching_pairs", "lags", "lag_step_hours", "learning_rate", "clip_norm")
    require_positive(config, (*counts, *others))
    if config.weight_decay < 0:
        raise UserError(f"Expected --weight-decay of 0 or more, found {config.weight_decay:g}.")
