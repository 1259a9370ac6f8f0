"""Settings and presets of the downscaling generators' training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class GanConfig:
    """Training of a downscaling generator, with or without an adversary."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=lambda: DataConfig(patch_size=96))
    """Fields and patches."""
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
    upsampling: Literal["subpixel", "resize"] = "subpixel"
    """How the generator doubles its resolution: as published, or without patterns that repeat with the grid."""
    residual: bool = False
    """The generator adds to the bicubic interpolation of its input."""
    noise_channels: int = 0
    """Channels of noise added to the generator's input, for ensembles."""
    output_filter: Literal["none", "low-pass"] = "none"
    """low-pass removes scales beyond the truncation of the data."""
    filter_cutoff: float = 0.5
    """Where the filter halves amplitudes, as a share of the grid's Nyquist wavenumber."""
    conserve_block_mean: bool = False
    """Make the block means of the physical output equal to the coarse input, by construction."""
    content: Literal["mse", "l1", "atmodist", "autoencoder", "random-encoder"] = "mse"
    """Content loss of the adversarial phase."""
    distance: str = "atmodist-23"
    """Distance model (name or folder) whose encoder defines the AtmoDist content loss."""
    other_spacing: bool = False
    """Accept an encoder trained at another grid spacing, for data too few to train one: it then sees structures of
    another size than in its training."""
    autoencoder: str = "autoencoder"
    """Autoencoder (name or folder) whose encoder defines the content loss of that name."""
    random_encoder_seed: int = 0
    """Seed of the untrained encoder of the content loss random-encoder, a control."""
    distance_layer: tuple[str, ...] = ("stage2",)
    """Encoder layers compared by a content loss; several layers, each with its own scale, are averaged."""
    content_weight: float = 0.9
    """Weight of the content loss (distances of encoders are scaled to the size of the MSE first)."""
    mse_weight: float = 0.1
    """Weight of an additional MSE, so that amplitudes cannot drift."""
    l1_weight: float = 0.0
    """Weight of an additional mean absolute error."""
    spectrum_weight: float = 0.0
    """Weight of the squared log ratio of generated to true power, beyond the coarse grid's Nyquist."""
    distribution_weight: float = 0.0
    """Weight of the Wasserstein-1 distance between generated and true values of a batch, pooled 1x1 and 3x3."""
    adversarial_weight: float = 0.004
    """Weight of the adversarial loss; 0 trains without an adversary."""
    adversarial_form: Literal["sigmoid", "hinge", "relativistic"] = "sigmoid"
    """sigmoid: as published; hinge; relativistic: real against generated of the same place."""
    r1_weight: float = 0.0
    """Weight of the penalty on the discriminator's squared gradient at real patches (R1)."""
    r1_interval: int = 16
    """Steps between two penalties; each is multiplied by this number."""
    discriminator_learning_rate: float | None = None
    """Learning rate of the discriminator where it differs from --learning-rate; it follows the same schedule."""
    discriminator_filters: tuple[int, ...] = (32, 32, 64, 64, 128, 128, 256, 256)
    """Filters of the discriminator's convolutions, every second with stride 2."""
    discriminator_dense: int = 1024
    """Units of its dense layer."""
    spectral_norm: bool = False
    """Keep the norm of the discriminator's kernels at 1."""
    instance_noise: float = 0.0
    """Standard deviation of noise on what the discriminator sees, falling to zero over the adversarial phase."""
    start_from: str | None = None
    """Generator to start from (model name, model folder or run folder); skips the pre-training."""
    keep_normalization: bool = True
    """With --start-from, keep that model's normalisation; otherwise measure that of the data."""
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
    schedule: Literal["steps", "one-cycle", "cosine"] = "steps"
    """Adversarial phase: the two rates in turn; one cycle up to --learning-rate; a cosine between the two."""
    clip_norm: float = 0.0
    """Largest norm of each network's whole gradient; 0 does not limit it."""
    ema_decay: float = 0.0
    """Decay of the moving average of the generator's weights that is evaluated and exported; 0 takes the last weights."""
    balance: Literal["extra", "skip", "none"] = "extra"
    """extra: one more step for the network that is behind; skip: a discriminator far ahead skips its step; none:
    one step each (with --adversarial-form hinge or relativistic, whose losses have no such thresholds)."""
    balance_low: float = 0.46
    """The discriminator is ahead when its loss is below (0.69 is that of a guess)."""
    balance_high: float = 0.6
    """The discriminator is behind when its loss is above."""
    validation_patches: int = 256
    """Held-out patches of the evaluation after every epoch."""
    matching_pairs: int = 64
    """Pairs per lag for the scale of an untrained encoder."""
    compile: bool = False
    """Compile generator, discriminator and content loss (pays on a GPU)."""


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

GAN_PRESETS: dict[str, GanConfig] = {"smoke": _GAN_SMOKE, "demo": _GAN_DEMO, "paper": _GAN_PAPER}
"""Settings by the name that ``--preset`` takes: a minute, hours on a few cores, the numbers of the paper."""
