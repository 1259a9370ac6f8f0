"""Settings and presets of the training of a flow that draws the residual of a mean network."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.downscaling_configuration import DownscalingConfig
from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class FlowMatchingConfig(DownscalingConfig):
    """Training of a downscaling network by flow matching: a rival of generators with noise."""

    start_from: str | None = "sr-4x-mse"
    """Generator without noise: the mean whose residual is drawn, and the weights that the flow starts from."""
    solver_steps: int = 4
    """Steps from noise to a draw."""
    solver: Literal["euler", "heun"] = "heun"
    """euler: one pass of the network a step; heun: two in all but the last."""
    epochs: int = 10
    """Epochs; the learning rate falls over all of them along a cosine."""
    held_out_members: int = 4
    """Members of each held-out patch in the evaluation after every epoch."""

    # As for every generator, with other defaults.
    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=64))
    """Fields and patches."""
    adversarial_weight: float = 0.0
    """Not used: a flow has no adversary."""
    batch_size: int = 16
    """Patches per step (of all processes together)."""
    batches_per_epoch: int = 250
    """Steps of one epoch."""
    learning_rate: float = 3e-4
    """Highest learning rate of Adam."""
    final_learning_rate: float = 1e-6
    """Learning rate at the end of the run."""
    clip_norm: float = 5.0
    """Largest norm of the whole gradient."""
    ema_decay: float = 0.995
    """Decay of the moving average of the weights that is evaluated and exported; 0 takes the last weights."""
    validation_patches: int = 32
    """Held-out patches of the evaluation after every epoch; each member costs as many passes as the solver has."""


_FLOW_DEMO = FlowMatchingConfig(
    preset="demo",
    data=DataConfig(patch_size=64, mirror=True),
    residual=True,
    output_filter="low-pass",
    filter_cutoff=0.55,
    conserve_block_mean=True,
)
_FLOW_SMOKE = FlowMatchingConfig(
    preset="smoke",
    data=DataConfig(patch_size=32, mirror=True, validation_fraction=0.3, gap_hours=12.0),
    run=RunConfig(out=Path("runs/smoke-flow"), log_interval=2, checkpoint_steps=10),
    start_from=None,
    residual_blocks=2,
    filters=16,
    residual=True,
    batch_size=8,
    epochs=2,
    batches_per_epoch=10,
    learning_rate=1e-3,
    validation_patches=16,
)

FLOW_PRESETS: dict[str, FlowMatchingConfig] = {"smoke": _FLOW_SMOKE, "demo": _FLOW_DEMO}
"""Settings by the name that ``--preset`` takes: a minute, half an hour on a core."""
