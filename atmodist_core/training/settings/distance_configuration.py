"""Settings and presets of the distance network's training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class DistanceConfig:
    """Training of the distance network on the pretext task: what is the lag between two patches?"""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=DataConfig)
    """Fields and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    pretext: Literal[
        "lag", "ordered", "triplet", "contrast", "inpainting", "split-brain", "reconstruction", "random"
    ] = "lag"
    """What the encoder learns from: lag classes (AtmoDist); ordered lag classes; a nearer time is nearer; the same place a few hours
    apart against other patches; deleted blocks; each field from the other; the field itself; or nothing."""
    classes: int = 23
    """Number of lags to classify."""
    lag_step_hours: int = 3
    """Time between two neighbouring classes [h]; class k means k + 1 such steps."""
    batch_size: int = 128
    """Half the patches encoded per optimiser step (of all processes together): pairs, at two times a place."""
    times_per_place: int = 2
    """Times K cut at every place, for K (K - 1) / 2 pairs; 2 is the published training."""
    sync_batch_norm: bool = True
    """With several processes, normalise over all their batches together (as one process would)."""
    start_from: str | None = None
    """Distance model to start from (model name, model folder or run folder); patch size and classes may differ."""
    epochs: int = 10
    """Epochs in all; each ends with an evaluation on held-out pairs."""
    batches_per_epoch: int = 300
    """Steps of one epoch."""
    subset_epochs: int = 0
    """Of these epochs, the first ones that repeat a fixed small subset (which helps the training to start)."""
    subset_batches: int = 2000
    """Batches in that subset."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Optimiser: SGD with momentum, or AdamW."""
    momentum: float = 0.9
    """Momentum of SGD (beta_1 of AdamW)."""
    learning_rate: float = 0.1
    """Highest learning rate."""
    schedule: Literal["one-cycle", "plateau", "constant"] = "one-cycle"
    """Learning rate over the run."""
    warmup_fraction: float = 0.2
    """Share of the run over which a one-cycle rate rises."""
    plateau_factor: float = 0.1
    """Factor applied to the rate when the held-out loss stops falling."""
    plateau_patience: int = 8
    """Epochs without a better held-out loss before that happens."""
    minimum_learning_rate: float = 1e-5
    """The plateau schedule never goes below."""
    weight_decay: float = 2e-4
    """Decay of kernels only; Keras' l2(1e-4) adds 2e-4 times the weight to the gradient."""
    clip_norm: float = 5.0
    """Largest norm of the whole gradient."""
    ema_decay: float = 0.0
    """Evaluate and export an exponential moving average of the weights (0.999: of 1000 steps); 0 is off."""
    early_stop_patience: int = 0
    """Stop after this many epochs in a row without a lower held-out loss; 0 never stops early."""
    validation_pairs: int = 2048
    """Held-out pairs of the evaluation after every epoch."""
    final_pairs: int = 8192
    """Held-out pairs of the final evaluation."""
    matching_pairs: int = 128
    """Held-out pairs per lag for the distance curves and the scale s."""
    keep: Literal["last", "best"] = "last"
    """Weights exported: those of the end, or those with the lowest held-out loss."""


_DISTANCE_DEMO = DistanceConfig(
    preset="demo", data=DataConfig(patch_size=64, mirror=True), epochs=10, batches_per_epoch=300
)
_DISTANCE_PAPER = DistanceConfig(
    preset="paper",
    data=DataConfig(patch_size=160, storage="float32"),
    epochs=60,
    batches_per_epoch=9131,  # 58,440 slices, about 20 patches a slice, batches of 128
    subset_epochs=20,
    subset_batches=2000,
    schedule="plateau",
    validation_pairs=16384,
    final_pairs=65536,
    keep="best",
)
_DISTANCE_SMOKE = DistanceConfig(
    preset="smoke",
    data=DataConfig(patch_size=48, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-distance"), log_interval=5, checkpoint_steps=20),
    batch_size=16,
    epochs=2,
    batches_per_epoch=20,
    validation_pairs=64,
    final_pairs=128,
    matching_pairs=8,
)

DISTANCE_PRESETS: dict[str, DistanceConfig] = {
    "smoke": _DISTANCE_SMOKE,
    "demo": _DISTANCE_DEMO,
    "paper": _DISTANCE_PAPER,
}
"""Settings by the name that ``--preset`` takes: a minute, hours on a few cores, the numbers of the paper."""
