"""Settings and presets of the downscaling generators' training."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.downscaling_configuration import DownscalingConfig
from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class GanConfig(DownscalingConfig):
    """Training of a downscaling generator, with or without an adversary."""

    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=96))
    """Fields and patches."""
    content: Literal[
        "mse", "l1", "atmodist", "autoencoder", "random-encoder", "amse", "facl", "sliced-wasserstein", "gram"
    ] = "mse"
    """Content loss of the adversarial phase."""
    content_weight: float = 0.9
    """Weight of the content loss (distances of encoders are scaled to the size of the MSE first)."""
    mse_weight: float = 0.1
    """Weight of an additional MSE, so that amplitudes cannot drift."""
    l1_weight: float = 0.0
    """Weight of an additional mean absolute error."""
    distribution_weight: float = 0.0
    """Weight of the Wasserstein-1 distance between generated and true values of a batch, pooled 1x1 and 3x3."""
    pretraining_epochs: int = 5
    """Epochs of the generator with the MSE alone."""
    pretraining_learning_rate: float = 1e-4
    """Highest learning rate of the pre-training."""
    pretraining_schedule: Literal["one-cycle", "constant"] = "one-cycle"
    """Learning rate over the pre-training."""
    epochs: int = 15
    """Adversarial epochs at --learning-rate."""
    final_epochs: int = 5
    """Adversarial epochs at --final-learning-rate after that."""
    schedule: Literal["steps", "one-cycle", "cosine"] = "steps"
    """Adversarial phase: the two rates in turn; one cycle up to --learning-rate; a cosine between the two."""
    balance: Literal["extra", "skip", "none"] = "extra"
    """extra: one more step for the network that is behind; skip: a discriminator far ahead skips its step; none:
    one step each (with --adversarial-form hinge or relativistic, whose losses have no such thresholds)."""
    balance_low: float = 0.46
    """The discriminator is ahead when its loss is below (0.69 is that of a guess)."""
    balance_high: float = 0.6
    """The discriminator is behind when its loss is above."""


_GAN_DEMO = GanConfig(
    preset="demo",
    data=DataConfig(patch_size=96, mirror=True),
    batch_size=32,
    batches_per_epoch=200,
    pretraining_epochs=15,
    pretraining_learning_rate=4e-4,
    epochs=11,
    final_epochs=4,
)
_GAN_PAPER = GanConfig(
    preset="paper",
    data=DataConfig(patch_size=96, storage="float32"),
    pool_normalized=True,
    content="atmodist",
    distance_layer=("stage4",),
    content_weight=1.0,
    mse_weight=0.0,
    adversarial_weight=0.001,
    batch_size=64,
    batches_per_epoch=18262,  # 58,440 slices, 20 patches a slice, batches of 64
    pretraining_schedule="constant",
    validation_patches=4096,
)
_GAN_SMOKE = GanConfig(
    preset="smoke",
    data=DataConfig(patch_size=32, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-gan"), log_interval=2, checkpoint_steps=10),
    residual_blocks=2,
    filters=16,
    batch_size=8,
    batches_per_epoch=10,
    pretraining_epochs=2,
    pretraining_learning_rate=1e-3,
    epochs=1,
    final_epochs=1,
    validation_patches=16,
)

GAN_PRESETS: dict[str, GanConfig] = {
    "smoke": _GAN_SMOKE,
    "demo": _GAN_DEMO,
    "demo-8x": dataclasses.replace(_GAN_DEMO, preset="demo-8x", factor=8),
    "demo-16x": dataclasses.replace(
        _GAN_DEMO, preset="demo-16x", factor=16, data=DataConfig(patch_size=128, mirror=True), batch_size=16
    ),
    "paper": _GAN_PAPER,
}
"""Settings by the name that ``--preset`` takes: a minute, hours on a few cores, the numbers of the paper."""
