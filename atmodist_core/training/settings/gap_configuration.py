"""Settings and presets of the training of networks that fill gaps."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class GapConfig:
    """Training of a network that fills gaps in fields, by what is scored inside the gaps."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=64, mirror=True))
    """Fields and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    gap_shapes: tuple[str, ...] = ("blocks", "stripes", "corner")
    """Shapes of the gaps that are cut into patches, equally likely."""
    filters: int = 32
    """Filters of the network."""
    dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 2, 1, 1)
    """A residual block for each: how far the points of its kernels are apart [grid points]."""
    noise_channels: int = 0
    """Channels of noise in the input, for ensembles."""
    filter_cutoff: float = 0.0
    """For data truncated below their grid's Nyquist wavenumber: where a filter of filled fields halves amplitudes, as a share of it; 0: none."""
    members: int = 1
    """Members of each patch in a step; from 2 on the loss is a proper score."""
    mse_weight: float = 1.0
    """Weight of the mean squared error in the gaps, of a single field."""
    content_weight: float = 0.0
    """Weight of the AtmoDist distance, of a single field; it is scaled to the size of the MSE first."""
    crps_weight: float = 0.0
    """Weight of the CRPS in the gaps, of members."""
    feature_weight: float = 0.0
    """Weight of the energy score of local activations of the encoder, of members."""
    fair_share: float = 0.95
    """Share of the fair form of the scores; the rest is the plain one, whose members count as the whole distribution."""
    content: Literal["atmodist", "random-encoder"] = "atmodist"
    """Encoder that compares fields: of --distance, or an untrained one as control."""
    distance: str = "atmodist-23"
    """Distance model (name or folder) whose encoder compares fields."""
    distance_layer: tuple[str, ...] = ("stage1", "stage2", "stage3")
    """Encoder layers that are compared; several layers, each with its own scale, are averaged."""
    other_spacing: bool = False
    """Accept an encoder trained at another grid spacing."""
    random_encoder_seed: int = 0
    """Seed of an untrained encoder."""
    matching_pairs: int = 64
    """Pairs per lag for the scale of an untrained encoder."""
    start_from: str | None = None
    """Gap filler to start from (model name, model folder or run folder); it may lack the noise."""
    batch_size: int = 8
    """Patches per step (of all processes together), each with --members members."""
    epochs: int = 10
    """Epochs; the learning rate falls over all of them along a cosine."""
    batches_per_epoch: int = 100
    """Steps of one epoch."""
    learning_rate: float = 1e-3
    """Highest learning rate of Adam."""
    final_learning_rate: float = 1e-6
    """Learning rate of the last step."""
    clip_norm: float = 5.0
    """Largest norm of the whole gradient; 0 does not limit it."""
    ema_decay: float = 0.995
    """Decay of the moving average of the weights that is evaluated and exported; 0 takes the last weights."""
    validation_patches: int = 64
    """Held-out patches of the evaluation after every epoch."""
    held_out_members: int = 4
    """Members of each held-out patch in the evaluation, of an ensemble."""


_DEMO = GapConfig()
_ATMODIST = dataclasses.replace(_DEMO, preset="atmodist", mse_weight=0.7, content_weight=0.3)
_ENSEMBLE = dataclasses.replace(
    _DEMO,
    preset="ensemble",
    noise_channels=4,
    members=2,
    mse_weight=0.0,
    crps_weight=1.0,
    feature_weight=1.0,
)
_SMOKE = GapConfig(
    preset="smoke",
    data=DataConfig(patch_size=32, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-gaps"), log_interval=2, checkpoint_steps=10),
    filters=16,
    dilations=(1, 2, 4, 1),
    content="random-encoder",
    matching_pairs=4,
    epochs=2,
    batches_per_epoch=10,
    validation_patches=16,
)

GAP_PRESETS: dict[str, GapConfig] = {
    "smoke": _SMOKE,
    "demo": _DEMO,
    "atmodist": _ATMODIST,
    "ensemble": _ENSEMBLE,
    "paper": dataclasses.replace(
        _ATMODIST,
        preset="paper",
        data=DataConfig(patch_size=160, storage="float32"),
        filters=64,
        dilations=(1, 2, 4, 8, 16, 8, 4, 2, 1, 1),
        batch_size=64,
        batches_per_epoch=9131,  # as many patches as the papers' distance network sees pairs
        epochs=20,
        validation_patches=4096,
    ),
}
"""Settings by the name that ``--preset`` takes: a minute; ten minutes on a core with the MSE, AtmoDist or members; a large budget."""
