"""Settings and presets of the training of ensemble generators by proper scores."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.downscaling_configuration import DownscalingConfig
from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class EnsembleConfig(DownscalingConfig):
    """Training of a downscaling generator whose members are draws of what a coarse field allows."""

    members: int = 2
    """Members of each patch in a step."""
    crps_weight: float = 1.0
    """Weight of the CRPS at every point."""
    band_weight: float = 0.0
    """Weight of the CRPS of the two bands of the smallest scales, each in its own root mean square."""
    patch_weight: float = 0.0
    """Weight of the energy score of patches of points."""
    patch_energy_size: int = 8
    """Side of the patches of that score [fine points]."""
    feature_weight: float = 1.0
    """Weight of the energy score of local activations of an encoder."""
    content: Literal["atmodist", "autoencoder", "random-encoder"] = "atmodist"
    """Encoder of that score: of --distance, of --autoencoder, or an untrained one."""
    fair_share: float = 0.95
    """Share of the fair form of the scores; the rest is the plain one, whose members count as the whole distribution."""
    epochs: int = 10
    """Epochs; the learning rate falls over all of them along a cosine."""
    held_out_members: int = 4
    """Members of each held-out patch in the evaluation after every epoch."""
    # As for every generator, with other defaults.
    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=64))
    """Fields and patches."""
    noise_channels: int = 8
    """Channels of noise at the coarse points."""
    fine_noise_channels: int = 4
    """Channels of noise at the new points after each doubling of the resolution."""
    distance_layer: tuple[str, ...] = ("stage1", "stage2", "stage3")
    """Encoder layers that are compared; several layers, each with its own scale, are averaged."""
    adversarial_weight: float = 0.0
    """Weight of an adversary that sees the first member; 0 trains without one."""
    batch_size: int = 8
    """Patches per step (of all processes together), each with --members members."""
    batches_per_epoch: int = 250
    """Steps of one epoch."""
    learning_rate: float = 3e-4
    """Highest learning rate of Adam."""
    final_learning_rate: float = 1e-6
    """Learning rate of the last step."""
    clip_norm: float = 5.0
    """Largest norm of the whole gradient; 0 does not limit it."""
    ema_decay: float = 0.995
    """Decay of the moving average of the weights that is evaluated and exported; 0 takes the last weights."""
    validation_patches: int = 128
    """Held-out patches of the evaluation after every epoch."""


_ENSEMBLE_DEMO = EnsembleConfig(
    preset="demo",
    data=DataConfig(patch_size=64, mirror=True),
    start_from="sr-4x-mse",
    residual=True,
    conserve_block_mean=True,
)
_ENSEMBLE_PAPER = dataclasses.replace(
    _ENSEMBLE_DEMO,
    preset="paper",
    data=DataConfig(patch_size=96, storage="float32"),
    start_from=None,
    batch_size=64,
    batches_per_epoch=18262,  # as many patches as the papers' generators see
    epochs=20,
    validation_patches=4096,
)
_ENSEMBLE_SMOKE = EnsembleConfig(
    preset="smoke",
    data=DataConfig(patch_size=32, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-ensemble"), log_interval=2, checkpoint_steps=10),
    content="random-encoder",
    matching_pairs=4,
    residual_blocks=2,
    filters=16,
    noise_channels=2,
    fine_noise_channels=1,
    residual=True,
    epochs=2,
    batches_per_epoch=10,
    learning_rate=1e-3,
    validation_patches=16,
)


def _of_factor(factor: int) -> EnsembleConfig:
    """From scratch, as no start of that factor ships; patches of 8 x 8 coarse points or more."""
    data = DataConfig(patch_size=max(64, 8 * factor), mirror=True)
    return dataclasses.replace(
        _ENSEMBLE_DEMO, preset=f"demo-{factor}x", factor=factor, data=data, start_from=None, epochs=20
    )


ENSEMBLE_PRESETS: dict[str, EnsembleConfig] = {
    "smoke": _ENSEMBLE_SMOKE,
    "demo": _ENSEMBLE_DEMO,
    **{f"demo-{factor}x": _of_factor(factor) for factor in (8, 16)},
    "paper": _ENSEMBLE_PAPER,
}
"""Settings by the name that ``--preset`` takes: a minute, half an hour on a core, the budget of the papers."""
