"""What a run of :mod:`atmodist_core.training.gan.gan_training` checks and reads before it starts."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.fields.sharpness import BANDS
from atmodist_core.models.card import CARD_FILE, ModelCard
from atmodist_core.models.store import load_network
from atmodist_core.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from atmodist_core.networks.flow_network import state_channels
from atmodist_core.training.configuration import (
    DownscalingConfig,
    FlowMatchingConfig,
    GanConfig,
    require_positive,
)
from atmodist_core.training.data.amplitude import AmplitudeScaling
from atmodist_core.training.gan.adversarial import use_spectral_norm


def start_settings(config: DownscalingConfig, start: "StartModel | None") -> dict[str, Any]:
    """How data are read for a training of generators: normalisation and amplitude of the start, several grids."""
    scaling = None
    if config.amplitude == "coarse-field":
        kept = start.card.amplitude if start is not None and config.keep_normalization else {}
        scaling = AmplitudeScaling(config.factor, kept or None)
    return {
        "normalization": start.card.normalization if start and config.keep_normalization else None,
        "several_grids": True,
        "scaling": scaling,
    }


@dataclass(frozen=True)
class StartModel:
    """A trained generator that a run starts from."""

    card: ModelCard
    tensors: dict[str, Tensor]  # fitting the generator that is trained
    network: Generator  # as it was


def generator_config(config: DownscalingConfig) -> GeneratorConfig:
    """Architecture of a configuration's generator."""
    channels, noise = len(config.data.channels), config.noise_channels
    if isinstance(config, FlowMatchingConfig):
        # The state of the flow and the time take the place of noise at the coarse points.
        noise = state_channels(channels, config.factor)
    return GeneratorConfig(
        channels=channels,
        factor=config.factor,
        filters=config.filters,
        blocks=config.residual_blocks,
        upsampling=config.upsampling,
        residual=config.residual,
        noise_channels=noise,
        fine_noise_channels=config.fine_noise_channels,
        condition_channels=BANDS * channels if config.condition == "sharpness" else 0,
        output_filter=config.output_filter,
        filter_cutoff=config.filter_cutoff,
        conserve_block_mean=config.conserve_block_mean,
    )


def build_gan_networks(
    config: DownscalingConfig, start: StartModel | None
) -> tuple[Generator, Discriminator]:
    """Both networks; the discriminator has a seed of its own, so that it does not depend on the start."""
    torch.manual_seed(config.run.seed)
    generator = Generator(generator_config(config))
    if start is not None:
        generator.load_state_dict(start.tensors)
    torch.manual_seed(config.run.seed + 1)
    discriminator = Discriminator(
        DiscriminatorConfig(
            channels=len(config.data.channels),
            patch_size=config.data.patch_size,
            filters=config.discriminator_filters,
            dense_units=config.discriminator_dense,
        )
    )
    if config.spectral_norm:
        use_spectral_norm(discriminator)
    return generator, discriminator


_WITHOUT_WEIGHTS = ("output_filter", "filter_cutoff", "conserve_block_mean")
"""Options of a generator in which it may differ from the one it starts from: they have no weights."""


def load_start(config: DownscalingConfig, wanted: GeneratorConfig) -> StartModel:
    """Read the generator after ``--start-from``.

    It may differ in the layers that follow the network, and in channels of noise: the network then starts
    deaf to those it did not have.
    """
    name = str(config.start_from)
    in_run = Path(name) / "model"
    card, network = load_network(in_run if (in_run / CARD_FILE).is_file() else name)
    if not isinstance(network, Generator):
        raise UserError(
            f"Expected a generator after --start-from, found the {card.kind} model {card.name!r}; name one"
            " such as sr-4x-mse."
        )
    if card.channels != config.data.channels:
        raise UserError(
            f"Expected a generator of the channels {', '.join(config.data.channels)} after --start-from, found"
            f" {card.name!r} of {', '.join(card.channels)}; set --channels or name another."
        )
    found = network.config
    for entry in dataclasses.fields(wanted):
        asked, given = getattr(wanted, entry.name), getattr(found, entry.name)
        more_noise = entry.name in _MORE_INPUTS and given <= asked
        if asked != given and entry.name not in _WITHOUT_WEIGHTS and not more_noise:
            flag = _FLAGS.get(entry.name, entry.name).replace("_", "-")
            raise UserError(
                f"Expected a generator with --{flag} {asked} after --start-from, found {card.name!r} with {given};"
                " change one to match."
            )
    if found.condition_channels and found.noise_channels < wanted.noise_channels:
        raise UserError(
            f"Expected a generator with --noise-channels {wanted.noise_channels} after --start-from, as channels of noise come"
            f" before those of --condition, found {card.name!r} with {found.noise_channels}; start from one without a condition."
        )
    tensors = {k: v.clone() for k, v in network.state_dict().items()}
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Generator(wanted).state_dict().items()}
    for name, shape in shapes.items():
        known = tensors.get(name, torch.zeros(shape[0], 0, *shape[2:]))
        if known.shape != shape:  # further inputs of a convolution: noise
            tensors[name] = functional.pad(known, (0, 0, 0, 0, 0, shape[1] - known.shape[1]))
    return StartModel(card, tensors, network)


