"""Settings and presets of the autoencoder's training, the paper's ablation of the time-learned distance."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class AutoencoderConfig:
    """Training of an autoencoder: the distance network's encoder, learned from reconstruction instead of time."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=DataConfig)
    """Fields and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    batch_size: int = 128
    """Patches per optimiser step (of all processes together)."""
    epochs: int = 10
    """Epochs in all; each ends with an evaluation on held-out patches."""
    batches_per_epoch: int = 300
    """Steps of one epoch."""
    decoder_filters: int = 128
    """Filters of the decoder's coarsest stage; every finer stage has half of them."""
    learning_rate: float = 1e-3
    """Highest learning rate of AdamW."""
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    """Learning rate over the run."""
    warmup_fraction: float = 0.2
    """Share of the run over which a one-cycle rate rises."""
    weight_decay: float = 2e-4
    """Decay of kernels only."""
    clip_norm: float = 5.0
    """Largest norm of the whole gradient."""
    validation_patches: int = 2048
    """Held-out patches of the evaluation after every epoch."""
    matching_pairs: int = 128
    """Held-out pairs per lag for the distance curves and the scale s."""
    lags: int = 23
    """Number of time lags over which the scale s is matched."""
    lag_step_hours: int = 3
    """Time between two neighbouring lags [h]."""


_AUTOENCODER_DEMO = AutoencoderConfig(
    preset="demo", data=DataConfig(patch_size=64, mirror=True), epochs=10, batches_per_epoch=200
)
_AUTOENCODER_PAPER = AutoencoderConfig(
    preset="paper",
    data=DataConfig(patch_size=160, storage="float32"),
    epochs=60,
    batches_per_epoch=9131,  # as many patches as the distance network sees pairs
    validation_patches=16384,
)
_AUTOENCODER_SMOKE = AutoencoderConfig(
    preset="smoke",
    data=DataConfig(patch_size=48, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-autoencoder"), log_interval=5, checkpoint_steps=20),
    batch_size=16,
    epochs=2,
    batches_per_epoch=15,
    validation_patches=64,
    matching_pairs=8,
)

AUTOENCODER_PRESETS: dict[str, AutoencoderConfig] = {
    "smoke": _AUTOENCODER_SMOKE,
    "demo": _AUTOENCODER_DEMO,
    "paper": _AUTOENCODER_PAPER,
}
