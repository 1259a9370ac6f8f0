"""Settings that all trainings of downscaling generators share."""

from dataclasses import dataclass, field
from typing import Literal

from atmodist_core.training.settings.shared_configuration import DataConfig, RunConfig


@dataclass(frozen=True)
class DownscalingConfig:
    """Generator, encoder to compare by, adversary and optimiser."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    data: DataConfig = field(default_factory=DataConfig)
    """Fields and patches."""
    run: RunConfig = field(default_factory=RunConfig)
    """Folder, hardware, reports."""
    factor: int = 4
    """Ratio of the coarse to the fine grid spacing."""
    amplitude: Literal["training", "coarse-field"] = "training"
    """coarse-field divides fields by the amplitude of their own coarse field, and members may lie on several grids: for
    models that follow data of other amplitudes; training keeps the scale of the data."""
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
    fine_noise_channels: int = 0
    """Channels of noise added at the new points after each doubling of the resolution, for ensembles."""
    condition: Literal["none", "sharpness"] = "none"
    """sharpness: the generator is told how strong the added scales of the wanted fields are, as archives differ in that."""
    smoothing_share: float = 0.0
    """Share of the steps whose fine fields are smoothed first, each by another filter, so that smoother archives are known."""
    one_member_per_step: bool = False
    """Draw all patches of a step from one member, so that the spectrum of each archive and level is compared by itself."""
    output_filter: Literal["none", "low-pass"] = "none"
    """low-pass removes scales beyond the truncation of the data."""
    filter_cutoff: float = 0.5
    """Where the filter halves amplitudes, as a share of the grid's Nyquist wavenumber."""
    conserve_block_mean: bool = False
    """Make the block means of the physical output equal to the coarse input, by construction."""
    content: str = "atmodist"
    """What fine fields are compared by."""
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
    spectrum_weight: float = 0.0
    """Weight of the squared log ratio of generated to true power, beyond the coarse grid's Nyquist."""
    spectrum_floor: float = 1e-3
    """Share of the power at the coarse grid's Nyquist below which power counts as nothing in that term; lower for smooth archives."""
    pattern_weight: float = 0.0
    """Weight of the pattern of the coarse grid: positions in a coarse cell that differ more than the truth's."""
    amse_weight: float = 0.0
    """Weight of the adjusted mean squared error, which counts power and phase of every scale apart."""
    facl_weight: float = 0.0
    """Weight of the Fourier amplitude and correlation loss, one of the two at each step."""
    sliced_wasserstein_weight: float = 0.0
    """Weight of the sliced Wasserstein distance of patches of 7 x 7 points."""
    gram_weight: float = 0.0
    """Weight of the Gram matrices of an encoder's activations: that of --content, or else of --distance."""
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
    learning_rate: float = 1e-4
    """Learning rate of generator and discriminator."""
    final_learning_rate: float = 1e-5
    """Learning rate of the last epochs."""
    beta1: float = 0.9
    """First moment's decay of Adam."""
    clip_norm: float = 0.0
    """Largest norm of each network's whole gradient; 0 does not limit it."""
    ema_decay: float = 0.0
    """Decay of the moving average of the generator's weights that is evaluated and exported; 0 takes the last weights."""
    validation_patches: int = 256
    """Held-out patches of the evaluation after every epoch."""
    matching_pairs: int = 64
    """Pairs per lag for the scale of an untrained encoder."""
    compile: bool = False
    """Compile generator, discriminator and content loss (pays on a GPU)."""
