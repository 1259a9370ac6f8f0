"""The settings of every training run: flags, presets and ``config.json`` are the same frozen dataclasses."""

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from atmodist_core.errors import UserError

Storage = Literal["float16", "bfloat16", "float32"]
ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class DataConfig:
    """Which weather is learned from, and how patches are cut out of it."""

    data: tuple[Path, ...] = ()
    """Fields to train on; each is one member (one unbroken series), pairs are never made across members."""
    validation: tuple[Path, ...] = ()
    """Held-out members; without them the last part of every training member is held out."""
    validation_fraction: float = 0.1
    """Share of every member held out at its end when no --validation is given."""
    gap_hours: float = 72.0
    """Hours left unused between the training and the held-out part of a member."""
    channels: tuple[str, ...] = ("vorticity", "divergence")
    """Fields of the data used as channels, in this order."""
    patch_size: int = 160
    """Side of the square patches [grid points] (fine grid)."""
    latitude_limit: float = 60.0
    """The centres of patches lie between this latitude south and north [degrees]."""
    mirror: bool = False
    """Mirror half of the patches north-south; vorticity, a pseudo-scalar, then changes sign."""
    storage: Storage = "float16"
    """Number type in which the fields are held in memory."""


@dataclass(frozen=True)
class RunConfig:
    """Where a run writes, on what it computes, and how often it reports."""

    out: Path = Path("runs/unnamed")
    """Folder of the run: configuration, curves, checkpoints, final model."""
    export: Path | None = None
    """Model folder written at the end (its name becomes the model's name); default: <out>/model."""
    resume: bool = False
    """Go on from the last checkpoint of --out."""
    seed: int = 0
    """Seed of the initial weights and of every random choice of patches."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto takes a GPU when there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto takes bfloat16 (with float32 weights) where the hardware has units for it."""
    channels_last: bool = True
    """Keep images with channels last in memory (faster convolutions)."""
    deterministic: bool = True
    """On a GPU, choose algorithms that give the same sums every time (so that resuming is bit-exact)."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    log_interval: int = 20
    """Steps between two rows of the training curve."""
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints; 0 switches the clock off."""
    checkpoint_steps: int = 0
    """Steps between two checkpoints; 0 switches the count off."""
    progress: bool = True
    """Show a progress bar (a plain line a minute when the output is not a terminal)."""


@dataclass(frozen=True)
class DistanceConfig:
    """Training of the distance network on the pretext task: how far apart in time are two patches?"""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=DataConfig)
    """Weather and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    classes: int = 23
    """Number of time lags told apart."""
    lead_step_hours: int = 3
    """Time between two neighbouring classes [h]; class k means k + 1 such steps."""
    batch_size: int = 128
    """Pairs per optimiser step (of all processes together)."""
    epochs: int = 10
    """Epochs in all; each ends with an evaluation on held-out pairs."""
    batches_per_epoch: int = 300
    """Steps of one epoch."""
    subset_epochs: int = 0
    """Of these epochs, the first so many repeat a fixed small subset (it helps training to take off)."""
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
    validation_pairs: int = 2048
    """Held-out pairs of the evaluation after every epoch."""
    final_pairs: int = 8192
    """Held-out pairs of the final evaluation."""
    matching_pairs: int = 128
    """Held-out pairs per lag for the distance curves and the scale s."""
    keep: Literal["last", "best"] = "last"
    """Weights exported: those of the end, or those with the lowest held-out loss."""


@dataclass(frozen=True)
class GanConfig:
    """Training of a downscaling generator, with or without an adversary."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=96))
    """Weather and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    factor: int = 4
    """Ratio of the coarse to the fine grid spacing."""
    pool_normalized: bool = False
    """Average the normalised fields (as the authors did) instead of the physical ones."""
    residual_blocks: int = 16
    """Residual blocks of the generator."""
    filters: int = 64
    """Filters of the generator."""
    content: Literal["mse", "atmodist"] = "mse"
    """Content loss of the adversarial phase."""
    distance: str = "atmodist-23"
    """Distance model (name or folder) whose encoder makes the AtmoDist content loss."""
    distance_layer: str = "stage2"
    """Encoder layer compared by the AtmoDist content loss."""
    content_weight: float = 0.9
    """Weight of the content loss (AtmoDist is scaled to the size of the MSE first)."""
    mse_weight: float = 0.1
    """Weight of an additional MSE, so that amplitudes cannot drift."""
    adversarial_weight: float = 0.004
    """Weight of the adversarial loss; 0 trains without an adversary."""
    start_from: str | None = None
    """Generator to start from (model name, model folder or run folder); skips the pre-training."""
    batch_size: int = 32
    """Patches per step (of all processes together)."""
    batches_per_epoch: int = 300
    """Steps of one epoch."""
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
    learning_rate: float = 1e-4
    """Learning rate of generator and discriminator."""
    final_learning_rate: float = 1e-5
    """Learning rate of the last epochs."""
    beta1: float = 0.9
    """First moment's decay of Adam."""
    balance: Literal["extra", "skip"] = "extra"
    """extra: one more step for whichever has fallen behind; skip: a discriminator far ahead waits instead."""
    balance_low: float = 0.46
    """The discriminator is ahead when its loss is below (0.69 cannot tell real from generated)."""
    balance_high: float = 0.6
    """The discriminator is behind when its loss is above."""
    validation_patches: int = 256
    """Held-out patches of the evaluation after every epoch."""


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
    batch_size=32,
    epochs=3,
    batches_per_epoch=30,
    validation_pairs=128,
    final_pairs=256,
    matching_pairs=16,
)
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
    distance_layer="stage4",
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

DISTANCE_PRESETS: dict[str, DistanceConfig] = {
    "smoke": _DISTANCE_SMOKE,
    "demo": _DISTANCE_DEMO,
    "paper": _DISTANCE_PAPER,
}
GAN_PRESETS: dict[str, GanConfig] = {"smoke": _GAN_SMOKE, "demo": _GAN_DEMO, "paper": _GAN_PAPER}


def to_dict(config: Any) -> dict[str, Any]:
    """Settings as plain JSON types, nested as the dataclasses are."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        return value

    result: dict[str, Any] = plain(config)
    return result


def from_dict(kind: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """Settings from what :func:`to_dict` gave.

    Raises
    ------
    UserError
        A key is unknown; a missing one takes its default.
    """
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UserError(
            f"Expected the settings of {kind.__name__} ({', '.join(sorted(hints))}), found the unknown key "
            f"{unknown[0]!r}; remove it or use the version of the program that wrote it."
        )
    return kind(**{name: _restore(hints[name], value) for name, value in values.items()})


def _restore(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    if hint is Path:
        return Path(value)
    if typing.get_origin(hint) is tuple:
        return tuple(_restore(typing.get_args(hint)[0], item) for item in value)
    if isinstance(hint, types.UnionType) and Path in typing.get_args(hint):
        return None if value is None else Path(value)
    return value


RESUMABLE_CHANGES = frozenset(
    {"out", "export", "resume", "device", "deterministic", "threads", "log_interval", "checkpoint_minutes"}
    | {"checkpoint_steps", "progress", "preset", "final_pairs", "matching_pairs"}
)
"""Settings that may differ between a run and its continuation: they do not change the weights."""


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Settings that differ and would change the weights, as ``flag (old -> new)``."""
    found = []
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after)
        elif name not in RESUMABLE_CHANGES and before != after:
            found.append(f"--{name.replace('_', '-')} ({before} -> {after})")
    return found