_FLAGS = {"blocks": "residual_blocks", "condition_channels": "condition"}
_MORE_INPUTS = ("noise_channels", "fine_noise_channels", "condition_channels")


def check_downscaling_config(config: DownscalingConfig) -> None:
    """Refuse numbers out of range that every training of generators has, by a UserError that names the flag."""
    check_settings_values(config)
    counts = (
        *(
            "factor",
            "spectrum_floor",
            "residual_blocks",
            "filters",
            "batch_size",
            "batches_per_epoch",
            "validation_patches",
        ),
        *("matching_pairs", "r1_interval", "discriminator_dense"),
    )
    rates = ("learning_rate", "final_learning_rate", "discriminator_learning_rate")
    require_positive(config, (*counts, *rates))
    rivals = ("amse_weight", "facl_weight", "sliced_wasserstein_weight", "gram_weight")
    require_not_negative(config, rivals)
    weights = (
        "spectrum_weight",
        "pattern_weight",
        "adversarial_weight",
        "r1_weight",
        "instance_noise",
        "clip_norm",
    )
    require_not_negative(config, (*weights, "noise_channels", "fine_noise_channels"))
    if not 0.0 <= config.smoothing_share <= 1.0:
        raise UserError(f"Expected --smoothing-share from 0 to 1, found {config.smoothing_share:g}; try 0.5.")
    if not 0.0 <= config.ema_decay < 1.0:
        raise UserError(f"Expected --ema-decay from 0 to below 1, found {config.ema_decay:g}; try 0.999.")
    if not config.discriminator_filters or min(config.discriminator_filters) <= 0:
        raise UserError("Expected positive numbers after --discriminator-filters, found none or zero.")
    if (config.condition != "none" or config.smoothing_share) and config.pool_normalized:
        raise UserError(
            "Expected --condition and --smoothing-share with coarse fields that are means of physical ones, found --pool-normalized;"
            " leave it out."
        )
    if config.conserve_block_mean and config.pool_normalized:
        raise UserError(
            "Expected --conserve-block-mean with coarse fields that are means of physical ones, found"
            " --pool-normalized; leave one of them out."
        )
    if config.factor < 2 or config.factor & (config.factor - 1):
        raise UserError(f"Expected a --factor that is a power of two (2, 4, 8 ...), found {config.factor}.")
    generator_config(config)  # refuses what does not go together
    if config.data.patch_size <= 0 or config.data.patch_size % config.factor:
        raise UserError(
            f"Expected a --patch-size that --factor {config.factor} divides, found {config.data.patch_size}; "
            f"choose {max(1, config.data.patch_size // config.factor) * config.factor}."
        )


def require_not_negative(config: DownscalingConfig, names: Sequence[str]) -> None:
    """Refuse a named setting below zero, by a UserError with the flag."""
    for name in names:
        if getattr(config, name) < 0:
            raise UserError(
                f"Expected --{name.replace('_', '-')} of 0 or more, found {getattr(config, name)}."
            )


def check_gan_config(config: GanConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_downscaling_config(config)
    require_positive(config, ("pretraining_learning_rate",))
    weights = ("content_weight", "mse_weight", "l1_weight", "distribution_weight")
    require_not_negative(config, (*weights, "epochs", "final_epochs", "pretraining_epochs"))
    if (
        config.content_weight + config.mse_weight + config.l1_weight <= 0
        and config.epochs + config.final_epochs > 0
    ):
        raise UserError(
            "Expected a positive --content-weight, --mse-weight or --l1-weight, found all 0; an adversary"
            " alone does not constrain the fields."
        )
    if config.balance != "none" and config.adversarial_form != "sigmoid" and config.adversarial_weight > 0:
        raise UserError(
            f"Expected --balance none with --adversarial-form {config.adversarial_form}, found {config.balance};"
            " its thresholds are losses of the form sigmoid."
        )
    pretraining = 0 if config.start_from else config.pretraining_epochs
    if pretraining + config.epochs + config.final_epochs == 0:
        raise UserError(
            "Expected at least one epoch in --pretraining-epochs, --epochs and --final-epochs, found none."
        )
